"""What the rollups must hold, computed from the oracle's facts alone.

Plain Python over dictionaries and exact fractions, like the oracle. Every row is computed anew
from the facts that fall under its key: no week or month is added up from days, so that the
warehouse's way of doing that is checked too.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

Row = dict[str, Any]
Rows = dict[Any, Row]

PERIODS = ("daily", "weekly", "monthly")

GROWTH = Fraction("1.019")
"""How much wider each bucket of a histogram of durations ends than the one before."""

PERCENTILES = {"p50": 50, "p95": 95, "p99": 99}

COPIED_TO_AGGREGATIONS = (
    "organization_id", "metric_date", "aggregation_period", "total_tasks", "successful_tasks",
    "failed_tasks", "timed_out_tasks", "unpriced_tasks", "total_cost_usd",
    "total_baseline_cost_usd", "total_savings_usd", "failed_cost_usd", "total_spend_usd",
    "savings_percentage", "by_provider", "by_task_type", "avg_duration_ms", "p50_duration_ms",
    "p95_duration_ms", "p99_duration_ms",
)  # fmt: skip

COPIED_TO_CURRENT_MONTH = (
    "organization_id", "metric_date", "aggregation_period", "total_tasks", "successful_tasks",
    "failed_tasks", "timed_out_tasks", "unpriced_tasks", "total_cost_usd",
    "total_baseline_cost_usd", "total_savings_usd", "failed_cost_usd", "total_spend_usd",
    "savings_percentage", "providers_used",
)  # fmt: skip


def rounded(value: Fraction, places: int) -> Decimal:
    """Return a fraction as a decimal, half away from zero."""
    scaled = abs(value) * 10**places
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return Decimal(whole if value >= 0 else -whole).scaleb(-places)


def total(facts: Iterable[Row], name: str) -> Decimal:
    return sum((Decimal(fact[name]) for fact in facts if fact[name] is not None), Decimal(0))


def count(facts: Iterable[Row], **wanted: Any) -> int:
    return sum(all(fact[name] == value for name, value in wanted.items()) for fact in facts)


def percentage(part: Decimal | int, whole: Decimal | int) -> Decimal | None:
    return rounded(100 * Fraction(part) / Fraction(whole), 6) if whole else None


def average(amount: Decimal, number: int, places: int) -> Decimal | None:
    return rounded(Fraction(amount) / number, places) if number else None


def rollups(
    facts: Iterable[Row],
    members: Mapping[str, Mapping[str, date]],
    timezones: Mapping[str, str],
    now: datetime,
) -> dict[str, Rows]:
    """Return the rows of every rollup by key.

    Args:
        facts: The executions.
        members: Of each organization its users and the day since which they belong to it.
        timezones: The present time zone of each organization.
        now: The moment that counts as now.
    """
    facts = list(facts)
    organizations = _organization_analytics(facts, members)
    return {
        "organization_analytics": organizations,
        "user_analytics": _user_analytics(facts),
        "provider_performance_metrics": _provider_performance_metrics(facts),
        "analytics_hourly": _analytics_hourly(facts),
        "daily_savings": _daily_savings(facts),
        "organization_days": _organization_durations(facts),
        "provider_days": _provider_durations(facts),
        "analytics_aggregations": {
            key: _aggregation(row, timezones[row["organization_id"]])
            for key, row in organizations.items()
        },
        "organization_current_month": _current_months(organizations, timezones, now),
    }


# Periods


def first_day(day: date, period: str) -> date:
    """Return the first day of the period that a day is in."""
    if period == "weekly":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if period == "monthly" else day


def next_first_day(first: date, period: str) -> date:
    """Return the first day of the next period."""
    if period == "monthly":
        return (first + timedelta(days=31)).replace(day=1)
    return first + timedelta(days=7 if period == "weekly" else 1)


def first_instant(day: date, timezone: str) -> datetime:
    """Return when a day begins: of a midnight that comes twice the first, of none the next one."""
    return datetime.combine(day, time(), ZoneInfo(timezone)).astimezone(UTC)


def start_of_hour(start: datetime, timezone: str) -> datetime:
    """Return the instant of the last full hour on the clock of a time zone."""
    clock = start.astimezone(ZoneInfo(timezone))
    return start - timedelta(
        minutes=clock.minute, seconds=clock.second, microseconds=clock.microsecond
    )


# Durations


def bucket_of(duration_ms: int) -> int:
    """Return the bucket of a histogram, in double precision as the marts do."""
    return -1 if duration_ms <= 0 else math.ceil(math.log(duration_ms) / math.log(1.019))


@cache
def standing_value(bucket: int) -> Decimal:
    """Return the duration that stands for a bucket."""
    return Decimal(0) if bucket == -1 else rounded(2 * GROWTH**bucket / (1 + GROWTH), 3)


def nearest_rank(ordered: list[int], percent: int) -> int:
    """Return the first of ordered numbers up to which at least this share of them lies."""
    return ordered[(percent * len(ordered) + 99) // 100 - 1]


def percentile(durations: list[int], percent: int) -> Decimal | None:
    """Return a percentile of ordered durations, as their buckets give it: within 1 %."""
    if not durations:
        return None
    exact = nearest_rank(durations, percent)
    value = standing_value(nearest_rank([bucket_of(ms) for ms in durations], percent))
    assert 100 * abs(value - exact) <= exact, (value, exact)
    return value


def durations_of(facts: Iterable[Row]) -> list[int]:
    return sorted(fact["duration_ms"] for fact in facts if fact["duration_ms"] is not None)


def percentiles(facts: Iterable[Row]) -> Row:
    durations = durations_of(facts)
    return {
        f"{name}_duration_ms": percentile(durations, percent)
        for name, percent in PERCENTILES.items()
    }


# What rows have in common


def grouped(
    facts: Iterable[Row], key: Callable[[Row], tuple[Any, ...]]
) -> Iterator[tuple[tuple[Any, ...], list[Row]]]:
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for fact in facts:
        groups[key(fact)].append(fact)
    yield from groups.items()


def grouped_over(
    periods: Iterable[str], facts: Iterable[Row], key: Callable[[Row, str], tuple[Any, ...]]
) -> Iterator[tuple[tuple[Any, ...], list[Row]]]:
    """Group the facts once for each kind of period."""
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    facts = list(facts)
    for period in periods:
        for fact in facts:
            groups[key(fact, period)].append(fact)
    yield from groups.items()


def measures(facts: list[Row]) -> Row:
    """Return the counts and sums that every rollup has."""
    completed = [fact for fact in facts if fact["status"] == "completed"]
    failed = [fact for fact in facts if fact["status"] == "failed"]
    compared = [fact for fact in facts if fact["savings_status"] == "compared"]
    return {
        "total_tasks": len(facts),
        "successful_tasks": len(completed),
        "failed_tasks": len(failed),
        "timed_out_tasks": count(facts, is_timed_out=True),
        "unpriced_tasks": count(facts, cost_usd=None),
        "compared_tasks": len(compared),
        "total_tokens": total(facts, "total_tokens"),
        "total_cost_usd": total(completed, "cost_usd"),
        "failed_cost_usd": total(failed, "cost_usd"),
        "total_spend_usd": total(facts, "cost_usd"),
        "compared_cost_usd": total(compared, "cost_usd"),
        "total_baseline_cost_usd": total(compared, "baseline_cost_usd"),
        "total_savings_usd": total(compared, "savings_usd"),
        "total_duration_ms": total(facts, "duration_ms"),
        "timed_tasks": len(facts) - count(facts, duration_ms=None),
        "total_requests": total(facts, "request_count"),
    }


def savings_percentage(row: Row) -> Decimal | None:
    return percentage(row["total_savings_usd"], row["total_baseline_cost_usd"])


def average_duration(row: Row) -> Decimal | None:
    return average(row["total_duration_ms"], row["timed_tasks"], 3)


def tally(facts: Iterable[Row], name: str) -> dict[str, int]:
    return dict(Counter(fact[name] for fact in facts))


def most_used(usage: Mapping[str, int]) -> str:
    """Return the name with the most tasks, of equals the first in order."""
    return min(usage, key=lambda name: (-usage[name], name))


def split(facts: Iterable[Row], name: str) -> dict[str, Row]:
    """Return tasks and money by provider or task type."""
    return {
        value: {
            "tasks": len(part),
            "cost": total((fact for fact in part if fact["status"] == "completed"), "cost_usd"),
            "spend": total(part, "cost_usd"),
            "savings": total(part, "savings_usd"),
        }
        for (value,), part in grouped(facts, lambda fact: (fact[name],))
    }


# Organizations and users


def _organization_analytics(facts: list[Row], members: Mapping[str, Mapping[str, date]]) -> Rows:
    rows: Rows = {}
    for key, part in grouped_over(
        PERIODS,
        facts,
        lambda fact, period: (
            fact["organization_id"],
            period,
            first_day(fact["metric_date"], period),
        ),
    ):
        organization_id, period, first = key
        rows[key] = {
            "organization_id": organization_id,
            "aggregation_period": period,
            "metric_date": first,
            **_organization_period(part),
            **_developers(part, members.get(organization_id, {}), next_first_day(first, period)),
        }
    return rows


def _organization_period(facts: list[Row]) -> Row:
    row = measures(facts)
    compared = [fact for fact in facts if fact["savings_status"] == "compared"]
    by_provider = split(facts, "provider")
    return {
        **row,
        "negative_savings_tasks": sum(fact["savings_usd"] < 0 for fact in compared),
        "unknown_overhead_tasks": count(compared, net_savings_usd=None),
        "input_tokens": total(facts, "input_tokens"),
        "output_tokens": total(facts, "output_tokens"),
        "total_net_savings_usd": total(compared, "net_savings_usd"),
        "savings_percentage": savings_percentage(row),
        "avg_duration_ms": average_duration(row),
        **percentiles(facts),
        "providers_used": len({fact["provider"] for fact in facts}),
        "by_provider": by_provider,
        "by_task_type": split(facts, "task_type"),
        "provider_usage": tally(facts, "provider"),
        "provider_costs": {name: part["spend"] for name, part in by_provider.items()},
        "task_type_distribution": tally(facts, "task_type"),
    }


def _developers(facts: list[Row], members: Mapping[str, date], until: date) -> Row:
    active = {fact["user_id"] for fact in facts} - {None}
    known = {user for user, since in members.items() if since < until}
    return {"active_developers": len(active), "total_developers": len(known | active)}


def _user_analytics(facts: list[Row]) -> Rows:
    rows: Rows = {}
    for key, part in grouped_over(
        PERIODS,
        facts,
        lambda fact, period: (
            fact["organization_id"],
            fact["user_id"],
            period,
            first_day(fact["metric_date"], period),
        ),
    ):
        row = measures(part)
        usage = tally(part, "provider")
        names = ("organization_id", "user_id", "aggregation_period", "metric_date")
        rows[key] = {
            **dict(zip(names, key, strict=True)),
            **row,
            "avg_task_duration_ms": average_duration(row),
            "savings_percentage": savings_percentage(row),
            "most_used_provider": most_used(usage),
            "provider_usage": usage,
            "task_type_distribution": tally(part, "task_type"),
        }
    return rows


def _analytics_hourly(facts: list[Row]) -> Rows:
    """Return the hours; one in which the reporting time zone changed may lie in two days."""
    rows: Rows = {}
    for key, part in grouped(
        facts,
        lambda fact: (
            fact["organization_id"],
            fact["metric_date"],
            start_of_hour(fact["start_time"], fact["reporting_timezone"]),
            fact["provider"],
            fact["task_type"],
        ),
    ):
        names = ("organization_id", "metric_date", "timestamp", "provider", "task_type")
        row = measures(part)
        rows[key] = {
            **dict(zip(names, key, strict=True)),
            "tenant_id": key[0],
            "aggregation_period": "hourly",
            **row,
            "total_executions": row["total_tasks"],
            "successful_executions": row["successful_tasks"],
            "avg_duration_ms": average_duration(row),
            **percentiles(part),
        }
    return rows


def _daily_savings(facts: list[Row]) -> Rows:
    rows: Rows = {}
    names = ("organization_id", "metric_date", "provider", "task_type")
    for key, part in grouped(facts, lambda fact: tuple(fact[name] for name in names)):
        row = measures(part)
        rows[key] = {
            **dict(zip(names, key, strict=True)),
            "date": key[1],
            "aggregation_period": "daily",
            **row,
            "tasks_completed": row["successful_tasks"],
            "actual_cost": row["total_cost_usd"],
            "baseline_cost": row["total_baseline_cost_usd"],
            "total_savings": row["total_savings_usd"],
            "savings_percentage": savings_percentage(row),
            "avg_duration_ms": average_duration(row),
        }
    return rows


def _aggregation(row: Row, timezone: str) -> Row:
    first, period = row["metric_date"], row["aggregation_period"]
    return {
        **{name: row[name] for name in COPIED_TO_AGGREGATIONS},
        "period_type": period,
        "period_start": first_instant(first, timezone),
        "period_end": first_instant(next_first_day(first, period), timezone),
        "total_tokens_used": row["total_tokens"],
        "total_actual_cost": row["total_cost_usd"],
        "total_baseline_cost": row["total_baseline_cost_usd"],
        "total_savings": row["total_savings_usd"],
    }


def _current_months(organizations: Rows, timezones: Mapping[str, str], now: datetime) -> Rows:
    rows: Rows = {}
    for organization_id, timezone in timezones.items():
        month = first_day(now.astimezone(ZoneInfo(timezone)).date(), "monthly")
        row = organizations.get((organization_id, "monthly", month))
        if row is not None:
            rows[organization_id] = {
                **{name: row[name] for name in COPIED_TO_CURRENT_MONTH},
                "month": month,
                "total_cost": row["total_cost_usd"],
                "total_savings": row["total_savings_usd"],
                "active_users": row["active_developers"],
            }
    return rows


# Providers


def _provider_performance_metrics(facts: list[Row]) -> Rows:
    rows: Rows = {}
    for key, part in grouped_over(
        ("hourly", *PERIODS),
        facts,
        lambda fact, period: (
            fact["provider"],
            fact["model"],
            fact["task_type"],
            period,
            _provider_period(fact["start_time"], period),
        ),
    ):
        names = ("provider", "model", "task_type", "aggregation_period", "period_start")
        rows[key] = {
            **dict(zip(names, key, strict=True)),
            "metric_date": key[-1].date(),
            **_performance(part),
        }
    return rows


def _provider_period(start: datetime, period: str) -> datetime:
    if period == "hourly":
        return start_of_hour(start, "UTC")
    return first_instant(first_day(start.date(), period), "UTC")


def _performance(facts: list[Row]) -> Row:
    row = measures(facts)
    completed = [fact for fact in facts if fact["status"] == "completed"]
    finished = row["successful_tasks"] + row["failed_tasks"]
    costed = len(completed) - count(completed, cost_usd=None)
    scored = len(completed) - count(completed, quality_score=None)
    quality = total(completed, "quality_score")
    found = percentiles(facts)
    return {
        **row,
        "finished_tasks": finished,
        "success_rate": percentage(row["successful_tasks"], finished),
        "avg_duration_ms": average_duration(row),
        "median_duration_ms": found["p50_duration_ms"],
        "p95_duration_ms": found["p95_duration_ms"],
        "p99_duration_ms": found["p99_duration_ms"],
        "costed_tasks": costed,
        "avg_cost_usd": average(row["total_cost_usd"], costed, 12),
        "scored_tasks": scored,
        "total_quality_score": quality,
        "avg_quality_score": average(quality, scored, 12),
    }


# Durations


def _organization_durations(facts: list[Row]) -> Rows:
    return _durations(facts, ("organization_id", "metric_date"), lambda fact: fact["metric_date"])


def _provider_durations(facts: list[Row]) -> Rows:
    names = ("provider", "model", "task_type", "metric_date")
    return _durations(facts, names, lambda fact: fact["start_time"].date())


def _durations(facts: list[Row], names: tuple[str, ...], day: Callable[[Row], date]) -> Rows:
    """Count durations by bucket; the last of the names is the day."""
    return {
        key: {
            **dict(zip(names, key, strict=True)),
            "durations": {
                str(bucket): tasks
                for bucket, tasks in Counter(map(bucket_of, durations_of(part))).items()
            },
        }
        for key, part in grouped(
            facts, lambda fact: (*(fact[name] for name in names[:-1]), day(fact))
        )
    }
