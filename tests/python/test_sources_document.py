"""What the documents say about each source is what the code says.

With KEEP_DOCUMENTS=1 the generated parts are written instead of compared.
"""

import csv
import io
import os
import textwrap
from collections.abc import Mapping
from pathlib import Path

import pytest

from orchestration.landing.contracts import RoutingDecision, TaskExecution
from orchestration.sources.pulls.apis import APIS, Api
from orchestration.sources.registry import SOURCES, gaps
from orchestration.sources.source import Source

ROOT = Path(__file__).parents[2]
END = "<!-- end of generated -->"
WIDTH = 118


def section(source: Source) -> str:
    heading = f"### {source.name}"
    paragraphs = [
        f"{source.title}: {source.reads}.",
        f"`warehouse import {source.name} PATH... --organization NAME` reads files that end in "
        f"{listed(source.endings)}.",
    ]
    if source.name in APIS:
        paragraphs.append(asked(APIS[source.name]))
    for kind, table in source.tables.items():
        fields = sorted("user_id" if field == "user" else field for field in table)
        paragraphs.append(f"`{kind}` has {listed(fields)}.")
    rows = ["| not known | why |", "|---|---|"]
    rows += [f"| {listed(fields)} | {reason} |" for reason, fields in by_reason(source.unknown)]
    wrapped = (textwrap.fill(paragraph, WIDTH, break_on_hyphens=False) for paragraph in paragraphs)
    return "\n\n".join((heading, *wrapped, "\n".join(rows)))


def asked(api: Api) -> str:
    reports = "; ".join(
        (f"with `--report {name}` " if len(api.reports) > 1 else "")
        + "for "
        + listed([report.path.replace("{account}", "ACCOUNT") for report in reports])
        for name, reports in api.reports.items()
    )
    return (
        f"`{pulling(api)}` asks `{api.url}` {reports}. {listed(api.variables)} "
        f"{'hold' if len(api.variables) > 1 else 'holds'} {api.needs}."
    )


def pulling(api: Api) -> str:
    account = " --account ACCOUNT" if api.has_account else ""
    return f"warehouse pull {api.source.name}{account} --since DAY --organization NAME"


def listed(names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def by_reason(unknown: Mapping[str, str]) -> list[tuple[str, list[str]]]:
    reasons = dict.fromkeys(unknown.values())
    return [(why, [field for field in unknown if unknown[field] == why]) for why in reasons]


OTHERS = {
    "[a LiteLLM proxy's database](docs/litellm.md)": (
        "LITELLM_DATABASE_URL=postgresql://... warehouse import litellm --organization NAME"
    ),
    "[instruments that send OpenTelemetry](docs/receiver.md)": (
        "warehouse serve otlp --organization NAME"
    ),
    "[events in a Kafka](docs/streams.md)": "warehouse consume kafka --topic TOPIC",
    "[events in a Redis, or BullMQ](docs/streams.md)": "warehouse consume redis --stream STREAM",
}
"""What is not read from files."""


def commands() -> str:
    rows = ["| I have | I type |", "|---|---|"]
    for source in SOURCES.values():
        rows.append(
            f"| [{source.title}](docs/sources.md#{source.name}) "
            f"| `warehouse import {source.name} PATH --organization NAME` |"
        )
        if source.name in APIS:
            rows.append(
                f"| the same, [from its API](docs/sources.md#pull-from-an-api) "
                f"| `{pulling(APIS[source.name])}` |"
            )
    rows += [f"| {have} | `{command}` |" for have, command in OTHERS.items()]
    return "\n".join(rows)


@pytest.mark.parametrize(
    ("document", "name", "wanted"),
    [
        ("docs/sources.md", "sources", "\n\n".join(map(section, SOURCES.values()))),
        ("README.md", "commands", commands()),
    ],
)
def test_a_document_says_what_the_code_says(document: str, name: str, wanted: str) -> None:
    path = ROOT / document
    before, begin, rest = path.read_text().partition(f"<!-- generated: {name} -->\n")
    generated, end, after = rest.partition(END)
    assert begin, f"{document} has no part {name}"
    assert end, f"the part {name} of {document} has no end"
    if os.environ.get("KEEP_DOCUMENTS"):
        path.write_text(f"{before}{begin}\n{wanted}\n\n{end}{after}")
    else:
        assert generated.strip("\n") == wanted, "KEEP_DOCUMENTS=1 writes it"


def test_the_gaps_of_sources_are_those_that_the_code_says() -> None:
    path = ROOT / "seeds" / "sources" / "source_gaps.csv"
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("source", "field", "reason"))
    writer.writerows(gaps())
    if os.environ.get("KEEP_DOCUMENTS"):
        path.write_text(out.getvalue())
    else:
        assert path.read_text() == out.getvalue(), "KEEP_DOCUMENTS=1 writes it"


def test_a_gap_is_a_field_of_an_event() -> None:
    fields = {*TaskExecution.__struct_fields__, *RoutingDecision.__struct_fields__}
    assert {field for _, field, _ in gaps()} <= fields


def test_what_litellm_cannot_tell_stands_in_its_document() -> None:
    said = (ROOT / "docs" / "litellm.md").read_text()
    missing = [
        field for source, field, _ in gaps() if source == "litellm" and f"`{field}`" not in said
    ]
    assert not missing
