"""The event that a platform sends of each call, one object of JSON, without a contract's names.

One with an `event_type` such as `agent.started` is of that family and no call.
"""

import datetime as dt
import json
from collections.abc import Callable
from typing import Any

from orchestration.landing.families import FAMILIES
from orchestration.sources.mapping import (
    Record,
    Rule,
    Table,
    amount,
    count,
    first,
    found,
    milliseconds,
    moment_of,
    one_of,
    text,
    usd,
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


def _of(rule: Callable[..., Rule], *names: str) -> Rule:
    """Return a rule for what stands in the event or in its `metadata`."""
    return rule(*names, *(f"metadata.{name}" for name in names))


_OF_EVERY_FAMILY: Table = {
    "event_type": text("event_type"),
    "occurred_at": _time,
    "updated_at": lambda record: moment_of(found(record, "updated_at")) or _time(record),
    "user_id": first("user_id"),
    "session_id": _of(text, "session_id"),
    "correlation_id": text("correlation_id"),
}

_OF_WORK: Table = {
    "agent_id": _of(text, "agent_id"),
    "task_id": _of(text, "task_id"),
    "provider": _of(text, "provider"),
    "model": _of(text, "model"),
    "duration_ms": _of(milliseconds, "duration_ms", "latency_ms"),
    "reported_cost_usd": _of(usd, "cost_usd"),
    "is_successful": first("success"),
    "error_code": _of(text, "error_code"),
}

FAMILY_TABLES: dict[str, Table] = {
    "agent_event": {
        **_OF_WORK,
        "task_type": _of(text, "task_type"),
        "tokens_used": _of(count, "tokens_used"),
    },
    "provider_event": {
        **_OF_WORK,
        "task_execution_id": _of(first, "task_execution_id"),
        "http_status": _of(count, "http_status", "status_code"),
        "retry_after_ms": _of(milliseconds, "retry_after_ms"),
        "attempt": _of(count, "attempt"),
    },
    "billing_event": {
        "subscription_id": _of(text, "subscription_id"),
        "plan": _of(text, "plan", "tier"),
        "amount": _of(usd, "amount"),
        "currency": _of(text, "currency"),
        "seats": _of(count, "seats"),
        "period": _of(text, "period"),
        "metric": _of(text, "metric"),
        "quantity": _of(usd, "quantity"),
        "limit_quantity": _of(usd, "limit_quantity", "limit"),
    },
    "customer_event": {
        "visitor_id": _of(first, "visitor_id"),
        "channel": _of(text, "channel"),
        "dashboard": _of(text, "dashboard"),
        "export_format": _of(text, "export_format", "format"),
    },
    "support_event": {
        "ticket_id": _of(text, "ticket_id"),
        "priority": _of(text, "priority"),
        "category": _of(text, "category"),
        "replied_by": _of(text, "replied_by"),
    },
    "web_event": {
        "page": _of(text, "page", "path"),
        "visitor_id": _of(first, "visitor_id"),
        "element": _of(text, "element"),
        "scroll_depth_percent": _of(count, "scroll_depth_percent", "scroll_depth"),
        "traffic_source": _of(text, "traffic_source", "source"),
        "device": _of(text, "device"),
        "utm_source": _of(text, "utm_source"),
        "utm_medium": _of(text, "utm_medium"),
        "utm_campaign": _of(text, "utm_campaign"),
    },
}
"""By kind, what an event of a family says beside `_OF_EVERY_FAMILY`; the rest of it is not read."""

_FAMILIES = {str(family.__struct_config__.tag) for family in FAMILIES}


def _family_of(record: Record) -> str | None:
    """Return the kind of an event of a family; None for a call."""
    kind = f"{str(record.get('event_type')).partition('.')[0]}_event"
    return kind if kind in _FAMILIES else None


def is_its(record: Record) -> bool:
    """Return whether an event is a platform's own.

    Args:
        record: The event.

    Returns:
        Whether it is.
    """
    return "tenant_id" in record and ("timestamp" in record or _family_of(record) is not None)


def found_in(record: Record) -> list[Found]:
    """Return what an event tells.

    Args:
        record: The event.

    Returns:
        The call, and the decision that led to it where it names one; or what an event of a family
        is about. One without an id of its own is known by all that it says.
    """
    family = _family_of(record)
    if family is not None:
        said = found(record, "event_id") or json.dumps(record, sort_keys=True, default=str)
        return [Found(family, (said,), record)]
    key = (found(record, "event_id"),)
    calls = [Found("task_execution", key, record)]
    if found(record, "routing_strategy") is not None:
        calls.append(Found("routing_decision", key, record))
    return calls


SOURCE = Source(
    name="platform",
    title="a platform's own events",
    reads="one object of JSON a call",
    tables={
        "task_execution": TABLE,
        "routing_decision": ROUTING,
        **{kind: {**_OF_EVERY_FAMILY, **table} for kind, table in FAMILY_TABLES.items()},
    },
    unknown={"cached_input_tokens": "such an event has no place for what came from a cache"},
    records=lambda _: (),
    is_its=is_its,
    endings=(".ndjson", ".jsonl"),
)
