"""Savings under every policy, and what a baseline did cost where it was run as well."""

from datetime import date
from decimal import Decimal
from typing import Any

from support.events import ORGANIZATION_ID, decision, execution, organization, uuid_of
from support.stories import ROWS, Seeds, Story, price

pytest_plugins = ["support.stories"]

POLICIES = """
    select policy, compared_tasks, unknown_baseline_tasks, total_savings_usd, total_net_savings_usd
    from marts.fct_savings_by_policy
    where metric_date = %s
    order by policy
"""


def ids(number: int) -> str:
    return uuid_of(1_000_000 + number)


def usage(number: int, **changes: Any) -> dict[str, Any]:
    """Return an execution of a million input tokens and nothing else at the house's own prices."""
    return execution(
        number,
        **{
            "provider": "house",
            "model": "cheap",
            "input_tokens": 1_000_000,
            "cached_input_tokens": None,
            "cache_write_tokens": None,
            "output_tokens": 0,
            "reasoning_tokens": None,
            "routing_decision_id": uuid_of(3_000_000 + number),
        }
        | changes,
    )


def house_prices(seeds: Seeds) -> None:
    seeds.add(
        "provider_pricing",
        *(
            price("house", model, input_usd_per_mtok=usd, output_usd_per_mtok=usd)
            for model, usd in (("cheap", "1"), ("default", "3"), ("noted", "4"), ("dear", "9"))
        ),
    )


def house_decision(number: int, **changes: Any) -> dict[str, Any]:
    return decision(
        number,
        **{
            "task_execution_id": None,
            "chosen_provider": "house",
            "chosen_model": "cheap",
            "baseline_provider": "house",
            "baseline_model": "noted",
            "predicted_cost_usd": 0.9,
            "routing_overhead_cost_usd": 0.5,
            "alternative_providers": [
                {"provider": "house", "model": "default", "estimated_cost_usd": 2.5},
                {"provider": "house", "model": "dear", "estimated_cost_usd": 7},
                {"provider": "house", "model": "unheard-of"},
            ],
        }
        | changes,
    )


def policies_of(story: Story, day: str) -> dict[str, tuple[Any, ...]]:
    return {
        row["policy"]: (
            row["compared_tasks"],
            row["unknown_baseline_tasks"],
            row["total_savings_usd"],
            row["total_net_savings_usd"],
        )
        for row in story.rows(POLICIES, day)
    }


def test_every_policy_stands_beside_the_headline(story: Story, seeds: Seeds) -> None:
    house_prices(seeds)
    policy = {
        "effective_from": "2026-03-02T00:00:00Z",
        "recorded_at": "2026-11-25T00:00:00Z",
    }
    seeds.add(
        "baseline_policies",
        policy | {"policy": "most_expensive_alternative", "organization_id": ORGANIZATION_ID},
        policy | {"policy": "fixed", "baseline_provider": "house", "baseline_model": "noted"},
    )
    story.land(
        organization(timezone="UTC", baseline_provider="house", baseline_model="default"),
        usage(1),
        house_decision(1),
        # No decision: two of the policies have nothing to compare it with.
        usage(2, routing_decision_id=None),
        # Failed: costs, and never saves.
        usage(3, status="failed", routing_decision_id=None),
        usage(4, start_time="2026-03-02T10:00:00Z", end_time=None),
        house_decision(4),
    )
    story.build()
    assert policies_of(story, "2026-03-01") == {
        "decision_recorded": (1, 1, Decimal(3), Decimal("2.5")),
        "fixed": (0, 2, 0, 0),
        "headline": (2, 0, Decimal(4), Decimal("3.5")),
        "most_expensive_alternative": (1, 1, Decimal(8), Decimal("7.5")),
        "organization_default": (2, 0, Decimal(4), Decimal("3.5")),
    }
    # From the second on the organization has a policy of its own, and one for all is fixed.
    assert policies_of(story, "2026-03-02") == {
        "decision_recorded": (1, 0, Decimal(3), Decimal("2.5")),
        "fixed": (1, 0, Decimal(3), Decimal("2.5")),
        "headline": (1, 0, Decimal(8), Decimal("7.5")),
        "most_expensive_alternative": (1, 0, Decimal(8), Decimal("7.5")),
        "organization_default": (1, 0, Decimal(2), Decimal("1.5")),
    }
    story.assert_equals_oracle()

    # What only the other policies look at changes: a price, a decision, the organization, a name.
    steps: tuple[tuple[str, Any], ...] = (
        (
            "dear",
            lambda: seeds.add(
                "provider_pricing",
                price(
                    *("house", "dear"),
                    input_usd_per_mtok="10",
                    output_usd_per_mtok="10",
                    recorded_at="2026-11-28T02:00:00Z",
                    effective_until="2026-03-02T00:00:00Z",
                ),
            ),
        ),
        (
            "decided otherwise",
            lambda: story.land(
                house_decision(
                    1,
                    event_id=uuid_of(61),
                    updated_at="2026-03-01T10:01:00Z",
                    baseline_model="also-noted",
                )
            ),
        ),
        (
            "name",
            lambda: seeds.add(
                "model_aliases",
                {
                    "provider": "house",
                    "alias": "also-noted",
                    "model": "dear",
                    "recorded_at": "2026-11-25T00:00:00Z",
                },
            ),
        ),
        (
            "organization",
            lambda: story.land(
                organization(
                    2,
                    timezone="UTC",
                    baseline_provider="house",
                    baseline_model="dear",
                    updated_at="2026-03-02T09:00:00Z",
                )
            ),
        ),
        (
            "policy",
            lambda: seeds.add(
                "baseline_policies",
                {
                    "policy": "fixed",
                    "baseline_provider": "house",
                    "baseline_model": "dear",
                    "effective_from": "2026-02-01T00:00:00Z",
                    "effective_until": "2026-03-02T00:00:00Z",
                    "recorded_at": "2026-11-19T00:00:00Z",
                },
            ),
        ),
    )
    expected = {
        "dear": ("2026-03-01", "most_expensive_alternative", (1, 1, Decimal(9), Decimal("8.5"))),
        "decided otherwise": ("2026-03-01", "decision_recorded", (0, 2, 0, 0)),
        "name": ("2026-03-01", "decision_recorded", (1, 1, Decimal(9), Decimal("8.5"))),
        "organization": ("2026-03-02", "organization_default", (1, 0, Decimal(8), Decimal("7.5"))),
        "policy": ("2026-03-01", "fixed", (2, 0, Decimal(18), Decimal("17.5"))),
    }
    for name, change in steps:
        change()
        story.build()
        day, policy_name, figures = expected[name]
        assert policies_of(story, day)[policy_name] == figures, name
    story.assert_equals_oracle()
    story.assert_equals_full_refresh()


