"""Random price books and usage: the pricing SQL equals exact arithmetic.

Hypothesis draws the cases, one price book with its usage at a time; all of them together are then
priced in one build, because a build for each would take hours.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from support.oracle import PARTS, Row, tier
from support.price_books import (
    BOOKS,
    CORRECTED,
    POLICIES,
    RECORDED,
    Cells,
    add_to,
    books,
    changed,
    drawn,
    drawn_policies,
    events_of,
    rows_of,
    versions_of_organizations,
)
from support.stories import Seeds, Story, differences_between

pytest_plugins = ["support.stories"]


STATUSES = {
    "priced",
    "no_model",
    "no_price_for_model",
    "before_first_price",
    "no_usage",
    "token_split_unknown",
    "cost_out_of_range",
    "tier_without_price",
    "usage_without_price",
    "token_totals_differ",
    "bucket_spans_prices",
}


def covers(row: Cells, fact: Row) -> bool:
    """Tell whether a row of the price files can have a say in a fact, under either provider."""
    if "effective_from" in row:
        start, until = fact["start_time"], row["effective_until"]
        if start < datetime.fromisoformat(row["effective_from"]):
            return False
        if until and start >= datetime.fromisoformat(until):
            return False
        if row["organization_id"] not in (None, fact["organization_id"]):
            return False
    if "policy" in row:
        return True
    if "alias" in row:
        return any(
            (row["provider"], row["alias"]) == (fact[f"{prefix}provider"], fact[f"{prefix}model"])
            for prefix in ("", "baseline_")
        )
    return (
        row.get("task_type") in (None, fact["task_type"])
        and row.get("service_tier") in (None, tier(fact["service_tier"]))
        and (row.get("context_over_tokens") or -1) * max(fact["request_count"], 1)
        < (fact["input_tokens"] or 0)
        and any(
            row["provider"] == fact[f"{prefix}provider"]
            and row["model"] in (None, fact[f"{prefix}price_model"])
            for prefix in ("", "baseline_")
        )
    )


def without_hindsight(fact: Row) -> Row:
    """Return a fact without what a price for other usage tells: that the model had one by then.

    Nor does it tell what policies that are not in force compare with: `covers` does not know them.
    """
    others = {f"{policy}_baseline_cost_usd" for policy in POLICIES}
    return {
        name: "no_price_for_model" if value == "before_first_price" else value
        for name, value in fact.items()
        if name not in others
    }


def assert_sums_and_reasons_fit(story: Story) -> None:
    """Fail unless each execution stands there once and its amounts fit each other."""
    parts = " + ".join(PARTS)
    assert story.row(
        "select count(*) as facts, count(distinct execution_id) as executions, "  # noqa: S608
        "count(*) filter (where (cost_usd is null) = (pricing_status "
        "in ('priced', 'gateway_cache_hit'))) as costs, "
        f"count(*) filter (where cost_usd is distinct from {parts}) as sums, "
        f"count(*) filter (where least({', '.join(PARTS)}) < 0) as negative, "
        "count(*) filter (where (baseline_cost_usd is null) = (baseline_pricing_status = 'priced'))"
        " as baselines, "
        "count(*) filter (where (savings_usd is null) = (savings_status = 'compared')) as savings, "
        "count(*) filter (where savings_usd <> baseline_cost_usd - cost_usd) as differences "
        "from marts.fct_task_executions"
    ) == {
        **dict.fromkeys(("facts", "executions"), executions_of(story)),
        **dict.fromkeys(("costs", "sums", "negative", "baselines", "savings", "differences"), 0),
    }


def executions_of(story: Story) -> int:
    return sum(event["event"] == "task_execution" for event in story.events)


def test_random_usage_costs_what_exact_arithmetic_says(story: Story, seeds: Seeds) -> None:
    found = dict(enumerate(drawn(books(), BOOKS)))
    first = {number: book for number, book in found.items() if number < BOOKS / 2}
    second = {number: book for number, book in found.items() if number >= BOOKS / 2}
    versions = versions_of_organizations()
    known_policies, later_policies = drawn_policies(RECORDED, 60), drawn_policies(CORRECTED, 4)

    add_to(
        seeds,
        {
            "provider_pricing": rows_of(first, "prices"),
            "usage_prices": rows_of(first, "usage_prices"),
            "price_factors": rows_of(first, "factors"),
            "model_aliases": rows_of(first, "aliases"),
            "baseline_policies": known_policies,
        },
    )
    story.land(*versions, *(event for n, book in first.items() for event in events_of(n, book)))
    story.build()
    story.assert_equals_oracle()
    assert_sums_and_reasons_fit(story)
    before = story.mart("fct_task_executions")

    # More books, and corrections of all.
    added = {
        "provider_pricing": rows_of(second, "prices") + rows_of(found, "corrections"),
        "usage_prices": rows_of(second, "usage_prices") + rows_of(found, "usage_corrections"),
        "price_factors": rows_of(second, "factors") + rows_of(found, "factor_corrections"),
        "model_aliases": rows_of(second, "aliases") + rows_of(found, "renamings"),
        "baseline_policies": later_policies,
    }
    add_to(seeds, added)
    story.land(*(event for n, book in second.items() for event in events_of(n, book)))
    story.build()
    story.assert_equals_oracle()
    assert_sums_and_reasons_fit(story)
    facts = story.mart("fct_task_executions")
    uncovered = [
        key
        for key, fact in before.items()
        if not any(covers(row, fact) for rows in added.values() for row in rows)
    ]
    assert len(uncovered) > 300
    assert not differences_between(
        {key: without_hindsight(before[key]) for key in uncovered},
        {key: without_hindsight(facts[key]) for key in uncovered},
    )
    assert len(changed(before, {key: facts[key] for key in before})) > 300
    story.assert_equals_full_refresh()
    assert_everything_occurred(facts)


def assert_everything_occurred(facts: Mapping[str, Row]) -> None:
    """Fail unless the cases were many and of every kind, so that the agreement means something."""
    statuses = Counter(fact["pricing_status"] for fact in facts.values())
    baselines = Counter(fact["baseline_pricing_status"] for fact in facts.values())
    assert set(statuses) == STATUSES | {"gateway_cache_hit"}
    assert set(baselines) == STATUSES | {"no_baseline"}
    assert statuses["priced"] + baselines["priced"] >= 2_000
    assert {fact["baseline_policy"] for fact in facts.values()} == set(POLICIES)
    for part in PARTS:
        assert sum(bool(fact[part]) for fact in facts.values()) > 20, part
    assert any(
        fact["uncached_input_cost_usd"] and fact["output_tokens"] is None for fact in facts.values()
    )
