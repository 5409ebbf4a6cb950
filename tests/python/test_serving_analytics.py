"""The analytics paths: their documents hold what the oracle computes from the same events."""

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from http import HTTPStatus
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from support.oracle import Oracle, moment
from support.oracle_rollups import (
    Row,
    durations_of,
    first_day,
    grouped,
    measures,
    nearest_rank,
    rounded,
    tally,
    total,
)
from support.serving import Served, org_admin, serving, token_header
from support.stories import NOW, Story

from orchestration.serving.principal import Principal

pytest_plugins = ["support.stories"]

DAYS = ((dt.date(2000, 1, 1), dt.date(2099, 12, 31)), (dt.date(2026, 10, 7), dt.date(2026, 10, 20)))
STEPS = {"day": "daily", "week": "weekly", "month": "monthly"}


@dataclass(frozen=True)
class Asker:
    """Somebody who asks, and the facts that may be seen."""

    principal: Principal
    facts: list[Row]

    @property
    def sees_people(self) -> bool:
        return self.principal.scope == "people"

    def facts_of(self, days: tuple[dt.date, dt.date], **filters: str) -> list[Row]:
        first, last = days
        return [
            fact
            for fact in self.facts
            if first <= fact["metric_date"] <= last
            and all(fact[name] == value for name, value in filters.items())
        ]


@pytest.fixture(scope="module")
def served(sample: Story) -> Iterator[Served]:
    with serving(sample.database) as found:
        yield found


@pytest.fixture(scope="module")
def oracle(sample: Story) -> Oracle:
    return sample.oracle()


@pytest.fixture(scope="module")
def askers(sample: Story, oracle: Oracle) -> list[Asker]:
    """Return who leads a team, and of each organization who sees all of it and a developer."""
    facts = list(oracle.task_executions.values())
    versions = sample.rows("select * from marts.dim_user_versions where team is not null")
    # A team that somebody has left or joined since.
    organization_id, team = max(
        {(row["organization_id"], row["team"]) for row in versions},
        key=lambda key: (
            sum(
                (row["organization_id"], row["team"]) == key and row["valid_until"] is not None
                for row in versions
            ),
            key,
        ),
    )
    held = [
        row for row in versions if (row["organization_id"], row["team"]) == (organization_id, team)
    ]
    user_id = min(row["user_id"] for row in held if row["valid_until"] is None)
    of_team = [
        fact
        for fact in facts
        if fact["organization_id"] == organization_id
        and any(
            row["user_id"] == fact["user_id"]
            and row["valid_from"] <= fact["metric_date"]
            and (row["valid_until"] is None or fact["metric_date"] < row["valid_until"])
            for row in held
        )
    ]
    askers = [Asker(Principal("team_lead", UUID(organization_id), UUID(user_id)), of_team)]
    # Their time zones lie on both sides of UTC.
    for (of,), part in grouped(facts, lambda fact: (fact["organization_id"],)):
        busiest = Counter(fact["user_id"] for fact in part if fact["user_id"]).most_common(1)[0][0]
        own = [fact for fact in part if fact["user_id"] == busiest]
        askers.append(Asker(org_admin(of), part))
        askers.append(Asker(Principal("developer", UUID(of), UUID(busiest)), own))
    return askers


@pytest.fixture(scope="module")
def largest(askers: list[Asker]) -> Asker:
    return max(askers, key=lambda asker: len(asker.facts))


def dates(days: tuple[dt.date, dt.date]) -> dict[str, str]:
    return {"start_date": days[0].isoformat(), "end_date": days[1].isoformat()}


def ratio(part: Decimal | int, whole: Decimal | int, places: int = 6) -> Decimal | None:
    return rounded(Fraction(part) / Fraction(whole), places) if whole else None


def money(value: Decimal | None) -> Decimal | None:
    """Return an amount as the rounded number beside it says."""
    return None if value is None else rounded(Fraction(value), 6 if abs(value) < 1 else 2)


def assert_money(document: Row, name: str, expected: Decimal | None) -> None:
    found = document[f"{name}_usd"]
    assert (None if found is None else Decimal(found)) == expected, name
    assert document[name] == money(expected), name


