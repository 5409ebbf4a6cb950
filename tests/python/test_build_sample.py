"""The sample, built: every number equals the oracle's, and a second build changes nothing."""

import json
from collections import Counter
from decimal import Decimal

import pytest
from click.testing import CliRunner
from support.oracle import Oracle
from support.stories import Story, differences_between, environment_of

from orchestration.cli import main

pytest_plugins = ["support.stories"]


@pytest.fixture(scope="module")
def expected(sample: Story) -> Oracle:
    return sample.oracle()


def test_every_execution_costs_and_saves_what_the_oracle_says(
    sample: Story, expected: Oracle
) -> None:
    actual = sample.mart("fct_task_executions")
    assert not differences_between(expected.task_executions, actual)[:10]
    assert len(actual) == 3_000


def test_the_sample_shows_every_case(expected: Oracle) -> None:
    # Equality with the oracle says little about what never occurs.
    facts = expected.task_executions.values()
    assert {fact["pricing_status"] for fact in facts} >= {
        "priced", "no_model", "no_price_for_model", "no_usage", "token_split_unknown",
    }  # fmt: skip
    assert {fact["savings_status"] for fact in facts} >= {
        "compared", "not_completed", "cost_unknown",
    }  # fmt: skip
    assert Counter(fact["is_timed_out"] for fact in facts)[True] >= 3
    assert any(fact["savings_usd"] and fact["savings_usd"] < 0 for fact in facts)
    assert any(fact["routing_overhead_cost_usd"] for fact in facts)
    assert len({fact["reporting_timezone"] for fact in facts}) >= 3


def test_every_organization_period_equals_the_oracle(sample: Story, expected: Oracle) -> None:
    actual = sample.mart("organization_analytics")
    assert not differences_between(expected.organization_analytics, actual)[:10]
    periods = Counter(period for _, period, _ in actual)
    assert periods["daily"] > 100
    assert periods["daily"] > periods["weekly"] > periods["monthly"] > 0


def test_every_other_rollup_equals_the_oracle(sample: Story, expected: Oracle) -> None:
    for name, rows in expected.rollups.items():
        assert rows, name
        assert not differences_between(rows, sample.mart(name))[:10], name


def test_every_decision_equals_the_oracle(sample: Story, expected: Oracle) -> None:
    actual = sample.mart("fct_routing_decisions")
    assert not differences_between(expected.routing_decisions, actual)[:10]
    assert Counter(row["is_cheapest_choice"] for row in actual.values()).keys() >= {True, False}


@pytest.mark.parametrize("name", ["organizations", "users", "providers"])
def test_dimensions_hold_every_member(sample: Story, expected: Oracle, name: str) -> None:
    actual = sample.mart(f"dim_{name}")
    assert not differences_between(getattr(expected, name), actual)


def test_money_beside_usage_equals_the_oracle(sample: Story, expected: Oracle) -> None:
    for name in ("adjustments", "organization_bills"):
        mart = name.replace("adjustments", "fct_adjustments")
        assert not differences_between(getattr(expected, name), sample.mart(mart))[:10], name
    assert {row["amount_status"] for row in expected.adjustments.values()} == {
        "known", "no_exchange_rate",
    }  # fmt: skip


def test_a_second_build_with_nothing_new_writes_no_row(story_of_sample: Story) -> None:
    identities = story_of_sample.identities()
    assert len(identities) > 8
    written = story_of_sample.rows_written()
    story_of_sample.build()
    assert story_of_sample.identities() == identities
    # Rows that were written and taken back leave no trace above, only here.
    assert story_of_sample.rows_written() == written


def test_a_full_refresh_changes_no_number(story_of_sample: Story) -> None:
    story_of_sample.assert_equals_full_refresh()


def test_savings_under_every_policy_and_measured_ones_equal_the_oracle(
    sample: Story, expected: Oracle
) -> None:
    assert not differences_between(
        expected.savings_by_policy, sample.mart("fct_savings_by_policy")
    )[:10]
    measured = sample.mart("fct_measured_savings")
    assert not differences_between(expected.measured_savings, measured)[:10]
    assert len(measured) >= 10
    compared = Counter[str]()
    for (_, _, policy), row in expected.savings_by_policy.items():
        compared[policy] += row["compared_tasks"]
    assert min(compared[name] for name in ("headline", "decision_recorded")) > 100
    assert compared["most_expensive_alternative"] > 100


