"""Prices, names of models and policies that change: exactly what they cover is restated."""

from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from support.events import ORGANIZATION_ID, execution, organization, uuid_of
from support.oracle import Row
from support.price_books import changed, most_used_model, using
from support.stories import RECORDED_LATER, Seeds, Story, price

pytest_plugins = ["support.stories"]


def test_a_corrected_and_a_new_price_restate_exactly_what_they_cover(
    story_of_sample: Story, seeds: Seeds
) -> None:
    story = story_of_sample
    provider, model = most_used_model(story, seeds)
    facts, days = story.mart("fct_task_executions"), story.mart("organization_analytics")

    # A correction for a stretch of the past, recorded later than the row that it corrects.
    since, until = datetime(2026, 10, 10, 6, tzinfo=UTC), datetime(2026, 10, 14, tzinfo=UTC)
    window = {"effective_from": since.isoformat(), "effective_until": until.isoformat()}
    seeds.add("provider_pricing", price(provider, model, **window))
    story.build()
    corrected = story.mart("fct_task_executions")
    covered = {
        key for key in using(facts, provider, model) if since <= facts[key]["start_time"] < until
    }
    assert changed(facts, corrected) == covered
    assert len(covered) > 5
    changed_days = {
        (organization_id, day)
        for organization_id, period, day in changed(days, story.mart("organization_analytics"))
        if period == "daily"
    }
    assert changed_days
    assert changed_days <= {
        (facts[key]["organization_id"], facts[key]["metric_date"]) for key in covered
    }
    story.assert_equals_oracle()

    # A new price from a date on: what began before keeps its numbers to the last byte.
    seeds.add(
        "provider_pricing",
        price(provider, model, effective_from="2026-10-25T00:00:00Z", input_usd_per_mtok="0"),
    )
    story.build()
    moved = changed(corrected, story.mart("fct_task_executions"))
    assert moved == {
        key
        for key in using(facts, provider, model)
        if facts[key]["start_time"] >= datetime(2026, 10, 25, tzinfo=UTC)
    }
    story.assert_equals_oracle()
    story.assert_equals_full_refresh()


def test_a_withdrawn_correction_brings_the_old_numbers_back(
    story_of_sample: Story, seeds: Seeds
) -> None:
    story = story_of_sample
    provider, model = most_used_model(story, seeds)
    before = story.marts()
    shipped = seeds.read("provider_pricing")
    window = {
        "effective_from": "2026-10-10T00:00:00Z",
        "effective_until": "2026-10-20T00:00:00Z",
    }
    seeds.write("provider_pricing", [*shipped, price(provider, model, **window)])
    story.build()
    assert story.marts() != before
    seeds.write("provider_pricing", shipped)
    story.build()
    story.assert_equals(before)


def test_the_first_price_of_a_model_says_so_to_what_came_before(story: Story, seeds: Seeds) -> None:
    story.land(
        organization(baseline_provider="house", baseline_model="tuned"),
        *(
            execution(
                day,
                start_time=f"2026-03-0{day}T10:00:00Z",
                end_time=None,
                provider=provider,
                model=model,
            )
            for day, provider, model in (
                (1, "house", "tuned"),
                (2, "house", "tuned"),
                (3, "anthropic", "claude-sonnet-4-5"),
                (4, "anthropic", "claude-sonnet-4-5"),
            )
        ),
    )
    story.build()
    statuses = [row["pricing_status"] for row in by_start(story)]
    assert statuses == ["no_price_for_model"] * 2 + ["priced"] * 2
    seeds.add("provider_pricing", price("house", "tuned", effective_from="2026-03-02T10:00:00Z"))
    story.build()
    facts = by_start(story)
    assert [fact["pricing_status"] for fact in facts] == ["before_first_price"] + ["priced"] * 3
    assert facts[0]["baseline_pricing_status"] == "before_first_price"
    story.assert_equals_oracle()
    story.assert_equals_full_refresh()


def by_start(story: Story) -> list[Row]:
    return sorted(story.mart("fct_task_executions").values(), key=lambda fact: fact["start_time"])


def test_another_name_of_a_model_comes_changes_and_goes(
    story_of_sample: Story, seeds: Seeds
) -> None:
    story = story_of_sample
    before = story.marts()
    facts = story.mart("fct_task_executions")
    (provider, name), _ = Counter(
        (fact["provider"], fact["model"])
        for fact in facts.values()
        if fact["pricing_status"] == "no_price_for_model"
    ).most_common(1)[0]
    targets = [
        row["model"]
        for row in seeds.read("provider_pricing")
        if row["provider"] == provider and not row["effective_until"]
    ]
    covered = {
        key for key, fact in facts.items() if (fact["provider"], fact["model"]) == (provider, name)
    }
    shipped = seeds.read("model_aliases")
    for target in (targets[0], targets[-1]):
        alias = {
            "provider": provider,
            "alias": name,
            "model": target,
            "recorded_at": RECORDED_LATER,
        }
        seeds.write("model_aliases", [*shipped, alias])
        story.build()
        renamed = story.mart("fct_task_executions")
        assert changed(facts, renamed) == covered
        assert {renamed[key]["price_model"] for key in covered} == {target}
        assert any(renamed[key]["cost_usd"] for key in covered)
        story.assert_equals_oracle()
    seeds.write("model_aliases", shipped)
    story.build()
    story.assert_equals(before)


