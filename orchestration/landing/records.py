"""What rows of every format become: lines of JSON, or refusals with the rule that they broke."""

import hashlib
import re
from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from orchestration.errors import WarehouseError
from orchestration.landing.contracts import KINDS

MAXIMUM_LINE_BYTES = 1024 * 1024
"""Longer lines are rejected without being kept in memory."""

COLUMNS = frozenset({"event"}.union(*(kind.__struct_fields__ for kind in KINDS)))
"""The columns that a file may have: the fields of all kinds of events."""

TOO_LONG = "line longer than 1 MiB"
BLANK = "blank line"
NOT_UTF8 = "not valid UTF-8"
NOT_JSON = "a cell does not hold JSON"

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?\Z")
_WHOLE_WITH_PLACES = re.compile(r"(-?[0-9]+)\.0+\Z")
_COLUMN_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}\Z")


class Record(msgspec.Struct, frozen=True, gc=False):
    """One line to check.

    Attributes:
        line_number: Where it starts in the file, counted from 1 (in CSV the header is line 1); in
            Parquet the number of the row.
        json: The event as JSON.
        raw: The bytes as they stand in the file, without the line ending; in Parquet, which has no
            lines, the JSON.
    """

    line_number: int
    json: bytes
    raw: bytes


class Refusal(NamedTuple):
    """One line that cannot even be read.

    Attributes:
        line_number: Where it starts in the file, counted from 1.
        reason: Which rule it broke; holds nothing that the line said.
        sha256: Hash of the line's bytes without its line ending, in hexadecimal.
    """

    line_number: int
    reason: str
    sha256: str


def sha256_of(line: bytes) -> str:
    """Hash a line as the ledger of rejected lines does.

    Args:
        line: The line's bytes; a carriage return at its end belongs to the line ending.

    Returns:
        The SHA-256 in hexadecimal.
    """
    return hashlib.sha256(line.removesuffix(b"\r")).hexdigest()


class _Named(msgspec.Struct):
    """What tells whose an event is, whatever else is wrong with it."""

    event: Any = None
    id: Any = None
    organization_id: Any = None


_NAMED = msgspec.json.Decoder(_Named)


def organization_named(line: bytes) -> UUID | None:
    """Return the organization that a refused line names as its own.

    Args:
        line: The line of JSON.

    Returns:
        Its id; None when there is none that can be read.
    """
    try:
        named = _NAMED.decode(line)
        return UUID(str(named.id if named.event == "organization" else named.organization_id))
    except (msgspec.DecodeError, RecursionError, ValueError):
        return None


def check_columns(columns: Sequence[str], name: str, holder: str) -> None:
    """Hold the columns of a file to those of the contract.

    Args:
        columns: Their names.
        name: What the file is called in messages.
        holder: What has the columns, in the words of the message.

    Raises:
        WarehouseError: A column is unknown or there twice, or none says the kind of each row.
    """
    unknown = [column for column in columns if column not in COLUMNS]
    if unknown:
        shown = ", ".join(c if _COLUMN_NAME.match(c) else "(name withheld)" for c in unknown[:5])
        raise WarehouseError(f"{name}: {holder} has unknown columns: {shown}")
    repeated = sorted({column for column in columns if columns.count(column) > 1})
    if repeated:
        raise WarehouseError(f"{name}: {holder} names columns twice: {', '.join(repeated)}")
    if "event" not in columns:
        raise WarehouseError(f"{name}: {holder} lacks the column event, the kind of each row")


def number_of(cell: str) -> str | msgspec.Raw:
    """Return a cell as the number that it holds.

    Args:
        cell: The text of a cell.

    Returns:
        The number as JSON writes it, without places that are all 0; the text if it is none.
    """
    text = cell.strip()
    if not _NUMBER.match(text):
        return cell
    return msgspec.Raw(_WHOLE_WITH_PLACES.sub(r"\1", text).encode())