def assert_costs(document: Row, facts: list[Row]) -> None:
    row = measures(facts)
    completed = [fact for fact in facts if fact["status"] == "completed"]
    costed = sum(fact["cost_usd"] is not None for fact in completed)
    assert document["tasks"] == row["total_tasks"]
    assert document["completed_tasks"] == row["successful_tasks"]
    for name in ("failed_tasks", "unpriced_tasks", "compared_tasks", "total_tokens"):
        assert document[name] == row[name], name
    assert document["success_rate"] == ratio(
        row["successful_tasks"], row["successful_tasks"] + row["failed_tasks"]
    )
    assert document["savings_percentage"] == ratio(
        100 * row["total_savings_usd"], row["total_baseline_cost_usd"], 2
    )
    assert_money(document, "avg_cost_per_task", ratio(row["total_cost_usd"], costed, 12))
    for name, measure in {
        "actual_cost": "total_cost_usd",
        "failed_cost": "failed_cost_usd",
        "spend": "total_spend_usd",
        "compared_cost": "compared_cost_usd",
        "baseline_cost": "total_baseline_cost_usd",
        "savings": "total_savings_usd",
    }.items():
        assert_money(document, name, row[measure] if facts else None)


def assert_split(documents: list[Row], facts: list[Row], *names: str) -> None:
    """Fail unless there is a row of costs for each value of the names, the dearest first."""
    parts = dict(grouped(facts, lambda fact: tuple(fact[name] for name in names)))
    assert {tuple(row[name] for name in names) for row in documents} == parts.keys()
    assert len(documents) == len(parts)
    spends = [Decimal(row["spend_usd"]) for row in documents]
    assert spends == sorted(spends, reverse=True)
    for row in documents:
        part = parts[tuple(row[name] for name in names)]
        assert_costs(row, part)
        assert row["share_of_spend"] == ratio(total(part, "cost_usd"), total(facts, "cost_usd"))


def steps_of(facts: list[Row], period: str) -> dict[dt.date, list[Row]]:
    """Return the facts of each step by its first day."""
    return {
        day: part
        for (day,), part in grouped(
            facts, lambda fact: (first_day(fact["metric_date"], STEPS[period]),)
        )
    }


def assert_course(documents: list[Row], facts: list[Row], period: str) -> None:
    steps = steps_of(facts, period)
    assert [row["date"] for row in documents] == [day.isoformat() for day in sorted(steps)]
    for row in documents:
        assert_costs(row, steps[dt.date.fromisoformat(row["date"])])


def assert_about(document: Row, facts: list[Row], days: tuple[dt.date, dt.date]) -> None:
    about = document["about"]
    assert (about["start_date"], about["end_date"]) == (days[0].isoformat(), days[1].isoformat())
    assert about["total_tasks"] == len(facts)
    assert about["unpriced_tasks"] == sum(fact["cost_usd"] is None for fact in facts)


def assert_percentiles(document: Row, facts: list[Row], *, exactly: bool) -> None:
    durations = durations_of(facts)
    assert document["avg_duration_ms"] == (
        ratio(sum(durations), len(durations), 3) if durations else None
    )
    for name, percent in {"p50": 50, "p95": 95}.items():
        found = document[f"{name}_duration_ms"]
        if not durations:
            assert found is None
            continue
        expected = nearest_rank(durations, percent)
        assert abs(found - expected) <= (0 if exactly else Fraction(expected) / 100), name


def test_savings_are_those_of_the_completed_executions(served: Served, askers: list[Asker]) -> None:
    for asker in askers:
        for days in DAYS:
            facts = asker.facts_of(days)
            compared = [fact for fact in facts if fact["savings_status"] == "compared"]
            answer = served.document("analytics/savings/summary", asker.principal, **dates(days))
            assert_money(answer, "total_savings", total(compared, "savings_usd"))
            assert_money(answer, "total_spend", total(facts, "cost_usd"))
            assert answer["compared_tasks"] == len(compared)
            assert sum(Decimal(point["savings_usd"]) for point in answer["trend"]) == Decimal(
                answer["total_savings_usd"]
            )
            assert answer["trend"][-1]["cumulative_savings"] == answer["total_savings"]
            assert_about(answer, facts, days)


