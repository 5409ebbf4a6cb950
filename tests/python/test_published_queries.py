"""The queries that the platform's documents publish, unchanged, on schemas documents and marts.

The files in published_queries hold them as they are printed; their names do not end in .sql,
because dbt would take them for tests of its own. They ask for today, this week and this month, so
the events of this module lie around the real clock, and what is expected is worked out for the
moment that the database itself took for now: it does not matter when a test runs, nor whether a
day ends while it does.
"""

import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row
from support.events import ORGANIZATION_ID, execution, organization, user, uuid_of
from support.oracle import Oracle, Row
from support.oracle_rollups import rounded
from support.servers import STORY_DATABASE
from support.stories import Seeds, Story, copy_of, keep_as, price

from orchestration.database.embedded import EmbeddedServer

pytest_plugins = ["support.stories"]

FOLDER = Path(__file__).with_name("published_queries")
QUERIES = {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.pgsql"))}

ZONES = ("UTC", "America/Los_Angeles")
"""Time zones of the sessions that ask: the documents' today is the session's."""

UNITS = ("day", "week", "month")
MICROSECOND = timedelta(microseconds=1)
FIRST_PRICES = "2020-01-01T00:00:00Z"

IN_TOKYO = uuid_of(9_000_001)
UNHEARD_OF = uuid_of(9_000_002)
WITHOUT_EVENTS = uuid_of(9_000_003)
ORGANIZATIONS = (ORGANIZATION_ID, IN_TOKYO, UNHEARD_OF, WITHOUT_EVENTS)
TASK_TYPES = ("bug_fix", "refactor", "documentation", "never seen")
MODELS = (
    ("house", "cheap"),
    ("house", "dear"),
    ("rival", "quick"),
    ("rival", "unpriced"),
    (None, None),
)


@dataclass(frozen=True)
class Clock:
    """What PostgreSQL takes for now, today and so on in a session.

    Attributes:
        now: CURRENT_TIMESTAMP.
        zone: The session's time zone.
    """

    now: datetime
    zone: str

    def first_day(self, unit: str) -> date:
        """Return date_trunc(unit, CURRENT_DATE)."""
        today = self.day_of(self.now)
        if unit == "month":
            return today.replace(day=1)
        return today - timedelta(days=today.weekday() if unit == "week" else 0)

    def start(self, unit: str) -> datetime:
        """Return date_trunc(unit, CURRENT_TIMESTAMP)."""
        return self.midnight(self.first_day(unit))

    def midnight(self, day: date) -> datetime:
        return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(self.zone)).astimezone(UTC)

    def day_of(self, moment: datetime) -> date:
        return moment.astimezone(ZoneInfo(self.zone)).date()


@dataclass(frozen=True)
class Published:
    """A warehouse with events of last month, this month, this week and today.

    Attributes:
        story: The warehouse.
        oracle: What it must hold.
        landed_at: The database's clock when the events were made.
    """

    story: Story
    oracle: Oracle
    landed_at: datetime

    def ask(self, query: str, zone: str, *parameters: Any) -> tuple[Clock, list[Row]]:
        """Run a published query as it stands, and say which moment it took for now."""
        with session(self.story, zone) as connection:
            # CURRENT_TIMESTAMP is the beginning of the transaction: the same for both.
            now = connection.execute("select current_timestamp").fetchone()
            assert now is not None
            cursor = psycopg.RawCursor(connection, row_factory=dict_row)
            rows = cursor.execute(QUERIES[query].encode(), parameters).fetchall()
        return Clock(now[0].astimezone(UTC), zone), rows

    def facts(self, organization_id: str, **wanted: Any) -> list[Row]:
        return [
            fact
            for fact in self.oracle.task_executions.values()
            if fact["organization_id"] == organization_id
            and all(fact[name] == value for name, value in wanted.items())
        ]


def session(story: Story, zone: str) -> psycopg.Connection:
    return story.database.connect(options=f"-c timezone={zone} -c search_path=documents,marts")


