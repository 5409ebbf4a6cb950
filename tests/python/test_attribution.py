"""Whose an execution is, what it was for and where it comes from reaches the facts."""

import contextlib
import datetime as dt
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from support.events import ATTRIBUTION, FAMILIES, execution, organization, uuid_of
from support.oracle import Row
from support.stories import NOW, Project, Seeds, Story, environment_of, price

from orchestration.cli import main
from orchestration.database import migrate as migrate_module
from orchestration.database.migrate import migrate, newest_revision
from orchestration.project import project_root

pytest_plugins = ["support.stories"]

VERSIONS = Path(migrate_module.__file__).parent / "migrations" / "versions"
METADATA = {"client": "cli", "attempt": 2}
NOTHING: dict[str, Any] = dict.fromkeys([*ATTRIBUTION, "metadata"])

# Details of sealed days stay in this test.
KEPT_DETAILS = """
create or replace view intermediate.int_retention_limits as
select
    cast(null as uuid) as organization_id, 90 as seal_after_days, 400 as detail_days,
    400 as hourly_days, 90 as raw_days, 730 as audit_days
"""


def call(number: int, **fields: Any) -> dict[str, Any]:
    """Return an execution of which each 1,000 tokens in and 200 out are all that is charged."""
    plain = dict.fromkeys(("cached_input_tokens", "cache_write_tokens", "reasoning_tokens"))
    return execution(number, **plain | {"provider": "house", "model": "quick"} | fields)


def again(number: int, version: int, **fields: Any) -> dict[str, Any]:
    """Return another version of an execution; later versions have higher numbers."""
    return call(
        number,
        event_id=uuid_of(version * 1_000 + number),
        updated_at=f"2026-03-01T1{version}:00:00Z",
        **fields,
    )


def said(story: Story, number: int) -> Row:
    fact = story.fact(uuid_of(1_000_000 + number))
    return {name: fact[name] for name in NOTHING}


def test_what_a_source_says_last_stands_in_the_facts(story: Story) -> None:
    story.land(
        organization(),
        call(1, metadata=METADATA, **ATTRIBUTION),
        call(2, metadata=None, tags=[]),
        call(3, metadata=None),
    )
    story.build()
    assert said(story, 1) == {**ATTRIBUTION, "metadata": METADATA}
    assert said(story, 2) == NOTHING | {"tags": []}
    assert said(story, 3) == NOTHING

    # Another project and other tags, and nothing else.
    other = {"project": "returns", "tags": ["weekly"]}
    before = story.fact(uuid_of(1_000_001))
    story.land(again(1, 1, metadata=METADATA, **ATTRIBUTION | other))
    story.build()
    assert said(story, 1) == {**ATTRIBUTION, "metadata": METADATA} | other
    after = story.fact(uuid_of(1_000_001))
    assert {name for name in before if before[name] != after[name]} == {
        "project", "tags", "event_id", "updated_at",
    }  # fmt: skip
    assert story.rows("select * from marts.fct_cost_corrections") == []

    # What the last version leaves out is not known any more.
    story.land(again(1, 2, metadata=None))
    story.build(with_tests=True)
    assert said(story, 1) == NOTHING
    story.assert_equals_oracle()

    built = story.marts()
    story.build(full_refresh=True)
    assert story.marts() == built


def test_versions_of_one_moment_that_name_two_projects_are_disputed(story: Story) -> None:
    first, second = again(1, 1, project="checkout"), again(1, 1, project="returns")
    same = again(2, 1, project="checkout")
    story.land(organization(), first, second | {"event_id": uuid_of(9)}, same,
               same | {"event_id": uuid_of(8)})  # fmt: skip
    story.build()
    disputes = story.rows("select entity_id, reason, event_id from quality.disputed_versions")
    assert sorted(disputes, key=str) == sorted(
        (
            {"entity_id": uuid_of(1_000_001), "reason": "ambiguous", "event_id": event_id}
            for event_id in (uuid_of(9), uuid_of(1_001))
        ),
        key=str,
    )