def test_costs_of_providers_are_those_of_their_executions(
    served: Served, askers: list[Asker]
) -> None:
    for asker in askers:
        provider = asker.facts[0]["provider"]
        task_type = asker.facts[0]["task_type"]
        for filters in ({}, {"provider": provider}, {"task_type": task_type}):
            for days in DAYS:
                facts = asker.facts_of(days, **filters)
                answer = served.document(
                    "analytics/costs/by-provider", asker.principal, **dates(days), **filters
                )
                assert_split(answer["providers"], facts, "provider")
                assert_about(answer, facts, days)


def test_costs_add_up_to_the_same_however_they_are_split(
    served: Served, askers: list[Asker]
) -> None:
    for asker in askers:
        task_type = asker.facts[0]["task_type"]
        for period, filters in (("week", {}), ("month", {"task_type": task_type}), ("day", {})):
            facts = asker.facts_of(DAYS[1], **filters)
            asked = dates(DAYS[1]) | filters
            answer = served.document("analytics/costs", asker.principal, period=period, **asked)
            assert_costs(answer["totals"], facts)
            assert_course(answer["course"], facts, period)
            assert_split(answer["by_provider"], facts, "provider")
            assert_split(answer["by_model"], facts, "provider", "model")
            assert_split(answer["by_task_type"], facts, "task_type")
            for name in (period, STEPS[period]):
                in_steps = served.document(f"analytics/costs/{name}", asker.principal, **asked)
                assert in_steps == answer
    refused = served.get("analytics/costs/yearly", askers[0].principal)
    assert refused.status_code == HTTPStatus.UNPROCESSABLE_ENTITY


def test_savings_are_split_by_what_they_are_against(
    served: Served, askers: list[Asker], sample: Story
) -> None:
    for asker in askers:
        days = DAYS[1]
        facts = asker.facts_of(days)
        answer = served.document("analytics/savings", asker.principal, period="week", **dates(days))
        assert_costs(answer, facts)
        assert_about(answer, facts, days)
        compared = [fact for fact in facts if fact["savings_status"] == "compared"]
        assert_money(answer, "net_savings", total(compared, "net_savings_usd"))
        assert answer["unknown_overhead_tasks"] == sum(
            fact["net_savings_usd"] is None for fact in compared
        )
        assert answer["negative_savings_tasks"] == sum(fact["savings_usd"] < 0 for fact in compared)
        assert_split(answer["by_provider"], facts, "provider")
        assert_split(answer["by_task_type"], facts, "task_type")

        against: dict[Any, Decimal] = {}
        for fact in compared:
            key = fact["baseline_provider"], fact["baseline_model"]
            against[key] = against.get(key, Decimal(0)) + fact["savings_usd"]
        assert {
            (row["baseline_provider"], row["baseline_model"]): Decimal(row["savings_usd"])
            for row in answer["by_baseline"]
        } == against

        under = {row["policy"]: row for row in answer["by_policy"]}
        assert len(under) == len(answer["by_policy"]) == 5
        assert_money(under["headline"], "savings", total(compared, "savings_usd"))
        for policy in under.keys() - {"headline"}:
            name = f"{policy}_baseline_cost_usd"
            pairs = [
                fact
                for fact in facts
                if fact["status"] == "completed" and None not in (fact["cost_usd"], fact[name])
            ]
            assert under[policy]["compared_tasks"] == len(pairs)
            assert_money(under[policy], "baseline_cost", total(pairs, name))
            assert_money(under[policy], "savings", total(pairs, name) - total(pairs, "cost_usd"))

        comparisons = sample.rows(
            "select success_comparison, sum(total_savings_usd) as savings_usd "
            "from marts.savings_quality where organization_id = %s and metric_date = '2026-10-01' "
            "group by 1",
            asker.principal.organization_id,
        )
        assert {
            row["success_comparison"]: Decimal(row["savings_usd"]) for row in answer["quality"]
        } == (
            {}
            if asker.sees_people
            else {row["success_comparison"]: row["savings_usd"] for row in comparisons}
        )