def measured(story: Story) -> dict[str, Any]:
    return {
        row["execution_id"]: row for row in story.rows("select * from marts.fct_measured_savings")
    }


def test_a_baseline_that_was_run_as_well_shows_how_far_the_estimate_is_off(
    story: Story, seeds: Seeds
) -> None:
    house_prices(seeds)
    on_baseline = {"model": "default", "task_id": "task-1", "routing_decision_id": None}
    story.land(
        organization(timezone="UTC", baseline_provider="house", baseline_model="default"),
        usage(1),
        house_decision(1),
        usage(2, task_id="another task"),
        # A retry that failed measures nothing.
        usage(3, **on_baseline, status="failed", start_time="2026-03-01T09:00:00Z"),
    )
    story.build()
    assert measured(story) == {}

    # The shadow run comes in later and on another day: 1,250,000 tokens instead of a million.
    shadow = {**on_baseline, "start_time": "2026-03-04T10:00:00Z", "end_time": None}
    story.land(usage(4, **shadow, input_tokens=1_250_000))
    story.build(ROWS)
    (row,) = measured(story).values()
    assert (row["execution_id"], row["measured_execution_id"]) == (ids(1), ids(4))
    assert (row["metric_date"], row["measured_metric_date"]) == (date(2026, 3, 1), date(2026, 3, 4))
    assert {
        name: row[name]
        for name in row
        if name.endswith(("_usd", "_percentage"))
    } == {
        "cost_usd": 1,
        "predicted_cost_usd": Decimal("0.9"),
        "predicted_baseline_cost_usd": Decimal("2.5"),
        "estimated_baseline_cost_usd": 3,
        "measured_baseline_cost_usd": Decimal("3.75"),
        "predicted_savings_usd": Decimal("1.6"),
        "estimated_savings_usd": 2,
        "measured_savings_usd": Decimal("2.75"),
        "estimate_error_usd": Decimal("-0.75"),
        "bias_percentage": -20,
    }  # fmt: skip
    story.assert_equals_oracle()

    # An earlier run of the same task counts instead of it.
    story.land(usage(5, **on_baseline, input_tokens=2_000_000, start_time="2026-03-01T10:30:00Z",
                     end_time=None))  # fmt: skip
    story.build(ROWS)
    assert measured(story)[ids(1)]["measured_execution_id"] == ids(5)
    story.assert_equals_oracle()

    # It turns out to belong to the other task, and the later one to none.
    story.land(
        usage(
            5,
            **on_baseline | {"task_id": "another task", "event_id": uuid_of(51)},
            updated_at="2026-03-05T00:00:00Z",
            start_time="2026-03-01T10:30:00Z",
            end_time=None,
        ),
        usage(
            4,
            **shadow | {"task_id": "nobody's", "event_id": uuid_of(52)},
            updated_at="2026-03-05T00:00:00Z",
        ),
    )
    story.build(ROWS)
    assert {key: row["measured_execution_id"] for key, row in measured(story).items()} == {
        ids(2): ids(5)
    }
    story.assert_equals_oracle()
    story.assert_equals_full_refresh()


def test_policies_wait_for_nobody_and_measured_savings_for_decisions(
    story: Story, seeds: Seeds
) -> None:
    behind = (
        "select bookmarks.model_name from intermediate.int_bookmarks as bookmarks "
        "inner join intermediate.int_bookmarks as facts on bookmarks.build_id < facts.build_id "
        "where facts.model_name = 'fct_task_executions' "
        "and bookmarks.model_name in ('fct_measured_savings', 'fct_routing_decisions')"
    )
    house_prices(seeds)
    story.build()
    story.land(
        organization(timezone="UTC", baseline_provider="house", baseline_model="default"),
        usage(1),
        house_decision(1),
    )
    story.build("+fct_task_executions")
    # The decisions are not built: what reads them as well must not take the build for done.
    story.build("int_policy_days", "fct_measured_savings")
    assert policies_of(story, "2026-03-01")["decision_recorded"][0] == 1
    assert {row["model_name"] for row in story.rows(behind)} == {
        "fct_measured_savings",
        "fct_routing_decisions",
    }
    story.build()
    assert not story.rows(behind)
    story.assert_equals_full_refresh()
