"""Alerts: opened once, kept up to date, resolved, and the same again from what is stored."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from support.checks import check, without_check_constraints
from support.events import organization
from support.price_books import for_three_usd
from support.stories import NOW, Story

pytest_plugins = ["support.stories"]

MARCH, APRIL = "2026-03-11T10:00:00Z", "2026-04-03T10:00:00Z"

BUDGET_RULES = {
    "spend_is_below_budget_notice",
    "spend_is_below_budget_warning",
    "spend_is_below_budget",
    "spend_will_stay_below_budget",
}


def alerts(story: Story, *rules: str) -> list[dict[str, Any]]:
    found = story.rows("select * from marts.fct_alerts order by first_seen_at, dedup_key")
    return [alert for alert in found if alert["rule"] in rules]


def open_rules(story: Story) -> set[str]:
    return {alert["rule"] for alert in alerts(story, *BUDGET_RULES) if alert["is_open"]}


def test_budgets_alert_once_for_each_limit_and_again_when_they_are_passed_again(
    story: Story,
) -> None:
    story.land(organization(monthly_budget_usd=30), *map(for_three_usd, range(1, 5)))
    story.build(now=MARCH)
    # 12 of 30 USD, all in ten complete days of 31: 37.2 USD to come.
    (projected,) = alerts(story, *BUDGET_RULES)
    assert (projected["rule"], projected["observed"], projected["threshold"]) == (
        "spend_will_stay_below_budget",
        Decimal("37.2"),
        Decimal(30),
    )

    story.land(for_three_usd(5))
    story.build(now=MARCH)
    assert open_rules(story) == {"spend_is_below_budget_notice", "spend_will_stay_below_budget"}
    story.land(*map(for_three_usd, range(6, 11)))
    story.build(now=MARCH)
    assert open_rules(story) == BUDGET_RULES
    assert len(alerts(story, *BUDGET_RULES)) == 4
    observed = {alert["rule"]: alert["observed"] for alert in alerts(story, *BUDGET_RULES)}
    # The first ones were opened at 15 and 37.2 USD; they show what it is now.
    assert observed == dict.fromkeys(BUDGET_RULES - {"spend_will_stay_below_budget"}, 30) | {
        "spend_will_stay_below_budget": 93
    }
    (of_month,) = {alert["period"] for alert in alerts(story, *BUDGET_RULES)}
    assert of_month == "2026-03"

    before = story.identities()["quality.alert_episodes"]
    story.build(now=MARCH)
    assert story.identities()["quality.alert_episodes"] == before, "nothing new is not noted again"

    # A correction takes 24 USD off: 6 are left.
    corrections = [
        for_three_usd(
            100 + number, id=for_three_usd(number)["id"], updated_at="2026-03-02T10:00:00Z"
        )
        | {"input_tokens": 0}
        for number in range(1, 9)
    ]
    story.land(*corrections)
    story.build(now=MARCH)
    assert open_rules(story) == set()
    assert {alert["resolution"] for alert in alerts(story, *BUDGET_RULES)} == {"within the limit"}
    assert {alert["observed"] for alert in alerts(story, *BUDGET_RULES)} == {6, Decimal("18.6")}

    # Early in April the rest of March still arrives.
    story.land(*map(for_three_usd, range(11, 14)))
    story.build(now=APRIL)
    again = alerts(story, "spend_is_below_budget_notice")
    assert [alert["is_open"] for alert in again] == [False, True]
    assert len({alert["dedup_key"] for alert in again}) == 1
    assert len({alert["alert_id"] for alert in again}) == 2

    story.build(now=NOW)
    assert open_rules(story) == set()
    assert alerts(story, "spend_is_below_budget_notice")[-1]["resolution"] == "no longer observed"
    assert alerts(story, "spend_is_below_budget_notice")[-1]["observed"] is None


def test_a_full_refresh_keeps_what_was_seen(story_of_sample: Story) -> None:
    story = story_of_sample
    before = story.rows("select * from quality.alert_episodes order by alert_id")
    assert before
    story.build(full_refresh=True)
    assert story.rows("select * from quality.alert_episodes order by alert_id") == before


def test_rates_are_those_of_the_last_days(story_of_sample: Story) -> None:
    story = story_of_sample
    now = datetime.fromisoformat(NOW)
    today = {
        row["organization_id"]: now.astimezone(ZoneInfo(row["timezone"])).date()
        for row in story.rows("select * from marts.dim_organizations")
    }
    finished: dict[str, list[bool]] = defaultdict(list)
    dearer: dict[str, list[bool]] = defaultdict(list)
    for fact in story.mart("fct_task_executions").values():
        organization_id = fact["organization_id"]
        days_ago = today[organization_id] - fact["metric_date"]
        if not timedelta() <= days_ago < timedelta(days=7):
            continue
        if fact["status"] in ("completed", "failed"):
            finished[organization_id].append(fact["status"] == "failed")
        if fact["savings_usd"] is not None:
            dearer[organization_id].append(fact["savings_usd"] < 0)
    expected = {
        (rule, organization_id)
        for rule, tasks, limit in (
            ("few_tasks_fail", finished, 5),
            ("most_tasks_succeed", finished, 10),
            ("few_tasks_cost_more_than_their_baseline", dearer, 5),
        )
        for organization_id, broken in tasks.items()
        if len(finished[organization_id]) >= 20 and 100 * sum(broken) > limit * len(broken)
    }
    rules = {rule for rule, _ in expected}
    assert rules >= {"few_tasks_fail", "few_tasks_cost_more_than_their_baseline"}
    found = alerts(story, *rules, "most_tasks_succeed")
    assert {(alert["rule"], alert["organization_id"]) for alert in found} == expected
    assert {alert["period"] for alert in found} == {"last 7 days"}


def test_a_rule_that_a_check_finds_broken_alerts_until_all_is_looked_at_again(
    story_of_sample: Story,
) -> None:
    story = story_of_sample
    now = datetime.now(UTC).isoformat()
    without_check_constraints(story)
    with story.database.connect() as connection:
        connection.execute("update marts.dim_prices set output_usd_per_mtok = -output_usd_per_mtok")
    check(story, "--full", "--suite", "price_book")
    # Views read the clock anew here; what was built before looks at another moment.
    story.build("alert_conditions", "fct_alerts", now=None)
    (alert,) = alerts(story, "prices_are_not_negative")
    assert (alert["severity"], alert["unit"], alert["is_open"]) == ("critical", "rows", True)
    assert alert["observed"] > 10
    assert alert["first_seen_at"] > datetime.fromisoformat(now), "when it was checked"
    story.build("alert_episodes", now=None)
    with story.database.connect() as connection:
        connection.execute("update marts.dim_prices set output_usd_per_mtok = -output_usd_per_mtok")
    check(story, "--suite", "executions")
    assert alerts(story, "prices_are_not_negative")[0]["is_open"], "another suite says nothing"
    check(story, "--suite", "price_book")
    (resolved,) = alerts(story, "prices_are_not_negative")
    assert resolved["alert_id"] == alert["alert_id"]
    assert not resolved["is_open"]
    assert resolved["resolved_at"] > resolved["last_seen_at"] >= alert["first_seen_at"]


def test_a_failed_build_alerts_at_once_and_until_the_next_one(story: Story) -> None:
    assert alerts(story, "builds_succeed") == []
    with story.database.connect() as connection:
        connection.execute("alter table raw.users rename to lost")
    with pytest.raises(AssertionError, match="stg_platform__users: error"):
        story.build("stg_platform__users")
    (alert,) = alerts(story, "builds_succeed")
    assert (alert["severity"], alert["observed"], alert["is_open"]) == ("critical", 1, True)
    with story.database.connect() as connection:
        connection.execute("alter table raw.lost rename to users")
    story.build()
    (resolved,) = alerts(story, "builds_succeed")
    assert (resolved["alert_id"], resolved["is_open"]) == (alert["alert_id"], False)
    story.build()
    assert alerts(story, "builds_succeed") == [resolved]
