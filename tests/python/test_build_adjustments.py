"""Money without usage: it stands beside spend, in USD at the rate in force, and changes nothing."""

import json
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from click.testing import CliRunner
from support.events import adjustment, execution, organization, uuid_of
from support.stories import Seeds, Story, environment_of

from orchestration.cli import main

pytest_plugins = ["support.stories"]

OTHERS = uuid_of(77)
NOON = "2026-03-05T12:00:00Z"


def rate(usd_per_unit: str, effective_from: str, until: str = "", **cells: str) -> dict[str, str]:
    return {
        "currency": "EUR",
        "usd_per_unit": usd_per_unit,
        "effective_from": effective_from,
        "effective_until": until,
        "recorded_at": "2026-11-20T00:00:00Z",
        "source": "a central bank",
    } | cells


def fact(story: Story, number: int) -> dict[str, Any]:
    return story.mart("fct_adjustments")[adjustment(number)["id"]]


def warehouse(story: Story, *arguments: str) -> str:
    with environment_of(story.database):
        result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    return " ".join(result.stdout.split())


def test_adjustments_stand_beside_usage_and_follow_versions_and_rates(
    story: Story, seeds: Seeds
) -> None:
    seeds.add("exchange_rates", rate("1.08", "2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z"))
    story.land(organization(timezone="America/Los_Angeles"), execution(1))
    story.land(
        # Near midnight: February in Los Angeles, where the rate that holds is one of March.
        adjustment(1, amount="-12.345678901235", currency="EUR", reason="refund")
        | {"effective_at": "2026-03-01T07:59:59Z"},
        # Of two versions of one moment the dearer one counts, whichever landed first.
        adjustment(2, event_id=uuid_of(2), amount=40, effective_at=NOON),
        adjustment(2, event_id=uuid_of(3), amount=30, effective_at=NOON),
        adjustment(2, event_id=uuid_of(4), amount=99, updated_at="2026-02-01T00:00:00Z"),
        # A rate no longer holds at its last moment.
        adjustment(3, amount=-5, currency="EUR", effective_at="2026-04-01T00:00:00Z"),
        adjustment(4, amount=700_000_000, effective_at=NOON),
        adjustment(5, organization_id=OTHERS, user_id=uuid_of(78), provider="nobody's"),
    )
    # Another organization's version of an id neither counts nor hides the first one.
    story.land(adjustment(2, event_id=uuid_of(5), organization_id=OTHERS, amount=1_000))
    story.land(adjustment(2, event_id=uuid_of(2), amount=40, effective_at=NOON))
    story.build(with_tests=True)
    story.assert_equals_oracle()
    known = {
        number: (row["amount_usd"], row["amount_status"], str(row["metric_date"]))
        for number in range(1, 6)
        for row in [fact(story, number)]
    }
    assert known == {
        1: (Decimal("-13.333333213334"), "known", "2026-02-28"),
        2: (Decimal(40), "known", "2026-03-05"),
        3: (None, "no_exchange_rate", "2026-03-31"),
        4: (None, "amount_out_of_range", "2026-03-05"),
        5: (Decimal("-12.5"), "known", "2026-03-01"),
    }
    usage = {
        name: story.mart(name)
        for name in ("fct_task_executions", "organization_analytics", "user_analytics")
    }
    bills = {
        month.month: row
        for (organization_id, month), row in story.mart("organization_bills").items()
        if organization_id != OTHERS
    }
    spend = story.fact(execution(1)["id"])["cost_usd"]
    assert bills[2]["total_usd"] == Decimal("-13.333333213334")
    assert (bills[3]["total_spend_usd"], bills[3]["total_usd"]) == (spend, spend + 40)
    assert (bills[3]["adjustments"], bills[3]["unknown_adjustments"]) == (3, 2)

    shown = warehouse(story, "summary")
    assert "Adjustments 5 beside usage, $14.17 in all (2 of an unknown amount in USD" in shown

    # A corrected rate and a new one restate what they cover, and no usage.
    seeds.add(
        "exchange_rates",
        rate("1.1", "2026-02-01T00:00:00Z", "2026-05-01T00:00:00Z")
        | {"recorded_at": "2026-11-25T00:00:00Z"},
    )
    story.build()
    story.assert_equals_oracle()
    assert fact(story, 1)["amount_usd"] == Decimal("-13.580246791359")
    assert fact(story, 3)["amount_usd"] == Decimal("-5.5")
    assert {name: story.mart(name) for name in usage} == usage

    explained = json.loads(warehouse(story, "explain", adjustment(1)["id"], "--json"))
    assert explained["agrees"]
    assert explained["recomputed_amount_usd"] == "-13.580246791359"
    assert explained["exchange_rate"]["usd_per_unit"] == "1.100000000000"
    explained = json.loads(warehouse(story, "explain", uuid_of(5), "--json"))
    assert explained["asked_for"]["found_as"] == "adjustment_event"
    assert [(row["amount"], row["state"]) for row in explained["versions"]] == [
        ("99", "superseded"),
        ("40", "copy"),
        ("40", "counts"),
        ("30", "superseded"),
        ("1000", "another_organization"),
    ]
    shown = warehouse(story, "explain", adjustment(4)["id"])
    assert "Unknown (amount_out_of_range)" in shown
    assert "In USD -13.580246791359 USD" in warehouse(story, "explain", adjustment(1)["id"])

    # An edited rate stops the build, and amounts stay as they were published.
    edited = [row | {"usd_per_unit": "2"} for row in seeds.read("exchange_rates")]
    seeds.write("exchange_rates", edited)
    with pytest.raises(AssertionError, match="assert_exchange_rates_are_never_edited_or_deleted"):
        story.build(with_tests=True)
    assert fact(story, 1)["amount_usd"] == Decimal("-13.580246791359")


def test_rates_that_cannot_be_are_refused(story: Story, seeds: Seeds) -> None:
    seeds.add(
        "exchange_rates",
        rate("0", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", currency="JPY"),
        rate("0", "2026-01-01T00:00:00Z", currency="CHF"),
        rate("1", "2026-01-01T00:00:00Z", currency="USD"),
        rate("1", "2026-01-01T00:00:00Z"),
        rate("2", "2026-02-01T00:00:00Z"),
        rate("3", "2026-02-01T00:00:00Z"),
    )
    with pytest.raises(AssertionError) as caught:
        story.build("exchange_rates", with_tests=True)
    assert "exchange_rates_follow_their_rules: fail: Got 6 results" in str(caught.value)
    broken = story.rows("select broken_rule from quality.exchange_rates_follow_their_rules")
    assert Counter(row["broken_rule"] for row in broken) == {
        "are above zero": 2,
        "are for other currencies than USD": 1,
        "stand once": 1,
        "do not overlap when recorded together": 2,
    }
