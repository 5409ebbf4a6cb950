"""OpenAI's usage and costs: pages of /v1/organization/usage/... and /v1/organization/costs.

A result sums a period, and all that the request did not group by: it is known by when its period
begins and by what it was grouped by. Input holds what came from or went into a cache, audio and
images. Costs are what OpenAI bills: adjustments `cost_report`, beside usage.
"""

from collections.abc import Iterator, Sequence
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

from orchestration.landing.contracts import AMOUNT_PLACES, MAXIMUM_AMOUNT
from orchestration.sources.mapping import (
    Record,
    Table,
    always,
    amount,
    count,
    found,
    moment,
    one_of,
    text,
    whole,
)
from orchestration.sources.pages import groups_of, pages_of, results_of
from orchestration.sources.source import Found, Source, refuse

_USAGE = "organization.usage."
_COSTS = "organization.costs.result"
_NO_USAGE = "organization.usage.vector_stores.result"
"""How much is stored at a moment, which no sum over days can tell."""

_OTHER = {
    "images": ("images", "images"),
    "audio_speeches": ("characters", "speech_characters"),
    "audio_transcriptions": ("seconds", "transcription_seconds"),
    "code_interpreter_sessions": ("num_sessions", "code_interpreter_sessions"),
    "file_searches": ("num_requests", "file_search_requests"),
    "web_searches": ("num_requests", "web_search_requests"),
}
"""What some endpoints count: its field, and what prices call it."""

_SMALLEST = Decimal(1).scaleb(-AMOUNT_PLACES)
_ORDINARY = {"auto": None, "default": None, "standard": None}
_tier = one_of(_ORDINARY, "service_tier")


def _endpoint(record: Record) -> str:
    counted = str(found(record, "object")).removesuffix(".result")
    return counted.removeprefix(_USAGE).removeprefix("organization.")


def _service_tier(record: Record) -> Any:
    return "batch" if found(record, "batch") is True else _tier(record)


def _other_usage(record: Record) -> dict[str, Any] | None:
    field, name = _OTHER.get(_endpoint(record), ("", ""))
    quantity = whole(found(record, field))
    return {name: quantity} if quantity else None


TABLE: Table = {
    "start_time": moment("start_time"),
    "end_time": moment("end_time"),
    "is_bucket": always(True),
    "user": text("user_id"),
    "provider": always("openai"),
    "model": text("model"),
    "service_tier": _service_tier,
    "request_type": _endpoint,
    "request_count": count("num_model_requests"),
    "input_tokens": count("input_tokens"),
    "cached_input_tokens": count("input_cached_tokens"),
    "cache_write_tokens": count("input_cache_write_tokens"),
    "audio_input_tokens": count("input_audio_tokens"),
    "image_input_tokens": count("input_image_tokens"),
    "output_tokens": count("output_tokens"),
    "audio_output_tokens": count("output_audio_tokens"),
    "image_output_tokens": count("output_image_tokens"),
    "other_usage": _other_usage,
    "project": text("project_id"),
    "api_key_alias": text("api_key_id"),
}


def _amount(record: Record) -> Any:
    """Return an amount; OpenAI computes it in floating point, whose last digits are noise."""
    value = amount(found(record, "amount.value"))
    if not isinstance(value, Decimal) or not abs(value) < MAXIMUM_AMOUNT:
        return value
    is_longer = value.normalize() != value.quantize(_SMALLEST)
    return value.quantize(_SMALLEST, ROUND_HALF_UP) if is_longer else value


def _currency(record: Record) -> Any:
    currency = text("amount.currency")(record)
    return currency.upper() if currency else None


def _reference(record: Record) -> str | None:
    parts = (text("line_item")(record), text("project_id")(record), text("api_key_id")(record))
    return ", ".join(part for part in parts if part)[:255] or None


COSTS: Table = {
    "reason": always("cost_report"),
    "amount": _amount,
    "currency": _currency,
    "effective_at": moment("start_time"),
    "period_start": moment("start_time"),
    "period_end": moment("end_time"),
    "updated_at": moment("end_time"),
    "provider": always("openai"),
    "reference": _reference,
}

_TITLE = "OpenAI's usage and costs reports"
_PERIOD = ("start_time", "end_time")
_GROUPED_BY = (
    "project_id",
    "user_id",
    "api_key_id",
    "model",
    "batch",
    "service_tier",
    "api_source",
    "size",
    "source",
    "context_level",
    "vector_store_id",
)
_COSTS_GROUPED_BY = ("project_id", "line_item", "api_key_id")


def _records(path: Path) -> Iterator[Found]:
    for _, buckets in pages_of(path, "data", _TITLE):
        for record in (one for bucket in buckets for one in results_of(bucket, *_PERIOD)):
            counted = str(record.get("object"))
            if counted == _COSTS:
                yield Found("adjustment", _key(record, _COSTS_GROUPED_BY), record)
            elif not counted.startswith(_USAGE):
                raise refuse(path, _TITLE, "a result does not say what it counts")
            elif counted != _NO_USAGE:
                yield Found("task_execution", _key(record, _GROUPED_BY), record)


def _key(record: Record, grouped_by: Sequence[str]) -> tuple[Any, ...]:
    return (_endpoint(record), found(record, "start_time"), *groups_of(record, grouped_by))


SOURCE = Source(
    name="openai_reports",
    title=_TITLE,
    reads="pages of /v1/organization/usage/completions, embeddings and others, and of "
    "/v1/organization/costs (JSON)",
    tables={"task_execution": TABLE, "adjustment": COSTS},
    unknown={
        "task_type": "nobody says what the requests of a period were for",
        "session_id": "a result sums a period, so it belongs to no session",
        "reasoning_tokens": "reasoning is part of the output and not counted by itself",
        "reported_cost_usd": "usage comes without costs, and costs by other groups than usage",
        "region": "the report does not tell where requests were answered",
        "error_code": "the report does not tell how requests ended",
    },
    records=_records,
    is_its=lambda record: record.get("object") == "page" and "next_page" in record,
    endings=(".json",),
)
