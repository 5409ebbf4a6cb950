"""What has landed so far, by table and by organization."""

from importlib import resources
from typing import Any

import psycopg
from psycopg.rows import dict_row

_ORGANIZATIONS = "select distinct cast(id as text) from raw.organizations"
_LOADED_ROWS = resources.files(__package__).joinpath("loaded_rows.sql").read_bytes()


def loaded_rows(connection: psycopg.Connection) -> dict[str, dict[str, Any]]:
    """Return what brought each raw table rows, how often, and how many.

    Args:
        connection: To a migrated database.

    Returns:
        A row of `loaded_rows.sql` by name of the table; none for a table that has no rows.
    """
    with connection.cursor(row_factory=dict_row) as cursor:
        return {row["table_name"]: row for row in cursor.execute(_LOADED_ROWS)}


def landed_organizations(connection: psycopg.Connection) -> list[str]:
    """Return the organizations that have landed.

    Args:
        connection: To a migrated database.

    Returns:
        Their ids, sorted.
    """
    return sorted(found for (found,) in connection.execute(_ORGANIZATIONS))