def optimal_of(facts: list[Row]) -> tuple[str | None, int]:
    """Return the provider that does a type of task best for the money, and of how many."""
    candidates = {}
    for (provider,), part in grouped(facts, lambda fact: (fact["provider"],)):
        completed = [fact for fact in part if fact["status"] == "completed"]
        finished = len(completed) + sum(fact["status"] == "failed" for fact in part)
        costs = [fact["cost_usd"] for fact in completed if fact["cost_usd"] is not None]
        if finished >= 20:
            rate = Fraction(len(completed), finished)
            candidates[provider] = rate, Fraction(sum(costs)) / len(costs) if costs else None
    best = max((rate for rate, _ in candidates.values()), default=Fraction(0))
    cheapest = sorted(
        (cost, -rate, provider)
        for provider, (rate, cost) in candidates.items()
        if cost is not None and rate >= best - Fraction("0.02")
    )
    return (cheapest[0][2] if cheapest else None), len(candidates)


def test_performance_of_task_types_is_that_of_their_executions(
    served: Served, askers: list[Asker]
) -> None:
    reasons = set()
    for asker in askers:
        filters = {"task_type": asker.facts[0]["task_type"]}
        for days, wanted in ((DAYS[0], {}), (DAYS[1], {}), (DAYS[1], filters)):
            facts = asker.facts_of(days, **wanted)
            answer = served.document(
                "analytics/tasks/performance", asker.principal, **dates(days), **wanted
            )
            parts = dict(grouped(facts, lambda fact: (fact["task_type"],)))
            assert {(row["task_type"],) for row in answer["tasks"]} == parts.keys()
            assert_about(answer, facts, days)
            for row in answer["tasks"]:
                part = parts[(row["task_type"],)]
                counts = measures(part)
                assert row["total_tasks"] == len(part)
                assert row["success_rate"] == ratio(
                    counts["successful_tasks"], counts["successful_tasks"] + counts["failed_tasks"]
                )
                assert_percentiles(row, part, exactly=asker.sees_people)
                provider, compared = optimal_of(part)
                assert row["optimal_provider"] == provider
                assert (row["optimal_provider_reason"] is None) == (provider is not None)
                assert row["compared_providers"] == (compared if provider else None)
                reasons.add(row["optimal_provider_reason"])
    assert reasons == {None, "no provider has 20 finished executions"}


def test_one_provider_alone_is_not_the_optimal_one(served: Served, largest: Asker) -> None:
    provider = largest.facts[0]["provider"]
    facts = largest.facts_of(DAYS[0], provider=provider)
    answer = served.document(
        "analytics/tasks/performance", largest.principal, provider=provider, **dates(DAYS[0])
    )
    parts = dict(grouped(facts, lambda fact: (fact["task_type"],)))
    assert len(answer["tasks"]) == len(parts)
    for row in answer["tasks"]:
        assert_percentiles(row, parts[(row["task_type"],)], exactly=False)
        assert row["optimal_provider"] is None
        assert row["optimal_provider_reason"] == "only one provider was asked about"


def test_performance_of_providers_is_that_of_their_executions(
    served: Served, askers: list[Asker]
) -> None:
    for asker in askers:
        # As many days back as `period` says.
        days = dt.date(2026, 10, 14), dt.date(2026, 10, 20)
        facts = asker.facts_of(days)
        answer = served.document(
            "analytics/providers", asker.principal, end_date="2026-10-20", period="7d"
        )
        assert_about(answer, facts, days)
        parts = dict(grouped(facts, lambda fact: (fact["provider"],)))
        assert {(row["provider"],) for row in answer["providers"]} == parts.keys()
        for row in answer["providers"]:
            part = parts[(row["provider"],)]
            assert_costs(row, part)
            assert_percentiles(row, part, exactly=asker.sees_people)
            scored = [fact for fact in part if fact["quality_score"] is not None]
            assert row["scored_tasks"] == len(scored)
            assert row["avg_quality_score"] == ratio(total(scored, "quality_score"), len(scored))
            assert row["avg_tokens_per_task"] == ratio(total(part, "total_tokens"), len(part), 2)
            assert row["timed_out_tasks"] == sum(fact["is_timed_out"] for fact in part)


