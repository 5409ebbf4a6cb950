"""Removes old runs from Dagster's storage, with their events."""

# Dagster is imported late: a command must not wait for it where it has never run.

import contextlib
import datetime as dt
from importlib import resources
from typing import TYPE_CHECKING

import psycopg

from orchestration.database.connection import current_settings
from orchestration.instance.home import storage_url

if TYPE_CHECKING:
    from dagster._core.storage.event_log import EventLogStorage
    from dagster._core.storage.runs import RunStorage

_AT_ONCE = 100
_REMOVE_HISTORY = resources.files(__package__).joinpath("remove_history.sql").read_bytes()


def remove_runs(runs: "RunStorage", events: "EventLogStorage", before: dt.datetime) -> int:
    """Remove runs that have ended and were created before a moment.

    The last materialization of an asset stays known.

    Args:
        runs: Where Dagster keeps runs.
        events: Where it keeps their events.
        before: The moment.

    Returns:
        How many runs were removed.
    """
    import dagster as dg

    ended = dg.RunsFilter(
        statuses=[
            dg.DagsterRunStatus.SUCCESS,
            dg.DagsterRunStatus.FAILURE,
            dg.DagsterRunStatus.CANCELED,
        ],
        created_before=before,
    )
    removed = 0
    while found := runs.get_runs(filters=ended, limit=_AT_ONCE):
        for run in found:
            # The run last: who is killed in between finds it again.
            events.delete_events(run.run_id)
            runs.delete_run(run.run_id)
        removed += len(found)
    return removed


def remove_history(connection: psycopg.Connection, before: dt.datetime) -> int:
    """Remove what Dagster remembers of the time before a moment from the warehouse's database.

    Args:
        connection: To the warehouse's database, in autocommit mode.
        before: The moment.

    Returns:
        How many runs were removed; 0 where Dagster has never run on this database.
    """
    row = connection.execute("select to_regclass('dagster.asset_check_executions')").fetchone()
    if row is None or row[0] is None:
        return 0
    from orchestration.instance.storage import PooledPostgresStorage

    url = storage_url(current_settings())
    with contextlib.closing(
        PooledPostgresStorage.from_config_value(
            None, {"postgres_url": url, "should_autocreate_tables": False}
        )
    ) as storage:
        removed = remove_runs(storage.run_storage, storage.event_log_storage, before)
    connection.execute(_REMOVE_HISTORY, {"before": before.astimezone(dt.UTC).replace(tzinfo=None)})
    return removed
