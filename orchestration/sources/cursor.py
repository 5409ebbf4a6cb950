"""Cursor's usage events: pages of its Admin API, and the table that its dashboard exports.

An event has no id. It is known by its moment, its person, its model and its tokens, so that an
event of two windows that overlap counts once, and so does one of a page and of the table where both
name the person. Events of one page that are the same in all of that are numbered: they are several.
Input, cache writes and cache reads are written side by side and hold nothing in common, in the
table as well: `Input (w/ Cache Write)` is what was written to a cache, and nothing else.
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from orchestration.sources.mapping import (
    Record,
    Table,
    always,
    amount,
    cents,
    count,
    first,
    found,
    moment,
    text,
    total,
)
from orchestration.sources.reading import documents_of, first_record, items_of, rows_of
from orchestration.sources.source import Found, Source, refuse

_INPUT = ("tokenUsage.inputTokens", "Input (w/o Cache Write)")
_WRITTEN = ("tokenUsage.cacheWriteTokens", "Input (w/ Cache Write)")
_READ = ("tokenUsage.cacheReadTokens", "Cache Read")
_OUTPUT = ("tokenUsage.outputTokens", "Output Tokens")
_KIND = ("kind", "Kind")
_NOT_DONE = ("errored", "aborted")
_YES = (True, "Yes")
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MILLISECOND = dt.timedelta(milliseconds=1)

_kind = text(*_KIND)
_charged = cents("chargedCents", "tokenUsage.totalCents")
_written_cost = first("Cost", "usageBasedCosts")


def _status(record: Record) -> str:
    kind = (_kind(record) or "").lower()
    return "failed" if any(word in kind for word in _NOT_DONE) else "completed"


def _requests(record: Record) -> Any:
    """Return how many requests the plan counts, where it counts requests and not tokens."""
    if found(record, "isTokenBasedCall") is False:
        return amount(found(record, "requestsCosts"))
    return _stated(found(record, "Requests"))


def _cost(record: Record) -> Any:
    charged = _charged(record)
    return _stated(_written_cost(record)) if charged is None else charged


def _stated(value: Any) -> Any:
    """Return a number, None where a word such as "Included" stands in its place."""
    is_word = isinstance(value, str) and not any(sign.isdigit() for sign in value)
    return None if is_word else amount(value)


def _tags(record: Record) -> list[str] | None:
    tags = [
        _kind(record),
        "max_mode" if first("maxMode", "Max Mode")(record) in _YES else None,
        "headless" if found(record, "isHeadless") is True else None,
    ]
    return [tag for tag in tags if tag] or None


TABLE: Table = {
    "start_time": moment("timestamp", "Date"),
    "user": text("userEmail", "User"),
    "session_id": text("conversationId"),
    "agent_id": text("Cloud Agent ID"),
    "provider": always("cursor"),
    "model": text("model", "Model"),
    "status": _status,
    "input_tokens": total(*_INPUT, *_WRITTEN, *_READ),
    "cached_input_tokens": count(*_READ),
    "cache_write_tokens": count(*_WRITTEN),
    "output_tokens": count(*_OUTPUT),
    "request_count": _requests,
    "reported_cost_usd": _cost,
    "tags": _tags,
    "metadata": always({"client": "cursor"}),
}

_TITLE = "Cursor's usage events"
_COLUMNS = ("Date", "Model", "Input (w/ Cache Write)", "Input (w/o Cache Write)", "Output Tokens")


def _is_table(record: Record | None) -> bool:
    return record is not None and all(name in record for name in _COLUMNS)


def _groups(path: Path) -> Iterator[Iterable[Any]]:
    """Yield the events of each page, or those of a table."""
    if _is_table(first_record(path)):
        yield (row for _, row in rows_of(path, _COLUMNS, _TITLE))
        return
    for document in documents_of(path):
        pages = document if isinstance(document, list) else [document]
        yield from (items_of(page, "usageEventsDisplay", "usageEvents") for page in pages)


def _records(path: Path) -> Iterator[Found]:
    for group in _groups(path):
        seen: Counter[tuple[Any, ...]] = Counter()
        for record in group:
            if not isinstance(record, dict) or not ("timestamp" in record or "Date" in record):
                raise refuse(path, _TITLE, "it lists no events")
            key = _key(record)
            seen[key] += 1
            yield Found("task_execution", (*key, seen[key]), record)


def _key(record: Record) -> tuple[Any, ...]:
    tokens = (str(count(*paths)(record) or 0) for paths in (_INPUT, _WRITTEN, _READ, _OUTPUT))
    user, model = TABLE["user"](record), TABLE["model"](record)
    return (_moment(record), user or "", model or "", *tokens)


def _moment(record: Record) -> str:
    """Return when it was, in milliseconds, as pages and tables write it in ways of their own."""
    value = TABLE["start_time"](record)
    try:
        when = dt.datetime.fromisoformat(value) if isinstance(value, str) else value
        return str((when - _EPOCH) // _MILLISECOND)
    except (TypeError, ValueError):
        return str(value)


SOURCE = Source(
    name="cursor",
    title=_TITLE,
    reads="pages of /teams/filtered-usage-events (JSON), or the dashboard's usage export (CSV)",
    tables={"task_execution": TABLE},
    unknown={
        "end_time": "an event has one moment, not how long it took",
        "task_type": "nobody says what a request was for",
        "service_tier": "Cursor chooses it and does not tell; max mode and headless are tags",
        "reasoning_tokens": "thinking is part of the output and not counted by itself",
        "cache_write_1h_tokens": "Cursor does not tell how long a cache is kept",
        "provider_request_id": "events have no id; they are known by what they say",
        "project": "an event does not say in which folder or repository it was",
        "repository": "an event does not say in which folder or repository it was",
        "team": "events name the person; billing groups stand in another report",
    },
    records=_records,
    is_its=lambda record: (
        "usageEvents" in record
        or "usageEventsDisplay" in record
        or ("timestamp" in record and "requestsCosts" in record)
        or _is_table(record)
    ),
    endings=(".json", ".csv"),
)
