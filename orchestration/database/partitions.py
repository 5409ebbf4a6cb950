"""Monthly partitions of the two big tables of schema raw."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import psycopg
from psycopg import sql

from orchestration.database.connection import ConnectionSettings, connect
from orchestration.errors import WarehouseError

PartitionedTable = Literal["task_executions", "routing_decisions"]

FIRST_MONTH = dt.date(2020, 1, 1)

_LOCK_TIMEOUT = "60s"

_ATTACHED_PARTITIONS = """
select partition_table.relname
from pg_catalog.pg_inherits
inner join pg_catalog.pg_class as partition_table
    on pg_inherits.inhrelid = partition_table.oid
where pg_inherits.inhparent = cast(%s as regclass)
"""

# Two loaders that need the same month: the second waits here and then finds it done.
_LOCK_PARTITION = "select pg_advisory_xact_lock(hashtextextended(%s, 0))"

# Not "create table ... partition of": that locks the parent against every reader and writer, and
# would wait for a load in progress. Attaching leaves them alone.
_CREATE = sql.SQL(
    "create table {partition} (like {parent} including defaults including constraints "
    "including storage including compression)"
)
_ATTACH = sql.SQL(
    "alter table {parent} attach partition {partition} for values from ({start}) to ({stop})"
)


@dataclass(frozen=True)
class MonthPartition:
    """One monthly partition.

    Attributes:
        table: The table of which it is a part.
        first_day: The month's first day, in UTC.
        stop: The moment at which the month ends.
        name: The partition's name in schema raw.
    """

    table: PartitionedTable
    first_day: dt.date
    stop: dt.datetime
    name: str

    @property
    def relation(self) -> sql.Identifier:
        """Its name for a statement."""
        return sql.Identifier("raw", self.name)


def ensure_month_partitions(
    months: Iterable[dt.date],
    table: PartitionedTable,
    *,
    settings: ConnectionSettings | None = None,
) -> list[str]:
    """Create the monthly partitions that are missing; a month is one of UTC.

    Works on a connection of its own, one transaction per partition, so it can be called while a
    load is in progress elsewhere and leaves nothing half-made when it is killed.

    Args:
        months: Any day of each month.
        table: `task_executions` or `routing_decisions`.
        settings: Which database; the current settings when omitted.

    Returns:
        The names of the partitions that this call created, in order.

    Raises:
        ValueError: A month is before 2020.
        WarehouseError: Schema raw is not migrated, a table with a partition's name is in the
            way, or a lock on the table is not to be had.
    """
    wanted = {_partition_name(table, month): month for month in _first_days(months)}
    if not wanted:
        return []
    with connect(
        settings=settings, autocommit=True, application_name="warehouse partitions"
    ) as connection:
        try:
            attached = attached_partitions(connection, f"raw.{table}")
            return [
                name
                for name, month in wanted.items()
                if name not in attached and _create_partition(connection, table, name, month)
            ]
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName) as error:
            raise WarehouseError(
                f"Table raw.{table} does not exist. Run `warehouse db migrate`."
            ) from error
        except psycopg.errors.InsufficientPrivilege as error:
            missing = ", ".join(f"{month:%Y-%m}" for month in wanted.values())
            raise WarehouseError(
                f"raw.{table} lacks a partition for one of {missing}, and this login may not make "
                "it. Run `warehouse roles apply` as the owner, which makes those of a year around "
                "now, or land the file as the owner."
            ) from error
        except psycopg.errors.LockNotAvailable as error:
            raise WarehouseError(
                f"No partition could be added to raw.{table}: another session has locked the "
                f"table for {_LOCK_TIMEOUT}. End it, or try again."
            ) from error


def month_partitions(
    connection: psycopg.Connection, table: PartitionedTable
) -> list[MonthPartition]:
    """List the monthly partitions that are there.

    Args:
        connection: To the warehouse's database.
        table: `task_executions` or `routing_decisions`.

    Returns:
        The partitions, in the order of their months.
    """
    found = []
    for name in sorted(attached_partitions(connection, f"raw.{table}")):
        year, month = name.removeprefix(f"{table}_y").split("m")
        first_day = dt.date(int(year), int(month), 1)
        found.append(MonthPartition(table, first_day, _midnight(_next_month(first_day)), name))
    return found


def months_without_partition(
    connection: psycopg.Connection, months: Iterable[dt.date], table: PartitionedTable
) -> list[dt.date]:
    """Return the months that `ensure_month_partitions` would have something to do for.

    Args:
        connection: To the warehouse's database; may be in the transaction of a load.
        months: Any day of each month.
        table: `task_executions` or `routing_decisions`.

    Returns:
        The first days of those that have no partition.
    """
    attached = attached_partitions(connection, f"raw.{table}")
    return [month for month in _first_days(months) if _partition_name(table, month) not in attached]


def attached_partitions(connection: psycopg.Connection, relation: str) -> set[str]:
    """Return the names of a table's partitions.

    Args:
        connection: To the warehouse's database.
        relation: The table's name, with its schema.

    Returns:
        The names, without their schema.
    """
    rows = connection.execute(_ATTACHED_PARTITIONS, (relation,))
    return {row[0] for row in rows}


def _create_partition(
    connection: psycopg.Connection, table: PartitionedTable, name: str, month: dt.date
) -> bool:
    parent = sql.Identifier("raw", table)
    partition = sql.Identifier("raw", name)
    with connection.transaction():
        connection.execute("select set_config('lock_timeout', %s, true)", (_LOCK_TIMEOUT,))
        connection.execute(_LOCK_PARTITION, (f"raw.{name}",))
        if name in attached_partitions(connection, f"raw.{table}"):
            return False
        try:
            connection.execute(_CREATE.format(partition=partition, parent=parent))
        except psycopg.errors.DuplicateTable as error:
            # Perhaps detached to be archived: its rows must not come back by themselves.
            raise WarehouseError(
                f"Table raw.{name} exists but is not a partition of raw.{table}. Rename it, or "
                "attach it again."
            ) from error
        connection.execute(
            _ATTACH.format(
                parent=parent,
                partition=partition,
                start=sql.Literal(_midnight(month)),
                stop=sql.Literal(_midnight(_next_month(month))),
            )
        )
        connection.execute("select access.protect(cast(%s as regclass))", (f"raw.{name}",))
    return True


def _first_days(months: Iterable[dt.date]) -> list[dt.date]:
    first_days = sorted({dt.date(month.year, month.month, 1) for month in months})
    if first_days and first_days[0] < FIRST_MONTH:
        raise ValueError(f"there is no partition for {first_days[0]:%Y-%m}: events begin in 2020")
    return first_days


def _partition_name(table: PartitionedTable, month: dt.date) -> str:
    return f"{table}_y{month.year:04d}m{month.month:02d}"


def _next_month(month: dt.date) -> dt.date:
    return dt.date(month.year + month.month // 12, month.month % 12 + 1, 1)


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)
