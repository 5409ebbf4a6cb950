"""Generates the events of a believable company's AI coding work, in the order they arrive.

The same settings give the same bytes on every machine; nothing is read but the settings.
"""

from bisect import bisect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from random import Random

from orchestration.sample import catalogue, story
from orchestration.sample.adjustments import adjustment_events
from orchestration.sample.arrivals import DAY, HOUR, SECOND, Arrivals
from orchestration.sample.catalogue import Zone
from orchestration.sample.draws import Identifiers, seeded
from orchestration.sample.executions import TaskWriter, timestamp
from orchestration.sample.population import (
    LAST_JOINING_DAY,
    Organization,
    User,
    build_population,
    organization_event,
    user_event,
)

DEFAULT_UNTIL = date(2026, 11, 1)
"""The day before which a sample ends unless told otherwise: a constant, not today."""

EARLIEST_START = date(2020, 1, 2)
"""The landing contract takes nothing from before 2020, and decisions precede their executions."""

LATEST_UNTIL = date(2100, 1, 1)
"""Further ahead, the loader refuses everything anyway."""

_EPOCH = date(1970, 1, 1)
_HALF_HOUR = HOUR // 2
# Divisors of half an hour, longest first.
_BUCKET_LENGTHS = tuple(seconds * SECOND for seconds in (300, 60, 30, 10, 5, 1))
_EXECUTIONS_PER_BUCKET = 800


