"""Amazon Bedrock's model invocation logs: lines of JSON that it puts into S3, in folders by date.

Input is counted without what came from or went into a cache. What was said stands in the same
lines, and in objects of their own below `data/` where it is long: neither is read.
"""

from collections.abc import Iterator
from pathlib import Path

from orchestration.sources.mapping import Record, Table, always, count, found, moment, text, total
from orchestration.sources.names import model_named
from orchestration.sources.reading import lines_of
from orchestration.sources.source import Found, Source

_SCHEMA = "ModelInvocationLog"
_BODIES = "data"
"""The folder of prompts and answers that are too long for a line."""

_SIGNED_IN = "AWSReservedSSO_"
"""How roles begin that people take when they sign in; the session has the person's name."""


def _resource(arn: str) -> list[str]:
    """Return the parts of what an ARN names, or of a name that is none."""
    return arn.split(":", 5)[-1].split("/") if arn.startswith("arn:") else [arn]


def _model(record: Record) -> str | None:
    name = model_named(text("modelId")(record) or "")
    return None if name.startswith("arn:") else name or None


def _tags(record: Record) -> list[str] | None:
    name = model_named(text("modelId")(record) or "")
    return ["/".join(_resource(name))[:200]] if name.startswith("arn:") else None


def _user(record: Record) -> str | None:
    parts = _resource(text("identity.arn")(record) or "")
    kind, role = parts[0], parts[1] if len(parts) > 2 else ""
    is_person = kind == "assumed-role" and role.startswith(_SIGNED_IN)
    return parts[-1] if is_person or (kind == "user" and len(parts) > 1) else None


def _role(record: Record) -> str | None:
    parts = _resource(text("identity.arn")(record) or "")
    return parts[1] if parts[0] == "assumed-role" and len(parts) > 1 else None


def _status(record: Record) -> str:
    return "completed" if found(record, "errorCode") is None else "failed"


TABLE: Table = {
    "start_time": moment("timestamp"),
    "user": _user,
    "provider_request_id": text("requestId"),
    "provider": always("bedrock"),
    "model": _model,
    "request_type": text("operation"),
    "status": _status,
    "error_code": text("errorCode"),
    "region": text("region"),
    "input_tokens": total(
        "input.inputTokenCount", "input.cacheReadInputTokenCount", "input.cacheWriteInputTokenCount"
    ),
    "cached_input_tokens": count("input.cacheReadInputTokenCount"),
    "cache_write_tokens": count("input.cacheWriteInputTokenCount"),
    "output_tokens": count("output.outputTokenCount"),
    "billing_account": text("accountId"),
    "api_key_alias": _role,
    "team": text("requestMetadata.team"),
    "project": text("requestMetadata.project"),
    "cost_center": text("requestMetadata.cost_center", "requestMetadata.costCenter"),
    "tags": _tags,
}


def _records(path: Path) -> Iterator[Found]:
    if path.parent.name == _BODIES:
        return
    for line in lines_of(path):
        if line.record is None:
            yield Found(None, (), line.raw)
        elif found(line.record, "schemaType") == _SCHEMA:
            yield Found("task_execution", (found(line.record, "requestId") or "",), line.record)


SOURCE = Source(
    name="bedrock",
    title="Amazon Bedrock's model invocation logs",
    reads="files or folders of JSON lines, as S3 has them below AWSLogs/",
    tables={"task_execution": TABLE},
    unknown={
        "end_time": "how long a request took stands only in its body, which is not read",
        "task_type": "nobody says what a request was for",
        "session_id": "requests to the runtime belong to no session that the log names",
        "service_tier": "the log does not tell which tier answered",
        "reasoning_tokens": "reasoning is part of the output and not counted by itself",
        "cache_write_1h_tokens": "how long a cache is kept stands only in the body, never read",
        "reported_cost_usd": "the log has no costs; they are computed from the price book",
    },
    records=_records,
    is_its=lambda record: record.get("schemaType") == _SCHEMA,
    endings=(".json", ".jsonl"),
)
