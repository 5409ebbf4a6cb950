"""What people write for a build reads the same in every session, or is refused."""

import json
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from support.events import organization
from support.stories import NOW, Seeds, Story, price

from orchestration.dbt.arguments import dbt_arguments

pytest_plugins = ["support.stories"]

FILE = "seeds/pricing/provider_pricing.csv"
A_TIME = "a time in ISO 8601 with its offset from UTC, from 2000 to 2100: 2026-02-01T00:00:00Z"
A_RATE = "a number from 0 on in plain digits, at most 8 before the point and 12 after it: 0.15"
A_COUNT = "a whole number from 0 to 9223372036854775807"
A_TEXT = "text on one line without blanks around it (or a quote is not closed)"
A_UUID = "a UUID: 5b0c4e9a-0d0e-4d7e-9d53-0a3c1f6c00aa"
IN_TWO_DAYS = (datetime.now(UTC) + timedelta(days=2)).isoformat()

WRONG_CELLS: list[tuple[str, str, str]] = [
    *(
        ("effective_from", text, f"'{text}' is not {A_TIME}")
        for text in (
            "01/02/2026",
            "2026-02-01",
            "2026-02-01T00:00:00",
            "2026-02-29T00:00:00Z",
            "2026-02-01T24:00:00Z",
            "1999-12-31T00:00:00Z",
            "2101-01-01T00:00:00Z",
            "infinity",
        )
    ),
    ("effective_until", "now", f"'now' is not {A_TIME}"),
    ("recorded_at", IN_TWO_DAYS, f"{IN_TWO_DAYS} is still to come; a row is recorded when it is "),
    ("recorded_at", "", "blank, and must not be"),
    *(
        ("input_usd_per_mtok", text, f"'{text}' is not {A_RATE}")
        for text in ("NaN", "1e-7", "1,000", "-1", "0.1234567890123", "123456789")
    ),
    ("context_over_tokens", "200000.0", f"'200000.0' is not {A_COUNT}"),
    ("organization_id", "ours", f"'ours' is not {A_UUID}"),
    ("model", "small ", f"'small ' is not {A_TEXT}"),
]

RIGHT_CELLS: list[tuple[str, str, str]] = [
    ("effective_from", "2026-02-01 00:00:00+00", "2026-02-01 00:00:00"),
    ("effective_from", "2026-02-01T05:30:00.000001+0530", "2026-02-01 00:00:00.000001"),
    ("effective_from", "2024-02-29T23:59-01:00", "2024-03-01 00:59:00"),
    ("effective_from", "2100-12-31T00:00:00Z", "2100-12-31 00:00:00"),
    ("input_usd_per_mtok", "0.000000000001", "0.000000000001"),
    ("input_usd_per_mtok", "0012345678.100000000000000", "12345678.100000000000"),
    ("context_over_tokens", "9223372036854775807", "9223372036854775807"),
    ("model", "ours, or yours", "ours, or yours"),
]


def refusal(
    story: Story, *command: str, variables: Mapping[str, object] | None = None
) -> list[str]:
    """Run a command of dbt that must fail, and return the lines that say why."""
    options = ("--vars", json.dumps(variables)) if variables else ()
    with pytest.raises(AssertionError) as error:
        story.project.run(story.database, *command, *options, now=None if variables else NOW)
    return [line.strip() for line in str(error.value).splitlines()]


def rows_with(cells: list[tuple[str, str, str]]) -> list[dict[str, str]]:
    return [price("acme", f"m{n}") | {name: text} for n, (name, text, _) in enumerate(cells)]