@pytest.fixture(scope="module")
def published(
    embedded_server: EmbeddedServer,
    built_on_nothing: Callable[[EmbeddedServer], Story],
    tmp_path_factory: pytest.TempPathFactory,
) -> Published:
    """Return a warehouse that was built once from events around the real clock."""
    # Before the prices change, because other stories begin with a copy of it as well.
    nothing = built_on_nothing(embedded_server)
    seeds = Seeds(nothing.project.prices)
    try:
        seeds.add(
            "provider_pricing",
            *(
                price(provider, model, input_usd_per_mtok=usd, effective_from=FIRST_PRICES)
                for provider, model, usd in (
                    ("house", "cheap", "1"),
                    ("house", "default", "3"),
                    ("house", "dear", "30"),
                    ("rival", "quick", "0.7"),
                )
            ),
        )
        with copy_of(nothing, embedded_server, tmp_path_factory.mktemp("published")) as story:
            landed_at = story.row("select current_timestamp as now")["now"].astimezone(UTC)
            story.land(*events_around(landed_at))
            story.build(now=None)
            oracle = story.oracle(now=landed_at.isoformat())
            kept = keep_as(story, embedded_server, f"{STORY_DATABASE}_published")
            return Published(kept, oracle, landed_at)
    finally:
        seeds.restore()


def events_around(now: datetime) -> list[dict[str, Any]]:
    """Return events on both sides of every boundary that a published query can ask for."""
    boundaries = {Clock(now, zone).start(unit) for zone in ZONES for unit in UNITS}
    moments = [
        *sorted(boundaries),
        *sorted(boundary - MICROSECOND for boundary in boundaries),
        now,
        *(now - step * timedelta(hours=17) for step in range(1, 64)),
    ]
    drawn = random.Random(5)  # noqa: S311 - draws that can be repeated
    executions: list[dict[str, Any]] = [
        usage(len(moments) * copy + number, start, drawn, organization_id=organization_id)
        for copy, organization_id in enumerate(
            (ORGANIZATION_ID, ORGANIZATION_ID, IN_TOKYO, UNHEARD_OF)
        )
        for number, start in enumerate(moments)
    ]
    members = []
    # One does 1 task today, the next one 2 and so on: more people than the report shows.
    for developer in range(1, 13):
        members.append(member(developer, f"Developer {developer}"))
        executions += day_of_work(developer, now, tasks=developer)
    # Two of one name whose day was the same in every figure, one who is known only from
    # executions, and work that nobody is known to have done.
    for developer in (13, 14):
        members.append(member(developer, "Sam Doe"))
        executions += day_of_work(developer, now, tasks=20, input_tokens=1000, model="cheap")
    executions += day_of_work(15, now, tasks=21)
    executions += day_of_work(16, now, tasks=22, user_id=None)
    return [
        organization(timezone="UTC", baseline_provider="house", baseline_model="default"),
        organization(
            2,
            id=IN_TOKYO,
            timezone="Asia/Tokyo",
            baseline_provider="house",
            baseline_model="cheap",
        ),
        *members,
        *executions,
    ]


def member(number: int, name: str) -> dict[str, Any]:
    return user(number, id=uuid_of(8_000_000 + number), name=name)


def day_of_work(developer: int, now: datetime, tasks: int, **changes: Any) -> list[dict[str, Any]]:
    """Return tasks that one developer has completed since the day began."""
    drawn = random.Random(developer)  # noqa: S311 - draws that can be repeated
    start = Clock(now, "UTC").start("day")
    return [
        usage(
            10_000 + 100 * developer + task,
            start,
            drawn,
            **{
                "status": "completed",
                "provider": "house",
                "model": ("cheap", "dear")[task % 2],
                "user_id": uuid_of(8_000_000 + developer),
            }
            | changes,
        )
        for task in range(tasks)
    ]


def usage(number: int, start: datetime, drawn: random.Random, **changes: Any) -> dict[str, Any]:
    """Return an execution of which the tests leave to chance what they do not care about."""
    status = drawn.choice(["completed"] * 6 + ["failed"] * 2 + ["running", "pending"])
    provider, model = drawn.choice(MODELS)
    input_tokens, milliseconds = drawn.randint(1, 90_000), drawn.randint(1, 90_000)
    event: dict[str, Any] = {
        "task_type": drawn.choice(TASK_TYPES[:-1]),
        "user_id": drawn.choice([uuid_of(8_000_001), uuid_of(8_000_002), uuid_of(8_000_015), None]),
        "provider": provider or "house",
        "model": model,
        "status": status,
        "start_time": start.isoformat(),
        "updated_at": start.isoformat(),
        "input_tokens": input_tokens,
        "cached_input_tokens": None,
        "cache_write_tokens": None,
        "reasoning_tokens": None,
        "routing_decision_id": None,
    } | changes
    if event["status"] in ("completed", "failed"):
        event["end_time"] = (start + timedelta(milliseconds=milliseconds)).isoformat()
    else:
        event["end_time"] = None
    return execution(number, **event)


