"""What commands are asked about: an organization, a user, a month or a day."""

from contextlib import suppress
from datetime import date, timedelta
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from uuid import UUID

from orchestration.errors import WarehouseError

if TYPE_CHECKING:
    import psycopg


def days_of_month(month: str) -> tuple[date, date]:
    """Return the first day of a month and the one after its last.

    Args:
        month: As 2026-10.

    Returns:
        Both days.

    Raises:
        WarehouseError: It is no month.
    """
    with suppress(ValueError, OverflowError):
        if len(month) == len("2026-10"):
            first = date.fromisoformat(f"{month}-01")
            return first, (first + timedelta(days=31)).replace(day=1)
    raise WarehouseError(f"{month!r} is not a month. Write it as 2026-10.")


def days_of(period: str) -> tuple[date, date]:
    """Return the first day of a month or a day, and the day after its last.

    Args:
        period: A month, as 2026-10, or a day, as 2026-10-31.

    Returns:
        Both days.

    Raises:
        WarehouseError: It is neither.
    """
    with suppress(WarehouseError):
        return days_of_month(period)
    with suppress(ValueError, OverflowError):
        if len(period) == len("2026-10-31"):
            day = date.fromisoformat(period)
            return day, day + timedelta(days=1)
    raise WarehouseError(f"{period!r} is neither a month, as 2026-10, nor a day, as 2026-10-31.")


def organization_called(connection: "psycopg.Connection", wanted: str) -> dict[str, Any]:
    """Find an organization.

    Args:
        connection: To the warehouse's database, whose marts are built.
        wanted: Its id or its name.

    Returns:
        Its `organization_id` and `organization_name`.

    Raises:
        WarehouseError: There is none, or several have that name.
    """
    return _the_one(
        connection,
        "organization",
        {"organization": wanted},
        "organizations",
        f"No organization has the id or the name {wanted!r}; marts.dim_organizations lists them.",
    )


def user_called(
    connection: "psycopg.Connection", organization_id: UUID, wanted: str
) -> dict[str, Any]:
    """Find a user of an organization.

    Args:
        connection: To the warehouse's database, whose marts are built.
        organization_id: The organization.
        wanted: The user's id or name.

    Returns:
        Its `user_id` and `user_name`.

    Raises:
        WarehouseError: There is none, or several have that name.
    """
    return _the_one(
        connection,
        "user",
        {"organization_id": organization_id, "user": wanted},
        "users",
        f"No user of the organization has the id or the name {wanted!r}; marts.dim_users lists "
        "them.",
    )


def _the_one(
    connection: "psycopg.Connection",
    kind: str,
    parameters: dict[str, Any],
    plural: str,
    none_found: str,
) -> dict[str, Any]:
    """Return the only row of the query of a kind of thing, whose id is called after the kind."""
    from psycopg.rows import dict_row

    query = files(__package__).joinpath(f"{kind}.sql").read_bytes()
    with connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(query, parameters).fetchall()
    if len(found) == 1:
        return found[0]
    ids = ", ".join(str(row[f"{kind}_id"]) for row in found)
    raise WarehouseError(
        f"Several {plural} are called {parameters[kind]!r}: {ids}. Give an id."
        if found
        else none_found
    )
