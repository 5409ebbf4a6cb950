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
            "client_version": first("attributes.app.version", "attributes.service.version")(record),
        }

    return rule


def _common(name: str) -> Table:
    """Return what all events of an agent have."""
    return {
        "start_time": moment("attributes.event.timestamp", "start"),
        "source": always(name),
        "session_id": text("attributes.session.id", "attributes.conversation.id"),
        "correlation_id": text("attributes.prompt.id", "attributes.prompt_id"),
        "model": text("attributes.model"),
        "metadata": _client(name),
        **ATTRIBUTION,
    }


CLAUDE_CODE: Table = {
    **_common("claude_code"),
    "provider": always("anthropic"),
    "provider_request_id": text("attributes.request_id"),
    "input_tokens": total(
        "attributes.input_tokens",
        "attributes.cache_read_tokens",
        "attributes.cache_creation_tokens",
    ),
    "cached_input_tokens": count("attributes.cache_read_tokens"),
    "cache_write_tokens": count("attributes.cache_creation_tokens"),
    "output_tokens": count("attributes.output_tokens"),
    # An estimate at list prices, which Claude Code makes itself.
    "reported_cost_usd": usd("attributes.cost_usd"),
}

CLAUDE_CODE_ERROR: Table = {
    **_common("claude_code"),
    "provider": always("anthropic"),
    "provider_request_id": text("attributes.request_id"),
    "status": always("failed"),
    "error_code": text("attributes.status_code"),
    "error_message": text("attributes.error"),
}

CODEX: Table = {
    **_common("codex"),
    "provider": always("openai"),
    "input_tokens": count("attributes.input_token_count"),
    "cached_input_tokens": count("attributes.cached_token_count"),
    "output_tokens": count("attributes.output_token_count"),
    "reasoning_tokens": count("attributes.reasoning_token_count"),
    "time_to_first_token_ms": milliseconds("attributes.ttft_ms"),
}

CODEX_ERROR: Table = {
    **_common("codex"),
    "provider": always("openai"),
    "status": always("failed"),
    "error_code": text("attributes.http.response.status_code", "attributes.error.code"),
    "error_message": text("attributes.error.message"),
}

GEMINI_CLI: Table = {
    **_common("gemini_cli"),
    "provider": always("google"),
    "input_tokens": count("attributes.input_token_count"),
    "cached_input_tokens": count("attributes.cached_content_token_count"),
    # Thoughts are billed as output and counted beside it.
    "output_tokens": total("attributes.output_token_count", "attributes.thoughts_token_count"),
    "reasoning_tokens": count("attributes.thoughts_token_count"),
}

GEMINI_CLI_ERROR: Table = {
    **_common("gemini_cli"),
    "provider": always("google"),
    "status": always("failed"),
    "error_code": text("attributes.status_code", "attributes.error_type", "attributes.error.type"),
    "error_message": text("attributes.error", "attributes.error.message"),
}


def _factors(record: Record) -> dict[str, Any] | None:
    factors = {
        name: value
        for name in ("routing_latency_ms", "failed")
        if (value := found(record, f"attributes.{name}")) is not None
    }
    return factors or None


GEMINI_CLI_ROUTING: Table = {
    "task_id": text("attributes.prompt_id", "attributes.prompt.id", "attributes.session.id"),
    "decision_timestamp": moment("attributes.event.timestamp", "start"),
    "updated_at": moment("attributes.event.timestamp", "start"),
    "chosen_provider": always("google"),
    "chosen_model": text("attributes.decision_model"),
    "routing_strategy": text("attributes.decision_source"),
    "algorithm_version": always("gemini_cli"),
    "reasoning": text("attributes.reasoning"),
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
        kind = EVENTS.get(str(log["name"]))
        if kind is None or not _is_counted(str(log["name"]), log):
            continue
        yield Found(kind, tuple(_key(log)), log)


def _is_counted(name: str, log: Record) -> bool:
    if name in ("codex.sse_event", "codex.websocket_event"):
        return bool(found(log, "attributes.event.kind") == "response.completed")
    if name == "codex.api_request":
        # One that succeeded is counted when its response is complete.
        status = str(found(log, "attributes.http.response.status_code") or "")
        return status.isdecimal() and int(status) >= _FAILED_FROM_STATUS
    return True


def _key(log: Record) -> Iterator[str]:
    """Yield what tells an event from others, which an exporter that tries again repeats."""
    yield str(log["name"])
    request = found(log, "attributes.request_id")
    if request is not None:
        yield str(request)
        return
    for name in ("session.id", "conversation.id", "event.timestamp", "event.sequence", *_COUNTED):
        yield str(found(log, f"attributes.{name}") or "")
    if found(log, "attributes.event.timestamp") is None:
        yield str(log["start"])