def total(values: Iterable[Any]) -> Any:
    """Return what SUM returns: nothing when there is nothing known to add."""
    known = [value for value in values if value is not None]
    return sum(known, Decimal(0)) if known else None


def mean(values: Iterable[Any]) -> Decimal | None:
    """Return what AVG returns, at ten places."""
    known = [value for value in values if value is not None]
    return at_ten_places(Fraction(sum(known)) / len(known)) if known else None


def at_ten_places(value: Decimal | Fraction | None) -> Decimal | None:
    return None if value is None else rounded(Fraction(value), 10)


def percentile(share: Fraction, values: Iterable[int | None]) -> float | None:
    """Return what PERCENTILE_CONT returns."""
    known = sorted(value for value in values if value is not None)
    if not known:
        return None
    place = share * (len(known) - 1)
    below = int(place)
    above = min(below + 1, len(known) - 1)
    return float(known[below] + (known[above] - known[below]) * (place - below))


def percentage(part: Any, whole: Any) -> Decimal | None:
    return rounded(100 * Fraction(part) / Fraction(whole), 2) if whole else None


def grouped(rows: Iterable[Row], *names: str) -> dict[Any, list[Row]]:
    groups: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        groups[tuple(row[name] for name in names)].append(row)
    return groups


def with_rounded_means(row: Row) -> Row:
    """Return a result with its averages at ten places, as `mean` has them."""
    return {
        name: at_ten_places(value) if name.startswith("avg_") else value
        for name, value in row.items()
    }


def test_the_events_lie_on_both_sides_of_every_boundary(published: Published) -> None:
    # Equality with what is worked out here says little about what never occurs.
    facts = published.facts(ORGANIZATION_ID)
    for zone in ZONES:
        for unit in UNITS:
            start = Clock(published.landed_at, zone).start(unit)
            starts = {fact["start_time"] for fact in facts}
            assert {start, start - MICROSECOND} < starts, (zone, unit)
    assert {fact["status"] for fact in facts} == {"completed", "failed", "running", "pending"}
    assert {fact["savings_status"] for fact in facts} == {
        "compared", "cost_unknown", "not_completed",
    }  # fmt: skip
    # An amount of a failed execution must not get into any of the sums.
    assert any(fact["cost_usd"] for fact in facts if fact["status"] == "failed")
    assert {fact["savings_usd"] > 0 for fact in facts if fact["savings_usd"] is not None} == {
        True, False,
    }  # fmt: skip
    assert len(published.story.rows("select id from documents.task_executions")) == len(
        published.oracle.task_executions
    )
    assert {row["name"] for row in published.story.rows("select name from documents.users")} == {
        *(row["user_name"] for row in published.oracle.users.values())
    }


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("organization_id", ORGANIZATIONS)
def test_the_cost_dashboard_adds_up_the_days_of_this_month(
    published: Published, organization_id: str, zone: str
) -> None:
    clock, (row,) = published.ask("design_3_1_organization_cost_dashboard", zone, organization_id)
    days = [
        day
        for day in published.oracle.rollups["organization_analytics"].values()
        if day["organization_id"] == organization_id
        and day["metric_date"] >= clock.first_day("month")
        and day["aggregation_period"] == "daily"
    ]
    assert with_rounded_means(row) == {
        "total_savings": total(day["total_savings_usd"] for day in days),
        "total_cost": total(day["total_cost_usd"] for day in days),
        "baseline_cost": total(day["total_baseline_cost_usd"] for day in days),
        "avg_savings_pct": mean(day["savings_percentage"] for day in days),
    }


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("organization_id", ORGANIZATIONS)
def test_the_savings_counter_counts_from_midnight_on(
    published: Published, organization_id: str, zone: str
) -> None:
    clock, rows = published.ask("design_3_2_real_time_savings_counter", zone, organization_id)
    savings = total(
        fact["savings_usd"]
        for fact in published.facts(organization_id, status="completed")
        if fact["start_time"] >= clock.start("day")
    )
    assert rows == [{"todays_savings": savings or 0}]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("task_type", TASK_TYPES)
