"""Up to where a source was read: moved in the transaction that lands what was read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import psycopg


@dataclass(frozen=True)
class Position:
    """Where the next import of a part of a source goes on.

    Attributes:
        source: The source, as in the column `source` of what landed.
        part: What of it is read by itself, such as one database or one list of pages.
        value: Where that is, in the terms of the source.
    """

    source: str
    part: str
    value: Mapping[str, Any]


def position_of(connection: psycopg.Connection, source: str, part: str) -> dict[str, Any] | None:
    """Look up where a part of a source is to be read on.

    Args:
        connection: To the warehouse's database.
        source: The source.
        part: Its part.

    Returns:
        The value of the position; None when nothing of it has ever landed.
    """
    found = connection.execute(
        "select position from ledger.source_positions where source = %s and part = %s",
        (source, part),
    ).fetchone()
    return None if found is None else dict(found[0])


def move(connection: psycopg.Connection, position: Position) -> None:
    """Move a position, in the transaction that is open.

    Args:
        connection: To the warehouse's database.
        position: Where it moves to.
    """
    connection.execute(
        "insert into ledger.source_positions as positions (source, part, position) "
        "values (%s, %s, cast(%s as jsonb)) on conflict (source, part) do update "
        "set position = excluded.position, updated_at = clock_timestamp()",
        (position.source, position.part, msgspec.json.encode(position.value).decode()),
    )
