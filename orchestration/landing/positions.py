"""Up to where a source was read: moved in the transaction that lands what was read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import psycopg

from orchestration.errors import WarehouseError


class PositionMovedError(WarehouseError):
    """Somebody else has read on from where this one did."""


@dataclass(frozen=True)
class Position:
    """Where the next import of a part of a source goes on.

    Attributes:
        source: The source, as in the column `source` of what landed.
        part: What of it is read by itself, such as one database or one list of pages.
        value: Where that is, in the terms of the source.
        is_shared: Whether others may read the same part, of whom only one may move it on.
        moved_from: For a shared one: where it was read from, None for its beginning.
    """

    source: str
    part: str
    value: Mapping[str, Any]
    is_shared: bool = False
    moved_from: Mapping[str, Any] | None = None


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

    Raises:
        PositionMovedError: It is shared, and not where it was any more.
    """
    moved = connection.execute(
        "insert into ledger.source_positions as positions (source, part, position) "
        "values (%(source)s, %(part)s, cast(%(value)s as jsonb)) on conflict (source, part) "
        "do update set position = excluded.position, updated_at = clock_timestamp() "
        "where not %(is_shared)s or positions.position = cast(%(moved_from)s as jsonb)",
        {
            "source": position.source,
            "part": position.part,
            "value": _json(position.value),
            "is_shared": position.is_shared,
            "moved_from": _json(position.moved_from),
        },
    )
    if not moved.rowcount:
        raise PositionMovedError(
            f"{position.source}, {position.part}: somebody else has read it on meanwhile"
        )


def _json(value: Mapping[str, Any] | None) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()
