"""Compares what LiteLLM adds up itself with its logs, and with what has landed of them."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import msgspec
from psycopg import sql

from orchestration.database.connection import connect
from orchestration.database.migrate import require_migrated
from orchestration.errors import WarehouseError
from orchestration.sources.litellm.database import (
    LOGS,
    VARIABLE,
    columns_of,
    opened,
    query,
    readable,
)

_DAILY = "LiteLLM_DailyUserSpend"
_BEGINNING = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
_NO_DAILY = (
    "(select null::text as date, null::bigint as api_requests, null::float as spend where false) "
    "as daily_spend"
)
_PLACES = Decimal("0.000000001")
_HEADINGS = ("day", "daily totals", "logs", "landed", "logs - daily", "landed - logs")


class Sum(msgspec.Struct, frozen=True):
    """What somebody adds up for a day.

    Attributes:
        requests: How many calls there were.
        spend_usd: What LiteLLM says that they cost.
    """

    requests: int
    spend_usd: Decimal


@dataclass(frozen=True)
class Day:
    """One day, in UTC, as the three sides have it; None for a side that has no such day.

    Attributes:
        day: The day.
        daily: LiteLLM's own daily totals.
        logged: LiteLLM's log of calls.
        landed: What has landed of the log.
    """

    day: dt.date
    daily: Sum | None
    logged: Sum | None
    landed: Sum | None

    @property
    def lost_by_litellm(self) -> Sum | None:
        """What the logs have more than the daily totals; None where there are no totals."""
        return None if self.daily is None else _difference(self.logged, self.daily)

    @property
    def gained_by_landing(self) -> Sum:
        """What has landed more than the logs have: what LiteLLM has deleted since stays."""
        return _difference(self.landed, self.logged)

    def as_json(self) -> str:
        """Return the day as an object of JSON.

        Returns:
            The object, in one line.
        """
        values = {
            "day": self.day,
            "daily": self.daily,
            "logged": self.logged,
            "landed": self.landed,
            "logged_minus_daily": self.lost_by_litellm,
            "landed_minus_logged": self.gained_by_landing,
        }
        return msgspec.json.Encoder(decimal_format="number").encode(values).decode()


_NOTHING = Sum(0, Decimal(0))


def compared(since: dt.datetime | None = None) -> list[Day]:
    """Compare the sides, day by day.

    Args:
        since: A moment on the first day; None for all there are.

    Returns:
        The days that any side has.

    Raises:
        WarehouseError: One of the databases cannot be reached or used.
    """
    from_moment = (since or _BEGINNING).astimezone(dt.UTC).replace(hour=0, minute=0, second=0)
    with opened() as source, readable():
        if not columns_of(source, LOGS):
            raise WarehouseError(f"The database in {VARIABLE} has no {LOGS} that may be read.")
        daily = sql.Identifier(_DAILY) if columns_of(source, _DAILY) else sql.SQL(_NO_DAILY)
        rows = source.execute(
            query("comparison").format(daily=daily), {"since": from_moment.replace(tzinfo=None)}
        ).fetchall()
    with connect(application_name="warehouse import") as own:
        require_migrated(own)
        landed = {
            day: _sum(requests, spend)
            for day, requests, spend in own.execute(query("landed"), {"since": from_moment})
        }
    sides = {day: (_sum(*totals[:2]), _sum(*totals[2:])) for day, *totals in rows}
    return [
        Day(day, *sides.get(day, (None, None)), landed.get(day))
        for day in sorted(sides.keys() | landed.keys())
    ]


def table_of(days: Sequence[Day]) -> str:
    """Return days as a table for people.

    Args:
        days: The days.

    Returns:
        Lines of text; requests and US dollars in each cell.
    """
    if not days:
        return "LiteLLM has no calls, and none have landed."
    cells = [
        (
            f"{day.day}",
            *map(
                _cell,
                (day.daily, day.logged, day.landed, day.lost_by_litellm, day.gained_by_landing),
            ),
        )
        for day in days
    ]
    widths = [max(map(len, column)) for column in zip(_HEADINGS, *cells, strict=True)]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in (_HEADINGS, *cells)
    )


def _sum(requests: int | None, spend_usd: Decimal | None) -> Sum | None:
    if requests is None:
        return None
    # Daily totals are sums of binary numbers, whose last digits are noise.
    return Sum(requests, (spend_usd or Decimal(0)).quantize(_PLACES))


def _difference(more: Sum | None, less: Sum | None) -> Sum:
    more, less = more or _NOTHING, less or _NOTHING
    return Sum(more.requests - less.requests, more.spend_usd - less.spend_usd)


def _cell(amount: Sum | None) -> str:
    return "-" if amount is None else f"{amount.requests:,} / {amount.spend_usd:,.6f}"
