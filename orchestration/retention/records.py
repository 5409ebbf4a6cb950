"""Removes what the warehouse noted of its own work: rejected lines, results of checks, runs."""

import datetime as dt
from dataclasses import dataclass
from importlib import resources

import psycopg

from orchestration.instance.history import remove_history
from orchestration.retention.limits import Limits

_FILES = resources.files(__package__)


@dataclass(frozen=True)
class RemovedRecords:
    """What has left of the warehouse's records.

    Attributes:
        rejects: Rejected lines.
        check_results: Results of `warehouse check`.
        runs: Runs that Dagster knew.
    """

    rejects: int
    check_results: int
    runs: int


def remove_records(
    connection: psycopg.Connection, limits: Limits, now: dt.datetime
) -> RemovedRecords:
    """Remove rejected lines, results of checks and Dagster's history that are too old.

    A rejected line stays as long as events of the organization that it named; the others, like all
    that belongs to no organization, as long as `raw_days` says.

    Args:
        connection: To the warehouse's database, in autocommit mode.
        limits: How long they stay.
        now: What counts as now.

    Returns:
        How much was removed.
    """
    before = now - dt.timedelta(days=limits.raw_days)
    return RemovedRecords(
        rejects=connection.execute(
            _FILES.joinpath("remove_rejects.sql").read_bytes(),
            {"now": now, "raw_days": limits.raw_days},
        ).rowcount,
        check_results=connection.execute(
            _FILES.joinpath("remove_check_results.sql").read_bytes(), {"before": before}
        ).rowcount,
        runs=remove_history(connection, before),
    )