def test_a_policy_of_an_organization_changes_its_baselines_from_its_date_on(
    story_of_sample: Story, seeds: Seeds
) -> None:
    story = story_of_sample
    before = story.marts()
    facts = story.mart("fct_task_executions")
    ((organization_id, _),) = Counter(
        fact["organization_id"] for fact in facts.values()
    ).most_common(1)
    shipped = seeds.read("baseline_policies")
    fixed = {
        "policy": "fixed",
        "organization_id": str(organization_id),
        "baseline_provider": "anthropic",
        "baseline_model": "claude-opus-4-5-20251101",
        "effective_from": "2026-10-15T00:00:00Z",
        "effective_until": "2026-10-20T00:00:00Z",
        "recorded_at": RECORDED_LATER,
    }
    seeds.write("baseline_policies", [*shipped, fixed])
    story.build()
    assert changed(facts, story.mart("fct_task_executions")) == {
        key
        for key, fact in facts.items()
        if fact["organization_id"] == organization_id
        and datetime(2026, 10, 15, tzinfo=UTC)
        <= fact["start_time"]
        < datetime(2026, 10, 20, tzinfo=UTC)
    }
    story.assert_equals_oracle()
    story.assert_equals_full_refresh()
    seeds.write("baseline_policies", shipped)
    story.build()
    story.assert_equals(before)


def test_the_most_specific_price_wins_in_a_book_of_every_kind(
    story_of_sample: Story, seeds: Seeds
) -> None:
    story = story_of_sample
    facts = story.mart("fct_task_executions")
    provider, model = most_used_model(story, seeds)
    ((organization_id, _),) = Counter(
        fact["organization_id"]
        for fact in facts.values()
        if (fact["provider"], fact["price_model"]) == (provider, model)
    ).most_common(1)
    no_tokens = {"input_usd_per_mtok": None, "output_usd_per_mtok": None}
    seeds.add(
        "provider_pricing",
        # Each wins over all above it where it fits.
        price(provider, "", input_usd_per_mtok="1.5"),
        price(provider, "", service_tier="standard", input_usd_per_mtok="1.7"),
        price(provider, "", task_type="bug_fix", context_over_tokens=8_000),
        price(provider, model, context_over_tokens=20_000, input_usd_per_mtok="9"),
        price(provider, model, context_over_tokens=10_000, input_usd_per_mtok="8"),
        price(provider, model, service_tier="standard", cached_input_usd_per_mtok="0"),
        price(provider, model, service_tier="standard", context_over_tokens=15_000),
        price(provider, model, task_type="bug_fix", cached_input_usd_per_mtok="0.1"),
        price(provider, "", organization_id=organization_id, output_usd_per_mtok="4"),
        price(
            provider,
            model,
            organization_id=organization_id,
            task_type="refactor",
            input_usd_per_mtok="0.612345678901",
            usd_per_request="0.01",
            effective_from="2026-10-12T00:00:00Z",
            effective_until="2026-10-22T00:00:00Z",
        ),
        price("meter", "", **no_tokens, usd_per_minute="0.3"),
        price("meter", "unit", **no_tokens, usd_per_compute_unit="0.07"),
        price("meter", "call", **no_tokens, usd_per_request=2),
        price("meter", "tokens", effective_until="2026-03-01T10:00:00Z", input_usd_per_mtok="3"),
        price("meter", "tokens", effective_from="2026-03-01T10:00:00Z", input_usd_per_mtok="5"),
        price("meter", "tokens", context_over_tokens=272_000, input_usd_per_mtok="11"),
    )
    meter = {"provider": "meter", "user_id": None}
    uncached = {"cached_input_tokens": None, "cache_write_tokens": None}
    story.land(
        organization(),
        execution(1, **meter, model="unit", compute_units=3.0000000001),
        execution(2, **meter, model="unit"),
        execution(3, **meter, model="call", request_count=7),
        execution(4, **meter, model=None),
        execution(5, **meter, model="anything", end_time=None),
        execution(6, **meter, model="tokens", start_time="2026-03-01T09:59:59.999999Z"),
        execution(7, **meter, model="tokens", start_time="2026-03-01T10:00:00Z"),
        *(
            execution(9 + more, **meter, **uncached, model="tokens", input_tokens=272_000 + more)
            for more in (-1, 0, 1)
        ),
    )
    story.build(with_tests=True)

    def cost(number: int, part: str = "cost_usd") -> Any:
        return story.fact(uuid_of(1_000_000 + number))[part]

    assert cost(1) == Decimal("0.210000000007")
    assert cost(2, "pricing_status") == "no_usage"
    assert cost(3) == 14
    assert cost(4) == Decimal("0.0425")  # 8.5 seconds
    assert cost(5, "pricing_status") == "no_usage"
    # The earlier price ends in the very moment in which the next begins.
    assert cost(6, "uncached_input_cost_usd") == Decimal("0.0018")
    assert cost(7, "uncached_input_cost_usd") == Decimal("0.003")
    # A threshold must be exceeded.
    rates = [cost(9 + more, "uncached_input_cost_usd") / (272_000 + more) for more in (-1, 0, 1)]
    assert [rate * 10**6 for rate in rates] == [5, 5, 11]
    used = {fact["price_id"] for fact in story.mart("fct_task_executions").values()}
    named = story.rows(
        "select price_id from intermediate.int_price_windows where provider = %s", provider
    )
    # Every kind of row was chosen for something, so that the oracle's agreement means something.
    assert len(used & {row["price_id"] for row in named}) >= 8
    story.assert_equals_oracle()
    story.assert_equals_full_refresh()
    assert ORGANIZATION_ID in story.mart("dim_organizations")
