"""Moves landed events of sealed months out of schema raw, into an archive of Parquet files."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import psycopg
from psycopg import sql

from orchestration.database.partitions import PartitionedTable, month_partitions
from orchestration.errors import WarehouseError
from orchestration.retention.archive import Archive, write_archive
from orchestration.retention.limits import Limits

_REFERRED_DECISIONS = (
    resources.files(__package__).joinpath("referred_decisions.sql").read_text(encoding="utf-8")
)
_LOCK_TIMEOUT = "60s"
_ATTEMPTS = 3


@dataclass(frozen=True)
class ArchivedMonth:
    """Events that have left schema raw.

    Attributes:
        table: Which table they were in.
        month: The first day of their month, in UTC.
        archive: The file that holds them now.
        is_whole: Whether none is left, so that the partition was dropped.
    """

    table: PartitionedTable
    month: dt.date
    archive: Archive
    is_whole: bool


def archive_events(
    connection: psycopg.Connection,
    limits: Limits,
    sealed_before: dt.datetime,
    now: dt.datetime,
    folder: Path,
) -> Iterator[ArchivedMonth]:
    """Write the events that need not stay to the archive and remove them from schema raw.

    A month after the other, each in a transaction of its own. A month leaves when all of it is older
    than the limit of its organization; a partition is dropped when nothing in it stays. A decision
    stays while an execution that is not sealed refers to it. What is killed in between can be
    repeated: until a file is recorded in `raw.archives`, its events are still in schema raw.

    Args:
        connection: To the warehouse's database, in autocommit mode.
        limits: How long events stay.
        sealed_before: Nothing that began at this moment or later leaves.
        now: What counts as now.
        folder: Where the files go.

    Yields:
        What has left, month by month.

    Raises:
        WarehouseError: A file cannot be written, or a load is at work on the tables. The months that
            were yielded before have left; the others have not.
    """
    tables: tuple[PartitionedTable, ...] = ("task_executions", "routing_decisions")
    for table in tables:
        for month, stop, partition in month_partitions(connection, table):
            if stop > sealed_before:
                continue
            archived = _archive_month(connection, limits, now, folder, table, month, stop, partition)
            if archived is not None:
                yield archived


def _archive_month(
    connection: psycopg.Connection,
    limits: Limits,
    now: dt.datetime,
    folder: Path,
    table: PartitionedTable,
    month: dt.date,
    stop: dt.datetime,
    partition: str,
) -> ArchivedMonth | None:
    relation = sql.Identifier("raw", partition)
    leaves = _leaving(limits, now, stop)
    if table == "routing_decisions":
        referred = sql.SQL(_REFERRED_DECISIONS).format(partition=relation)
        leaves = sql.SQL("{} and id not in ({})").format(leaves, referred)
    for _ in range(_ATTEMPTS):
        (found, everything) = _counts(connection, relation, leaves)
        if not everything:
            # Nothing to keep: the events of late loads that were archived before.
            _drop(connection, table, relation)
            return None
        if not found:
            return None
        path = _path(connection, folder, table, month)
        # A file that is not in the ledger is what a run that was killed has left behind.
        path.unlink(missing_ok=True)
        archive = write_archive(connection, table, relation, leaves, path)
        with connection.transaction():
            connection.execute("select set_config('lock_timeout', %s, true)", (_LOCK_TIMEOUT,))
            is_whole = _remove(connection, table, relation, leaves, archive)
            if is_whole is not None:
                _record(connection, table, month, archive, is_whole)
                return ArchivedMonth(table, month, archive, is_whole)
        # A load added events meanwhile: they must be in the file as well.
        path.unlink()
    raise WarehouseError(
        f"Events of {month:%Y-%m} keep arriving in raw.{table} while they are archived. Nothing of "
        "that month was removed; try again when no load is at work."
    )


def _leaving(limits: Limits, now: dt.datetime, stop: dt.datetime) -> sql.Composable:
    """Return the condition for events of a month whose organization has had them long enough."""
    age = now - stop
    staying = [
        organization
        for organization, days in limits.raw_days_of.items()
        if age < dt.timedelta(days=days)
    ]
    if age >= dt.timedelta(days=limits.raw_days):
        return sql.SQL("organization_id <> all ({})").format(sql.Literal(staying))
    leaving = [organization for organization in limits.raw_days_of if organization not in staying]
    return sql.SQL("organization_id = any ({})").format(sql.Literal(leaving))


def _counts(
    connection: psycopg.Connection, relation: sql.Identifier, leaves: sql.Composable
) -> tuple[int, int]:
    row = connection.execute(
        sql.SQL("select count(*) filter (where {}), count(*) from {}").format(leaves, relation)
    ).fetchone()
    return (row[0], row[1]) if row else (0, 0)


def _remove(
    connection: psycopg.Connection,
    table: PartitionedTable,
    relation: sql.Identifier,
    leaves: sql.Composable,
    archive: Archive,
) -> bool | None:
    """Remove exactly what the file holds; return whether nothing is left, None if it differs."""
    try:
        connection.execute(
            sql.SQL("lock table {} in share row exclusive mode").format(relation)
        )
        leaving, everything = _counts(connection, relation, leaves)
        if leaving != archive.rows:
            return None
        if everything == leaving:
            connection.execute(sql.SQL("drop table {}").format(relation))
            return True
        connection.execute(sql.SQL("delete from {} where {}").format(relation, leaves))
    except psycopg.errors.LockNotAvailable as error:
        raise WarehouseError(
            f"A load or a query has held raw.{table} for more than {_LOCK_TIMEOUT}. The file "
            f"{archive.path} is written, and nothing of it was removed; try again."
        ) from error
    return False


def _drop(
    connection: psycopg.Connection, table: PartitionedTable, relation: sql.Identifier
) -> None:
    """Drop a partition that holds nothing, unless somebody is just adding to it."""
    with connection.transaction():
        connection.execute("select set_config('lock_timeout', %s, true)", (_LOCK_TIMEOUT,))
        try:
            connection.execute(
                sql.SQL("lock table {} in share row exclusive mode").format(relation)
            )
            if _counts(connection, relation, sql.SQL("true")) == (0, 0):
                connection.execute(sql.SQL("drop table {}").format(relation))
        except psycopg.errors.LockNotAvailable as error:
            raise WarehouseError(
                f"A load or a query has held raw.{table} for more than {_LOCK_TIMEOUT}; try again."
            ) from error


def _path(
    connection: psycopg.Connection, folder: Path, table: PartitionedTable, month: dt.date
) -> Path:
    """Name the next file of a month: late events make further ones."""
    row = connection.execute(
        "select count(*) from raw.archives where table_name = %s and month = %s", (table, month)
    ).fetchone()
    number = 1 + (row[0] if row else 0)
    return folder / table / f"{table}_{month:%Y-%m}_{number:03d}.parquet"


def _record(
    connection: psycopg.Connection,
    table: PartitionedTable,
    month: dt.date,
    archive: Archive,
    is_whole: bool,
) -> None:
    connection.execute(
        "insert into raw.archives (table_name, month, file_name, content_sha256, content_bytes, "
        "event_count, is_whole_month) values (%s, %s, %s, %s, %s, %s, %s)",
        (
            table,
            month,
            str(archive.path),
            archive.sha256,
            archive.size_bytes,
            archive.rows,
            is_whole,
        ),
    )
