"""Five hundred random histories side by side: after every build the marts equal the oracle.

A history is cheap when it is an organization: each of them draws its own from its number, around
the days of its time zone on which clocks change, and all of them share the loads and the builds.
The ids hold the number, so that what a failure names can be drawn again alone.
"""

from collections import Counter
from typing import Any

from support.histories import (
    LATER,
    ORGANIZATIONS,
    ZONES,
    Changes,
    History,
    loads_of,
    remarkable_days,
    under,
)
from support.stories import NOW, ROWS, Seeds, Story

pytest_plugins = ["support.stories"]


SESSION_ZONES = (
    "UTC",
    "Asia/Kolkata",
    "America/Los_Angeles",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Asia/Kathmandu",
)
"""One for each build."""


# Prices, names and policies, which change while the histories arrive


def days_of(story: Story) -> set[tuple[Any, ...]]:
    return {
        tuple(row.values())
        for row in story.rows(
            "select organization_id, aggregation_period, metric_date "
            "from documents.organization_analytics"
        )
    }


def assert_every_case_is_there(story: Story, days_before: set[tuple[Any, ...]]) -> None:
    """Fail unless the histories had everything in them that equality with the oracle is about."""
    facts = story.mart("fct_task_executions").values()
    assert len(facts) > 4_000
    assert {fact["status"] for fact in facts} == {"pending", "running", "completed", "failed"}
    assert {fact["pricing_status"] for fact in facts} >= {
        "priced", "no_model", "no_price_for_model", "before_first_price", "token_split_unknown",
    }  # fmt: skip
    assert {fact["savings_status"] for fact in facts} == {
        "compared", "not_completed", "cost_unknown", "baseline_unknown",
    }  # fmt: skip
    assert {fact["baseline_policy"] for fact in facts} == {
        "organization_default", "decision_recorded", "most_expensive_alternative", "fixed",
    }  # fmt: skip
    assert {fact["reporting_timezone"] for fact in facts} == set(ZONES)
    on_remarkable_days = Counter(
        zone
        for fact in facts
        if fact["metric_date"] in remarkable_days(zone := fact["reporting_timezone"])
    )
    assert min(on_remarkable_days[zone] for zone in ZONES) > 10
    # What was, and is no more or otherwise.
    emptied = Counter(period for _, period, _ in days_before - days_of(story))
    assert min(emptied[period] for period in ("daily", "weekly", "monthly")) > 20
    assert {
        reason
        for row in story.rows("select distinct reason from marts.fct_cost_corrections")
        for reason in row["reason"].split(", ")
    } == {"new version", "price", "policy", "baseline", "model name"}
    assert any(fact["user_id"] is None for fact in facts)
    assert any(fact["savings_usd"] and fact["savings_usd"] < 0 for fact in facts)
    assert any(fact["routing_overhead_cost_usd"] for fact in facts)
    assert len(story.mart("fct_measured_savings")) > 20
    assert Counter(row["is_inferred"] for row in story.mart("dim_users").values())[True] > 100


def test_five_hundred_histories_equal_the_oracle_after_every_build(
    story: Story, seeds: Seeds
) -> None:
    changes = Changes(seeds)
    days_before: set[tuple[Any, ...]] = set()
    timed_out: list[int] = []
    loads = loads_of(History(number) for number in range(ORGANIZATIONS))
    for build, (lines, zone) in enumerate(zip(loads, SESSION_ZONES, strict=True)):
        now = NOW if build < 3 else LATER
        is_idle_for_views = not changes.before(build) and build != 3
        story.land_lines(lines)
        under(story, zone).build(*([ROWS] if is_idle_for_views else []), now=now)
        story.assert_equals_oracle(now)
        days_before |= days_of(story)
        counted = "select count(*) as number from marts.fct_task_executions where is_timed_out"
        timed_out.append(story.row(counted)["number"])
    # Yet another zone, and nothing else that is new: not a row is written.
    identities, written = story.identities(), story.rows_written()
    under(story, "Europe/Berlin").build(now=LATER)
    assert (story.identities(), story.rows_written()) == (identities, written)
    assert_every_case_is_there(story, days_before)
    assert timed_out[3] > timed_out[2] + 50, timed_out
    story.assert_equals_full_refresh(now=LATER)
