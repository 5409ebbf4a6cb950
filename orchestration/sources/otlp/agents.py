"""Events that coding agents send beside spans, or instead of them: each in words of its own."""

from collections.abc import Iterable, Iterator
from typing import Any

from orchestration.sources import gemini_cli
from orchestration.sources.mapping import (
    Record,
    Table,
    always,
    count,
    first,
    found,
    milliseconds,
    moment,
    text,
    total,
    usd,
)
from orchestration.sources.otlp.spans import ATTRIBUTION
from orchestration.sources.source import Found

_FAILED_FROM_STATUS = 400


def _client(name: str) -> Any:
    def rule(record: Record) -> dict[str, Any]:
        return {
            "client": name,
            "client_version": first("app.version", "service.version")(record),
        }

    return rule


def _common(name: str) -> Table:
    """Return what all events of an agent have."""
    return {
        "start_time": moment("event.timestamp", "log:time"),
        "session_id": text("session.id", "conversation.id"),
        "correlation_id": text("prompt.id", "prompt_id"),
        "model": text("model"),
        "metadata": _client(name),
        **ATTRIBUTION,
    }


CLAUDE_CODE: Table = {
    **_common("claude_code"),
    "provider": always("anthropic"),
    "provider_request_id": text("request_id"),
    "input_tokens": total(
        "input_tokens",
        "cache_read_tokens",
        "cache_creation_tokens",
    ),
    "cached_input_tokens": count("cache_read_tokens"),
    "cache_write_tokens": count("cache_creation_tokens"),
    "output_tokens": count("output_tokens"),
    # An estimate at list prices, which Claude Code makes itself.
    "reported_cost_usd": usd("cost_usd"),
}

CLAUDE_CODE_ERROR: Table = {
    **_common("claude_code"),
    "provider": always("anthropic"),
    "provider_request_id": text("request_id"),
    "status": always("failed"),
    "error_code": text("status_code"),
    "error_message": text("error"),
}

CODEX: Table = {
    **_common("codex"),
    "provider": always("openai"),
    "input_tokens": count("input_token_count"),
    "cached_input_tokens": count("cached_token_count"),
    "output_tokens": count("output_token_count"),
    "reasoning_tokens": count("reasoning_token_count"),
    "time_to_first_token_ms": milliseconds("ttft_ms"),
}

CODEX_ERROR: Table = {
    **_common("codex"),
    "provider": always("openai"),
    "status": always("failed"),
    "error_code": text("http.response.status_code", "error.code"),
    "error_message": text("error.message"),
}

EVENTS = {
    "claude_code.api_request": ("claude_code", "task_execution:claude_code"),
    "claude_code.api_error": ("claude_code", "task_execution:claude_code_error"),
    "codex.sse_event": ("codex", "task_execution:codex"),
    "codex.websocket_event": ("codex", "task_execution:codex"),
    "codex.api_request": ("codex", "task_execution:codex_error"),
    "gemini_cli.api_response": ("gemini_cli", "task_execution:gemini_cli"),
    "gemini_cli.api_error": ("gemini_cli", "task_execution:gemini_cli"),
    "gemini_cli.model_routing": ("gemini_cli", "routing_decision:gemini_cli"),
}
"""The events that count: whose they are, and the mapping that reads each."""

TABLES = {
    "task_execution:claude_code": CLAUDE_CODE,
    "task_execution:claude_code_error": CLAUDE_CODE_ERROR,
    "task_execution:codex": CODEX,
    "task_execution:codex_error": CODEX_ERROR,
    # Its events are what its own file of telemetry has, and are the same ones there.
    "task_execution:gemini_cli": {**gemini_cli.EXECUTIONS, **ATTRIBUTION},
    "routing_decision:gemini_cli": gemini_cli.DECISIONS,
}


def found_in(logs: Iterable[Record]) -> Iterator[Found]:
    """Yield what counts of log records.

    Args:
        logs: The records.

    Yields:
        Calls, failed ones as well, and decisions.
    """
    for log in logs:
        known = EVENTS.get(str(log["event.name"]))
        if known is not None and _is_counted(log):
            source, kind = known
            key = gemini_cli.key_of(log) if source == "gemini_cli" else _key(log)
            yield Found(kind, key, log, source)


def _is_counted(log: Record) -> bool:
    name = log["event.name"]
    if name in ("codex.sse_event", "codex.websocket_event"):
        return bool(found(log, "event.kind") == "response.completed")
    if name == "codex.api_request":
        # One that succeeded is counted when its response is complete.
        status = str(found(log, "http.response.status_code") or "")
        return status.isdecimal() and int(status) >= _FAILED_FROM_STATUS
    return True


def _key(log: Record) -> tuple[str, ...]:
    """Return what tells an event from others, which an exporter that tries again repeats."""
    request = found(log, "request_id")
    if request is not None:
        # By which a log of the same session knows it, too.
        return (str(request),)
    names = (
        "event.name",
        "session.id",
        "conversation.id",
        "event.timestamp",
        "event.sequence",
        "model",
        "input_token_count",
        "output_token_count",
    )
    time = () if found(log, "event.timestamp") else (str(log["log:time"]),)
    return (*(str(found(log, name) or "") for name in names), *time)
