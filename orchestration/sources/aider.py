"""Turns aider's published call log (llm_calls.csv) into events.

One call is one execution. aider names a model as LiteLLM does, with the provider before the first
slash ("anthropic/claude-3-7-sonnet-20250219"), or without it where the name alone says who
provides it. What follows the first slash is the provider's own name for the model, also at
brokers: OpenRouter lists "anthropic/claude-3.5-sonnet", and so do price lists.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import msgspec

from orchestration.errors import WarehouseError
from orchestration.landing.scrubbing import scrub
from orchestration.sources.reading import rows_of

NAMESPACE = UUID("6f1d3c5e-2a57-5b0e-9a3c-0d9b2f4e7a11")
"""All identifiers are derived from this one, so that a second conversion gives the same events."""

ORGANIZATION_ID = uuid5(NAMESPACE, "organization")
ORGANIZATION_NAME = "aider (published analytics)"
BASELINE = ("openai", "gpt-4o")
"""What the organization is compared with: the model that aider recommended when the log begins."""

UNKNOWN_PROVIDER = "unknown"

UNKNOWN = {
    "cached_input_tokens": "the log counts tokens in and out, and not what came from a cache",
    "cache_write_tokens": "the log counts tokens in and out, and not what went into a cache",
    "reasoning_tokens": "reasoning is part of the output and not counted by itself",
    "service_tier": "the log does not say in which tier a request was served",
    "provider_request_id": "calls have ids of their own, not those of answers",
    "project": "the published log names no folder and no repository",
    "repository": "the published log names no folder and no repository",
}
"""Fields that it cannot tell, each with the reason."""

_KNOWN_SINCE = "2024-08-01T00:00:00Z"
_PROVIDER_OF_PREFIX = {"gemini": "google", "cohere_chat": "cohere"}
_PROVIDER_OF_BEGINNING = {"claude": "anthropic", "gemini": "google", "deepseek": "deepseek"}
_NO_MODEL = frozenset({"", "REDACTED"})
_COLUMNS = (
    "call_id",
    "user_id",
    "session_id",
    "edit_format",
    "main_model",
    "start_time",
    "end_time",
    "prompt_tokens",
    "completion_tokens",
    "cost_usd",
    "status",
    "error",
    "aider_version",
)
_STATUS = {"success": "completed", "failed": "failed"}
_COUNT = re.compile(r"(?:0|[1-9][0-9]{0,15})\Z")
_AMOUNT = re.compile(r"(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]{1,3})?\Z")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[-+]\d\d:\d\d)\Z")


def convert(path: Path) -> Iterator[bytes]:
    """Yield the events of a log as lines of JSON, the same ones at every call.

    Args:
        path: The CSV file.

    Yields:
        Lines with their line ending: the organization, then each user before their first call.

    Raises:
        WarehouseError: The file cannot be read, is not such a log, or a value makes no sense.
    """
    yield _line(_organization())
    users: set[str] = set()
    for number, row in rows_of(path, _COLUMNS, "a call log of aider"):
        try:
            if row["user_id"] and row["user_id"] not in users:
                users.add(row["user_id"])
                yield _line(_user(row["user_id"]))
            yield _line(_execution(row))
        except ValueError as error:
            raise WarehouseError(f"{path}, line {number}: {error}") from error


def provider_and_model(name: str) -> tuple[str, str | None]:
    """Split aider's name for a model.

    Args:
        name: The name as logged, such as "gemini/gemini-2.5-pro" or "gpt-4o".

    Returns:
        The provider, and the provider's name for the model; None when the log withholds it.
    """
    prefix, slash, model = name.partition("/")
    if slash:
        return _PROVIDER_OF_PREFIX.get(prefix, prefix), None if model in _NO_MODEL else model
    if name in _NO_MODEL:
        return UNKNOWN_PROVIDER, None
    for beginning, provider in _PROVIDER_OF_BEGINNING.items():
        if name.startswith(beginning):
            return provider, name
    return "openai", name


def _organization() -> dict[str, Any]:
    provider, model = BASELINE
    return {
        "event": "organization",
        "event_id": uuid5(NAMESPACE, "organization, version 1"),
        "id": ORGANIZATION_ID,
        "name": ORGANIZATION_NAME,
        "tier": "open_source",
        "timezone": "UTC",
        "baseline_provider": provider,
        "baseline_model": model,
        "updated_at": _KNOWN_SINCE,
    }


def _user(user_id: str) -> dict[str, Any]:
    try:
        known = UUID(user_id)
    except ValueError:
        raise ValueError("user_id is not a UUID") from None
    return {
        "event": "user",
        "event_id": uuid5(NAMESPACE, f"user {known}, version 1"),
        "id": known,
        "organization_id": ORGANIZATION_ID,
        "name": f"aider user {str(known)[:8]}",
        "role": "developer",
        "updated_at": _KNOWN_SINCE,
    }


def _execution(row: Mapping[str, str]) -> dict[str, Any]:
    if not row["call_id"]:
        raise ValueError("call_id is empty")
    status = _STATUS.get(row["status"])
    if status is None:
        raise ValueError(f"status is neither {' nor '.join(_STATUS)}")
    provider, model = provider_and_model(row["main_model"])
    end = _matching(row, "end_time", _TIME, "a time with its offset")
    start = _matching(row, "start_time", _TIME, "a time with its offset")
    known = start or end
    if not known:
        raise ValueError("neither start_time nor end_time is given")
    cost = _matching(row, "cost_usd", _AMOUNT, "an amount")
    values: dict[str, Any] = {
        "event": "task_execution",
        "event_id": uuid5(NAMESPACE, f"{row['call_id']}, version 1"),
        "id": uuid5(NAMESPACE, row["call_id"]),
        "organization_id": ORGANIZATION_ID,
        "task_id": row["call_id"],
        "task_type": "code_generation",
        "provider": provider,
        "status": status,
        "start_time": known,
        "updated_at": end or known,
        "user_id": row["user_id"] or None,
        "session_id": row["session_id"] or None,
        "model": model,
        # Where only the end is logged it stands in for the start, and how long the call took is
        # not known: an end beside it would claim that it took no time at all.
        "end_time": end or None if start else None,
        "input_tokens": _count(row, "prompt_tokens"),
        "output_tokens": _count(row, "completion_tokens"),
        # As logged, digit by digit.
        "reported_cost_usd": msgspec.Raw(cost.encode()) if cost else None,
        "error_message": scrub(row["error"] or None),
        "metadata": {
            key: value
            for key, value in (
                ("client", "aider"),
                ("client_version", row["aider_version"]),
                ("edit_format", row["edit_format"]),
            )
            if value
        },
    }
    return {name: value for name, value in values.items() if value is not None}


def _count(row: Mapping[str, str], name: str) -> int | None:
    text = _matching(row, name, _COUNT, "a whole number")
    return int(text) if text else None


def _matching(row: Mapping[str, str], name: str, pattern: re.Pattern[str], what: str) -> str:
    """Return a cell, which must be empty or match."""
    if row[name] and not pattern.match(row[name]):
        raise ValueError(f"{name} is not {what}")
    return row[name]


def _line(event: dict[str, Any]) -> bytes:
    return msgspec.json.encode(event) + b"\n"
