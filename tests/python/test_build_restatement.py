"""Numbers that change although no event of their own arrives: organizations, decisions, clock."""

from decimal import Decimal
from typing import Any

import pytest
from support.events import (
    ORGANIZATION_ID,
    USER_ID,
    decision,
    execution,
    organization,
    user,
    uuid_of,
)
from support.stories import ROWS, Story

pytest_plugins = ["support.stories"]


def execution_id(number: int) -> str:
    return uuid_of(1_000_000 + number)


def decision_id(number: int) -> str:
    return uuid_of(3_000_000 + number)


# Organizations and users


def test_an_organization_that_arrives_late_restates_its_days_and_baselines(story: Story) -> None:
    # 23:30 UTC on the last of February is March in Berlin.
    at_night = {"start_time": "2026-02-28T23:30:00Z", "end_time": "2026-02-28T23:30:08Z"}
    story.land(execution(1, **at_night), execution(2))
    story.build(ROWS)
    fact = story.fact(execution_id(1))
    assert (str(fact["metric_date"]), fact["reporting_timezone"]) == ("2026-02-28", "UTC")
    assert (fact["savings_status"], fact["baseline_pricing_status"]) == (
        "baseline_unknown",
        "no_baseline",
    )
    assert fact["cost_usd"] > 0
    assert story.mart("dim_organizations")[ORGANIZATION_ID]["is_inferred"]
    story.assert_equals_oracle()

    story.land(organization())
    story.build(ROWS)
    fact = story.fact(execution_id(1))
    assert (str(fact["metric_date"]), fact["reporting_timezone"]) == ("2026-03-01", "Europe/Berlin")
    assert fact["savings_usd"] is not None
    assert list(story.days(ORGANIZATION_ID)) == ["2026-03-01"]
    assert not story.mart("dim_organizations")[ORGANIZATION_ID]["is_inferred"]
    story.assert_equals_oracle()
    story.assert_equals_full_refresh()


def test_a_new_version_of_an_organization_counts_from_its_date_on(story: Story) -> None:
    at_night = [
        execution(
            day,
            start_time=f"2026-03-{day:02d}T23:30:00Z",
            end_time=f"2026-03-{day:02d}T23:30:05Z",
        )
        for day in (3, 4, 5, 6)
    ]
    story.land(organization(), user(), *at_night)
    story.build(ROWS)
    assert list(story.days(ORGANIZATION_ID)) == [f"2026-03-0{day}" for day in (4, 5, 6, 7)]
    moved = {"timezone": "America/New_York", "baseline_model": "gpt-4o-mini"}
    story.land(organization(2, updated_at="2026-03-05T12:00:00Z", **moved))
    story.build(ROWS)
    # Half past eleven at night in London is the afternoon in New York: the fifth and the sixth.
    counts = {day: row["total_tasks"] for day, row in story.days(ORGANIZATION_ID).items()}
    assert counts == {"2026-03-04": 1, "2026-03-05": 2, "2026-03-06": 1}
    assert story.fact(execution_id(4))["baseline_model"] == "gpt-4o"
    assert story.fact(execution_id(5))["baseline_model"] == "gpt-4o-mini"
    story.assert_equals_oracle()

    # A version between the two and one before both arrive last.
    story.land(
        organization(3, updated_at="2026-03-04T00:00:00Z", timezone="Asia/Kolkata"),
        organization(4, updated_at="2025-12-01T00:00:00Z", timezone="Pacific/Auckland"),
    )
    story.build(ROWS)
    story.assert_equals_oracle()
    story.assert_equals_full_refresh()


def test_a_user_who_arrives_late_raises_the_head_count_since_then(story: Story) -> None:
    days = {
        number: {"start_time": f"2026-03-0{number}T10:00:00Z", "end_time": None}
        for number in (1, 2, 3)
    }
    story.land(
        organization(),
        *(execution(number, user_id=None, **times) for number, times in days.items()),
    )
    story.build(ROWS)
    assert [row["total_developers"] for row in story.days(ORGANIZATION_ID).values()] == [0, 0, 0]
    story.land(user(updated_at="2026-03-02T18:00:00Z"))
    story.build(ROWS)
    counts = {day: row["total_developers"] for day, row in story.days(ORGANIZATION_ID).items()}
    assert counts == {"2026-03-01": 0, "2026-03-02": 1, "2026-03-03": 1}
    # An earlier version of the same user, who also worked: still one person.
    story.land(
        user(2, updated_at="2026-01-05T00:00:00Z"),
        execution(4, user_id=USER_ID, **days[3]),
    )
    story.build(ROWS)
    counts = {day: row["total_developers"] for day, row in story.days(ORGANIZATION_ID).items()}
    assert counts == {"2026-03-01": 1, "2026-03-02": 1, "2026-03-03": 1}
    story.assert_equals_oracle()
    story.assert_equals_full_refresh()


# Decisions