@dataclass(frozen=True, slots=True)
class SampleSettings:
    """What a sample is to hold.

    Attributes:
        executions: Number of distinct executions, exactly.
        organizations: Number of organizations.
        users: Number of users over all organizations, at least one for each.
        days: Length of the period, days in UTC.
        seed: Same seed, same sample; another seed shares no identifier.
        until: Exclusive end of the period, a day in UTC; of no account with `now`.
        now: The moment at which the sample ends, with its zone, after `days` days and what has
            passed of the last one. Nothing is written later, and what `Story` tells is in it.
    """

    executions: int
    organizations: int
    users: int
    days: int
    seed: int
    until: date = DEFAULT_UNTIL
    now: datetime | None = None

    @property
    def ends(self) -> str:
        """The end as text, the same for the same moment in any zone."""
        return self.now.astimezone(UTC).isoformat() if self.now else self.until.isoformat()

    @property
    def period(self) -> tuple[int, int]:
        """First moment and exclusive end, microseconds since 1970-01-01 UTC."""
        end = (self.until - _EPOCH).days * DAY
        if self.now:
            end = (self.now - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
        return end // DAY * DAY - self.days * DAY, end

    def __post_init__(self) -> None:
        """Refuses what cannot be generated.

        Raises:
            ValueError: A number is not positive, there are fewer users than organizations, `now`
                has no zone or too little to happen in, or the period starts before EARLIEST_START
                or ends after LATEST_UNTIL.
        """
        for name in ("executions", "organizations", "users", "days"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1")
        if self.users < self.organizations:
            raise ValueError("there must be at least as many users as organizations")
        days = self.days
        if self.now:
            if self.now.tzinfo is None:
                raise ValueError("the moment at which the sample ends must have a zone")
            for name, fewest in (
                ("organizations", story.FEWEST_ORGANIZATIONS),
                ("days", story.FEWEST_DAYS),
                ("executions", story.FEWEST_EXECUTIONS_A_DAY * days),
            ):
                if getattr(self, name) < fewest:
                    raise ValueError(f"{name} must be at least {fewest} where the sample ends now")
            days = max(days, story.PILOT_DAYS_AGO)
        last_day = self.period[1] // DAY
        if last_day - days < (EARLIEST_START - _EPOCH).days:
            raise ValueError(f"the period must not start before {EARLIEST_START}")
        if last_day > (LATEST_UNTIL - _EPOCH).days:
            raise ValueError(f"the period must not end after {LATEST_UNTIL}")


def generate(
    settings: SampleSettings, on_progress: Callable[[int], object] | None = None
) -> Iterator[bytes]:
    """Yields the sample's events as encoded NDJSON lines in the order of their arrival.

    Memory is bounded, whatever the number of executions: only what is late is held back.

    Args:
        settings: What the sample is to hold.
        on_progress: Called now and then with the number of executions generated so far.
    """
    for _, lines in _arrivals(settings, on_progress):
        yield from lines


def generate_parts(
    settings: SampleSettings, on_progress: Callable[[int], object] | None = None
) -> tuple[Iterator[bytes], Iterator[bytes]]:
    """Returns what `generate` yields in two parts: the second one arrives in the last 24 hours.

    Args:
        settings: What the sample is to hold.
        on_progress: Called now and then with the number of executions generated so far.

    Returns:
        The parts. The first is to be read to its end before the second is begun.
    """
    arrivals = _arrivals(settings, on_progress)
    last_day = settings.period[1] - DAY
    begun: list[Iterator[bytes]] = []

    def history() -> Iterator[bytes]:
        for moment, lines in arrivals:
            if moment > last_day:
                begun.append(lines)
                return
            yield from lines

    def rest() -> Iterator[bytes]:
        yield from chain(*begun, chain.from_iterable(lines for _, lines in arrivals))

    return history(), rest()


def _arrivals(
    settings: SampleSettings, on_progress: Callable[[int], object] | None
) -> Iterator[tuple[int, Iterator[bytes]]]:
    """Yields the lines of one short stretch of time after the other, and when it ends."""
    start, end = settings.period
    source = seeded(
        "activity", settings.seed, settings.organizations, settings.users, settings.executions,
        settings.days, settings.ends,
    )  # fmt: skip
    identifiers = Identifiers(source)
    bucket_length = _bucket_length(settings)
    arrivals = Arrivals(source, start, bucket_length)
    latest = end if settings.now else None
    writer = TaskWriter(source, identifiers, arrivals, (start, end), latest)
    organizations = build_population(settings.seed, settings.organizations, settings.users)

    _choose_late_members(organizations, source.getrandbits(32))
    told = _story(settings, organizations) if settings.now else None
    yield start, _announcements(organizations, identifiers, start)
    changes = _plan_changes(organizations, source.getrandbits, (start, end))
    executions = settings.executions
    if told:
        executions -= told.executions
        for arrival, line in told.arrivals():
            arrivals.deliver(arrival, line)

    weights = _zone_weights(organizations)
    total = _total_weight(weights, start, end)
    cumulative_weight = produced = 0
    launch_days = {model.available_from for model in catalogue.MODELS}
    organization_weights: list[int] = []
    active_hours: tuple[int, ...] = ()
    for period_start in range(start, end, _HALF_HOUR):
        if period_start % DAY == 0:
            today = _EPOCH + timedelta(days=period_start // DAY)
            writer.start_day()
            if told and told.is_bad_day(period_start // DAY):
                writer.trouble(
                    story.BAD_PROVIDER, story.BAD_DAY_FAILURE_SHARE, story.BAD_DAY_SLOWNESS
                )
            if period_start == start or today in launch_days:
                writer.refresh_models(today)
                for organization in organizations:
                    organization.refresh_portfolio(today)
        while changes and changes[-1].moment <= period_start:
            change = changes.pop()
            change.apply()
            writer.announce(change.organization, change.user, change.moment + SECOND)

        hours = tuple(_activity(zone, period_start) for zone in weights)
        if hours != active_hours:
            active_hours = hours
            organization_weights = _cumulative(
                organizations, dict(zip(weights, hours, strict=True))
            )
        period_weight = organization_weights[-1]
        period_end = min(period_start + _HALF_HOUR, end)
        for bucket_start in range(period_start, period_end, bucket_length):
            bucket_end = min(bucket_start + bucket_length, period_end)
            passed = period_weight * (bucket_end - period_start) // _HALF_HOUR
            target = executions * (cumulative_weight + passed) // total
            while produced < target:
                organization = organizations[
                    bisect(organization_weights, int(source.random() * period_weight))
                ]
                moment = bucket_start + int(source.random() * (bucket_end - bucket_start))
                produced += writer.write_task(organization, moment, executions - produced)
            yield bucket_end, arrivals.due(bucket_start + bucket_length)
        cumulative_weight += period_weight
        if on_progress is not None:
            on_progress(produced)
    for organization in organizations:
        # Whoever was to be announced late but did nothing.
        if organization.is_late:
            writer.announce(organization, None, end)
        for user in organization.users:
            if user.is_late:
                writer.announce(organization, user, end)
    yield end, arrivals.rest()
    # From a source of their own, so that nothing else of a seed depends on them.
    yield (
        end,
        adjustment_events(
            organizations, Identifiers(_own_source("adjustments", settings)), (start, end)
        ),
    )


def _own_source(name: str, settings: SampleSettings) -> Random:
    return seeded(
        name, settings.seed, settings.organizations, settings.users, settings.executions,
        settings.days, settings.ends,
    )  # fmt: skip


def _story(settings: SampleSettings, organizations: list[Organization]) -> story.Story:
    identifiers = Identifiers(_own_source("story", settings))
    return story.Story(organizations, identifiers, settings.period, settings.executions)


def _bucket_length(settings: SampleSettings) -> int:
    """Returns how long a bucket is, microseconds, so that it holds a modest number of lines."""
    for length in _BUCKET_LENGTHS:
        if settings.executions * length <= _EXECUTIONS_PER_BUCKET * settings.days * DAY:
            return length
    return _BUCKET_LENGTHS[-1]


def _choose_late_members(organizations: list[Organization], bits: int) -> None:
    """Marks one organization and about one user in forty to be announced late."""
    if len(organizations) > 1:
        # Not the largest: most of a small sample would be inferred.
        organizations[1 + bits % (len(organizations) - 1)].is_late = True
    position = bits % 40
    for organization in organizations:
        for user in organization.users:
            user.is_late = position % 40 == 7
            position += 1


def _announcements(
    organizations: list[Organization], identifiers: Identifiers, start: int
) -> Iterator[bytes]:
    """Yields the first version of all members, but for the late ones."""
    # Everybody joined before the period starts, but not before the contract's first day.
    first_day = (EARLIEST_START - _EPOCH).days
    shift = min(0, start // DAY - LAST_JOINING_DAY - 1)
    for organization in organizations:
        if not organization.is_late:
            joined_day = max(first_day, organization.joined_day + shift)
            updated_at = timestamp(joined_day * DAY)
            yield organization_event(
                organization, identifiers.take(), updated_at + organization.utc_suffix
            )
    for organization in organizations:
        for user in organization.users:
            if not user.is_late:
                updated_at = timestamp(max(first_day, user.joined_day + shift) * DAY)
                yield user_event(
                    organization, user, identifiers.take(), updated_at + organization.utc_suffix
                )


@dataclass(frozen=True, slots=True)
class _Change:
    """One member's new version.

    Attributes:
        moment: When it takes effect, microseconds since 1970-01-01 UTC.
        organization: Whose.
        user: The user that changes, or None if the organization does.
        kind: Which attributes an organization changes, 0 to 3.
    """

    moment: int
    organization: Organization
    user: User | None
    kind: int

    def apply(self) -> None:
        """Gives the member its new attributes."""
        if self.user is not None:
            place = catalogue.TEAMS.index(self.user.team)
            self.user.team = catalogue.TEAMS[(place + 1) % len(catalogue.TEAMS)]
            if self.user.role == "developer":
                self.user.role = "team_lead"
            return
        organization = self.organization
        if self.kind in (0, 3):
            organization.tier = "team" if organization.tier == "enterprise" else "enterprise"
            organization.monthly_budget_usd *= 2
        if self.kind in (1, 3):
            place = catalogue.BASELINE_MODELS.index(organization.baseline)
            organization.baseline = catalogue.BASELINE_MODELS[
                (place + 1) % len(catalogue.BASELINE_MODELS)
            ]
        if self.kind in (2, 3):
            # Only the reports move: the office hours stay where the people are.
            place = catalogue.ZONES.index(organization.zone)
            organization.reporting_zone_name = catalogue.ZONES[
                (place + 1) % len(catalogue.ZONES)
            ].name


def _plan_changes(
    organizations: list[Organization], random_bits: Callable[[int], int], period: tuple[int, int]
) -> list[_Change]:
    """Returns the new versions of members, the last one first."""
    start, end = period
    changes = []
    for position, organization in enumerate(organizations):
        # Every third organization, and every fiftieth user, in the middle of the period.
        members: list[User | None] = [None] if position % 3 == 0 else []
        members.extend(
            user
            for number, user in enumerate(organization.users)
            if number % 50 == 3 and not user.is_late
        )
        if organization.is_late:
            continue
        for member in members:
            moment = start + (end - start) * (300 + random_bits(10) * 400 // 1024) // 1000
            changes.append(_Change(moment, organization, member, position // 3 % 4))
    changes.sort(key=lambda change: -change.moment)
    return changes


def _activity(zone: Zone, moment: int) -> int:
    """Returns how busy people in `zone` are at `moment`, in thousandths of the busiest hour."""
    minutes = moment // (60 * SECOND) + zone.office_offset_minutes
    day, minute = divmod(minutes, 1440)
    activity = catalogue.WORKING_HOURS[minute // 60] * 10
    # 1970-01-01 was a Thursday.
    is_weekend = (day + 3) % 7 >= 5
    return activity // catalogue.WEEKEND_DIVISOR if is_weekend else activity


def _zone_weights(organizations: list[Organization]) -> dict[Zone, int]:
    """Returns the weight of all organizations of each zone, in a stable order."""
    weights: dict[Zone, int] = {}
    for organization in organizations:
        weights[organization.zone] = weights.get(organization.zone, 0) + organization.weight
    return weights


def _total_weight(weights: dict[Zone, int], start: int, end: int) -> int:
    """Returns the activity of all half hours together, of the last one up to the end."""
    total = 0
    for moment in range(start, end, _HALF_HOUR):
        activity = sum(weight * _activity(zone, moment) for zone, weight in weights.items())
        total += activity * min(_HALF_HOUR, end - moment) // _HALF_HOUR
    return total


def _cumulative(organizations: list[Organization], activity: dict[Zone, int]) -> list[int]:
    """Returns the running sum of the organizations' activity, for bisecting."""
    running = 0
    sums = []
    for organization in organizations:
        running += organization.weight * activity[organization.zone]
        sums.append(running)
    return sums
