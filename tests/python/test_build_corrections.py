"""Prices have two times: what a correction changed is on record, and the past can be rebuilt."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from support.events import ORGANIZATION_ID, adjustment, execution, organization, uuid_of
from support.oracle import Row
from support.price_books import changed, most_used_model, using
from support.stories import NOW, ROWS, Seeds, Story, price

pytest_plugins = ["support.stories"]

LATER = (datetime.now(UTC) + timedelta(hours=12)).isoformat()
"""When something is recorded after the moment, by the clock, to which the past is rebuilt."""

HOUSE_NAME = {
    "provider": "anthropic",
    "alias": "house-name",
    "model": "claude-3-7-sonnet-20250219",
    "recorded_at": "2026-11-22T00:00:00Z",
}
FIXED_BASELINE = {
    "policy": "fixed",
    "baseline_provider": "anthropic",
    "baseline_model": "claude-opus-4-5-20251101",
    "effective_from": "2026-01-01T00:00:00Z",
    "recorded_at": "2026-11-25T00:00:00Z",
}

FACT_TOTALS = """
    select
        coalesce(sum(cost_usd), 0) as cost_usd,
        coalesce(sum(baseline_cost_usd), 0) as baseline_cost_usd,
        coalesce(sum(savings_usd), 0) as savings_usd
    from marts.fct_task_executions
"""
LEDGER = "select * from marts.fct_cost_corrections order by corrected_at, correction_id"
LEDGER_TOTALS = """
    select
        coalesce(sum(cost_delta_usd), 0) as cost_usd,
        coalesce(sum(baseline_cost_delta_usd), 0) as baseline_cost_usd,
        coalesce(sum(savings_delta_usd), 0) as savings_usd
    from marts.fct_cost_corrections
