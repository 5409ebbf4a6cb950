"""The sample, built: every number equals the oracle's, and a second build changes nothing."""

from collections import Counter

import pytest
from oracle import Oracle
from stories import Story, differences_between

pytest_plugins = ["stories"]


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


def test_every_organization_day_equals_the_oracle(sample: Story, expected: Oracle) -> None:
    actual = sample.mart("organization_analytics")
    assert not differences_between(expected.organization_days, actual)[:10]
    assert len(actual) > 100


def test_every_decision_equals_the_oracle(sample: Story, expected: Oracle) -> None:
    actual = sample.mart("fct_routing_decisions")
    assert not differences_between(expected.routing_decisions, actual)[:10]
    assert Counter(row["is_cheapest_choice"] for row in actual.values()).keys() >= {True, False}


@pytest.mark.parametrize("name", ["organizations", "users", "providers"])
def test_dimensions_hold_every_member(sample: Story, expected: Oracle, name: str) -> None:
    actual = sample.mart(f"dim_{name}")
    assert not differences_between(getattr(expected, name), actual)


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