def test_the_performance_comparison_averages_every_period_of_this_month(
    published: Published, task_type: str, zone: str
) -> None:
    clock, rows = published.ask("design_3_3_provider_performance_comparison", zone, task_type)
    first_day = clock.first_day("month")
    # The query names no period, so that hours, days, weeks and months count side by side.
    periods = grouped(
        (
            row
            for row in published.oracle.rollups["provider_performance_metrics"].values()
            if row["task_type"] == task_type and row["metric_date"] >= first_day
        ),
        "provider",
    )
    found = [with_rounded_means(row) for row in rows]
    assert {row["provider"]: row for row in found} == {
        provider: {
            "provider": provider,
            "avg_success_rate": mean(row["success_rate"] for row in group),
            "avg_duration": mean(row["avg_duration_ms"] for row in group),
            "total_tasks": total(row["total_tasks"] for row in group),
            "avg_cost": mean(row["avg_cost_usd"] for row in group),
        }
        for (provider,), group in periods.items()
    }
    assert len(found) == len(periods)
    # As PostgreSQL sorts: what is unknown comes first downwards and last upwards.
    assert found == sorted(
        found,
        key=lambda row: (
            row["avg_success_rate"] is not None,
            -(row["avg_success_rate"] or 0),
            row["avg_cost"] is None,
            row["avg_cost"] or 0,
        ),
    )
    # The same count without the oracle's rollup: each task once in every period that has begun.
    tasks: dict[str, int] = defaultdict(int)
    for fact in published.oracle.task_executions.values():
        if fact["task_type"] == task_type:
            day = fact["start_time"].date()
            monday, first = day - timedelta(days=day.weekday()), day.replace(day=1)
            tasks[fact["provider"]] += sum(
                begins >= first_day for begins in (day, day, monday, first)
            )
    assert {row["provider"]: row["total_tasks"] for row in found} == {
        provider: count for provider, count in tasks.items() if count
    }


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("organization_id", ORGANIZATIONS)
def test_the_productivity_report_shows_the_longest_days_of_this_week(
    published: Published, organization_id: str, zone: str
) -> None:
    clock, rows = published.ask("design_3_4_team_productivity_report", zone, organization_id)
    # Whoever stated a user says whose name it is, also where another organization used the id.
    names = {row["user_id"]: None for row in published.oracle.users.values()} | {
        row["user_id"]: row["user_name"]
        for row in published.oracle.users.values()
        if not row["is_inferred"]
    }
    # The query groups by its figures: people of one name and equal figures are one line.
    lines = {
        (
            names[row["user_id"]],
            row["total_tasks"],
            row["total_savings_usd"],
            row["most_used_provider"],
        )
        for row in published.oracle.rollups["user_analytics"].values()
        if row["organization_id"] == organization_id
        and row["user_id"] is not None
        and row["metric_date"] >= clock.first_day("week")
        and row["aggregation_period"] == "daily"
    }
    found = [tuple(row.values()) for row in rows]
    assert lines >= set(found)
    assert len(set(found)) == len(found)
    # Which of several lines of one length come last is left open.
    assert [line[1] for line in found] == sorted((line[1] for line in lines), reverse=True)[:10]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("organization_id", ORGANIZATIONS)
def test_the_monthly_savings_hold_this_month(
    published: Published, organization_id: str, zone: str
) -> None:
    clock, rows = published.ask("plan_1_monthly_savings", zone, organization_id)
    facts = [
        fact
        for fact in published.facts(organization_id, status="completed")
        if fact["start_time"] >= clock.start("month")
    ]
    savings = total(fact["savings_usd"] for fact in facts)
    baseline = total(fact["baseline_cost_usd"] for fact in facts)
    assert rows == [
        {
            "total_savings": savings,
            "total_cost": total(fact["cost_usd"] for fact in facts),
            "baseline_cost": baseline,
            "savings_percentage": percentage(savings, baseline),
            "total_tasks": len(facts),
        }
    ]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("organization_id", ORGANIZATIONS)
