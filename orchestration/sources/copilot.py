"""GitHub Copilot's usage: the report per person (CSV), and the billing documents of the REST API.

A row sums a day of a person and a model, a document those of a day or a month. What both count is
consumption at list prices: which of it a plan covers is settled for the account as a whole, so the
discounts and net amounts of people are left out.
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from orchestration.errors import WarehouseError
from orchestration.sources.mapping import (
    Record,
    Table,
    always,
    amount,
    first,
    found,
    moment_of,
    text,
    usd,
)
from orchestration.sources.pages import pages_of
from orchestration.sources.reading import first_record, rows_of
from orchestration.sources.source import Found, Source

_REQUESTS = "requests"
_CREDITS = "ai-credits"
_DAY = dt.timedelta(days=1)

_unit_named = text("unit_type", "unitType")
_quantity = first("quantity", "grossQuantity")


def _unit(record: Record) -> str:
    return (_unit_named(record) or "").lower().replace(" ", "-").replace("_", "-")


def _quantity_of(unit: str) -> Any:
    return lambda record: amount(_quantity(record)) if _unit(record) == unit else None


def _other(record: Record) -> dict[str, Any] | None:
    unit = _unit(record)
    return None if unit in ("", _REQUESTS, _CREDITS) else {unit: amount(_quantity(record))}


def _begin(record: Record) -> Any:
    period = found(record, "timePeriod")
    if not isinstance(period, dict):
        return moment_of(found(record, "date"), dt.UTC)
    try:
        return dt.datetime(period["year"], period["month"], period.get("day", 1), tzinfo=dt.UTC)
    except (KeyError, TypeError, ValueError):
        return str(dict(period))


def _end(record: Record) -> Any:
    """Return the end of a day; that of a month may lie too far ahead."""
    begin = _begin(record)
    if found(record, "timePeriod") is not None and found(record, "timePeriod.day") is None:
        return None
    try:
        begin = dt.datetime.fromisoformat(begin) if isinstance(begin, str) else begin
        return begin + _DAY
    except (TypeError, ValueError):
        return None


def _sku(record: Record) -> list[str] | None:
    sku = text("sku")(record)
    return [sku] if sku else None


TABLE: Table = {
    "start_time": _begin,
    "end_time": _end,
    "is_bucket": always(True),
    "user": text("username", "user"),
    "provider": always("github_copilot"),
    "model": text("model"),
    "request_count": _quantity_of(_REQUESTS),
    "compute_units": _quantity_of(_CREDITS),
    "other_usage": _other,
    "reported_cost_usd": usd("gross_amount", "grossAmount"),
    "billing_account": text("organization", "enterprise"),
    "cost_center": text("cost_center_name", "costCenter.name"),
    "repository": text("repository"),
    "tags": _sku,
}

_TITLE = "GitHub Copilot's usage reports"
_COLUMNS = (
    "date",
    "username",
    "sku",
    "model",
    "quantity",
    "unit_type",
    "applied_cost_per_quantity",
    "gross_amount",
)
_DATE = ("year", "month", "day")
_SCOPE = ("timePeriod", "organization", "enterprise", "user", "costCenter", "repository")


def _is_table(record: Record | None) -> bool:
    return record is not None and all(name in record for name in _COLUMNS)


def _groups(path: Path) -> Iterator[Iterable[Record]]:
    """Yield the rows of a table, or the items of each document."""
    if _is_table(first_record(path)):
        yield (row for _, row in rows_of(path, _COLUMNS, _TITLE))
        return
    for page, items in pages_of(path, "usageItems", _TITLE):
        period = page.get("timePeriod")
        if not isinstance(period, dict) or "month" not in period:
            raise WarehouseError(
                f"{path} does not name a month: what sums a year has no day and no price"
            )
        scope = {name: page[name] for name in _SCOPE if name in page}
        yield [dict(item) | scope for item in items]


def _records(path: Path) -> Iterator[Found]:
    for group in _groups(path):
        seen: Counter[tuple[Any, ...]] = Counter()
        for record in group:
            key = _key(record)
            seen[key] += 1
            yield Found("task_execution", (*key, seen[key]), record)


def _key(record: Record) -> tuple[Any, ...]:
    period = found(record, "timePeriod")
    when = (
        "-".join(str(period[name]).zfill(2) for name in _DATE if name in period)
        if isinstance(period, dict)
        else str(found(record, "date"))[: len("2026-01-01")]
    )
    names = ("billing_account", "user", "cost_center", "repository", "model")
    return (
        when,
        *(TABLE[name](record) or "" for name in names),
        text("product")(record) or "",
        text("sku")(record) or "",
        _unit(record),
    )


SOURCE = Source(
    name="copilot",
    title=_TITLE,
    reads="the premium request or AI usage report (CSV), or the REST documents "
    "premium_request/usage and ai_credit/usage (JSON)",
    tables={"task_execution": TABLE},
    unknown={
        "task_type": "nobody says what the requests of a day were for",
        "session_id": "a row sums a day, so it belongs to no session",
        "service_tier": "GitHub chooses it and does not tell",
        "input_tokens": "newer reports have it and do not say whether cached tokens are in it",
        "output_tokens": "newer reports have it beside input of which too little is known",
        "team": "reports name the person, the organization and the cost center",
        "project": "reports name the repository where they know one, nothing finer",
    },
    records=_records,
    is_its=lambda record: "usageItems" in record or _is_table(record),
    endings=(".json", ".csv"),
)