def test_usage_counts_each_user_once_in_a_step(served: Served, askers: list[Asker]) -> None:
    for asker in askers:
        for period in STEPS:
            facts = asker.facts_of(DAYS[1])
            answer = served.document(
                "analytics/usage/metrics", asker.principal, period=period, **dates(DAYS[1])
            )
            days = {fact["metric_date"] for fact in facts}
            users = {fact["user_id"] for fact in facts} - {None}
            of_users = [fact for fact in facts if fact["user_id"] is not None]
            user_days = {(fact["user_id"], fact["metric_date"]) for fact in of_users}
            compared = [fact for fact in facts if fact["savings_usd"] is not None]
            assert answer["active_days"] == len(days)
            assert answer["active_users"] == len(users)
            assert answer["daily_active_users"] == ratio(len(user_days), len(days), 2)
            assert answer["tasks_per_day"] == ratio(len(facts), len(days), 2)
            assert answer["tasks_per_user"] == ratio(len(of_users), len(user_days), 2)
            assert answer["feature_adoption"] == {
                "intelligent_routing": ratio(
                    sum(fact["routing_decision_id"] is not None for fact in facts), len(facts), 4
                ),
                "cost_optimization": ratio(
                    sum(fact["savings_usd"] > 0 for fact in compared), len(compared), 4
                ),
            }
            counts = tally(facts, "task_type")
            assert answer["top_task_types"] == [
                {"type": name, "count": counts[name]}
                for name in sorted(counts, key=lambda name: (-counts[name], name))
            ]
            steps = steps_of(facts, period)
            assert answer["course"] == [
                {
                    "date": day.isoformat(),
                    "tasks": len(part),
                    "active_users": len({fact["user_id"] for fact in part} - {None}),
                    "total_tokens": int(total(part, "total_tokens")),
                }
                for day, part in sorted(steps.items())
            ]


def test_the_dashboard_says_what_the_paths_of_its_parts_say(
    served: Served, askers: list[Asker], sample: Story, oracle: Oracle
) -> None:
    for asker in askers:
        days = dt.date(2026, 10, 5), dt.date(2026, 10, 20)
        asked = dates(days)
        answer = served.document("analytics/dashboard", asker.principal, period="week", **asked)
        savings = served.document("analytics/savings", asker.principal, period="week", **asked)
        summary = served.document("analytics/savings/summary", asker.principal, **asked)
        usage = served.document("analytics/usage/metrics", asker.principal, **asked)
        assert answer["summary"] == {name: summary[name] for name in answer["summary"]}
        assert answer["usage"] == {name: usage[name] for name in answer["usage"]}
        assert answer["trend"] == savings["trend"]
        assert answer["providers"] == savings["by_provider"]
        assert answer["task_types"] == savings["by_task_type"]
        assert answer["about"] == summary["about"]

        organization_id = str(asker.principal.organization_id)
        organization = oracle.organizations[organization_id]
        assert answer["organization"]["organization_name"] == organization["organization_name"]

        # The last day is complete unless these tests run on it.
        today = dt.datetime.now(ZoneInfo(organization["timezone"])).date()
        until = min(dt.date(2026, 10, 21), today)
        facts = asker.facts_of((dt.date(2026, 10, 1), days[1]))
        complete = [fact for fact in facts if fact["metric_date"] < until]
        spend = total(facts, "cost_usd")
        budget = organization["monthly_budget_usd"]
        assert answer["budget"]["month"] == "2026-10-01"
        assert_money(answer["budget"], "monthly_budget", budget)
        assert_money(answer["budget"], "spend", spend)
        assert answer["budget"]["share_of_budget"] == (budget and ratio(spend, budget))
        assert_money(
            answer["budget"],
            "projected_spend",
            ratio(31 * total(complete, "cost_usd"), (until - dt.date(2026, 10, 1)).days, 12),
        )
        saved = total(asker.facts_of((days[0], until - dt.timedelta(days=1))), "savings_usd")
        assert answer["projection"]["complete_days"] == (until - days[0]).days
        assert_money(
            answer["projection"],
            "projected_annual_savings",
            ratio(365 * saved, (until - days[0]).days, 12),
        )
        shown = asker.facts_of(days)
        unpriced = sum(fact["cost_usd"] is None for fact in shown)
        open_alerts = sample.row(
            "select count(*) as open from marts.fct_alerts where organization_id = %s and is_open",
            organization_id,
        )["open"]
        assert answer["state"] == {
            "open_alerts": None if asker.sees_people else open_alerts,
            "unpriced_tasks": unpriced,
            "unpriced_share": ratio(unpriced, len(shown)),
        }


