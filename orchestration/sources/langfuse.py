"""Langfuse's observations: exports, also those to a bucket, and pages of its API.

Only what called a model counts: the spans, tools and agents around it repeat its usage. An
observation may be there several times; what Langfuse changed last counts. Langfuse takes what is
counted by itself, such as tokens from a cache or of reasoning, out of `input` and `output`; what
was sent to it in other words may hold them still, which its own total shows.
"""

import datetime as dt
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from orchestration.sources.mapping import (
    Record,
    Rule,
    Table,
    amount,
    first,
    found,
    milliseconds,
    moment,
    moment_of,
    text,
    whole,
)
from orchestration.sources.names import model_named, provider_named, provider_of
from orchestration.sources.reading import entries_of
from orchestration.sources.source import Found, Source

_TITLE = "Langfuse's observations"
_CALLS = ("GENERATION", "EMBEDDING")
_DETAILS, _COSTS = ("usageDetails", "usage_details"), ("costDetails", "cost_details")
_START, _END = ("startTime", "start_time"), ("endTime", "end_time")
_MODEL = ("model", "providedModelName", "provided_model_name")
_WRITTEN_FOR_1H = "input_cache_creation_1h"


def _said(record: Record, *paths: str) -> Any:
    """Return what lies at a path; in tables lists and objects are texts of JSON."""
    value = first(*paths)(record)
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value, parse_float=Decimal)
        except (ValueError, RecursionError):
            return None
    return value


def _usage(record: Record) -> dict[str, Any]:
    """Return what is counted, by Langfuse's names; nothing where nobody has counted."""
    usage = _said(record, *_DETAILS)
    if not isinstance(usage, dict) or not usage:
        older = _said(record, "usage")
        usage = older if isinstance(older, dict) else {}
        if usage.get("unit") not in (None, "TOKENS"):
            return {}
        names = {
            "input": ("promptTokens", "inputUsage"),
            "output": ("completionTokens", "outputUsage"),
            "total": ("totalTokens", "totalUsage"),
        }
        usage = {
            name: usage[name] if usage.get(name) is not None else first(*others)(record)
            for name, others in names.items()
        }
        if not any(map(whole, usage.values())):
            return {}
    return {name: whole(value) for name, value in usage.items() if value is not None}


def _side(name: str) -> Rule:
    """Return a rule for all input or all output."""

    def rule(record: Record) -> Any:
        usage = _usage(record)
        sides = {
            side: {key: value for key, value in usage.items() if side in key}
            for side in ("input", "output")
        }
        wrong = [value for value in sides[name].values() if not isinstance(value, int)]
        if wrong or not sides[name]:
            return wrong[0] if wrong else None
        if not all(isinstance(value, int) for value in usage.values()):
            return sum(sides[name].values())
        whole_in, whole_out = (sum(side.values()) for side in sides.values())
        only_in, only_out = usage.get("input", whole_in), usage.get("output", whole_out)
        # The first that Langfuse's total agrees with; usually that is the sum of everything.
        for total_in, total_out in (
            (whole_in, whole_out),
            (only_in, whole_out),
            (whole_in, only_out),
            (only_in, only_out),
        ):
            if usage.get("total") == total_in + total_out:
                break
        else:
            total_in, total_out = whole_in, whole_out
        return total_in if name == "input" else total_out

    return rule


def _part(*names: str) -> Rule:
    """Return a rule for tokens that are counted by themselves, under one name or several."""

    def rule(record: Record) -> Any:
        usage = _usage(record)
        values = [usage[name] for name in names if name in usage]
        wrong = [value for value in values if not isinstance(value, int)]
        if wrong or not values:
            return wrong[0] if wrong else None
        return sum(values)

    return rule


def _cost(record: Record) -> Any:
    """Return what it cost; a model without a price has a cost of 0 and no details of it."""
    details = _said(record, *_COSTS)
    if isinstance(details, dict) and details:
        return amount(details.get("total"))
    return (
        amount(first("calculatedTotalCost", "totalCost", "total_cost", "usage.totalCost")(record))
        or None
    )


def _time(record: Record, *paths: str) -> dt.datetime | None:
    value = moment_of(first(*paths)(record), dt.UTC)
    try:
        known = value if isinstance(value, dt.datetime) else dt.datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return known if known.tzinfo else None


def _updated(record: Record) -> Any:
    """Return when it was changed, by a clock that may be behind the one that says its start."""
    changed = moment("updatedAt", "updated_at", *_END, *_START, zone=dt.UTC)(record)
    start, change = _time(record, *_START), _time({"changed": changed}, "changed")
    return start if start is not None and change is not None and change < start else changed


