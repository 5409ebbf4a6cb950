"""What the environment means to Dagster: how old tables may be, and which ticks are on."""

import datetime as dt

import dagster as dg

from orchestration.environments import runs_by_itself


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
