"""Pages of a list: each begins after the key of the row with which the one before it ended.

Rows that land meanwhile move nothing: no page repeats a row of another or leaves one out.
"""

import base64
import binascii
import datetime as dt
import re
from typing import Annotated, Any

from pydantic import AfterValidator, Field

_KEY = re.compile(
    r"(?P<time>[0-9-]{10}T[0-9:]{8}\.[0-9]{6}Z) "
    r"(?P<id>[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})"
)
# Before every row. In a query a default for NULL would keep row-level security from the index.
_FIRST = (dt.datetime.max.replace(tzinfo=dt.UTC), "f" * 32)

MOST_ROWS = 500


def _key(cursor: str) -> tuple[dt.datetime, str]:
    """Return the key that a cursor stands for.

    Raises:
        ValueError: It stands for none.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        text = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
        found = _KEY.fullmatch(text)
        if found:
            return dt.datetime.fromisoformat(found["time"]), found["id"]
    except (binascii.Error, ValueError):
        pass
    raise ValueError("this is no next_cursor of an answer")


def _checked(cursor: str | None) -> str | None:
    if cursor is not None:
        _key(cursor)
    return cursor


Limit = Annotated[int, Field(description="So many rows at most.", ge=1, le=MOST_ROWS)]
Cursor = Annotated[
    str | None,
    Field(description="next_cursor of the page before; the first page when omitted."),
    AfterValidator(_checked),
]
NextCursor = Annotated[
    str | None, Field(description="Where the next page begins; null on the last one.")
]


def page_of(limit: int, cursor: str | None) -> dict[str, Any]:
    """Return parameters of the query of a page.

    Args:
        limit: How many rows it has at most.
        cursor: Where it begins, None at the beginning.

    Returns:
        The parameters.
    """
    after_time, after_id = _FIRST if cursor is None else _key(cursor)
    return {"row_count": limit, "after_time": after_time, "after_id": after_id}