def test_the_provider_comparison_holds_its_beginning_and_not_its_end(
    published: Published, organization_id: str, zone: str
) -> None:
    # Events lie on both ends to the microsecond: the first belongs to the time, the last does not.
    clock = Clock(published.landed_at, zone)
    since, until = clock.start("month"), clock.start("day")
    if since == until:
        since -= timedelta(days=20)
    _, rows = published.ask("plan_2_provider_comparison", zone, organization_id, since, until)
    groups = grouped(
        (fact for fact in published.facts(organization_id) if since <= fact["start_time"] < until),
        *("provider", "task_type"),
    )
    assert {(row["provider"], row["task_type"]): with_rounded_means(row) for row in rows} == {
        (provider, task_type): {
            "provider": provider,
            "task_type": task_type,
            "tasks": len(facts),
            "avg_duration": mean(fact["duration_ms"] for fact in facts),
            "p50_duration": about(
                percentile(Fraction("0.5"), (fact["duration_ms"] for fact in facts))
            ),
            "p95_duration": about(
                percentile(Fraction("0.95"), (fact["duration_ms"] for fact in facts))
            ),
            "total_cost": total(fact["cost_usd"] for fact in facts),
            "avg_cost": mean(fact["cost_usd"] for fact in facts),
            "successful_tasks": sum(fact["status"] == "completed" for fact in facts),
            "success_rate": percentage(
                sum(fact["status"] == "completed" for fact in facts), len(facts)
            ),
        }
        for (provider, task_type), facts in groups.items()
    }
    counts = [row["tasks"] for row in rows]
    assert counts == sorted(counts, reverse=True)
    assert len(counts) == len(groups)


def about(value: float | None) -> Any:
    """Return what equals a number up to the last digits of floating point."""
    return None if value is None else pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("organization_id", ORGANIZATIONS)
def test_the_savings_trend_adds_up_day_after_day(
    published: Published, organization_id: str, zone: str
) -> None:
    clock = Clock(published.landed_at, zone)
    since = clock.midnight(clock.first_day("month") - timedelta(days=9))
    _, rows = published.ask("plan_3_daily_savings_trend", zone, organization_id, since)
    days: dict[date, list[Row]] = defaultdict(list)
    for fact in published.facts(organization_id, status="completed"):
        if fact["start_time"] >= since:
            days[clock.day_of(fact["start_time"])].append(fact)
    expected: list[Row] = []
    so_far = None
    for day, facts in sorted(days.items()):
        savings = total(fact["savings_usd"] for fact in facts)
        so_far = total([so_far, savings])
        expected.append(
            {
                "date": day,
                "daily_savings": savings,
                "cumulative_savings": so_far,
                "tasks": len(facts),
            }
        )
    assert rows == expected


# Which tables each query reads, through views where they have other names there, and the first
# column of the index by which it finds its rows in the first of them.
FACTS = "marts.fct_task_executions"
PLANS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "design_3_1_organization_cost_dashboard": (
        ("intermediate.int_organization_days",), "organization_id",
    ),
    "design_3_2_real_time_savings_counter": ((FACTS,), "organization_id"),
    "design_3_3_provider_performance_comparison": (
        ("intermediate.int_provider_hours", "intermediate.int_provider_days"), "task_type",
    ),
    "design_3_4_team_productivity_report": (
        ("intermediate.int_user_days", "marts.dim_users"), "organization_id",
    ),
    "plan_1_monthly_savings": ((FACTS,), "organization_id"),
    "plan_2_provider_comparison": ((FACTS,), "organization_id"),
    "plan_3_daily_savings_trend": ((FACTS,), "organization_id"),
}  # fmt: skip


def arguments_of(query: str, clock: Clock, organization_id: str = ORGANIZATION_ID) -> list[Any]:
    """Return something to bind to each parameter of a query."""
    if query == "design_3_3_provider_performance_comparison":
        return [TASK_TYPES[0]]
    possible = [organization_id, clock.start("month"), clock.now]
    return possible[: len(set(re.findall(r"\$\d", QUERIES[query])))]


def plan_of(
    connection: psycopg.Connection, query: str, parameters: Iterable[Any]
) -> list[dict[str, Any]]:
    """Return the nodes of the plan of a query."""
    cursor = psycopg.RawCursor(connection)
    explained = cursor.execute(
        b"explain (verbose, format json) " + QUERIES[query].encode(), list(parameters)
    ).fetchone()
    assert explained is not None
    return list(nodes_of(explained[0][0]["Plan"]))


