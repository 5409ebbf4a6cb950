"""Moves landed events of sealed months out of schema raw, into an archive of Parquet files."""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from uuid import UUID

import psycopg
from psycopg import sql

from orchestration.buckets import AnyPath, BucketPath
from orchestration.database.ownership import owns
from orchestration.database.partitions import (
    MonthPartition,
    PartitionedTable,
    month_partitions,
)
from orchestration.errors import WarehouseError
from orchestration.retention.archive import TEMPORARY_ENDING, Archive, write_archive
from orchestration.retention.limits import Limits

_FILES = resources.files(__package__)
_REFERRED_DECISIONS = _FILES.joinpath("referred_decisions.sql").read_text(encoding="utf-8")
_WAITING_LOADS = _FILES.joinpath("waiting_loads.sql").read_text(encoding="utf-8")
_LOCK_TIMEOUT = "60s"
# Any constant will do, as long as nothing else in the database uses it.
_ADVISORY_LOCK = 4_170_031_522
_ATTEMPTS = 3


@dataclass(frozen=True)
class ArchivedMonth:
    """Events of a month that have left schema raw.

    Attributes:
        partition: Where they were.
        archive: The file that holds them now.
        is_whole: Whether none is left, so that the partition was dropped.
    """

    partition: MonthPartition
    archive: Archive
    is_whole: bool


def require_alone(connection: psycopg.Connection) -> None:
    """Refuse to work beside another retention or erasure; the claim ends with the connection.

    Args:
        connection: To the warehouse's database, in autocommit mode.

    Raises:
        WarehouseError: Another one is at work.
    """
    row = connection.execute("select pg_try_advisory_lock(%s)", (_ADVISORY_LOCK,)).fetchone()
    if row is None or not row[0]:
        raise WarehouseError(
            "Another `warehouse retention` or `warehouse privacy erase` is at work. Wait for it to "
            "end."
        )


def sweep(folder: AnyPath) -> None:
    """Delete files that were being written when an earlier retention was killed.

    Args:
        folder: Where the archive is; it need not exist. In a bucket there are no such files.
    """
    if isinstance(folder, BucketPath):
        return
    for path in folder.rglob(f"*{TEMPORARY_ENDING}"):
        path.unlink(missing_ok=True)


def archive_events(
    connection: psycopg.Connection,
    limits: Limits,
    sealed: Mapping[UUID, dt.datetime],
    now: dt.datetime,
    folder: AnyPath,
) -> Iterator[ArchivedMonth]:
    """Write the events that need not stay to the archive and remove them from schema raw.

    Month by month, each in a transaction of its own. A month leaves when all of it is sealed for
    its organization and older than its limit; a partition is dropped when nothing in it stays. An
    event stays until it is built, a decision while an execution that is not sealed refers to it.
    What is killed in between can be repeated: until a file is recorded in `ledger.archives`, its
    events are still in schema raw.

    Args:
        connection: To the warehouse's database, in autocommit mode.
        limits: How long events stay.
        sealed: The organizations with sealed months: nothing leaves that began at this moment or
            later.
        now: What counts as now.
        folder: Where the files go.

    Yields:
        What has left, month by month.

    Raises:
        WarehouseError: A file cannot be written, or a load is at work on the tables. The months
            that were yielded before have left; the others have not.
    """
    tables: tuple[PartitionedTable, ...] = ("task_executions", "routing_decisions")
    for table in tables:
        for partition in month_partitions(connection, table):
            age = now - partition.stop
            going = [
                organization
                for organization, sealed_before in sealed.items()
                if partition.stop <= sealed_before
                and age >= dt.timedelta(days=limits.raw_days_of.get(organization, limits.raw_days))
            ]
            if going:
                archived = _archive_month(connection, partition, _leaving(partition, going), folder)
                if archived is not None:
                    yield archived


def _leaving(partition: MonthPartition, going: list[UUID]) -> sql.Composable:
    """Return the condition for the events of a month that need not stay."""
    leaving = sql.SQL("organization_id = any ({}) and _load_id not in ({})").format(
        sql.Literal(going), sql.SQL(_WAITING_LOADS)
    )
    if partition.table == "routing_decisions":
        referred = sql.SQL(_REFERRED_DECISIONS).format(partition=partition.relation)
        return sql.SQL("{} and id not in ({})").format(leaving, referred)
    return leaving