def queries() -> list[str]:
    text = (project_root() / "docs" / "attribution.md").read_text(encoding="utf-8")
    return re.findall(r"^```sql\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_the_queries_of_the_document_say_what_each_cost(story: Story, seeds: Seeds) -> None:
    # 1,000 tokens in at 7 and 200 out at 21 USD a million: 0.0112 USD.
    seeds.add("provider_pricing", price("house", "quick"), price("house", "slow"))
    october = {"start_time": "2026-10-05T10:00:00Z", "end_time": "2026-10-05T10:00:08Z"}
    shop, site = {"repository": "acme/shop"}, {"repository": "acme/site"}
    story.land(
        # New Year in UTC, and still December in New York.
        organization(timezone="America/New_York"),
        call(1, project="checkout", time_to_first_token_ms=100, **shop,
             start_time="2026-01-01T02:00:00Z", end_time="2026-01-01T02:00:08Z"),
        call(2, project="checkout", time_to_first_token_ms=200, tags=["ci", "big"], **october),
        call(3, project="checkout", time_to_first_token_ms=300, tags=["ci"], status="failed",
             **shop, **october),
        call(4, project="returns", time_to_first_token_ms=400, input_tokens=2_000,
             tags=["big"], **site, **october),
        call(5, project="returns", time_to_first_token_ms=1_000, model="unheard-of",
             tags=["ci"], **shop, **october),
        call(6, time_to_first_token_ms=1_000, **october),
        call(7, model="slow", **october),
        call(8, model="slow", time_to_first_token_ms=0, **october),
    )  # fmt: skip
    story.build()
    by_project, by_repository, by_tag, first_tokens = map(story.rows, queries())
    december, october_first = dt.date(2025, 12, 1), dt.date(2026, 10, 1)

    def spend(name: str, rows: list[Row]) -> list[tuple[Any, ...]]:
        return [
            (row.get("month"), row[name], row["executions"], row["unpriced_executions"],
             row["spend_usd"])
            for row in rows
        ]  # fmt: skip

    assert spend("project", by_project) == [
        (december, "checkout", 1, 0, Decimal("0.0112")),
        (october_first, None, 3, 0, Decimal("0.0336")),
        (october_first, "checkout", 2, 0, Decimal("0.0224")),
        # 2,000 tokens in; the other one has no price.
        (october_first, "returns", 2, 1, Decimal("0.0182")),
    ]
    assert spend("repository", by_repository) == [
        (december, "acme/shop", 1, 0, Decimal("0.0112")),
        (october_first, "acme/site", 1, 0, Decimal("0.0182")),
        (october_first, "acme/shop", 2, 1, Decimal("0.0112")),
    ]
    assert spend("tag", by_tag) == [
        (None, "big", 2, 0, Decimal("0.0294")),
        (None, "ci", 3, 1, Decimal("0.0224")),
    ]
    found = [(row["model"], row["executions"], row["p50_ms"], row["p95_ms"])
             for row in first_tokens]  # fmt: skip
    assert found == [("quick", 5, 300, 1_000), ("slow", 1, 0, 0), ("unheard-of", 1, 1_000, 1_000)]


@contextlib.contextmanager
def before_attribution(project: Project) -> Iterator[None]:
    """Take the columns out of the models for a while, as they were before revision 0017."""
    models = project.root / "models"
    files = [
        path
        for path in models.rglob("*.sql")
        if re.search("attribution_columns|time_to_first_token_ms", path.read_text("utf-8"))
    ]
    assert len(files) == 5 + 3
    files.append(models / "marts" / "executions" / "fct_task_executions.yml")
    files.append(models / "marts" / "quality" / "disputed_versions.sql")
    found = {path: path.read_text(encoding="utf-8") for path in files}
    columns = "|".join(NOTHING)
    for path, text in found.items():
        without = re.sub(
            r"^ .*(?:\{\{ attribution_columns\(|time_to_first_token_ms).*,\n", "", text,
            flags=re.MULTILINE,
        )  # fmt: skip
        without = re.sub(
            rf"^      - name: (?:{columns})\n(?:        .*\n)+", "", without, flags=re.MULTILINE
        )
        without = without.replace("placed.source = 'claude_code'", "false")
        assert without != text
        path.write_text(without, encoding="utf-8")
    try:
        yield
    finally:
        for path, text in found.items():
            path.write_text(text, encoding="utf-8")


def facts_before(story: Story) -> list[Row]:
    """Return the facts without the columns that are new."""
    return [
        {name: value for name, value in row.items() if name not in NOTHING}
        for row in story.rows("select * from marts.fct_task_executions order by execution_id")
    ]


def run(story: Story, *arguments: str) -> str:
    with environment_of(story.database):
        result = CliRunner().invoke(main, list(arguments))
    assert result.exit_code == 0, result.output
    return result.output


def test_a_warehouse_of_the_revision_before_keeps_its_facts_and_proofs(story: Story) -> None:
    october = {"start_time": "2026-10-05T10:00:00Z", "end_time": "2026-10-05T10:00:08Z"}
    claude = {"provider": "anthropic", "model": "claude-3-7-sonnet-20250219"}
    story.land(
        organization(),
        *(call(number, metadata=METADATA, **claude) for number in (1, 2)),
        call(3, metadata=METADATA, **claude, **october),
    )
    with before_attribution(story.project):
        story.build(full_refresh=True)
        with story.database.connect(autocommit=True) as connection:
            connection.execute(KEPT_DETAILS)
        run(story, "retention", "--now", NOW, "--archive", str(story.folder / "archive"))
    before = facts_before(story)
    assert [row["cost_usd"] is None for row in before] == [False] * 3
    assert not before[0].keys() & {"metadata", "project"}
    totals = re.search(
        r"create or replace view raw\.event_totals as\n.*?;",
        (VERSIONS / "0007_all_usage.sql").read_text("utf-8"),
        re.DOTALL,
    )
    assert totals
    with story.database.connect(autocommit=True) as connection:
        connection.execute(totals[0].replace(" as\n", " with (security_invoker = true) as\n", 1))
        for column in ATTRIBUTION:
            connection.execute(f"alter table raw.task_executions drop column {column}".encode())
        connection.execute("drop table ledger.source_positions")
        connection.execute("drop function ledger.protect_source_positions()")
        for kind in (*FAMILIES, "shadow_evaluation"):
            connection.execute(f"drop table raw.{kind}s cascade".encode())
            connection.execute(f"alter table raw.loads drop column {kind}_count cascade".encode())
        connection.execute(
            "alter table raw.loads add constraint loads_count_every_kind check (lines_accepted "
            "= task_execution_count + routing_decision_count + organization_count + user_count "
            "+ adjustment_count)"
        )
        connection.execute("update raw.alembic_version set version_num = '0016'")

    with environment_of(story.database):
        assert migrate() == ("0016", newest_revision())
    story.build(full_refresh=True, with_tests=True)
    assert facts_before(story) == before
    # Sealed days are as they were sealed; of the open ones everything is known.
    assert [said(story, number) for number in (1, 2)] == [NOTHING, NOTHING]
    assert said(story, 3) == NOTHING | {"metadata": METADATA}
    run(story, "verify")

    # What comes late for a sealed day changes nothing in it, and open days go on.
    story.land(again(1, 1, **claude, **ATTRIBUTION), call(4, **claude, **october, **ATTRIBUTION))
    story.build()
    assert facts_before(story)[:3] == before
    assert said(story, 1) == NOTHING
    assert said(story, 4)["project"] == "checkout"
    run(story, "verify")