def nodes_of(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes_of(child)


def tables_in(nodes: Iterable[dict[str, Any]]) -> set[str]:
    return {
        f"{node['Schema']}.{node['Relation Name']}" for node in nodes if "Relation Name" in node
    }


def test_every_published_query_has_its_plan() -> None:
    assert QUERIES.keys() == PLANS.keys()


@pytest.mark.parametrize("query", PLANS)
def test_a_published_query_reads_no_more_than_it_shows(sample: Story, query: str) -> None:
    tables, _ = PLANS[query]
    with session(sample, "UTC") as connection:
        nodes = plan_of(connection, query, arguments_of(query, Clock(datetime.now(UTC), "UTC")))
    assert tables_in(nodes) == set(tables)


# How the tables grow: how often every row comes again, and what tells the copies apart.
NEW_ORGANIZATION = "md5(copy || t.organization_id::text)::uuid"
COPIES: Mapping[str, tuple[int, Mapping[str, str]]] = {
    "marts.fct_task_executions": (
        200,
        {"execution_id": "gen_random_uuid()", "organization_id": NEW_ORGANIZATION},
    ),
    "marts.dim_users": (100, {"user_id": "gen_random_uuid()", "organization_id": NEW_ORGANIZATION}),
    "intermediate.int_organization_days": (200, {"organization_id": NEW_ORGANIZATION}),
    "intermediate.int_user_days": (100, {"organization_id": NEW_ORGANIZATION}),
    **dict.fromkeys(
        ("intermediate.int_provider_hours", "intermediate.int_provider_days"),
        (40, {"provider": "t.provider || copy", "metric_date": "t.metric_date - 30 * copy"}),
    ),
}


def named(table: str) -> sql.Identifier:
    return sql.Identifier(*table.split("."))


@pytest.fixture(scope="module")
def grown(published: Published) -> Iterator[psycopg.Connection]:
    """Yield a session in which the tables hold far more than was asked for; none of it stays."""
    with session(published.story, "UTC") as connection:
        for table, (copies, changes) in COPIES.items():
            connection.execute(
                sql.SQL(
                    "insert into {table} select changed.* from {table} as t "
                    "cross join generate_series(1, {copies}) as copy "
                    "cross join jsonb_populate_record(t, jsonb_build_object({changes})) as changed"
                ).format(
                    table=named(table),
                    copies=copies,
                    changes=sql.SQL(", ").join(
                        sql.SQL("{}, {}").format(name, sql.SQL(changed))
                        for name, changed in changes.items()
                    ),
                )
            )
            connection.execute(sql.SQL("analyze {}").format(named(table)))
        yield connection
        connection.rollback()


@pytest.mark.parametrize("query", PLANS)
def test_a_published_query_finds_its_rows_by_an_index(
    published: Published, grown: psycopg.Connection, query: str
) -> None:
    (table, *_), leading_column = PLANS[query]
    nodes = plan_of(grown, query, arguments_of(query, Clock(published.landed_at, "UTC")))
    first_columns: dict[str, str] = dict(
        grown.execute(
            "select index.relname, attribute.attname "
            "from pg_index "
            "inner join pg_class as index on indexrelid = index.oid "
            "inner join pg_attribute as attribute on attrelid = indrelid and attnum = indkey[0] "
            "where indrelid = %s::regclass",
            (table,),
        ).fetchall()
    )
    used = {node["Index Name"] for node in nodes if "Index Name" in node} & first_columns.keys()
    assert {first_columns[name] for name in used} == {leading_column}, nodes
    assert not tables_in(node for node in nodes if node["Node Type"] == "Seq Scan")


def test_what_an_execution_cost_is_found_by_its_key(grown: psycopg.Connection) -> None:
    explained = grown.execute(
        "explain (verbose, format json) select * from marts.fct_cost_lines "
        "where execution_id = '00000000-0000-0000-0000-000000000000'"
    ).fetchone()
    assert explained is not None
    scans = [node for node in nodes_of(explained[0][0]["Plan"]) if tables_in([node]) == {FACTS}]
    assert {node["Node Type"] for node in scans} == {"Index Scan"}