@pytest.mark.parametrize("is_decision_first", [True, False])
def test_a_decision_and_its_execution_meet_in_any_order(
    story: Story, is_decision_first: bool
) -> None:
    # One names the execution, the other is referred to by it.
    decisions = [decision(1), decision(2, task_execution_id=None)]
    executions = [execution(1), execution(2, routing_decision_id=decision_id(2))]
    waves = [decisions, executions] if is_decision_first else [executions, decisions]
    story.land(organization(), user(), *waves[0])
    story.build(ROWS)
    if is_decision_first:
        statuses = {
            row["cost_comparison_status"] for row in story.mart("fct_routing_decisions").values()
        }
        assert statuses == {"no_execution"}
    else:
        # Nobody knows yet that the first was routed; what the second's decision cost is unknown.
        assert story.fact(execution_id(1))["routing_overhead_cost_usd"] == 0
        assert story.fact(execution_id(2))["routing_overhead_cost_usd"] is None
        assert story.fact(execution_id(2))["net_savings_usd"] is None
    story.land(*waves[1])
    story.build(ROWS)
    for number in (1, 2):
        fact = story.fact(execution_id(number))
        assert fact["routing_overhead_cost_usd"] == Decimal("0.000079")
        assert fact["net_savings_usd"] == fact["savings_usd"] - Decimal("0.000079")
        routed = story.mart("fct_routing_decisions")[decision_id(number)]
        assert routed["execution_id"] == execution_id(number)
        assert routed["actual_cost_usd"] == fact["cost_usd"]
    story.assert_equals_oracle()
    story.assert_equals_full_refresh()


def overheads(story: Story, *numbers: int) -> list[Decimal | None]:
    return [story.fact(execution_id(number))["routing_overhead_cost_usd"] for number in numbers]


def attempt(number: int, minute: int, **changes: Any) -> dict[str, Any]:
    return execution(
        number,
        **{
            "start_time": f"2026-03-01T10:{minute:02d}:00Z",
            "end_time": f"2026-03-01T10:{minute:02d}:09Z",
            "routing_decision_id": decision_id(1),
        }
        | changes,
    )


def test_a_decision_that_two_attempts_share_is_charged_once(story: Story) -> None:
    charge = Decimal("0.000079")
    story.land(organization(), user(), decision(1, task_execution_id=None), attempt(2, 10))
    story.build(ROWS)
    assert overheads(story, 2) == [charge]
    # The attempt that came first arrives second, and takes the charge over.
    story.land(attempt(1, 5))
    story.build(ROWS)
    assert overheads(story, 1, 2) == [charge, 0]
    story.assert_equals_oracle()
    # A correction puts it behind the other; then the decision names it after all.
    story.land(attempt(1, 20, event_id=uuid_of(51), updated_at="2026-03-02T00:00:00Z"))
    story.build(ROWS)
    assert overheads(story, 1, 2) == [0, charge]
    story.assert_equals_oracle()
    story.land(decision(1, event_id=uuid_of(52), updated_at="2026-03-02T00:00:00Z"))
    story.build(ROWS)
    assert overheads(story, 1, 2) == [charge, 0]
    assert sum(row["total_net_savings_usd"] for row in story.days(ORGANIZATION_ID).values()) == (
        sum(row["total_savings_usd"] for row in story.days(ORGANIZATION_ID).values()) - charge
    )
    story.assert_equals_oracle()
    story.assert_equals_full_refresh()


def test_net_savings_are_unknown_while_the_overhead_is(story: Story) -> None:
    story.land(
        organization(),
        user(),
        execution(1),
        execution(2),
        decision(1, routing_overhead_cost_usd=None),
    )
    story.build(ROWS)
    fact = story.fact(execution_id(1))
    assert (fact["routing_overhead_cost_usd"], fact["net_savings_usd"]) == (None, None)
    assert fact["savings_usd"] is not None
    (day,) = story.days(ORGANIZATION_ID).values()
    assert (day["compared_tasks"], day["unknown_overhead_tasks"]) == (2, 1)
    assert day["total_net_savings_usd"] == story.fact(execution_id(2))["net_savings_usd"]
    story.assert_equals_oracle()


def test_a_decision_that_its_only_execution_leaves_has_no_execution(story: Story) -> None:
    story.land(organization(), user(), decision(1, task_execution_id=None), attempt(1, 5))
    story.build(ROWS)
    assert story.mart("fct_routing_decisions")[decision_id(1)]["execution_id"] == execution_id(1)
    story.land(
        attempt(
            1,
            5,
            event_id=uuid_of(51),
            updated_at="2026-03-02T00:00:00Z",
            routing_decision_id=None,
        )
    )
    story.build(ROWS)
    routed = story.mart("fct_routing_decisions")[decision_id(1)]
    assert (routed["execution_id"], routed["cost_comparison_status"]) == (None, "no_execution")
    story.assert_equals_oracle()


# The clock


def test_the_clock_alone_times_an_execution_out_and_takes_it_back(story: Story) -> None:
    open_since = {"start_time": "2026-03-01T10:00:00Z", "end_time": None, "status": "running"}
    story.land(
        organization(),
        user(),
        execution(1, **open_since),
        execution(2, **(open_since | {"start_time": "2026-03-01T10:00:00.000001Z"})),
        execution(3),
    )
    # Exactly one hour is enough; one microsecond less is not.
    moments = {
        "2026-03-01T11:00:00Z": 1,
        "2026-03-01T11:00:00.000001Z": 2,
        "2026-03-01T10:59:59.999999Z": 0,
    }
    for now, timed_out in moments.items():
        story.build(now=now)
        (day,) = story.days(ORGANIZATION_ID).values()
        assert (now, day["timed_out_tasks"]) == (now, timed_out)
        story.assert_equals_oracle(now)
