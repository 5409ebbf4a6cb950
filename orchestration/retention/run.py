"""Seals, removes and archives, in the order that keeps every number."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from orchestration.audit.months import remove_months
from orchestration.buckets import AnyPath
from orchestration.database.connection import connect
from orchestration.database.migrate import require_migrated
from orchestration.errors import WarehouseError
from orchestration.retention.families import remove_family_events
from orchestration.retention.limits import first_of_month, read_limits
from orchestration.retention.raw_events import archive_events, require_alone, sweep
from orchestration.retention.records import RemovedRecords, remove_records
from orchestration.retention.sealing import remove_details, seal


@dataclass(frozen=True)
class RetentionReport:
    """What was done.

    Attributes:
        sealed_before: Everything that started before this moment is sealed, of the organizations of
            which anything did; None while nothing is sealed.
        executions_sealed: How many were sealed now.
        executions_removed: How many left the marts.
        events_archived: How many left schema raw.
        family_events_removed: How many events of agents, providers and the website left it.
        records: What was removed of the warehouse's own records.
    """

    sealed_before: dt.datetime | None
    executions_sealed: int
    executions_removed: int
    events_archived: int
    family_events_removed: int
    records: RemovedRecords


def run_retention(
    folder: AnyPath, now: dt.datetime, tell: Callable[[str], object]
) -> RetentionReport:
    """Seal old months, remove details, archive landed events, then remove old records.

    Args:
        folder: Where the Parquet files go.
        now: What counts as now.
        tell: Told in sentences what was done, as it is done.

    Returns:
        What was done.

    Raises:
        WarehouseError: The marts are not built, a build or another retention runs, or the folder
            cannot be written.
    """
    with connect(application_name="warehouse retention", autocommit=True) as connection:
        require_migrated(connection)
        require_alone(connection)
        sweep(folder)
        limits = read_limits(connection)
        sealing = seal(connection, limits, now)
        if sealing.sealed_before is None:
            tell("Sealed: nothing, because nothing is old enough.")
        else:
            tell(
                f"Sealed: everything before {sealing.sealed_before:%Y-%m-%d} (UTC), "
                f"{sealing.executions:,} execution(s) of it now."
            )
        if sealing.months:
            tell(f"Proved: {sealing.months:,} month(s) of organizations; see `warehouse verify`.")
        removal = remove_details(connection, limits, now)
        tell(
            f"Left the marts: {removal.executions:,} execution(s), {removal.decisions:,} "
            f"decision(s), {removal.hours:,} row(s) of hours."
        )
        archived = 0
        for month in archive_events(connection, limits, sealing.organizations, now, folder):
            archived += month.archive.rows
            left = "the partition was dropped" if month.is_whole else "the others stay"
            tell(
                f"Archived: {month.archive.rows:,} event(s) of {month.partition.first_day:%Y-%m} "
                f"in {month.archive.path}, {month.archive.size_bytes / 1e6:,.1f} MB; {left}."
            )
        tell(f"Left schema raw: {archived:,} event(s).")
        family_events = remove_family_events(connection, limits, now)
        tell(f"Removed: {family_events:,} event(s) of agents, providers and the website.")
        records = remove_records(connection, limits, now)
        tell(
            f"Removed: {records.rejects:,} rejected line(s), {records.check_results:,} result(s) "
            f"of checks, {records.runs:,} run(s) of Dagster."
        )
        # Whatever counts as now, nothing of late is forgotten.
        today = min(now, dt.datetime.now(dt.UTC))
        months = remove_months(connection, first_of_month(today, limits.audit_days))
        if months is None:
            tell("Left the audit log: nothing; only its owner removes from it.")
        elif months:
            tell(f"Left the audit log: {', '.join(months)}.")
    return RetentionReport(
        sealed_before=sealing.sealed_before,
        executions_sealed=sealing.executions,
        executions_removed=removal.executions,
        events_archived=archived,
        family_events_removed=family_events,
        records=records,
    )


def moment(name: str, text: str) -> dt.datetime:
    """Read a time of a run's configuration.

    Args:
        name: The option's name.
        text: The time, with an offset.

    Returns:
        The time.

    Raises:
        WarehouseError: It is no time, or has no offset.
    """
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise WarehouseError(
            f"{name} is {text!r}; it must be a time with an offset like 2026-10-31T00:00:00Z."
        )
    return found
