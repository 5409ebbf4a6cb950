"""OpenRouter: the activity export (CSV), generations and daily activity of its API (JSON).

OpenRouter bills, whoever serves the model: the provider is `openrouter`, who served it is a tag.
Costs are what OpenRouter charges. With a key of one's own (tag `byok`) that is its fee, and the
rest is on the bill of whose key it is. Billed are the tokens as the model counts them.

Daily activity is the sum of the same generations: import one of the two for a period, not both.
"""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from orchestration.sources.mapping import (
    Record,
    Table,
    always,
    amount,
    count,
    first,
    found,
    milliseconds,
    moment,
    moment_of,
    one_of,
    text,
    usd,
)
from orchestration.sources.reading import entries_of
from orchestration.sources.source import Found, Source

_TITLE = "OpenRouter's activity"
_USUAL = dict.fromkeys(("standard", "default", "auto"))
_YES = (True, "true", "True", "1")


def _is_day(record: Record) -> bool:
    return "byok_usage_inference" in record and "date" in record


def _model(record: Record) -> Any:
    """Return the model by the name that asks for it, which has its variant."""
    model = text("model", "model_permaslug")(record)
    variant = found(record, "variant")
    if model is None or variant in (None, "standard") or ":" in model:
        return model
    return f"{model}:{variant}"[:255]


def _day_ends(record: Record) -> Any:
    """Return when the day ends that a record sums up."""
    start = moment_of(found(record, "date"), dt.UTC)
    return start + dt.timedelta(days=1) if isinstance(start, dt.datetime) else None


def _is_failed(record: Record) -> bool:
    return "error" in (found(record, "finish_reason_normalized"), found(record, "finish_reason"))


def _tags(record: Record) -> list[str] | None:
    served_by = text("provider_name")(record)
    fees = amount(found(record, "byok_usage_inference"))
    is_byok = found(record, "is_byok") in _YES or (not _is_day(record) and bool(fees))
    tags = {
        f"provider:{served_by}"[:200]: served_by is not None,
        "byok": is_byok,
        "cancelled": found(record, "cancelled") in _YES,
    }
    return [tag for tag, is_so in tags.items() if is_so] or None


TABLE: Table = {
    "start_time": moment("created_at", "date", zone=dt.UTC),
    "end_time": _day_ends,
    "is_bucket": lambda record: _is_day(record) or None,
    "request_count": count("requests"),
    "session_id": text("session_id"),
    "provider_request_id": text("generation_id", "id"),
    "request_type": text("api_type"),
    "provider": always("openrouter"),
    "model": _model,
    "service_tier": one_of(_USUAL, "service_tier"),
    "status": lambda record: "failed" if _is_failed(record) else "completed",
    "input_tokens": count("native_tokens_prompt", "tokens_prompt", "prompt_tokens"),
    "cached_input_tokens": count("native_tokens_cached", "tokens_cached"),
    "output_tokens": count("native_tokens_completion", "tokens_completion", "completion_tokens"),
    "reasoning_tokens": count("native_tokens_reasoning", "tokens_reasoning", "reasoning_tokens"),
    "image_output_tokens": count("native_tokens_completion_images"),
    "reported_cost_usd": usd("cost_total", "total_cost", "usage"),
    "time_to_first_token_ms": milliseconds("time_to_first_token_ms"),
    "end_user_id": text("external_user", "user"),
    "api_key_alias": text("api_key_name"),
    "project": text("app_name"),
    "tags": _tags,
}


def _records(path: Path) -> Iterator[Found]:
    for entry in entries_of(path, ("generation_id", "model_permaslug"), _TITLE, "data"):
        if entry.record is None:
            yield Found(None, (), entry.raw)
            continue
        record = _unpacked(entry.record)
        if _is_day(record):
            day, model, endpoint = (
                str(first(*names)(record) or "")
                for names in (("date",), ("model_permaslug", "model"), ("endpoint_id",))
            )
            yield Found("task_execution", (day[: len("2026-01-01")], model, endpoint), record)
        elif (name := first("generation_id", "id")(record)) is not None:
            yield Found("task_execution", (name,), record)


def _unpacked(record: Record) -> Record:
    """Return a generation out of the answer of the API about it."""
    inner = record.get("data")
    return inner if isinstance(inner, dict) else record


def _is_its(record: Record) -> bool:
    page = record.get("data")
    if isinstance(page, list) and page and isinstance(page[0], dict):
        record = page[0]
    record = _unpacked(record)
    return (
        _is_day(record)
        or {"generation_id", "model_permaslug"} <= record.keys()
        or {"id", "native_tokens_prompt", "total_cost"} <= record.keys()
    )


SOURCE = Source(
    name="openrouter",
    title=_TITLE,
    reads="exports as CSV, answers of its API about generations or days as JSON or JSONL",
    tables={"task_execution": TABLE},
    unknown={
        "task_type": "nobody says what a request was for",
        "cache_write_tokens": "OpenRouter says what came from a cache, not what went into one",
        "error_message": "OpenRouter says that an answer ended in an error, not in which",
        "user_id": "OpenRouter knows the users that an application names: end_user_id",
        "correlation_id": "OpenRouter keeps nothing that binds a request to others",
        "repository": "OpenRouter knows applications, not where their code comes from",
        "branch": "OpenRouter knows applications, not where their code comes from",
    },
    records=_records,
    is_its=_is_its,
    endings=(".csv", ".json", ".jsonl"),
)
