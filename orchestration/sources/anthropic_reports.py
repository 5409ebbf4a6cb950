"""Anthropic's usage and costs: pages of the reports `usage_report/messages` and `cost_report`.

A result sums a period, and all that the request did not group by: it is known by when its period
begins and by what it was grouped by. Input is written without what came from or went into a cache.
Costs are what Anthropic bills, in cents: adjustments `cost_report`, beside usage. The report
`usage_report/claude_code` is left out: what it counts per person is in the messages as well.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from orchestration.sources.mapping import (
    Record,
    Table,
    always,
    cents,
    count,
    found,
    moment,
    one_of,
    text,
    total,
)
from orchestration.sources.pages import groups_of, pages_of, results_of
from orchestration.sources.source import Found, Source, refuse

_WRITTEN_5M = "cache_creation.ephemeral_5m_input_tokens"
_WRITTEN_1H = "cache_creation.ephemeral_1h_input_tokens"
_LONGEST_REQUEST = {"0-200k": 200_000, "200k-1M": 1_000_000}
"""How many tokens a request of a context window has at most."""

_tier = one_of({"standard": None}, "service_tier")
_input_tokens = total("uncached_input_tokens", _WRITTEN_5M, _WRITTEN_1H, "cache_read_input_tokens")


def _service_tier(record: Record) -> Any:
    return "fast" if found(record, "speed") == "fast" else _tier(record)


def _requests(record: Record) -> int | None:
    """Return the fewest requests that it can have been, as the report does not count them.

    Prices that depend on the length of a request look at the mean, which is within its window so.
    """
    window = found(record, "context_window")
    longest = _LONGEST_REQUEST.get(window) if isinstance(window, str) else None
    tokens = _input_tokens(record)
    if longest is None or not isinstance(tokens, int):
        return None
    return max(1, -(-tokens // longest))


def _searches(record: Record) -> dict[str, Any] | None:
    searches = found(record, "server_tool_use.web_search_requests")
    return {"web_search_requests": searches} if searches else None


def _tags(record: Record) -> list[str] | None:
    tags = [text("context_window")(record), text("service_account_id")(record)]
    return [tag for tag in tags if tag] or None


TABLE: Table = {
    "start_time": moment("starting_at"),
    "end_time": moment("ending_at"),
    "is_bucket": always(True),
    "user": text("account_id"),
    "provider": always("anthropic"),
    "model": text("model"),
    "service_tier": _service_tier,
    "region": one_of({"not_available": None}, "inference_geo"),
    "request_count": _requests,
    "input_tokens": _input_tokens,
    "cached_input_tokens": count("cache_read_input_tokens"),
    "cache_write_tokens": total(_WRITTEN_5M, _WRITTEN_1H),
    "cache_write_1h_tokens": count(_WRITTEN_1H),
    "output_tokens": count("output_tokens"),
    "other_usage": _searches,
    "project": text("workspace_id"),
    "api_key_alias": text("api_key_id"),
    "tags": _tags,
}


def _reference(record: Record) -> str | None:
    parts = (text("description", "cost_type")(record), text("workspace_id")(record))
    return ", ".join(part for part in parts if part)[:255] or None


COSTS: Table = {
    "reason": always("cost_report"),
    "amount": cents("amount"),
    "currency": text("currency"),
    "effective_at": moment("starting_at"),
    "period_start": moment("starting_at"),
    "period_end": moment("ending_at"),
    "updated_at": moment("ending_at"),
    "provider": always("anthropic"),
    "model": text("model"),
    "reference": _reference,
}

_TITLE = "Anthropic's usage and cost reports"
_PERIOD = ("starting_at", "ending_at")
_GROUPED_BY = (
    "account_id",
    "service_account_id",
    "api_key_id",
    "workspace_id",
    "model",
    "service_tier",
    "context_window",
    "inference_geo",
    "speed",
)
_COSTS_GROUPED_BY = (
    "workspace_id",
    "description",
    "cost_type",
    "model",
    "service_tier",
    "context_window",
    "inference_geo",
    "token_type",
    "speed",
)


def _records(path: Path) -> Iterator[Found]:
    for _, buckets in pages_of(path, "data", _TITLE):
        for record in (one for bucket in buckets for one in results_of(bucket, *_PERIOD)):
            if "amount" in record:
                yield Found("adjustment", _key("costs", record, _COSTS_GROUPED_BY), record)
            elif "uncached_input_tokens" in record:
                yield Found("task_execution", _key("messages", record, _GROUPED_BY), record)
            else:
                raise refuse(path, _TITLE, "a result has neither tokens nor an amount")


def _key(report: str, record: Record, grouped_by: Sequence[str]) -> tuple[Any, ...]:
    return (report, found(record, "starting_at"), *groups_of(record, grouped_by))


def _is_its(record: Record) -> bool:
    if "object" in record or "next_page" not in record or not isinstance(record.get("data"), list):
        return False
    bucket = next(iter(record["data"]), {"starting_at": None})
    return isinstance(bucket, dict) and ("starting_at" in bucket or "actor" in bucket)


SOURCE = Source(
    name="anthropic_reports",
    title=_TITLE,
    reads="pages of /v1/organizations/usage_report/messages and /v1/organizations/cost_report "
    "(JSON)",
    tables={"task_execution": TABLE, "adjustment": COSTS},
    unknown={
        "task_type": "nobody says what the requests of a period were for",
        "session_id": "a result sums a period, so it belongs to no session",
        "reasoning_tokens": "thinking is part of the output and not counted by itself",
        "reported_cost_usd": "usage comes without costs, and costs by other groups than usage",
        "request_type": "all of it are messages; the report tells no other kind",
        "error_code": "the report does not tell how requests ended",
    },
    records=_records,
    is_its=_is_its,
    endings=(".json",),
)
