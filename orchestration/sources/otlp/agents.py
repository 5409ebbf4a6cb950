"""Events that coding agents send beside spans, or instead of them: each in words of its own."""

from collections.abc import Iterable, Iterator
from typing import Any

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
        "source": always(name),
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

GEMINI_CLI: Table = {
    **_common("gemini_cli"),
    "provider": always("google"),
    "input_tokens": count("input_token_count"),
    "cached_input_tokens": count("cached_content_token_count"),
    # Thoughts are billed as output and counted beside it.
    "output_tokens": total("output_token_count", "thoughts_token_count"),
    "reasoning_tokens": count("thoughts_token_count"),
}

GEMINI_CLI_ERROR: Table = {
    **_common("gemini_cli"),
    "provider": always("google"),
    "status": always("failed"),
    "error_code": text("status_code", "error_type", "error.type"),
    "error_message": text("error", "error.message"),
}


def _factors(record: Record) -> dict[str, Any] | None:
    factors = {
        name: value
        for name in ("routing_latency_ms", "failed")
        if (value := found(record, f"{name}")) is not None
    }
    return factors or None


GEMINI_CLI_ROUTING: Table = {
    "task_id": text("prompt_id", "prompt.id", "session.id"),
    "decision_timestamp": moment("event.timestamp", "log:time"),
    "updated_at": moment("event.timestamp", "log:time"),
    "chosen_provider": always("google"),
    "chosen_model": text("decision_model"),
    "routing_strategy": text("decision_source"),
    "algorithm_version": always("gemini_cli"),
    "reasoning": text("reasoning"),
    "decision_factors": _factors,
}

EVENTS = {
    "claude_code.api_request": "task_execution:claude_code",
    "claude_code.api_error": "task_execution:claude_code_error",
    "codex.sse_event": "task_execution:codex",
    "codex.websocket_event": "task_execution:codex",
    "codex.api_request": "task_execution:codex_error",
    "gemini_cli.api_response": "task_execution:gemini_cli",
    "gemini_cli.api_error": "task_execution:gemini_cli_error",
    "gemini_cli.model_routing": "routing_decision:gemini_cli",
}
"""The events that count, and the mapping that reads each."""

TABLES = {
    "task_execution:claude_code": CLAUDE_CODE,
    "task_execution:claude_code_error": CLAUDE_CODE_ERROR,
    "task_execution:codex": CODEX,
    "task_execution:codex_error": CODEX_ERROR,
    "task_execution:gemini_cli": GEMINI_CLI,
    "task_execution:gemini_cli_error": GEMINI_CLI_ERROR,
    "routing_decision:gemini_cli": GEMINI_CLI_ROUTING,
}

_COUNTED = ("model", "decision_model", "input_tokens", "input_token_count", "output_token_count")


def found_in(logs: Iterable[Record]) -> Iterator[Found]:
    """Yield what counts of log records.

    Args:
        logs: The records.

    Yields:
        Calls, failed ones as well, and decisions.
    """
    for log in logs:
        kind = EVENTS.get(str(log["log:name"]))
        if kind is None or not _is_counted(str(log["log:name"]), log):
            continue
        yield Found(kind, tuple(_key(log)), log)


def _is_counted(name: str, log: Record) -> bool:
    if name in ("codex.sse_event", "codex.websocket_event"):
        return bool(found(log, "event.kind") == "response.completed")
    if name == "codex.api_request":
        # One that succeeded is counted when its response is complete.
        status = str(found(log, "http.response.status_code") or "")
        return status.isdecimal() and int(status) >= _FAILED_FROM_STATUS
    return True


def _key(log: Record) -> Iterator[str]:
    """Yield what tells an event from others, which an exporter that tries again repeats."""
    yield str(log["log:name"])
    request = found(log, "request_id")
    if request is not None:
        yield str(request)
        return
    for name in ("session.id", "conversation.id", "event.timestamp", "event.sequence", *_COUNTED):
        yield str(found(log, f"{name}") or "")
    if found(log, "event.timestamp") is None:
        yield str(log["log:time"])