def _archive_month(
    connection: psycopg.Connection,
    partition: MonthPartition,
    leaving: sql.Composable,
    folder: AnyPath,
) -> ArchivedMonth | None:
    """Archive and remove the events of a month for which the condition holds, if there are any."""
    for _ in range(_ATTEMPTS):
        if not _count(connection, partition, leaving):
            return None
        path = _path(connection, folder, partition)
        # A file that is not in the ledger is what a run that was killed has left behind.
        _discard(path)
        archive = write_archive(connection, partition.table, partition.relation, leaving, path)
        with connection.transaction():
            is_whole = _remove(connection, partition, leaving, archive)
            if is_whole is not None:
                return ArchivedMonth(partition, archive, is_whole)
        # A load added events meanwhile: they must be in the file as well.
        _discard(path)
    raise WarehouseError(
        f"Events of {partition.first_day:%Y-%m} keep arriving in raw.{partition.table} while they "
        "are archived. Nothing of that month was removed; try again when no load is at work."
    )


def _discard(path: AnyPath) -> None:
    """Delete a file of the archive if there is one."""
    if isinstance(path, BucketPath):
        if path.exists():
            path.unlink()
    elif path.is_file() and not path.is_symlink():
        path.unlink()


def _count(
    connection: psycopg.Connection, partition: MonthPartition, condition: sql.Composable
) -> int:
    row = connection.execute(
        sql.SQL("select count(*) from {} where {}").format(partition.relation, condition)
    ).fetchone()
    return int(row[0]) if row else 0


def _drop(connection: psycopg.Connection, partition: MonthPartition) -> None:
    """Drop a partition, or empty it where it belongs to somebody else."""
    is_owned = owns(connection, f"raw.{partition.name}")
    statement = "drop table {}" if is_owned else "delete from {}"
    connection.execute(sql.SQL(statement).format(partition.relation))


def _remove(
    connection: psycopg.Connection,
    partition: MonthPartition,
    leaving: sql.Composable,
    archive: Archive,
) -> bool | None:
    """Remove exactly what the file holds and record the file; None when they are not the same.

    Returns:
        Whether nothing is left of the month.
    """
    connection.execute("select set_config('lock_timeout', %s, true)", (_LOCK_TIMEOUT,))
    try:
        connection.execute(
            sql.SQL("lock table {} in share row exclusive mode").format(partition.relation)
        )
        if _count(connection, partition, leaving) != archive.rows:
            return None
        is_whole = _count(connection, partition, sql.SQL("true")) == archive.rows
        if is_whole:
            _drop(connection, partition)
            # What is sealed is no longer compared with what landed.
            connection.execute(
                "delete from ledger.landed_totals "
                "where event_kind = %s and event_date >= %s and event_date < %s",
                (partition.table.removesuffix("s"), partition.first_day, partition.stop.date()),
            )
        else:
            connection.execute(
                sql.SQL("delete from {} where {}").format(partition.relation, leaving)
            )
    except psycopg.errors.LockNotAvailable as error:
        raise WarehouseError(
            f"A load or a query has held raw.{partition.table} for more than {_LOCK_TIMEOUT}. "
            f"Nothing of {partition.first_day:%Y-%m} was removed; try again."
        ) from error
    connection.execute(
        "insert into ledger.archives (table_name, month, file_name, content_sha256, content_bytes, "
        "event_count, is_whole_month) values (%s, %s, %s, %s, %s, %s, %s)",
        (
            partition.table,
            partition.first_day,
            str(archive.path),
            archive.sha256,
            archive.size_bytes,
            archive.rows,
            is_whole,
        ),
    )
    return is_whole


def _path(connection: psycopg.Connection, folder: AnyPath, partition: MonthPartition) -> AnyPath:
    """Name the next file of a month: late events make further ones."""
    row = connection.execute(
        "select count(*) from ledger.archives where table_name = %s and month = %s",
        (partition.table, partition.first_day),
    ).fetchone()
    number = 1 + (row[0] if row else 0)
    name = f"{partition.table}_{partition.first_day:%Y-%m}_{number:03d}.parquet"
    return folder / partition.table / name