def test_a_cell_that_a_session_could_read_otherwise_is_refused_with_its_place(
    story: Story, seeds: Seeds
) -> None:
    seeds.write("provider_pricing", rows_with(WRONG_CELLS))
    said = refusal(story, "seed", "--select", "provider_pricing")
    assert f"{FILE} was not loaded. Its header is row 1." in " ".join(said)
    for row, (column, _, fault) in enumerate(WRONG_CELLS, start=2):
        assert any(line.startswith(f"row {row}, {column}: {fault}") for line in said), (row, said)

    window = {"effective_from": "2026-02-01T01:00:00+01:00"}
    seeds.write(
        "provider_pricing",
        [
            price("acme", "ends", **window, effective_until="2026-02-01T00:00:00.000001Z"),
            price("acme", "none", **window, effective_until="2026-02-01T00:00:00Z"),
        ],
    )
    said = refusal(story, "seed", "--select", "provider_pricing")
    (line,) = (line for line in said if line.startswith("row "))
    assert line == (
        "row 3, effective_until: 2026-02-01T00:00:00Z is not later than effective_from, "
        f"{window['effective_from']}"
    )
    assert story.rows("select * from reference.provider_pricing where provider = 'acme'") == []

    seeds.write("provider_pricing", rows_with(RIGHT_CELLS))
    story.project.run(story.database, "seed", "--select", "provider_pricing")
    for number, (column, _, loaded) in enumerate(RIGHT_CELLS):
        kind = "{} at time zone 'UTC'" if column == "effective_from" else "{}"
        found = story.row(
            f"select cast({kind.format(column)} as text) as cell "  # noqa: S608 - a column above
            "from reference.provider_pricing order by ctid offset %s limit 1",
            number,
        )
        assert (column, found["cell"]) == (column, loaded)


def test_a_seed_without_its_columns_is_refused(story: Story, seeds: Seeds) -> None:
    path = story.project.prices / "model_aliases.csv"
    shipped = seeds.read("model_aliases")
    seeds.write("model_aliases", shipped)
    for content, fault in (
        ("", "the file is empty; its first line must name the columns"),
        ("provider,alias,model,recorded_at\n", "the column notes is missing"),
        ("provider,alias,model,recorded_at,notes,notes\n", "the column notes_2 is unknown"),
        ("provider;alias;model;recorded_at;notes\n", "the column provider;alias;model;recorded_at"),
    ):
        path.write_text(content, encoding="utf-8")
        said = refusal(story, "seed", "--select", "model_aliases")
        assert any(line.startswith(fault) for line in said), said
        assert "seeds/pricing/model_aliases.csv was not loaded" in " ".join(said)
        found = story.row("select count(*) as rows from reference.model_aliases")
        assert found["rows"] == len(shipped)
    path.write_text("provider,alias,model,recorded_at,notes\n", encoding="utf-8")
    story.project.run(story.database, "seed", "--select", "model_aliases")
    assert story.rows("select * from reference.model_aliases") == []


def test_a_var_that_a_session_could_read_otherwise_is_refused(story: Story) -> None:
    wrong = {
        "now": "01/02/2026",
        "as_of": "2026-11-01T00:00:00",
        "rebuild_from": "01.10.2026",
        "rebuild_organizations": ["ours"],
    }
    said = refusal(story, "build", "--select", "dim_dates", variables=wrong)
    day = "a day in ISO 8601, from 2000 to 2100: 2026-02-01"
    for line in (
        f"now: '01/02/2026' is not {A_TIME}",
        f"as_of: '2026-11-01T00:00:00' is not {A_TIME}",
        f"rebuild_from: '01.10.2026' is not {day}",
        f"rebuild_organizations: 'ours' is not {A_UUID}",
    ):
        assert line in said


def test_a_selection_that_takes_nothing_in_says_so(
    story: Story, capfd: pytest.CaptureFixture[str]
) -> None:
    said = refusal(story, "build", "--select", "nosuch")
    assert any("'nosuch' does not match any enabled nodes" in line for line in said), said
    story.land(organization())
    for selection, is_said in ((("dim_dates",), True), (("fct_task_executions",), False)):
        story.build(*selection)
        assert ("WAITING loads: 1. " in capfd.readouterr().out) is is_said
    story.build("dim_dates")
    assert "WAITING" not in capfd.readouterr().out


def test_what_is_built_without_a_selection_and_what_by_itself(
    story: Story, capfd: pytest.CaptureFixture[str]
) -> None:
    def listed(*options: str) -> Counter[str]:
        """Count what dbt lists, by its kind; models and seeds are listed without one."""
        story.project.run(story.database, "ls", *options)
        lines = capfd.readouterr().out.splitlines()
        return Counter(line.split(":")[0] if ":" in line else "other" for line in lines)

    unit_tests = listed("--select", "test_type:unit")
    assert unit_tests["unit_test"] == unit_tests.total() > 100
    plain = listed()
    everything = listed("--select", "fqn:*", "source:*")
    assert plain["unit_test"] == 0
    assert plain == everything - unit_tests
    _, *options = dbt_arguments(leave_views=True, leave_seeds=True)
    scheduled = listed(*options)
    assert scheduled.total() - scheduled["source"] <= 60
