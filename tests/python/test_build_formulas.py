"""A formula that changed takes effect in the next build, and the example of a new rollup works."""

import datetime as dt
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from support.events import execution, organization
from support.stories import NOW, Project, Story, environment_of

from orchestration.cli import main
from orchestration.project import project_root

pytest_plugins = ["support.stories"]

# All of May is sealed then, and its executions have left.
LATER = "2026-12-01T12:00:00Z"

Weeks = Mapping[tuple[str, dt.date, str | None], tuple[int, Decimal]]


def call(number: int, day: str, **fields: Any) -> dict[str, Any]:
    times = {"start_time": 0, "end_time": 8, "updated_at": 9}
    stamps = {name: f"{day}T10:00:{second:02}Z" for name, second in times.items()}
    return execution(number, **stamps | fields)


@contextmanager
def edited(path: Path, old: str, new: str) -> Iterator[None]:
    """Change a file of the project's copy for a while."""
    before = path.read_text(encoding="utf-8")
    assert before.count(old) == 1, before
    path.write_text(before.replace(old, new), encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(before, encoding="utf-8")


def spend(story: Story) -> Decimal:
    facts, days = (
        story.row(f"select sum({column}) as usd from marts.{table}")["usd"]  # noqa: S608
        for table, column in (
            ("fct_task_executions", "cost_usd"),
            ("organization_days", "total_spend_usd"),
        )
    )
    assert facts == days
    return Decimal(facts)


def test_rules_that_changed_take_effect_in_the_next_build(story: Story) -> None:
    story.land(organization(), *(call(number, "2026-03-02") for number in range(1, 6)))
    story.build()
    before = spend(story)
    negative = "select negative_savings_tasks as tasks from marts.organization_days"
    assert story.row(negative)["tasks"] == 5

    macros, models = story.project.root / "macros", story.project.root / "models"
    with (
        edited(
            macros / "pricing" / "usage_cost_usd.sql",
            "coalesce({{ quantity }} *",
            "coalesce(2 * {{ quantity }} *",
        ),
        edited(
            models / "intermediate" / "days" / "int_organization_days.sql",
            "executions.savings_usd < 0",
            "executions.total_tokens < 0",
        ),
    ):
        story.build()
        assert spend(story) == 2 * before
        assert story.row(negative)["tasks"] == 0
        reasons = story.rows("select distinct reason from marts.fct_cost_corrections")
        assert reasons == [{"reason": "repaired"}]

    story.build()
    assert spend(story) == before
    story.assert_equals_oracle()


def examples() -> dict[str, str]:
    """Return the files of the example in CONTRIBUTING.md, the yml under the name `yml`."""
    text = (project_root() / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.split("### How to add a rollup")[1]
    days, entry, weeks = re.findall(r"```(?:sql|yaml)\n(.*?)```", section, re.DOTALL)[:3]
    return {"int_code_language_days": days, "yml": entry, "code_language_weeks": weeks}


@pytest.fixture
def example(project: Project) -> Iterator[None]:
    """Add the example to the project's copy, with a contract of the view."""
    files = examples()
    columns = "".join(
        f"      - name: {name}\n        data_type: {kind}\n"
        for name, kind in {
            "organization_id": "uuid",
            "metric_date": "date",
            "code_language": "text",
            "total_tasks": "bigint",
            "total_spend_usd": "numeric(28, 12)",
        }.items()
    )
    view = f"  - name: code_language_weeks\n    columns:\n{columns}"
    days = project.root / "models" / "intermediate" / "days"
    marts = project.root / "models" / "marts" / "organizations"
    written = {
        days / "int_code_language_days.sql": files["int_code_language_days"],
        days / "example.yml": f"models:\n{files['yml']}",
        marts / "code_language_weeks.sql": files["code_language_weeks"],
        marts / "example.yml": f"models:\n{view}",
    }
    for path, content in written.items():
        path.write_text(content, encoding="utf-8")
    yield
    for path in written:
        path.unlink()


def weeks(story: Story) -> Weeks:
    return {
        (str(row["organization_id"]), row["metric_date"], row["code_language"]): (
            row["total_tasks"],
            row["total_spend_usd"],
        )
        for row in story.rows("select * from marts.code_language_weeks")
    }


def expected_weeks(story: Story) -> Weeks:
    """Return the same from the events alone."""
    tasks: Counter[tuple[str, dt.date, str | None]] = Counter()
    usd: dict[tuple[str, dt.date, str | None], Decimal] = {}
    for fact in story.oracle().task_executions.values():
        day = fact["metric_date"]
        key = (
            str(fact["organization_id"]),
            day - dt.timedelta(days=day.weekday()),
            fact["code_language"],
        )
        tasks[key] += 1
        usd[key] = usd.get(key, Decimal(0)) + (fact["cost_usd"] or 0)
    return {key: (tasks[key], usd[key]) for key in tasks}


@pytest.mark.usefixtures("example")
def test_the_example_of_a_new_rollup_holds_through_changes_sealing_and_repair(story: Story) -> None:
    story.land(
        organization(),
        call(1, "2026-05-04", code_language="python"),
        call(2, "2026-05-10", code_language="python"),
        call(3, "2026-05-11", code_language=None),
        call(4, "2026-05-11", code_language="go", status="running", end_time=None),
    )
    story.build()
    assert weeks(story) == expected_weeks(story)
    assert len(weeks(story)) == 3

    later = {"updated_at": "2026-05-20T00:00:00Z"}
    story.land(
        call(2, "2026-05-10", code_language="rust", **later),
        call(3, "2026-05-18", code_language="go", **later),
        call(4, "2026-05-11", code_language=None, **later),
        call(5, "2026-09-01", code_language="go"),
    )
    story.build()
    built = weeks(story)
    assert built == expected_weeks(story)
    assert {language for _, _, language in built} == {"python", "rust", "go", None}

    check = ("test", "--select", "int_code_language_days", "--vars")
    everything = json.dumps({"now": NOW, "full_check": True})
    story.project.run(story.database, *check, everything, now=None)
    with story.database.connect() as connection:
        connection.execute(
            "update intermediate.int_code_language_days set total_spend_usd = total_spend_usd + 1 "
            "where metric_date = '2026-09-01'"
        )
    with pytest.raises(AssertionError, match="adds_up_to_facts_int_code_language_days"):
        story.project.run(story.database, *check, everything, now=None)
    rebuilt = {"now": NOW, "rebuild_from": "2026-09-01"}
    story.project.run(story.database, "build", "--vars", json.dumps(rebuilt), now=None)
    assert weeks(story) == built

    with environment_of(story.database):
        archive = str(story.folder / "archive")
        result = CliRunner().invoke(main, ["retention", "--now", LATER, "--archive", archive])
    assert result.exit_code == 0, result.output
    assert len(story.rows("select from marts.fct_task_executions")) == 1
    story.build(full_refresh=True)
    assert weeks(story) == built
