"""Tangled and random histories of events."""

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from support.events import (
    decision,
    execution,
    line_of,
    organization,
    user,
    uuid_of,
)
from support.oracle import Oracle, Row
from support.oracle_rollups import measures, savings_percentage
from support.servers import Database
from support.stories import (
    NOW,
    Seeds,
    Story,
    price,
)

OTHER_ORGANIZATION = uuid_of(77)


OTHER_USER = uuid_of(88)


def tangled_events(seed: int) -> list[dict[str, Any]]:
    """Return versions upon versions of few entities that refer to each other in every way.

    The sample is a believable company; this is the opposite: late organizations that change their
    zone, executions that move between days, organizations, users and decisions, decisions that
    change the execution they name, versions of one moment, all within a week.
    """
    draw = random.Random(seed)  # noqa: S311 - a history that can be repeated

    def moment(latest_hour: int = 7 * 24) -> str:
        minutes = draw.choice([0, 0, 30, 59]) + 60 * draw.randrange(latest_hour)
        return (datetime(2026, 3, 26, tzinfo=UTC) + timedelta(minutes=minutes)).isoformat()

    def some(*values: Any) -> Any:
        return draw.choice([*values, None])

    organizations = [uuid_of(n) for n in (41, 42, 43)]
    users = [uuid_of(n) for n in (51, 52, 53, 54)]
    executions = [uuid_of(600 + n) for n in range(14)]
    decisions = [uuid_of(700 + n) for n in range(7)]
    events: list[dict[str, Any]] = []
    for number in range(1, 9):
        events.append(
            organization(
                number,
                id=draw.choice(organizations[:2]),
                timezone=draw.choice(["Europe/Berlin", "Asia/Kolkata", "America/Los_Angeles"]),
                baseline_model=some("gpt-4o", "gpt-4o-mini"),
                updated_at=moment(),
            )
        )
        events.append(
            user(
                number,
                id=draw.choice(users[:3]),
                organization_id=draw.choice(organizations),
                updated_at=moment(),
            )
        )
    for number in range(1, 46):
        start = moment()
        events.append(
            execution(
                number,
                id=draw.choice(executions),
                organization_id=draw.choice(organizations),
                user_id=some(*users),
                status=draw.choice(["pending", "running", "completed", "completed", "failed"]),
                start_time=start,
                end_time=some(start),
                updated_at=max(start, moment(9 * 24)),
                provider=draw.choice(["anthropic", "openai"]),
                model=some("claude-3-7-sonnet-20250219", "gpt-4o"),
                routing_decision_id=some(*decisions[:4]),
            )
        )
    for number in range(1, 25):
        decided = moment()
        events.append(
            decision(
                number,
                id=draw.choice(decisions),
                organization_id=draw.choice(organizations),
                task_execution_id=some(*executions[:3], None, None),
                routing_overhead_cost_usd=some(0.000079, 0.5),
                predicted_cost_usd=some(0.008),
                decision_timestamp=decided,
                updated_at=max(decided, moment(9 * 24)),
            )
        )
    return events


ORGANIZATIONS = 500


LOADS = 6


SEED = 1


LATER = "2026-11-01T07:30:00Z"
"""Eight hours after `NOW`: another month in most time zones, and more executions are timed out."""


ZONES = (
    "UTC",
    "Asia/Kolkata",
    "America/Los_Angeles",
    "Australia/Lord_Howe",
    "Europe/Berlin",
    "Asia/Kathmandu",
    "Pacific/Apia",
    "Pacific/Chatham",
    "America/St_Johns",
    "America/Havana",
    "Antarctica/Troll",
    "Pacific/Marquesas",
    "Pacific/Kiritimati",
)
"""Of Havana's days with a change of clocks one has no midnight and the other has two."""


LIVES: tuple[tuple[str, ...], ...] = (
    ("pending", "running", "completed"),
    ("pending", "completed"),
    ("running", "failed"),
    ("completed",),
    ("completed",),
    ("completed", "completed"),
    ("completed", "failed", "completed"),
    ("failed",),
    ("running",),
)
"""The statuses of an execution's versions; two that are final make the second a correction."""


LATENESS = (
    timedelta(0),
    timedelta(hours=1),
    timedelta(hours=7),
    timedelta(days=1),
    timedelta(days=8),
    timedelta(days=33),
    timedelta(days=90),
)