def test_present_figures_are_those_of_the_day_and_month_that_it_is(
    served: Served, askers: list[Asker], oracle: Oracle
) -> None:
    for asker in askers:
        if asker.sees_people:
            refused = served.get("metrics/current", asker.principal)
            assert refused.status_code == HTTPStatus.FORBIDDEN
            assert "org_admin" in refused.json()["detail"]
            continue
        zone = oracle.organizations[str(asker.principal.organization_id)]["timezone"]
        today = moment(NOW).astimezone(ZoneInfo(zone)).date()
        answer = served.document("metrics/current", asker.principal)
        assert answer == served.document("analytics/metrics/current", asker.principal)
        for name, first in (("today", today), ("month", today.replace(day=1))):
            last = today if name == "today" else first + dt.timedelta(days=31)
            facts = [
                fact
                for fact in asker.facts_of((first, last))
                if fact["metric_date"].month == today.month
            ]
            row = measures(facts)
            found = answer[name]
            assert found["metric_date"] == (first.isoformat() if facts else None)
            assert found["total_tasks"] == len(facts)
            assert found["active_errors"] == row["failed_tasks"] + row["timed_out_tasks"]
            assert found["running_tasks"] == len(facts) - row["successful_tasks"] - (
                row["failed_tasks"] + row["timed_out_tasks"]
            )
            assert found["pending_executions"] == 0
            for measure in ("total_spend", "total_cost", "total_savings"):
                assert_money(found, measure, row[f"{measure}_usd"] if facts else None)


def test_an_organization_of_which_nothing_landed_is_answered(served: Served) -> None:
    nobody = org_admin(uuid4())
    for path in (
        "savings/summary", "savings", "costs", "costs/monthly", "costs/by-provider", "dashboard",
        "tasks/performance", "providers", "usage/metrics",
    ):  # fmt: skip
        answer = served.document(f"analytics/{path}", nobody)
        assert answer["about"]["total_tasks"] == 0
        assert answer["about"]["priced_share"] is None
    current = served.document("metrics/current", nobody)
    assert current["today"]["total_tasks"] == current["month"]["running_tasks"] == 0
    assert current["month"]["total_spend_usd"] is None
    response = served.client.post(
        "/api/v1/analytics/roi-calculator", json={}, headers=token_header(nobody)
    )
    roi = served.checked("analytics/roi-calculator", response, "post")
    assert roi["monthly_savings_usd"] is None
    assert "savings: no execution completed on these days" in roi["unknown"]


def test_roi_is_what_arithmetic_by_hand_gives(served: Served, askers: list[Asker]) -> None:
    for asker in askers:
        facts = asker.facts_of((dt.date(2026, 8, 3), dt.date(2026, 10, 31)))
        compared = [fact for fact in facts if fact["savings_status"] == "compared"]
        per_task = ratio(total(compared, "savings_usd"), len(compared), 12)
        assert per_task is not None

        def calculate(asker: Asker = asker, **body: Any) -> Any:
            response = served.client.post(
                "/api/v1/analytics/roi-calculator",
                json={"end_date": "2026-10-31"} | body,
                headers=token_header(asker.principal),
            )
            return served.checked("analytics/roi-calculator", response, "post")

        # 1,000 tasks save 6 minutes each: 100 hours, worth 6,000 USD.
        answer = calculate(
            monthly_tasks=1000,
            developers=8,
            hourly_rate_usd="60",
            hours_saved_per_task=0.1,
            monthly_platform_cost_usd=500.25,
            implementation_cost_usd=3000,
        )
        savings = 1000 * per_task
        benefit = savings + 6000
        cost = Decimal("12") * Decimal("500.25") + 3000
        assert answer["measured"]["start_date"] == "2026-08-03"
        assert_money(answer["measured"], "savings_per_task", per_task)
        assert_money(answer, "monthly_savings", savings)
        assert_money(answer, "annual_savings", 12 * savings)
        assert answer["annual_hours_saved"] == 1200
        assert_money(answer, "monthly_time_value", Decimal(6000))
        assert_money(answer, "annual_time_value", Decimal(72000))
        assert_money(answer, "annual_benefit", 12 * benefit)
        assert_money(answer, "monthly_benefit_per_developer", ratio(benefit, 8, 12))
        assert_money(answer, "first_year_cost", Decimal("9003.00"))
        assert answer["roi_percentage"] == ratio(100 * (12 * benefit - cost), cost, 2)
        assert answer["payback_months"] == ratio(3000, benefit - Decimal("500.25"), 2)
        assert answer["unknown"] == []
        assert answer["assumptions"]["minutes_saved_per_task"] == 6
        assert not answer["assumptions"]["monthly_tasks_are_measured"]

        # Without assumptions: as many tasks as there were, and only what is measured.
        answer = calculate()
        began = min(fact["metric_date"] for fact in facts)
        completed = sum(fact["status"] == "completed" for fact in facts)
        days = (dt.date(2026, 11, 1) - began).days
        assert answer["assumptions"]["monthly_tasks"] == ratio(365 * completed, 12 * days, 2)
        assert answer["monthly_benefit_usd"] == answer["monthly_savings_usd"]
        assert answer["monthly_time_value_usd"] is answer["roi_percentage"] is None
        assert len(answer["unknown"]) == 3 + (per_task <= 0)

        # What costs more than it brings is never paid back.
        answer = calculate(monthly_platform_cost_usd=1_000_000)
        assert answer["payback_months"] is None
        assert answer["roi_percentage"] < 0


