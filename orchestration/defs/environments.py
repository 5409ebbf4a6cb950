"""Which environment this is, and what runs by itself in it."""

import datetime as dt
import os
from enum import StrEnum

import dagster as dg

from orchestration.errors import WarehouseError

VARIABLE = "WAREHOUSE_ENVIRONMENT"


class Environment(StrEnum):
    """Where the warehouse runs; `WAREHOUSE_ENVIRONMENT` names it, local when it is unset."""

    LOCAL = "local"
    TEST = "test"
    STAGING = "staging"
    PRODUCTION = "production"


RUNS_BY_ITSELF = {
    Environment.LOCAL: False,
    Environment.TEST: False,
    Environment.STAGING: True,
    Environment.PRODUCTION: True,
}
"""Whether schedules and sensors are on from the start; anybody can switch them in the UI."""


def current_environment() -> Environment:
    """Return the environment that the variable names.

    Returns:
        The environment.

    Raises:
        WarehouseError: The variable names none.
    """
    name = os.environ.get(VARIABLE) or Environment.LOCAL
    try:
        return Environment(name)
    except ValueError:
        known = ", ".join(Environment)
        raise WarehouseError(f"{VARIABLE} is {name!r}; it must be one of {known}.") from None


def runs_by_itself() -> bool:
    """Return whether schedules and sensors are on from the start here.

    Returns:
        What holds for the current environment.

    Raises:
        WarehouseError: The variable names no environment.
    """
    return RUNS_BY_ITSELF[current_environment()]


def near_real_time_policy() -> dg.FreshnessPolicy | None:
    """Return how old a table may be that is built when something waits, and every hour.

    Returns:
        A warning when a build of the hour was missed, red when two were; nothing where nothing
        runs by itself. That an event is in the marts five minutes after it landed is what the
        sensor `freshness` watches: Dagster knows only when a mart was built last.
    """
    if not runs_by_itself():
        return None
    return dg.FreshnessPolicy.time_window(
        fail_window=dt.timedelta(minutes=150), warn_window=dt.timedelta(minutes=90)
    )


def daily_policy() -> dg.FreshnessPolicy | None:
    """Return until when what the nightly job writes must be there.

    Returns:
        03:00 UTC every day, for a run that began after midnight; nothing where nothing runs by
        itself.
    """
    if not runs_by_itself():
        return None
    return dg.FreshnessPolicy.cron(
        deadline_cron="0 3 * * *", lower_bound_delta=dt.timedelta(hours=3), timezone="UTC"
    )


def schedule_status() -> dg.DefaultScheduleStatus:
    """Return whether schedules are on from the start.

    Returns:
        The status for the current environment.

    Raises:
        WarehouseError: The variable names no environment.
    """
    return (
        dg.DefaultScheduleStatus.RUNNING if runs_by_itself() else dg.DefaultScheduleStatus.STOPPED
    )


def sensor_status() -> dg.DefaultSensorStatus:
    """Return whether sensors are on from the start.

    Returns:
        The status for the current environment.

    Raises:
        WarehouseError: The variable names no environment.
    """
    return dg.DefaultSensorStatus.RUNNING if runs_by_itself() else dg.DefaultSensorStatus.STOPPED