LATEST = datetime(2026, 11, 15, tzinfo=UTC)


MICROSECOND = timedelta(microseconds=1)


# The names `newest` and `best` mean another model from some build on.
MODELS = (
    "small",
    "small",
    "large",
    "large",
    "newest",
    "best",
    "tiered",
    "later",
    "unheard-of",
    None,
)


BASELINES = ("small", "large", "large", "best", "tiered", "later", None)


T = TypeVar("T")


def day_begins(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


@cache
def remarkable_days(zone: str) -> list[date]:
    """Return the days of a time zone that do not have 24 hours, or else the ends of years."""
    days = [date(2020, 2, 1) + timedelta(days=number) for number in range(6 * 365)]
    lengths = {
        day: day_begins(day + timedelta(days=1), zone) - day_begins(day, zone) for day in days
    }
    found = [day for day, length in lengths.items() if length != timedelta(hours=24)]
    return found or [date(2020, 2, 29), *(date(year, 12, 31) for year in range(2020, 2026))]


@dataclass
class History:
    """What happened in one organization, and how it became known.

    Attributes:
        number: Says everything: the same number, the same history.
        arrivals: Each event with the load in which it arrives.
    """

    number: int
    arrivals: list[tuple[int, dict[str, Any]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.draw = random.Random(f"{SEED}-{self.number}")  # noqa: S311 - to be repeated
        self.zone = self.draw.choice(ZONES)
        self.day = self.draw.choice([*remarkable_days(self.zone), date(2026, 10, 25)])
        self.is_in_order = self.maybe(0.4)
        self.loads = sorted(self.draw.sample(range(LOADS), self.draw.randint(4, LOADS)))
        self.events: list[dict[str, Any]] = []
        self.organizations()
        self.users()
        for serial in range(self.draw.randint(6, 10)):
            self.execution(serial)
        for serial in range(self.draw.randint(1, 4)):
            self.decision(serial)
        self.open_execution()
        self.lonely_execution()
        self.arrive()

    # What to draw from

    def maybe(self, probability: float) -> bool:
        return self.draw.random() < probability

    def some(self, *values: T) -> T | None:
        """Draw a value or, as often as each of them, none."""
        return self.draw.choice([*values, None])

    def id_of(self, kind: int, serial: int, number: int | None = None) -> str:
        number = self.number if number is None else number
        return uuid_of(kind * 10**11 + number * 10**6 + serial)

    def organization_id(self, elsewhere: float = 0.06) -> str:
        """Return the organization, or the next one."""
        next_one = (self.number + 1) % ORGANIZATIONS
        return self.id_of(1, 0, next_one if self.maybe(elsewhere) else None)

    def user_id(self) -> str:
        """Return one of four users, the last of whom is never announced, or one of the next."""
        next_one = (self.number + 1) % ORGANIZATIONS
        return self.id_of(2, self.draw.randrange(4), next_one if self.maybe(0.05) else None)

    def moment(self) -> datetime:
        """Draw a moment in or around the history's day, often next to a midnight."""
        midnight = day_begins(self.day + timedelta(days=self.draw.choice([0, 0, 1, 2])), self.zone)
        after = self.draw.choice(
            [
                timedelta(0),
                -MICROSECOND,
                timedelta(minutes=30 * self.draw.randrange(52)),
                timedelta(minutes=30 * self.draw.randrange(52)),
                -timedelta(minutes=self.draw.randrange(26 * 60)),
                timedelta(days=self.draw.choice([-31, -7, 6, 30]), minutes=self.draw.randrange(60)),
            ]
        )
        return min(midnight + after, LATEST)

    # What happened

    def add(self, event: dict[str, Any], since: datetime) -> None:
        """Add a version that was written some time after something."""
        at = min(since + self.draw.choice(LATENESS), LATEST)
        self.events.append(
            event
            | {
                "event_id": str(UUID(int=self.draw.getrandbits(128), version=4)),
                "updated_at": at.isoformat(),
            }
        )

    def organizations(self) -> None:
        if self.maybe(0.15):
            return
        before = datetime(2020, 1, 15, tzinfo=UTC)
        for serial in range(self.draw.choice([1, 1, 2, 3])):
            self.add(
                organization(
                    id=self.id_of(1, 0),
                    name=f"Organization {self.number}, {serial}",
                    timezone=self.zone if self.maybe(0.8) else self.draw.choice(ZONES),
                    baseline_provider=self.some("north", "north", "north", "south"),
                    baseline_model=self.draw.choice(BASELINES),
                ),
                self.moment() if serial or self.maybe(0.3) else before,
            )

    def users(self) -> None:
        for serial in range(3):
            for _ in range(self.draw.choice([0, 1, 1, 2])):
                self.add(
                    user(
                        id=self.id_of(2, serial),
                        organization_id=self.organization_id(0.1),
                        name=f"User {serial}",
                        team=self.some("platform", "apps"),
                    ),
                    self.moment(),
                )

    def used(self, start: datetime) -> dict[str, Any]:
        """Draw what may be another thing in each version of an execution."""
        tokens = self.draw.choice([0, 999, 1_000, 250_000, self.draw.randrange(10**6)])
        return {
            "organization_id": self.organization_id(),
            "user_id": self.user_id() if self.maybe(0.8) else None,
            "task_id": f"task {self.draw.randrange(2)}",
            "task_type": self.draw.choice(["refactor", "bug_fix", "tests"]),
            "provider": self.draw.choice([*["north"] * 6, "south", "elsewhere"]),
            "model": self.draw.choice(MODELS),
            "service_tier": self.some("standard", "batch", "priority"),
            "start_time": start.isoformat(),
            "input_tokens": self.draw.choice([tokens, tokens, tokens, None]),
            "cached_input_tokens": None,
            "cache_write_tokens": None,
            "output_tokens": self.draw.choice([0, 7, 50_000]),
            "reasoning_tokens": None,
            "request_count": self.draw.choice([None, 0, 1, 3]),
            "quality_score": self.some(0, 0.5, 0.987654321),
            "routing_decision_id": self.id_of(4, self.draw.randrange(5))
            if self.maybe(0.3)
            else None,
        }

    def versions(self, serial: int, start: datetime, life: Sequence[str]) -> None:
        known = self.used(start)
        at = start
        for status in life:
            is_final = status in ("completed", "failed")
            if status == life[-1] and len(life) > 1 and self.maybe(0.6):
                again = self.used(self.moment())
                for name in self.draw.sample(sorted(again), self.draw.choice([1, 1, 2, 5])):
                    known[name] = again[name]
            started = datetime.fromisoformat(known["start_time"])
            duration_ms = self.draw.choice([0, 1, 499, 500, 8_500, self.draw.randrange(10**7)])
            end = started + timedelta(microseconds=1000 * duration_ms + self.draw.randrange(1000))
            self.add(
                execution(
                    **known
                    | {
                        "id": self.id_of(3, serial),
                        "status": status,
                        "end_time": end.isoformat() if is_final and self.maybe(0.9) else None,
                    }
                ),
                max(at, started),
            )
            at += timedelta(seconds=self.draw.choice([0, 1, 90, 4_000]))

    def execution(self, serial: int) -> None:
        self.versions(serial, self.moment(), self.draw.choice(LIVES))

    def open_execution(self) -> None:
        """Begin something not long before the clock's moments and perhaps never end it."""
        now = datetime.fromisoformat(self.draw.choice([NOW, LATER])) - timedelta(hours=1)
        start = now + self.draw.choice([-1, 0, 0, 1]) * self.draw.choice(
            [MICROSECOND, timedelta(minutes=5)]
        )
        self.versions(20, start, self.draw.choice([("running",), ("pending", "running"), LIVES[0]]))

    def lonely_execution(self) -> None:
        """Let a day, a week and a month hold one execution that is then put somewhere else."""
        lonely = day_begins(self.day + timedelta(days=100), self.zone)
        self.versions(21, min(lonely, LATEST - timedelta(days=30)), ["completed"])
        elsewhere = self.moment()
        moved = self.events[-1] | {"start_time": elsewhere.isoformat()}
        self.add(
            {name: value for name, value in moved.items() if name != "end_time"},
            max(elsewhere, datetime.fromisoformat(moved["updated_at"]) + MICROSECOND),
        )

    def decision(self, serial: int) -> None:
        for _ in range(self.draw.choice([1, 1, 2, 3])):
            made = self.moment()
            estimates = [self.some(0, 0.5, 0.02, 3) for _ in range(self.draw.randrange(4))]
            self.add(
                decision(
                    id=self.id_of(4, serial),
                    organization_id=self.organization_id(),
                    task_id=f"task {self.draw.randrange(3)}",
                    task_execution_id=self.id_of(3, self.draw.randrange(11))
                    if self.maybe(0.5)
                    else None,
                    chosen_provider=self.draw.choice(["north", "south"]),
                    chosen_model=self.some("small", "large"),
                    baseline_provider=self.some("north", "south"),
                    baseline_model=self.draw.choice(BASELINES),
                    alternative_providers=self.some(
                        [
                            {
                                "provider": self.draw.choice(["north", "south"]),
                                **dict(
                                    pair
                                    for pair in (
                                        ("model", self.draw.choice(BASELINES)),
                                        ("estimated_cost_usd", estimate),
                                    )
                                    if pair[1] is not None
                                ),
                            }
                            for estimate in estimates
                        ]
                    ),
                    decision_timestamp=made.isoformat(),
                    predicted_cost_usd=self.some(0, 0.02, 0.5),
                    routing_overhead_cost_usd=self.some(0.000079, 0.5),
                ),
                made,
            )

    # How it became known

    def arrive(self) -> None:
        """Deal the events out to loads: in about the order in which they were written, or in none.

        Some of them are said again, in the same load or another.
        """
        said = self.events + self.draw.sample(self.events, len(self.events) // 10)
        self.draw.shuffle(said)
        if self.is_in_order:
            said.sort(
                key=lambda event: (
                    datetime.fromisoformat(event["updated_at"]) + self.draw.choice(LATENESS)
                )
            )
        self.arrivals = [
            (self.loads[place * len(self.loads) // len(said)], event)
            for place, event in enumerate(said)
        ]


def loads_of(histories: Iterable[History]) -> list[list[bytes]]:
    """Return the lines of each load; within one they have no order."""
    loads: list[list[bytes]] = [[] for _ in range(LOADS)]
    for history in histories:
        for load, event in history.arrivals:
            loads[load].append(line_of(event) + b"\n")
    for number, lines in enumerate(loads):
        random.Random(number).shuffle(lines)  # noqa: S311 - to be repeated
    return loads


def house(model: str, usd: str, provider: str = "north", **cells: Any) -> dict[str, str]:
    return price(
        provider,
        model,
        **{
            "input_usd_per_mtok": usd,
            "output_usd_per_mtok": usd,
            "effective_from": "2020-01-01T00:00:00Z",
            "recorded_at": "2026-09-01T00:00:00Z",
        }
        | cells,
    )


def policy(kind: str, number: int | None = None, **cells: str) -> dict[str, str]:
    return {
        "policy": kind,
        "organization_id": "" if number is None else uuid_of(10**11 + number * 10**6),
        "effective_from": "2020-01-01T00:00:00Z",
        "recorded_at": "2026-09-02T00:00:00Z",
    } | cells


def alias(name: str, model: str) -> dict[str, str]:
    moment = "2026-09-01T00:00:00Z"
    return {"provider": "north", "alias": name, "model": model, "recorded_at": moment}


PRICES = [
    house("small", "1"),
    house("small", "2", effective_from="2023-03-12T09:00:00Z", recorded_at="2026-09-02T00:00:00Z"),
    house("large", "3", cached_input_usd_per_mtok="0.3"),
    house("tiered", "1.5", output_usd_per_mtok="6"),
    house("tiered", "0.75", service_tier="batch", output_usd_per_mtok="3"),
    house("tiered", "4", context_over_tokens="200000"),
    house("tiered", "5", task_type="refactor", usd_per_request="0.01"),
    house("later", "9", effective_from="2024-06-01T00:00:00Z"),
    house("", "2.5", "south", usd_per_minute="0.002"),
]


RECORDED = {"recorded_at": "2026-09-03T00:00:00Z"}


CORRECTION = house(
    "large",
    "0.5",
    effective_from="2021-11-07T06:00:00Z",
    effective_until="2024-04-06T15:00:00Z",
    **RECORDED,
)


OWN_PRICES = [
    house("small", "0.25", organization_id=uuid_of(10**11 + number * 10**6), **RECORDED)
    for number in range(0, ORGANIZATIONS, 5)
]


POLICIES = [
    *(policy("decision_recorded", number) for number in range(0, ORGANIZATIONS, 7)),
    *(
        policy("most_expensive_alternative", number, effective_from="2022-03-13T10:00:00Z")
        for number in range(1, ORGANIZATIONS, 7)
    ),
]


def fixed(**window: str) -> list[dict[str, str]]:
    """Return policies of some organizations, and one for all that is not the headline."""
    baseline = {"baseline_provider": "north", "baseline_model": "large"}
    numbers = [None, *range(2, ORGANIZATIONS, 7)]
    return [policy("fixed", number, **baseline, **window) for number in numbers]


@dataclass
class Changes:
    """What changes in the price files before some of the builds."""

    seeds: Seeds

    def __post_init__(self) -> None:
        self.shipped = {
            name: self.seeds.read(name)
            for name in ("provider_pricing", "model_aliases", "baseline_policies")
        }

    def write(
        self,
        prices: list[dict[str, str]],
        names: list[dict[str, str]],
        policies: list[dict[str, str]],
    ) -> None:
        for name, rows in zip(self.shipped, (prices, names, policies), strict=True):
            self.seeds.write(name, self.shipped[name] + rows)

    def before(self, build: int) -> bool:
        """Write what is known before a build; say whether it is something new."""
        names = [alias("newest", "small"), alias("best", "large")]
        if build == 0:
            self.write(PRICES, names, [])
        elif build == 2:
            self.write(
                [*PRICES, CORRECTION, *OWN_PRICES],
                [alias("newest", "large"), names[1]],
                [*POLICIES, *fixed(effective_from="2023-01-01T00:00:00Z")],
            )
        elif build == 4:
            # The correction is withdrawn, and some policies are; a first price comes earlier.
            first = house("later", "8", effective_from="2021-04-03T15:30:00Z", **RECORDED)
            self.write(
                [*PRICES, *OWN_PRICES[::2], first, house("unheard-of", "1", **RECORDED)],
                [alias("newest", "large")],
                [*POLICIES[::2], *fixed(effective_until="2024-01-01T00:00:00Z")],
            )
        else:
            return False
        return True


def expected_rows(oracle: Oracle) -> dict[str, dict[Any, Row]]:
    """Return what the live views must hold, from every event that has landed."""
    days: dict[tuple[str, date], list[Row]] = defaultdict(list)
    months: dict[str, list[Row]] = defaultdict(list)
    todays = {
        organization_id: oracle.now.astimezone(ZoneInfo(row["timezone"])).date()
        for organization_id, row in oracle.organizations.items()
    }
    for fact in oracle.task_executions.values():
        organization_id, day = fact["organization_id"], fact["metric_date"]
        if day.replace(day=1) == todays[organization_id].replace(day=1):
            days[organization_id, day].append(fact)
            months[organization_id].append(fact)
    return {
        "live_organization_days": {
            (organization_id, day): totals(facts, day, "daily")
            | {"is_today": day == todays[organization_id]}
            for (organization_id, day), facts in days.items()
        },
        "live_organization_today": {
            organization_id: totals(facts, day, "daily")
            for (organization_id, day), facts in days.items()
            if day == todays[organization_id]
        },
        "live_organization_month": {
            organization_id: totals(facts, todays[organization_id].replace(day=1), "monthly")
            for organization_id, facts in months.items()
        },
    }


def totals(facts: list[Row], day: date, period: str) -> Row:
    row = measures(facts)
    open_facts = [fact for fact in facts if fact["status"] in ("pending", "running")]
    return {
        **{
            name: row[name]
            for name in row
            if name not in ("total_duration_ms", "timed_tasks", "total_requests")
        },
        "metric_date": day,
        "aggregation_period": period,
        "running_tasks": sum(not fact["is_timed_out"] for fact in open_facts),
        "active_errors": row["failed_tasks"] + row["timed_out_tasks"],
        "savings_percentage": savings_percentage(row),
    }


def under(story: Story, zone: str) -> Story:
    """Return the story with sessions that write times otherwise; the events are shared."""
    settings = story.database.settings
    options = f"-c timezone={zone} -c datestyle=SQL,DMY -c intervalstyle=sql_standard"
    environment = {"PGOPTIONS": options, "PGTZ": zone}
    return replace(story, database=Database(settings, story.database.environment | environment))
