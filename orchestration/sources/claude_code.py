"""Claude Code's session logs: `~/.claude/projects/<project>/<session>.jsonl`.

A message is written several times while it streams, and again in the log of every session that
resumes or forks this one: it is one message by the id of its request, and what was written last
counts. Input is written without what came from or went into a cache.
"""

from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Any

from orchestration.sources.mapping import (
    Record,
    Table,
    always,
    count,
    first,
    found,
    moment,
    one_of,
    text,
    total,
)
from orchestration.sources.reading import lines_of
from orchestration.sources.source import Found, Source

_USAGE = "message.usage"
_MADE_UP = "<synthetic>"
"""The model of messages that the program wrote itself, such as errors."""


def _folder(record: Record) -> str | None:
    """Return the name of the folder that was worked in, without the way to it."""
    path = found(record, "cwd")
    if not isinstance(path, str):
        return None
    return PurePath(path.replace("\\", "/")).name or None


def _searches(record: Record) -> dict[str, Any] | None:
    searches = found(record, f"{_USAGE}.server_tool_use.web_search_requests")
    return {"web_search_requests": searches} if searches else None


def _client(record: Record) -> dict[str, Any]:
    return {"client": "claude_code", "client_version": found(record, "version")}


TABLE: Table = {
    "start_time": moment("timestamp"),
    "session_id": text("sessionId"),
    "provider_request_id": text("requestId"),
    "agent_id": text("agentId"),
    "provider": always("anthropic"),
    "model": text("message.model"),
    "service_tier": one_of({"standard": None}, f"{_USAGE}.service_tier"),
    "input_tokens": total(
        f"{_USAGE}.input_tokens",
        f"{_USAGE}.cache_creation_input_tokens",
        f"{_USAGE}.cache_read_input_tokens",
    ),
    "cached_input_tokens": count(f"{_USAGE}.cache_read_input_tokens"),
    "cache_write_tokens": count(f"{_USAGE}.cache_creation_input_tokens"),
    "cache_write_1h_tokens": count(f"{_USAGE}.cache_creation.ephemeral_1h_input_tokens"),
    "output_tokens": count(f"{_USAGE}.output_tokens"),
    "other_usage": _searches,
    "project": _folder,
    "branch": text("gitBranch"),
    "metadata": _client,
}


def _records(path: Path) -> Iterator[Found]:
    for line in lines_of(path):
        if line.record is None:
            yield Found(None, (), line.raw)
            continue
        record = line.record
        if found(record, _USAGE) is None or found(record, "message.model") == _MADE_UP:
            continue
        # A request is one message, and telemetry names it, too.
        key = first("requestId", "message.id", "uuid")(record)
        yield Found("task_execution", (key,), record)


SOURCE = Source(
    name="claude_code",
    title="Claude Code's session logs",
    reads="files or folders of JSONL, such as ~/.claude/projects",
    tables={"task_execution": TABLE},
    unknown={
        "end_time": "the log has when a message was written, not how long it took",
        "task_type": "nobody says what a message was for",
        "reported_cost_usd": "the log has no costs; they are computed from the price book",
        "reasoning_tokens": "thinking is part of the output and not counted by itself",
        "user_id": "the log does not say who it was; --user does",
        "repository": "the log has the folder (project), not where its code comes from",
    },
    records=_records,
    is_its=lambda record: ("sessionId" in record and "type" in record) or "leafUuid" in record,
    endings=(".jsonl",),
)
