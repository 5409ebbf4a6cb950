"""The demo: a history that was built and sealed, and the last day that corrects it."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal

import pytest
from click.testing import CliRunner
from support.stories import NOW, Project, Seeds, Story, environment_of, story_database

from orchestration.cli import main
from orchestration.database.embedded import EmbeddedServer
from orchestration.project import project_root
from orchestration.sample import story as script
from orchestration.sample.generator import SampleSettings, generate_parts

pytest_plugins = ["support.stories"]

DEMO = SampleSettings(
    6_000, organizations=5, users=40, days=40, seed=1, now=datetime.fromisoformat(NOW)
)

(LATEST_PRICES,) = re.findall(
    r"^latest_prices=(.+)$", (project_root() / "orchestration/sample/demo.sh").read_text(), re.M
)
"""When the rows of the price book were recorded that come with the last day."""

EMPTY = {
    "unreconciled_executions": "it names who is to blame where layers differ, and here they agree",
}
"""Marts that the demo leaves empty, and why."""


def test_recipes_need_no_variable_that_may_be_unset() -> None:
    makefile = (project_root() / "Makefile").read_text(encoding="utf-8")
    # The shell of the recipes ends on a variable that is not set, unless it says what then.
    assert "SHELLFLAGS := -euo pipefail" in makefile
    assert set(re.findall(r"\$\$\{?(\w+\b)(?!:-)", makefile)) <= {"PATH", "environment"}


@pytest.fixture(scope="module")
def demo(
    embedded_server: EmbeddedServer,
    project: Project,
    migrated_template: Callable[[EmbeddedServer], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Story]:
    """Yield the warehouse as `make demo` leaves it."""
    folder = tmp_path_factory.mktemp("demo")
    with story_database(embedded_server, migrated_template(embedded_server)) as database:
        made = Story(project, database, folder)
        seeds = Seeds(project.prices)
        for name in ("provider_pricing", "price_factors", "usage_prices"):
            rows = seeds.read(name)
            seeds.write(name, [row for row in rows if row["recorded_at"] != LATEST_PRICES])
        history, last_day = generate_parts(DEMO)
        try:
            made.land_lines(list(history))
            made.build()
        finally:
            seeds.restore()
        with environment_of(database):
            sealed = CliRunner().invoke(
                main, ["retention", "--now", NOW, "--archive", str(folder / "archive")]
            )
        assert sealed.exit_code == 0, sealed.output
        made.land_lines(list(last_day))
        made.build(with_tests=True)
        yield made


def test_every_mart_and_every_live_view_has_something_to_show(demo: Story) -> None:
    names = sorted(path.stem for path in (demo.project.root / "models" / "marts").rglob("*.sql"))
    assert "live_organization_today" in names
    empty = {name for name in names if not demo.rows(f"select from {name} limit 1")}
    assert empty == EMPTY.keys()


def test_the_budget_and_the_bad_day_have_open_alerts(demo: Story) -> None:
    found = demo.rows("select * from marts.fct_alerts where is_open")
    (agent,) = {
        row["organization_id"]
        for row in demo.rows(
            "select organization_id from marts.fct_task_executions where task_id like %s",
            f"{script.AGENT_TASK}%",
        )
    }
    budgets = {
        alert["rule"]: alert["observed"] / alert["threshold"]
        for alert in found
        if alert["rule"].startswith("spend") and alert["organization_id"] == agent
    }
    # The month has ended where the organization is: nothing is projected any more.
    assert budgets.keys() == {
        "spend_is_below_budget_notice", "spend_is_below_budget_warning", "spend_is_below_budget",
    }  # fmt: skip
    # What the agent spends, and what everybody else does.
    assert Decimal("1.3") < budgets["spend_is_below_budget"] < Decimal("2.5")
    assert "few_tasks_fail" in {alert["rule"] for alert in found}
    bad_day, usual = demo.rows(
        """
        select sum(failed_tasks) / sum(total_tasks) as failed, sum(total_tasks) as tasks
        from marts.provider_days
        where provider = %s
        group by metric_date = '2026-10-30'
        order by metric_date = '2026-10-30' desc
        """,
        script.BAD_PROVIDER,
    )
    assert bad_day["tasks"] > 20
    assert bad_day["failed"] > 3 * usual["failed"]


def test_published_amounts_were_corrected_for_every_reason_that_the_demo_plants(
    demo: Story,
) -> None:
    reasons = demo.rows("select distinct reason from marts.fct_cost_corrections")
    assert {row["reason"] for row in reasons} >= {"new version", "price", "baseline"}


def test_the_pilot_is_sealed_and_what_came_late_stands_beside_it(demo: Story) -> None:
    (sealed,) = demo.rows("select * from marts.sealed_periods")
    assert sealed["late_corrections"] == 2
    late = demo.rows("select * from marts.late_corrections order by is_new_execution")
    assert [row["is_new_execution"] for row in late] == [False, True]
    assert all(row["spend_delta_usd"] > 0 for row in late)


def test_the_last_day_counts_and_everything_adds_up(demo: Story) -> None:
    (agent_at_work,) = demo.rows(
        """
        select sum(running_tasks) as running, sum(pending_executions) as pending
        from marts.live_organization_today
        """
    )
    assert agent_at_work["running"] >= 3
    assert agent_at_work["pending"] == 0
    demo.assert_reconciles()
