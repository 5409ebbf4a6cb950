"""The limits that say how long everything stays."""

import datetime as dt
from dataclasses import dataclass
from importlib import resources
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from orchestration.errors import WarehouseError

LONGEST_RAW_DAYS = 365
"""Nobody's events stay in schema raw for longer."""

_LIMITS = resources.files(__package__).joinpath("limits.sql").read_bytes()


@dataclass(frozen=True)
class Limits:
    """How long everything stays, in days.

    Attributes:
        seal_after_days: A month is sealed when all of it is at least this old.
        detail_days: Executions and decisions stay in the marts one by one for so long.
        hourly_days: Rows for hours stay for so long.
        raw_days: Landed events stay in schema raw for so long.
        audit_days: The audit log goes back so far.
        raw_days_of: The same for organizations with a limit of their own.
    """

    seal_after_days: int
    detail_days: int
    hourly_days: int
    raw_days: int
    audit_days: int
    raw_days_of: dict[UUID, int]


def read_limits(connection: psycopg.Connection) -> Limits:
    """Read the limits that the last build wrote.

    Args:
        connection: To the warehouse's database.

    Returns:
        The limits.

    Raises:
        WarehouseError: Nothing was built yet, or the limits contradict each other.
    """
    with connection.cursor(row_factory=dict_row) as cursor:
        try:
            rows = cursor.execute(_LIMITS).fetchall()
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
            raise WarehouseError("Nothing is built yet: run `dbt build` first.") from None
    own = {row["organization_id"]: row["raw_days"] for row in rows}
    common = next(row for row in rows if row["organization_id"] is None)
    del own[None]
    limits = Limits(
        seal_after_days=common["seal_after_days"],
        detail_days=common["detail_days"],
        hourly_days=common["hourly_days"],
        raw_days=common["raw_days"],
        audit_days=common["audit_days"],
        raw_days_of=own,
    )
    _require_sense(limits)
    return limits


def _require_sense(limits: Limits) -> None:
    """Refuse limits by which something would leave before it is sealed."""
    if limits.seal_after_days < 1:
        raise WarehouseError("The var seal_after_days must be 1 or more.")
    if limits.audit_days < LONGEST_RAW_DAYS:
        raise WarehouseError(
            f"The var audit_days is {limits.audit_days}; {LONGEST_RAW_DAYS} is the least."
        )
    kept = {
        "The var detail_days": limits.detail_days,
        "The var hourly_days": limits.hourly_days,
        "The var raw_days": limits.raw_days,
    } | {
        f"raw_days of organization {organization} in seeds/retention/raw_retention.csv": days
        for organization, days in limits.raw_days_of.items()
    }
    for name, days in kept.items():
        if days < limits.seal_after_days:
            raise WarehouseError(
                f"{name} is {days}, less than seal_after_days, {limits.seal_after_days}: it would "
                "leave before it is sealed."
            )
        if "raw_days" in name and days > LONGEST_RAW_DAYS:
            raise WarehouseError(f"{name} is {days}; {LONGEST_RAW_DAYS} is the most.")


def first_of_month(now: dt.datetime, days: int) -> dt.datetime:
    """Return the beginning of the month, in UTC, that it was so many days ago.

    Everything before it is at least that old.

    Args:
        now: A moment with a zone.
        days: How many days of 24 hours.

    Returns:
        The month's first moment in UTC.
    """
    then = now.astimezone(dt.UTC) - dt.timedelta(days=days)
    return dt.datetime(then.year, then.month, 1, tzinfo=dt.UTC)
