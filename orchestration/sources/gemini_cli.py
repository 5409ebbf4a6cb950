"""Gemini CLI: the telemetry of its setting `telemetry.outfile`, and `~/.gemini/tmp/*/chats`.

A file of telemetry holds objects of OpenTelemetry one after the other: each answer, error and
choice of a model is a log record, among spans and metrics that repeat the same usage and do not
count. A chat holds the answers that a person saw, each written several times while it grows. Output
is written without what was thought, input without what tools returned; both are billed with it.

A chat and its telemetry tell of the same answers and have nothing in common that tells which:
import one of the two for a period, not both. Telemetry has more; chats are there without a setting.
"""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from orchestration.landing.scrubbing import scrub
from orchestration.sources.mapping import (
    Record,
    Rule,
    Table,
    always,
    amount,
    count,
    first,
    found,
    one_of,
    text,
    total,
)
from orchestration.sources.reading import objects_of
from orchestration.sources.source import Found, Source

_SERVICE = "gemini-cli"
_KINDS = {
    "gemini_cli.api_response": "task_execution",
    "gemini_cli.api_error": "task_execution",
    "gemini_cli.model_routing": "routing_decision",
}
_STATUS = {"gemini_cli.api_response": "completed", "gemini_cli.api_error": "failed"}


def _began(record: Record) -> Any:
    """Return when a request began: its record is written at its end."""
    ended, took = (
        first("event.timestamp", "timestamp")(record),
        amount(found(record, "duration_ms")),
    )
    if not isinstance(took, Decimal):
        return ended
    try:
        return dt.datetime.fromisoformat(str(ended)) - dt.timedelta(milliseconds=float(took))
    except (ValueError, OverflowError):
        return ended


def _if_counted(rule: Rule) -> Rule:
    """Return a rule for tokens, of which there are zeros also where nobody has counted any."""
    counted = first("total_token_count", "tokens.total")
    return lambda record: rule(record) if counted(record) else None


def _error_code(record: Record) -> str | None:
    """Return what went wrong; answers have a status code as well."""
    failed = found(record, "event.name") == "gemini_cli.api_error"
    code: str | None = text("status_code", "error.type", "error_type")(record) if failed else None
    return code


def _role(record: Record) -> list[str] | None:
    role = found(record, "role")
    return [f"role:{role}"] if isinstance(role, str) else None


def _factors(record: Record) -> dict[str, Any]:
    names = ("routing_latency_ms", "failed", "approval_mode")
    return {name: record[name] for name in names if record.get(name) is not None}


def _reasoning(record: Record) -> str | None:
    reasoning = found(record, "reasoning")
    return scrub(reasoning) if isinstance(reasoning, str) else None


EXECUTIONS: Table = {
    "start_time": _began,
    "end_time": first("event.timestamp"),
    "session_id": text("session.id"),
    "correlation_id": text("prompt_id"),
    "user": text("user.email"),
    "provider": lambda record: (
        "vertex_ai" if found(record, "auth_type") == "vertex-ai" else "google"
    ),
    "model": text("model"),
    "status": one_of(_STATUS, "event.name"),
    "error_code": _error_code,
    "error_message": text("error", "error.message"),
    "input_tokens": _if_counted(
        total("input_token_count", "tool_token_count", "tokens.input", "tokens.tool")
    ),
    "cached_input_tokens": _if_counted(count("cached_content_token_count", "tokens.cached")),
    "output_tokens": _if_counted(
        total("output_token_count", "thoughts_token_count", "tokens.output", "tokens.thoughts")
    ),
    "reasoning_tokens": _if_counted(count("thoughts_token_count", "tokens.thoughts")),
    "tags": _role,
    "metadata": always({"client": "gemini_cli"}),
}
DECISIONS: Table = {
    "task_id": lambda record: "/".join(key_of(record))[:255],
    "decision_timestamp": first("event.timestamp"),
    "updated_at": first("event.timestamp"),
    "chosen_provider": always("google"),
    "chosen_model": text("decision_model"),
    "routing_strategy": text("decision_source"),
    "algorithm_version": always("gemini_cli"),
    "reasoning": _reasoning,
    "decision_factors": _factors,
}


def _records(path: Path) -> Iterator[Found]:
    session = None
    for part in objects_of(path):
        if part.record is None:
            yield Found(None, (), part.raw)
            continue
        attributes = part.record.get("attributes")
        if isinstance(attributes, dict):
            kind = _KINDS.get(str(found(attributes, "event.name")))
            if kind is not None:
                yield Found(kind, key_of(attributes), attributes)
            continue
        session = first("sessionId", "$set.sessionId")(part.record) or session
        messages = first("messages", "$set.messages")(part.record)
        for message in messages if isinstance(messages, list) else [part.record]:
            if isinstance(message, dict) and found(message, "tokens") is not None:
                record = {**message, "session.id": session}
                yield Found("task_execution", ("chat", found(message, "id")), record)


def key_of(record: Record) -> tuple[str, ...]:
    """Return what tells a record of telemetry from others, of which none has an id of its own.

    Args:
        record: Its attributes.

    Returns:
        The parts of its key.
    """
    names = ("session.id", "event.name", "event.timestamp", "prompt_id", "model")
    return tuple(str(found(record, name) or "") for name in names)


def _is_its(record: Record) -> bool:
    if {"sessionId", "projectHash"} <= record.keys():
        return True
    if str(found(record, "attributes.event.name") or "").startswith("gemini_cli."):
        return True
    about = found(record, "resource._rawAttributes")
    name = found(record, "resource.attributes.service.name") or found(
        record, "resource._attributes.service.name"
    )
    return name == _SERVICE or (isinstance(about, list) and ["service.name", _SERVICE] in about)


SOURCE = Source(
    name="gemini_cli",
    title="Gemini CLI's telemetry and chats",
    reads="the file of its setting telemetry.outfile, or ~/.gemini/tmp/*/chats",
    tables={"task_execution": EXECUTIONS, "routing_decision": DECISIONS},
    unknown={
        "task_type": "nobody says what a prompt was for",
        "reported_cost_usd": "neither has costs; they are computed from the price book",
        "cache_write_tokens": "what goes into Gemini's cache is not counted by requests",
        "time_to_first_token_ms": "telemetry has how long an answer took as a whole",
        "service_tier": "neither says in which tier a request was served",
        "project": "telemetry has no folder and no repository, chats have a hash of one",
        "branch": "telemetry has no folder and no repository, chats have a hash of one",
        "task_execution_id": "a choice of a model does not say for which request it was",
        "confidence_score": "a choice of a model has a reason, but no score",
    },
    records=_records,
    is_its=_is_its,
    endings=(".log", ".json", ".jsonl"),
)
