"""What commands are asked about: an organization, a month or a day."""

from datetime import date, timedelta
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from orchestration.errors import WarehouseError

if TYPE_CHECKING:
    import psycopg


def days_of(period: str) -> tuple[date, date]:
    """Return the first day of a month or a day, and the day after its last.

    Args:
        period: A month, as 2026-10, or a day, as 2026-10-31.

    Returns:
        Both days.

    Raises:
        WarehouseError: It is neither.
    """
    try:
        if len(period) == len("2026-10-31"):
            day = date.fromisoformat(period)
            return day, day + timedelta(days=1)
        if len(period) == len("2026-10"):
            first = date.fromisoformat(f"{period}-01")
            return first, (first + timedelta(days=31)).replace(day=1)
    except (ValueError, OverflowError):
        pass
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
    from psycopg.rows import dict_row

    query = files(__package__).joinpath("organization.sql").read_bytes()
    with connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(query, {"organization": wanted}).fetchall()
    if len(found) == 1:
        return found[0]
    ids = ", ".join(str(row["organization_id"]) for row in found)
    raise WarehouseError(
        f"Several organizations are called {wanted!r}: {ids}. Give an id."
        if found
        else f"No organization has the id or the name {wanted!r}; "
        "marts.dim_organizations lists them."
    )