@pytest.mark.parametrize(
    "body",
    [
        '{"developers": -1}', '{"developers": 0}', '{"developers": true}', '{"developers": 1.5}',
        '{"developers": NaN}', '{"hourly_rate_usd": Infinity}', '{"hourly_rate_usd": 1e10}',
        '{"monthly_tasks": "many"}', '{"monthly_tasks": "1e3"}', '{"monthly_tasks": "NaN"}',
        '{"implementation_cost_usd": null}', '{"savings": 1}', "[]", "1e400", "{",
        '{"minutes_saved_per_task": 6, "hours_saved_per_task": 0.1}',
    ],
)  # fmt: skip
def test_a_calculation_with_impossible_numbers_is_refused(
    served: Served, askers: list[Asker], body: str
) -> None:
    response = served.client.post(
        "/api/v1/analytics/roi-calculator",
        content=body,
        headers=token_header(askers[0].principal) | {"Content-Type": "application/json"},
    )
    assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY, response.text
    assert response.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("period", ["0d", "-1d", "30", "d", "year", "10000d", "1d\n"])
def test_a_period_that_is_none_is_refused(served: Served, askers: list[Asker], period: str) -> None:
    response = served.get("analytics/savings", askers[0].principal, period=period)
    assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY


@pytest.mark.parametrize("day", ["0001-01-01", "1969-12-31", "3000-01-01", "9999-12-31"])
def test_a_day_outside_of_what_can_be_computed_with_is_refused(
    served: Served, askers: list[Asker], day: str
) -> None:
    for name in ("start_date", "end_date"):
        response = served.get("analytics/dashboard", askers[0].principal, **{name: day})
        assert response.status_code == HTTPStatus.UNPROCESSABLE_ENTITY


def test_the_longest_periods_are_answered(served: Served, askers: list[Asker]) -> None:
    for last in ("1970-01-01", "2999-12-31"):
        for asker in askers:
            for path in ("dashboard", "savings", "providers"):
                served.document(f"analytics/{path}", asker.principal, end_date=last, period="9999d")


def test_everything_in_the_description_has_an_example_or_says_what_it_is(served: Served) -> None:
    described = served.app.openapi()
    for path, item in described["paths"].items():
        for operation in item.values():
            assert operation["summary"], path
            assert operation["description"], path
    unexplained = [
        f"{name}.{field}"
        for name, schema in described["components"]["schemas"].items()
        for field, part in schema.get("properties", {}).items()
        if not part.keys() & {"description", "examples", "example", "$ref", "items", "const"}
    ]
    assert set(unexplained) <= {
        "HTTPValidationError.detail", "ValidationError.input", "ValidationError.ctx",
        "ValidationError.loc", "ValidationError.msg", "ValidationError.type",
    }  # fmt: skip