"""


def difference(later: Row, earlier: Row) -> Row:
    return {name: later[name] - earlier[name] for name in later}


def test_the_ledger_of_a_correction_adds_up_to_what_it_changed(
    story_of_sample: Story, seeds: Seeds
) -> None:
    story = story_of_sample
    provider, model = most_used_model(story, seeds)
    facts, before = story.mart("fct_task_executions"), story.row(FACT_TOTALS)
    assert story.rows(LEDGER) == []

    # A price for later than everything that ran: nothing is restated.
    seeds.add("provider_pricing", price(provider, model, effective_from="2026-11-10T00:00:00Z"))
    identities = story.identities()
    story.build()
    assert story.rows(LEDGER) == []
    rewritten = {
        table for table, identity in story.identities().items() if identities[table] != identity
    }
    assert rewritten <= {
        *("intermediate.int_bookmarks", "intermediate.int_processed_prices"),
        *("intermediate.int_price_names", "intermediate.int_price_rows"),
        *("intermediate.int_price_scopes", "intermediate.int_price_windows"),
        *("intermediate.int_prices", "intermediate.int_price_providers"),
        *("marts.dim_prices", "marts.dim_providers"),
    }

    since, until = datetime(2026, 10, 10, 6, tzinfo=UTC), datetime(2026, 10, 14, tzinfo=UTC)
    window = {"effective_from": since.isoformat(), "effective_until": until.isoformat()}
    seeds.add("provider_pricing", price(provider, model, **window))
    story.build()
    corrected = story.mart("fct_task_executions")
    covered = {
        key for key in using(facts, provider, model) if since <= facts[key]["start_time"] < until
    }
    ledger = {row["execution_id"]: row for row in story.rows(LEDGER)}
    costs = ("cost_usd", "baseline_cost_usd", "savings_usd")
    assert ledger.keys() == {
        key for key in covered if any(facts[key][name] != corrected[key][name] for name in costs)
    }
    assert len(ledger) > 5
    for key, row in ledger.items():
        assert row["reason"] == "price"
        assert row["metric_date"] == facts[key]["metric_date"]
        for name in ("cost_usd", "baseline_cost_usd", "savings_usd", "price_id"):
            assert (row[f"old_{name}"], row[f"new_{name}"]) == (
                facts[key][name],
                corrected[key][name],
            )
    assert story.row(LEDGER_TOTALS) == difference(story.row(FACT_TOTALS), before)
    assert story.row(LEDGER_TOTALS)["cost_usd"] != 0

    # A full refresh finds the same numbers: there is nothing to add, and nothing is forgotten.
    story.build(full_refresh=True)
    assert {row["execution_id"]: row for row in story.rows(LEDGER)} == ledger

    # A price that has changed meanwhile is put on record by a full refresh as well.
    seeds.add("provider_pricing", price(provider, model, **window, input_usd_per_mtok="1"))
    seeds.write("provider_pricing", [
        row if row["input_usd_per_mtok"] != "1" or row["source"] != "a story"
        else row | {"recorded_at": "2026-11-28T02:00:00Z"}
        for row in seeds.read("provider_pricing")
    ])  # fmt: skip
    story.build(full_refresh=True)
    assert len(story.rows(LEDGER)) > len(ledger)
    assert story.row(LEDGER_TOTALS) == difference(story.row(FACT_TOTALS), before)
    assert changed(corrected, story.mart("fct_task_executions")) <= covered


def test_the_ledger_tells_corrections_from_the_course_of_things(story: Story, seeds: Seeds) -> None:
    story.land(
        organization(),
        execution(1, status="running", end_time=None, output_tokens=None, reasoning_tokens=None),
        execution(2),
        execution(3, model="unheard-of"),
    )
    story.build(ROWS)
    # One goes on, one is corrected by its source, one gets its first price.
    story.land(
        execution(1, event_id=uuid_of(11), updated_at="2026-03-01T10:05:00Z"),
        execution(
            2, event_id=uuid_of(12), updated_at="2026-03-01T10:05:00Z", output_tokens=100
        ),
    )  # fmt: skip
    seeds.add("provider_pricing", price("anthropic", "unheard-of"))
    story.build()
    ledger = story.rows(
        "select * from marts.fct_cost_corrections order by execution_id, correction_id"
    )
    assert [(row["execution_id"], row["reason"]) for row in ledger] == [
        (uuid_of(1_000_002), "new version"),
        (uuid_of(1_000_003), "price"),
    ]
    # 100 output tokens less at 15 USD per million; the baseline's cost 10.
    assert ledger[0]["cost_delta_usd"] == Decimal("-0.0015")
    assert ledger[0]["baseline_cost_delta_usd"] == Decimal("-0.001")
    # 600 uncached, 300 cached and 100 written at 7, 200 at 21.
    assert (ledger[1]["old_cost_usd"], ledger[1]["cost_delta_usd"]) == (None, Decimal("0.0112"))
    assert (ledger[1]["old_pricing_status"], ledger[1]["new_pricing_status"]) == (
        "no_price_for_model",
        "priced",
    )
    story.assert_equals_oracle()


def test_the_ledger_names_policies_baselines_and_names(story: Story, seeds: Seeds) -> None:
    story.land(organization(), execution(1), execution(2, model="house-name"))
    story.build(ROWS)
    steps: list[tuple[str, Any]] = []
    seeds.add("model_aliases", HOUSE_NAME)
    story.build()
    steps.append(("model name", {uuid_of(1_000_002)}))
    story.land(organization(2, updated_at="2026-02-01T00:00:00Z", baseline_model="gpt-4o-mini"))
    story.build()
    steps.append(("baseline", {uuid_of(1_000_001), uuid_of(1_000_002)}))
    seeds.add("baseline_policies", FIXED_BASELINE)
    story.build()
    steps.append(("policy", {uuid_of(1_000_001), uuid_of(1_000_002)}))
    found: dict[str, set[Any]] = {}
    for row in story.rows(LEDGER):
        found.setdefault(row["reason"], set()).add(row["execution_id"])
    assert list(found.items()) == steps
    story.assert_equals_oracle()
    story.assert_equals_full_refresh()


def test_the_ledger_says_what_happened_also_when_two_things_do(story: Story, seeds: Seeds) -> None:
    names = {
        1: "cost changed",
        2: "baseline changed",
        3: "savings made unknown",
        4: "cost and version changed",
        5: "version changed",
        6: "tokens and cost changed",
        7: "baseline changed, price came",
        8: "price came",
        9: "as it was",
        10: "cost made unknown",
    }
    story.land(
        organization(),
        *(
            execution(number, model="house" if number in (7, 8) else "claude-3-7-sonnet-20250219")
            for number in names
        ),
    )
    seeds.add("provider_pricing", price("anthropic", "house"))
    story.build(ROWS)

    def by_hand(numbers: tuple[int, ...], change: str) -> None:
        with story.database.connect(autocommit=True) as connection:
            changed_rows = connection.execute(
                f"update marts.fct_task_executions set {change} "  # noqa: S608
                "where execution_id = any(%s::uuid[])",
                ([uuid_of(1_000_000 + number) for number in numbers],),
            ).rowcount
        assert changed_rows == len(numbers)

    ten_more = (
        "cost_usd = cost_usd + 10, request_cost_usd = request_cost_usd + 10, "
        "savings_usd = savings_usd - 10, net_savings_usd = net_savings_usd - 10"
    )
    no_savings = "savings_usd = null, net_savings_usd = null, savings_status = 'baseline_unknown'"
    by_hand((1, 4, 6), ten_more)
    by_hand(
        (2, 7),
        "baseline_cost_usd = baseline_cost_usd + 1, savings_usd = savings_usd + 1, "
        "net_savings_usd = net_savings_usd + 1",
    )
    by_hand((3,), no_savings)
    by_hand((6,), "input_tokens = input_tokens + 1")
    by_hand((10,), f"cost_usd = null, pricing_status = 'no_usage', {no_savings}")
    published = story.row(FACT_TOTALS)
    seeds.add(
        "provider_pricing",
        price("anthropic", "house", input_usd_per_mtok="1", recorded_at="2026-11-26T00:00:00Z"),
    )
    story.land(
        *(
            execution(
                number, event_id=uuid_of(100 + number), updated_at="2026-03-01T10:05:00Z", **usage
            )
            for number, usage in ((4, {"output_tokens": 100}), (5, {"output_tokens": 100}))
        )
    )
    story.project.run(
        story.database,
        *("build", "--exclude-resource-type", "unit_test", "test"),
        *("--vars", json.dumps({"now": NOW, "rebuild_organizations": [ORGANIZATION_ID]})),
        now=None,
    )
    ledger = {row["execution_id"]: row for row in story.rows(LEDGER)}
    assert {names[number]: ledger[uuid_of(1_000_000 + number)]["reason"] for number in names
            if uuid_of(1_000_000 + number) in ledger} == {
        "cost changed": "repaired",
        "baseline changed": "repaired",
        "savings made unknown": "repaired",
        "cost and version changed": "new version",
        "version changed": "new version",
        "tokens and cost changed": "repaired",
        "baseline changed, price came": "price, repaired",
        "price came": "price",
        "cost made unknown": "repaired",
    }  # fmt: skip
    assert ledger[uuid_of(1_000_001)]["cost_delta_usd"] == -10
    assert story.row(LEDGER_TOTALS) == difference(story.row(FACT_TOTALS), published)

    # A full refresh finds what was changed by hand as well, and what is in no event any more.
    count = len(story.rows(LEDGER))
    by_hand((1,), ten_more)
    with story.database.connect(autocommit=True) as connection:
        connection.execute("delete from raw.task_executions where id = %s", (uuid_of(1_000_009),))
    published = story.row(FACT_TOTALS)
    before = story.row(LEDGER_TOTALS)
    story.build(full_refresh=True)
    assert [(row["execution_id"], row["reason"]) for row in story.rows(LEDGER)[count:]] in (
        [(uuid_of(1_000_001), "repaired"), (uuid_of(1_000_009), "removed")],
        [(uuid_of(1_000_009), "removed"), (uuid_of(1_000_001), "repaired")],
    )
    assert difference(story.row(LEDGER_TOTALS), before) == difference(
        story.row(FACT_TOTALS), published
    )


def test_a_policy_and_a_price_in_one_build_are_both_named(story: Story, seeds: Seeds) -> None:
    story.land(execution(1), execution(2, model="house-name"))
    story.build(ROWS)
    # The organization arrives, and with it a baseline; a price is corrected; a name is found.
    story.land(organization())
    seeds.add(
        "provider_pricing",
        price(
            "anthropic",
            "claude-3-7-sonnet-20250219",
            input_usd_per_mtok="1",
            recorded_at="2026-11-26T00:00:00Z",
        ),
    )
    seeds.add("model_aliases", HOUSE_NAME)
    story.build()
    assert [(row["execution_id"], row["reason"]) for row in story.rows(
        "select * from marts.fct_cost_corrections order by execution_id"
    )] == [
        (uuid_of(1_000_001), "baseline, price"),
        (uuid_of(1_000_002), "baseline, model name"),
    ]  # fmt: skip
    seeds.add("baseline_policies", FIXED_BASELINE)
    story.land(
        execution(1, event_id=uuid_of(11), updated_at="2026-03-01T10:05:00Z", output_tokens=100)
    )
    count = len(story.rows(LEDGER))
    story.build()
    assert {row["execution_id"]: row["reason"] for row in story.rows(LEDGER)[count:]} == {
        uuid_of(1_000_001): "new version, policy",
        uuid_of(1_000_002): "policy",
    }


def test_the_past_is_rebuilt_to_the_last_digit(
    story_of_sample: Story, seeds: Seeds, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = story_of_sample
    provider, model = most_used_model(story, seeds)
    report = story.marts()
    (moment,) = story.rows("select clock_timestamp() as now")
    as_of = moment["now"].isoformat()

    # Since then, events of all kinds landed, and prices, policies and names were recorded.
    known = next(iter(story.mart("dim_organizations")))
    story.land(
        organization(9),
        organization(10, id=known, timezone="Asia/Tokyo", updated_at="2026-10-20T00:00:00Z"),
        execution(1),
        adjustment(1),
    )
    seeds.add(
        "exchange_rates",
        {
            "currency": "EUR",
            "usd_per_unit": "1.08",
            "effective_from": "2026-01-01T00:00:00Z",
            "recorded_at": LATER,
            "source": "a story",
        },
    )
    seeds.add(
        "provider_pricing",
        price(provider, model, effective_from="2026-10-01T00:00:00Z", recorded_at=LATER),
        price(
            provider,
            model,
            effective_from="2026-10-20T00:00:00Z",
            service_tier="standard",
            recorded_at=LATER,
        ),
    )
    seeds.add(
        "baseline_policies",
        {
            "policy": "most_expensive_alternative",
            "effective_from": "2026-01-01T00:00:00Z",
            "recorded_at": LATER,
        },
    )
    story.build()
    assert story.marts() != report
    present = story.marts()

    with pytest.raises(AssertionError, match="as_of rebuilds the past and needs schemas of its"):
        story.build(as_of=as_of)
    monkeypatch.setenv("WAREHOUSE_SCHEMA", "past")
    for _ in range(2):
        story.build(as_of=as_of)
        past = story.marts("past_marts")
        assert past.keys() == report.keys()
        assert [name for name in report if past[name] != report[name]] == []
    # The present was left alone, and the moment can be moved on in the same schemas.
    assert story.marts() == present
    story.build(as_of="2099-01-01T00:00:00Z")
    assert story.marts("past_marts") == present
