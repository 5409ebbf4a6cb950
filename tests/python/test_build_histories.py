"""Five hundred random histories side by side: after every build the marts equal the oracle.

A history is cheap when it is an organization: each of them draws its own from its number, around
the days of its time zone on which clocks change, and all of them share the loads and the builds.
The ids hold the number, so that what a failure names can be drawn again alone.
"""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from stories import NOW, ROWS, Seeds, Story, price
from test_build_time_zones import under
from test_landing_contracts import decision, execution, line_of, organization, user, uuid_of

pytest_plugins = ["stories"]

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

SESSION_ZONES = (
    "UTC",
    "Asia/Kolkata",
    "America/Los_Angeles",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Asia/Kathmandu",
)
"""One for each build."""

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


# Prices, names and policies, which change while the histories arrive


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


def days_of(story: Story) -> set[tuple[Any, ...]]:
    return {
        tuple(row.values())
        for row in story.rows(
            "select organization_id, aggregation_period, metric_date "
            "from documents.organization_analytics"
        )
    }


def assert_every_case_is_there(story: Story, days_before: set[tuple[Any, ...]]) -> None:
    """Fail unless the histories had everything in them that equality with the oracle is about."""
    facts = story.mart("fct_task_executions").values()
    assert len(facts) > 4_000
    assert {fact["status"] for fact in facts} == {"pending", "running", "completed", "failed"}
    assert {fact["pricing_status"] for fact in facts} >= {
        "priced", "no_model", "no_price_for_model", "before_first_price", "token_split_unknown",
    }  # fmt: skip
    assert {fact["savings_status"] for fact in facts} == {
        "compared", "not_completed", "cost_unknown", "baseline_unknown",
    }  # fmt: skip
    assert {fact["baseline_policy"] for fact in facts} == {
        "organization_default", "decision_recorded", "most_expensive_alternative", "fixed",
    }  # fmt: skip
    assert {fact["reporting_timezone"] for fact in facts} == set(ZONES)
    on_remarkable_days = Counter(
        zone
        for fact in facts
        if fact["metric_date"] in remarkable_days(zone := fact["reporting_timezone"])
    )
    assert min(on_remarkable_days[zone] for zone in ZONES) > 10
    # What was, and is no more or otherwise.
    emptied = Counter(period for _, period, _ in days_before - days_of(story))
    assert min(emptied[period] for period in ("daily", "weekly", "monthly")) > 20
    assert {
        reason
        for row in story.rows("select distinct reason from marts.fct_cost_corrections")
        for reason in row["reason"].split(", ")
    } == {"new version", "price", "policy", "baseline", "model name"}
    assert any(fact["user_id"] is None for fact in facts)
    assert any(fact["savings_usd"] and fact["savings_usd"] < 0 for fact in facts)
    assert any(fact["routing_overhead_cost_usd"] for fact in facts)
    assert len(story.mart("fct_measured_savings")) > 20
    assert Counter(row["is_inferred"] for row in story.mart("dim_users").values())[True] > 100


def test_five_hundred_histories_equal_the_oracle_after_every_build(
    story: Story, seeds: Seeds
) -> None:
    changes = Changes(seeds)
    days_before: set[tuple[Any, ...]] = set()
    timed_out: list[int] = []
    loads = loads_of(History(number) for number in range(ORGANIZATIONS))
    for build, (lines, zone) in enumerate(zip(loads, SESSION_ZONES, strict=True)):
        now = NOW if build < 3 else LATER
        is_idle_for_views = not changes.before(build) and build != 3
        story.land_lines(lines)
        under(story, zone).build(*([ROWS] if is_idle_for_views else []), now=now)
        story.assert_equals_oracle(now)
        days_before |= days_of(story)
        counted = "select count(*) as number from marts.fct_task_executions where is_timed_out"
        timed_out.append(story.row(counted)["number"])
    # Yet another zone, and nothing else that is new: not a row is written.
    identities, written = story.identities(), story.rows_written()
    under(story, "Europe/Berlin").build(now=LATER)
    assert (story.identities(), story.rows_written()) == (identities, written)
    assert_every_case_is_there(story, days_before)
    assert timed_out[3] > timed_out[2] + 50, timed_out
    story.assert_equals_full_refresh(now=LATER)