def _first_token(record: Record) -> Any:
    start = _time(record, *_START)
    answered = _time(record, "completionStartTime", "completion_start_time")
    if start is None or answered is None:
        return milliseconds("timeToFirstToken", per_unit=1000)(record)
    return round((answered - start) / dt.timedelta(milliseconds=1))


def _is_failed(record: Record) -> bool:
    return bool(found(record, "level") == "ERROR")


def _error(record: Record) -> Any:
    return text("statusMessage", "status_message")(record) if _is_failed(record) else None


def _provider(record: Record) -> str:
    named = first(
        "metadata.attributes.gen_ai.provider.name",
        "metadata.attributes.gen_ai.system",
        "metadata.ls_provider",
    )(record)
    if isinstance(named, str):
        return provider_named(named)
    return provider_of(str(first(*_MODEL)(record) or ""))


def _model(record: Record) -> str | None:
    name = text(*_MODEL)(record)
    return None if name is None else model_named(name)


def _tags(record: Record) -> list[str] | None:
    given = _said(record, "traceTags", "trace_tags", "tags")
    tags = [str(tag)[:200] for tag in given] if isinstance(given, list) else []
    prompt = first("promptName", "prompt_name")(record)
    return [*tags, *([f"prompt:{prompt}"[:200]] if prompt else [])] or None


def _environment(record: Record) -> dict[str, Any] | None:
    environment = found(record, "environment")
    return {"environment": environment} if environment else None


TABLE: Table = {
    "start_time": moment(*_START, zone=dt.UTC),
    "end_time": moment(*_END, zone=dt.UTC),
    "updated_at": _updated,
    "session_id": text("sessionId", "session_id"),
    "correlation_id": text("traceId", "trace_id"),
    "workflow_id": text("traceName", "trace_name"),
    "request_type": lambda record: str(found(record, "type")).lower(),
    "provider": _provider,
    "model": _model,
    "status": lambda record: "failed" if _is_failed(record) else "completed",
    "error_message": _error,
    "input_tokens": _side("input"),
    "cached_input_tokens": _part(
        "input_cached_tokens", "cache_read_input_tokens", "input_cache_read"
    ),
    "cache_write_tokens": _part(
        "cache_creation_input_tokens",
        "input_cache_creation",
        "input_cache_creation_5m",
        _WRITTEN_FOR_1H,
    ),
    "cache_write_1h_tokens": _part(_WRITTEN_FOR_1H),
    "audio_input_tokens": _part("input_audio_tokens"),
    "output_tokens": _side("output"),
    "reasoning_tokens": _part("output_reasoning_tokens", "output_reasoning"),
    "audio_output_tokens": _part("output_audio_tokens"),
    "reported_cost_usd": _cost,
    "time_to_first_token_ms": _first_token,
    "end_user_id": text("userId", "user_id"),
    "project": text("projectId", "project_id"),
    "tags": _tags,
    "metadata": _environment,
}


def _records(path: Path) -> Iterator[Found]:
    for entry in entries_of(path, ("id", "type"), _TITLE, "data"):
        record = entry.record
        if record is None:
            yield Found(None, (), entry.raw)
        elif str(found(record, "type")).upper() in _CALLS:
            trace = first("traceId", "trace_id")(record)
            yield Found("task_execution", (trace or "", found(record, "id")), record)


def _is_its(record: Record) -> bool:
    page = record.get("data")
    if isinstance(page, list) and page and isinstance(page[0], dict):
        record = page[0]
    return "type" in record and any(
        {"id", trace, start} <= record.keys()
        for trace, start in (("traceId", "startTime"), ("trace_id", "start_time"))
    )


SOURCE = Source(
    name="langfuse",
    title=_TITLE,
    reads="exports as CSV, JSON or JSONL, and pages of its API",
    tables={"task_execution": TABLE},
    unknown={
        "task_type": "names of observations and traces are what each application calls them",
        "user_id": "the users that Langfuse knows are those of the application: end_user_id",
        "service_tier": "Langfuse does not keep in which tier a request was served",
        "provider_request_id": "observations have ids of their own, not those of answers",
        "image_input_tokens": "Langfuse counts images in units that each application chooses",
        "repository": "Langfuse knows applications, not where their code comes from",
        "branch": "Langfuse knows applications, not where their code comes from",
    },
    records=_records,
    is_its=_is_its,
    endings=(".json", ".jsonl", ".csv"),
)
