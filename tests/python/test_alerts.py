"""Alerts: opened once, kept up to date, resolved, and the same again from what is stored."""

import re
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from support.checks import check, without_check_constraints
from support.events import ORGANIZATION_ID, execution, organization, user, uuid_of
from support.price_books import for_three_usd
from support.stories import NOW, Seeds, Story, price

from orchestration.quality.alerts import open_alerts, opened, resolved

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


def test_what_is_shipped_warns_of_nothing_however_old_it_is(story: Story) -> None:
    years_later = "2029-01-01T00:00:00Z"
    story.land(organization(), execution())
    story.build(now=years_later)
    tests = ("test", "--exclude-resource-type", "unit_test")
    results = story.project.run(story.database, *tests, now=years_later).results
    # Hooks succeed, tests pass.
    assert {str(result.status) for result in results} == {"success", "pass"}
    check(story, "--full")
    # That nothing has landed for years is about the user's own files.
    broken = story.rows("select rule from quality.check_results where not is_success")
    assert [row["rule"] for row in broken] == ["landing_is_fresh"]
    found = story.rows("select rule from marts.fct_alerts where is_open")
    assert [row["rule"] for row in found] == ["landing_is_fresh"]


def test_an_alert_says_of_whom_how_much_since_when_why_and_what_to_do(
    story: Story, seeds: Seeds
) -> None:
    now = datetime.now(UTC)
    at = dict.fromkeys(("start_time", "end_time", "updated_at"), now.isoformat())
    joe = user(2, id=uuid_of(42), name="Joe")
    failed = {"provider": "openai", "model": "gpt-4o", "status": "failed"}
    two_days_ago = (now - timedelta(days=2)).isoformat()
    seeds.add(
        "provider_pricing",
        price("acme", "moves", source="fetched:list", recorded_at=two_days_ago),
    )
    story.land(
        *(organization(monthly_budget_usd=0.01), user(), joe),
        *(execution(number, user_id=joe["id"], **at) for number in range(1, 21)),
        *(execution(number, **at, **failed) for number in range(21, 26)),
    )
    story.build(now=None)
    without_check_constraints(story)
    wrong = execution(1)["id"]
    with story.database.connect() as connection:
        connection.execute(
            "update marts.fct_task_executions set cost_usd = -1, savings_usd = null, "
            "net_savings_usd = null where execution_id = %s",
            (wrong,),
        )
        connection.execute(
            "update marts.dim_prices set output_usd_per_mtok = -1 where price_id = ("
            "select min(price_id) from marts.dim_prices "
            "where provider = 'openai' and model = 'gpt-4o')"
        )
        connection.execute("update raw.loads set landed_at = landed_at - interval '2 days'")
    check(story)
    with story.database.connect() as connection:
        found = {alert["rule"]: alert for alert in open_alerts(connection)}
        told = {rule: opened(connection, alert, "page") for rule, alert in found.items()}

    month = f"{now.astimezone(ZoneInfo('Europe/Berlin')):%Y-%m}"
    sonnet = "anthropic claude-3-7-sonnet-20250219"
    for rule, summary in {
        "few_tasks_fail": (
            "warning: {}: Acme, mostly openai gpt-4o and user Jane, last 7 days: "
            "20 percent, limit 5"
        ),
        "most_tasks_succeed": (
            "critical: {}: Acme, mostly openai gpt-4o and user Jane, last 7 days: "
            "20 percent, limit 10"
        ),
        "spend_is_below_budget": (
            rf"critical: {{}}: Acme, mostly {sonnet} and user Joe, {month}: "
            r"0\.\d+ usd, limit 0\.01"
        ),
        "cost_is_not_negative": (
            f"critical: {{}}: Acme, {sonnet}, user Joe, execution_id {wrong}: 1 rows, limit 0"
        ),
        "prices_are_not_negative": (r"critical: {}: openai gpt-4o, price_id \w+: 1 rows, limit 0"),
        "fetched_prices_are_fresh": r"warning: {}: acme moves: 48\.\d+ hours, limit 24",
        "landing_is_fresh": r"warning: {}: source \S+\.ndjson: 48\.\d+ hours, limit 24",
    }.items():
        since = r", since \d{4}-\d\d-\d\d \d\d:\d\d UTC"
        assert re.fullmatch(summary.format(rule) + since, told[rule].summary), told[rule].summary

    assert told["cost_is_not_negative"].cause == (
        "the constraint was dropped and a row changed by hand."
    )
    assert told["cost_is_not_negative"].command == f"warehouse explain {wrong}"
    assert told["spend_is_below_budget"].command == (
        f"warehouse explain --organization {ORGANIZATION_ID} --period {month}"
    )
    for rule, notification in told.items():
        assert notification.cause, rule
        assert not re.search(r"\b(ID|LOAD|ORGANIZATION|PERIOD)\b", notification.command), rule
        page, history, *rows = notification.look
        assert page == "page"
        assert [row["resolved_at"] for row in story.rows(history)] == [None], rule
        assert bool(rows) == (found[rule]["unit"] == "rows")
        for query in rows:
            (row,) = story.rows(query)
            assert len(story.rows(row["query"])) == found[rule]["observed"]

    over = resolved(found["few_tasks_fail"]["dedup_key"], told["few_tasks_fail"].summary, "page")
    assert over.summary == f"resolved: {told['few_tasks_fail'].summary}"
    assert (over.command, over.look[1]) == ("nothing to do.", told["few_tasks_fail"].look[1])