def test_cost_lines_add_up_and_work_lists_miss_nothing(sample: Story) -> None:
    # A returned row is an execution whose lines differ from its cost.
    assert not sample.rows("""
        select facts.execution_id
        from marts.fct_task_executions as facts
        left join marts.fct_cost_lines as lines on facts.execution_id = lines.execution_id
        group by facts.execution_id, facts.cost_usd
        having coalesce(sum(lines.cost_usd), 0) <> coalesce(facts.cost_usd, 0)
    """)
    facts = sample.mart("fct_task_executions").values()
    unpriced = Counter(fact["pricing_status"] for fact in facts)
    del unpriced["priced"], unpriced["gateway_cache_hit"]
    listed = Counter[str]()
    for row in sample.rows("select * from marts.unpriced_usage where priced_as = 'usage'"):
        listed[row["reason"]] += row["total_tasks"]
    assert listed == unpriced
    used = sample.row("select sum(total_tasks) as tasks from marts.model_usage")
    assert used["tasks"] == len(facts)


def test_the_summary_shows_savings_and_how_far_the_estimate_is_off(sample: Story) -> None:
    with environment_of(sample.database):
        result = CliRunner().invoke(main, ["summary"])
    assert result.exit_code == 0, result.output
    (row,) = sample.rows("""
        select
            count(*) as runs,
            round(100 * sum(estimate_error_usd) / sum(measured_baseline_cost_usd), 1) as bias
        from marts.fct_measured_savings
    """)
    text = " ".join(result.output.split())
    assert f"{row['runs']} executions were also run on their baseline" in text
    assert f"({row['bias']:+} %)" in text


def test_the_summary_of_an_organization_and_a_month_adds_up(sample: Story) -> None:
    facts = [
        fact
        for fact in sample.mart("fct_task_executions").values()
        if str(fact["metric_date"]).startswith("2026-10")
    ]
    organization_id = Counter(fact["organization_id"] for fact in facts).most_common(1)[0][0]
    own = [fact for fact in facts if fact["organization_id"] == organization_id]
    spend = Counter[str]()
    for fact in own:
        spend[fact["provider"]] += fact["cost_usd"] or 0
    (named,) = sample.rows(
        "select organization_name as name from marts.dim_organizations where organization_id = %s",
        organization_id,
    )
    for organization in (organization_id, named["name"]):
        document = json.loads(summary(sample, organization, "--month", "2026-10", "--json"))
        assert document["organization"]["organization_id"] == organization_id
        assert document["landed"] is None
        assert document["totals"]["total_tasks"] == len(own)
        assert Decimal(document["totals"]["total_spend_usd"]) == sum(spend.values())
        assert {
            row["provider"]: Decimal(row["total_spend_usd"]) for row in document["providers"]
        } == spend
        assert sum(int(row["total_tasks"]) for row in document["unpriced"]) == sum(
            fact["cost_usd"] is None for fact in own
        )
    assert f"{len(own):,} of 1 organizations" in summary(sample, organization_id)
    assert "No executions of that" in summary(sample, organization_id, "--month", "1999-12")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--month", "2026-13"), "'2026-13' is not a month. Write it as 2026-10."),
        (("--organization", "nobody"), "No organization has the id or the name 'nobody'"),
    ],
)
def test_the_summary_of_what_cannot_be_is_refused(
    sample: Story, arguments: tuple[str, ...], message: str
) -> None:
    with environment_of(sample.database):
        result = CliRunner().invoke(main, ["summary", *arguments])
    assert result.exit_code == 1
    assert message in result.output


def summary(story: Story, organization: str, *arguments: str) -> str:
    with environment_of(story.database):
        result = CliRunner().invoke(main, ["summary", "--organization", organization, *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_a_build_says_where_layers_differ(story_of_sample: Story) -> None:
    """A changed row is noticed when its day is built again, and shown with its place."""
    organization_id = story_of_sample.row(
        "select organization_id from marts.fct_task_executions "
        "where metric_date = '2026-10-20' and status = 'completed' limit 1"
    )["organization_id"]
    with story_of_sample.database.connect() as connection:
        connection.execute(
            "update intermediate.int_organization_hours set total_tasks = total_tasks + 1 "
            "where ctid = (select ctid from intermediate.int_organization_hours "
            "where organization_id = %s and metric_date = '2026-10-20' limit 1)",
            (organization_id,),
        )
        connection.execute(
            "delete from intermediate.int_bookmarks where model_name = 'reconciled_days'"
        )
    with pytest.raises(AssertionError, match="assert_layers_reconcile"):
        story_of_sample.build("reconciled_days+", with_tests=True)
    (row,) = story_of_sample.rows(
        "select comparison, organization_id, metric_date::text, count_difference, "
        "differing_measures, cause from quality.reconciliation where status = 'different'"
    )
    assert row == {
        "comparison": "facts_to_hours",
        "organization_id": organization_id,
        "metric_date": "2026-10-20",
        "count_difference": -1,
        "differing_measures": "total_tasks",
        "cause": "unexplained",
    }
