"""The event that a platform sends of each call, one object of JSON, without a contract's names."""

import datetime as dt
from typing import Any

from orchestration.sources.mapping import (
    Record,
    Table,
    amount,
    count,
    first,
    found,
    moment_of,
    one_of,
    text,
)
from orchestration.sources.source import Found, Source

_SUCCEEDED = {True: "completed", False: "failed"}


def _end(record: Record) -> Any:
    """Return when the call ended; None where the event does not say how long it took."""
    started = _time(record)
    latency = amount(found(record, "latency_ms"))
    if latency is None or not isinstance(started, dt.datetime):
        return None
    try:
        return started + dt.timedelta(milliseconds=float(latency))
    except (TypeError, ValueError, OverflowError):
        return latency


def _time(record: Record) -> Any:
    value = moment_of(found(record, "timestamp"))
    try:
        return dt.datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _alternatives(record: Record) -> Any:
    provider = found(record, "alternative_provider")
    return None if provider is None else [{"provider": provider}]


TABLE: Table = {
    "task_id": text("task_id", "event_id"),
    "start_time": _time,
    "end_time": _end,
    "user_id": first("user_id"),
    "session_id": text("session_id"),
    "provider": text("provider"),
    "model": text("model"),
    "task_type": text("task_type"),
    "request_type": text("request_type"),
    "input_tokens": count("input_tokens"),
    "output_tokens": count("output_tokens"),
    "status": one_of(_SUCCEEDED, "succeeded"),
    "error_code": text("error_code"),
}

ROUTING: Table = {
    "task_id": text("task_id", "event_id"),
    "decision_timestamp": _time,
    "updated_at": _time,
    "chosen_provider": text("provider"),
    "chosen_model": text("model"),
    "routing_strategy": text("routing_strategy"),
    "alternative_providers": _alternatives,
}


def found_in(record: Record) -> list[Found]:
    """Return what an event tells.

    Args:
        record: The event.

    Returns:
        The call, and the decision that led to it where it names one.
    """
    key = (found(record, "event_id"),)
    calls = [Found("task_execution", key, record)]
    if found(record, "routing_strategy") is not None:
        calls.append(Found("routing_decision", key, record))
    return calls


SOURCE = Source(
    name="platform",
    title="a platform's own events",
    reads="one object of JSON a call",
    tables={"task_execution": TABLE, "routing_decision": ROUTING},
    unknown={"cached_input_tokens": "such an event has no place for what came from a cache"},
    records=lambda _: (),
    is_its=lambda record: "tenant_id" in record and "timestamp" in record,
    endings=(".ndjson", ".jsonl"),
)
