"""The events of a long history, and of the days that follow it."""

import datetime as dt
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from benchmarks.shared.sample_events import ACTIVITY_EVENTS, land_events
from orchestration.sample.generator import SampleSettings, generate

HISTORY_DAYS = 90
USERS_PER_ORGANIZATION = 15
LATE_SHARE = 0.05

Lateness = Literal["sample", "uniform"]

_SEED = 1
_LINES_PER_FILE = 300_000
# Of what is late in the sample, a fifth is late by days: 1 to 20.
_LATE_BY_DAYS_SHARE = 0.2
_LONGEST_DELAY_DAYS = 20


def activity_settings(
    executions: int, organizations: int, until: dt.date, days: int = HISTORY_DAYS
) -> SampleSettings:
    """Return the settings of one stretch of time; the tenants are the same in all of them.

    Args:
        executions: Number of distinct executions.
        organizations: Number of organizations; each has 15 users in the mean.
        until: The day after the last one.
        days: Length of the stretch.

    Returns:
        Settings for the generator.
    """
    users = organizations * USERS_PER_ORGANIZATION
    return SampleSettings(executions, organizations, users, days, _SEED, until)


def delta_events(
    executions: int, organizations: int, day: dt.date, lateness: Lateness = "sample"
) -> Iterator[bytes]:
    """Yield what arrives on one day: its own executions, and late ones from before.

    One in twenty is late. With the lateness of the sample, four fifths of those are from the day
    before and one fifth is spread over the last 20 days: the sample's own proportion of what
    arrives hours and days late. With `uniform`, all are spread over the 90 days before.

    Args:
        executions: Number of distinct executions, the late ones included.
        organizations: As in the history, whose tenants do the work. They are not announced again:
            that would restate their whole history.
        day: The day.
        lateness: How the late ones are spread.

    Yields:
        Encoded events about executions and routing decisions, the late ones first.
    """
    late = round(executions * LATE_SHARE)
    by_days = round(late * _LATE_BY_DAYS_SHARE)
    if lateness == "uniform":
        stretches = [(late, HISTORY_DAYS, day)]
    else:
        stretches = [(by_days, _LONGEST_DELAY_DAYS, day), (late - by_days, 1, day)]
    stretches.append((executions - late, 1, day + dt.timedelta(days=1)))
    for count, days, until in stretches:
        if count:
            for line in generate(activity_settings(count, organizations, until, days)):
                if line.startswith(ACTIVITY_EVENTS):
                    yield line


def land_stream(folder: Path, lines: Iterator[bytes]) -> None:
    """Land events in files of a bounded size, each deleted before the next one is written.

    Args:
        folder: Where the files are written meanwhile.
        lines: Encoded events, each with its line end.

    Raises:
        ClickException: They could not be landed.
    """
    for number in itertools.count(1):
        first = next(lines, None)
        if first is None:
            return
        rest = itertools.islice(lines, _LINES_PER_FILE - 1)
        land_events(folder / f"events_{number}.ndjson", itertools.chain([first], rest))
