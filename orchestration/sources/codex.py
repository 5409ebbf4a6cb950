"""Codex's session logs: `~/.codex/sessions/<year>/<month>/<day>/rollout-<time>-<session>.jsonl`.

A log says from time to time what its session has used so far. It says the same again after a
reconnect, and the log of a session that forks another begins with a copy of that one's, in which
the times may be those of the copying. So what counts is each step from one total to the next, once:
a step is the same one by the totals at its two ends, in whatever log it stands, and also where a
copy begins in the middle. Two sessions that have nothing to do with each other share a step when
all five numbers at both its ends are equal, which can happen to a first step: it then counts once.
Input is written with what came from or went into a cache, output with reasoning.

Ids of sessions and turns tell when they began. A step whose turn began before its own session did
was copied, and gets the time of its turn: that is earlier than what the original says, so the
original counts wherever it is there, and the day is right where it is not.
"""

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any
from uuid import UUID

from orchestration.sources.mapping import Record, Table, count, found, moment, text, whole
from orchestration.sources.names import provider_named, provider_of
from orchestration.sources.reading import lines_of
from orchestration.sources.source import Found, Source

_COUNTS = (
    "input_tokens",
    "cached_input_tokens",
    "cache_write_input_tokens",
    "output_tokens",
    "reasoning_output_tokens",
)
_NOTHING = dict.fromkeys(_COUNTS, 0)
# Of a server; what comes before its name may be a key.
_ADDRESS = re.compile(r"(?:[a-z+]+://)?(?:[^@/]*@)?[^@/:]+\.[^@/:]+(?::\d+(?=/))?[:/]/?([^?#]+)")
_VERSION_WITH_TIME = 7
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
# Copied lines are written in one go; the first turn of a session takes longer to answer.
_COPYING_TAKES = dt.timedelta(seconds=1)


def _folder(record: Record) -> str | None:
    """Return the name of the folder that was worked in, without the way to it."""
    path = found(record, "turn.cwd") or found(record, "session.cwd")
    if not isinstance(path, str):
        return None
    return PurePath(path.replace("\\", "/")).name or None


def _repository(record: Record) -> str | None:
    """Return whose code it is, such as acme/shop, out of an address."""
    address = found(record, "session.git.repository_url")
    known = _ADDRESS.fullmatch(address) if isinstance(address, str) else None
    return known[1].strip("/").removesuffix(".git")[:255] or None if known else None


def _provider(record: Record) -> str:
    named = found(record, "session.model_provider")
    if isinstance(named, str):
        return provider_named(named)
    return provider_of(str(found(record, "turn.model") or ""))


def _client(record: Record) -> dict[str, Any]:
    return {"client": "codex", "client_version": found(record, "session.cli_version")}


TABLE: Table = {
    "start_time": moment("began"),
    "session_id": text("session.id", "session.session_id"),
    "agent_id": text("session.agent_nickname"),
    "provider": _provider,
    "model": text("turn.model"),
    "input_tokens": count("usage.input_tokens"),
    "cached_input_tokens": count("usage.cached_input_tokens"),
    "cache_write_tokens": count("usage.cache_write_input_tokens"),
    "output_tokens": count("usage.output_tokens"),
    "reasoning_tokens": count("usage.reasoning_output_tokens"),
    "project": _folder,
    "repository": _repository,
    "branch": text("session.git.branch"),
    "metadata": _client,
}


def _records(path: Path) -> Iterator[Found]:
    log = _Log()
    for line in lines_of(path):
        if line.record is None:
            yield Found(None, (), line.raw)
        else:
            yield from log.steps(line.record)


class _Log:
    """What has been read of a log so far."""

    def __init__(self) -> None:
        self._own: Record | None = None
        self._latest: Record = {}
        self._turn: Record = {}
        self._total: dict[str, int] | None = None
        self._written: dt.datetime | None = None
        self._is_copying = False

    def steps(self, record: Record) -> Iterator[Found]:
        """Yield the step that a line of the log ends, if it ends one."""
        payload = found(record, "payload")
        if not isinstance(payload, dict):
            return
        self._follow(record)
        kind = record.get("type")
        if kind == "session_meta":
            self._latest = payload
            if self._own is None:
                self._own = payload
                self._is_copying = _origin(payload) is not None
        elif kind == "turn_context":
            self._turn = payload
        elif payload.get("type") == "token_count":
            yield from self._step(record, payload)

    def _follow(self, record: Record) -> None:
        """Notice when the lines come too late one after the other to be copied."""
        written = _time(record.get("timestamp"))
        if self._written is not None and written is not None:
            self._is_copying &= written - self._written <= _COPYING_TAKES
        self._written = written or self._written

    def _step(self, record: Record, payload: Record) -> Iterator[Found]:
        said = _counts(payload, "total_token_usage")
        if not said:
            return
        total = {name: value for name, value in said.items() if isinstance(value, int)}
        if len(total) < len(said):
            # Refused when it lands.
            yield self._found(record, tuple(map(str, said.values())), said)
            return
        last = {
            name: value
            for name, value in _counts(payload, "last_token_usage").items()
            if isinstance(value, int)
        }
        before = self._before(total, last)
        self._total = _NOTHING | total
        if before == self._total:
            return
        usage = {name: value - before[name] for name, value in total.items()}
        if any(value < last.get(name, 0) for name, value in usage.items()) or (
            min(usage.values()) < 0
        ):
            # The session began to count anew.
            usage = last or total
        if any(usage.values()):
            yield self._found(record, (_written(before), _written(self._total)), usage)

    def _before(self, total: dict[str, int], last: dict[str, int]) -> dict[str, int]:
        """Return the total before a step: of the first one in a log what its own usage leaves."""
        if self._total is not None:
            return self._total
        if not last:
            # What a session of its own has used first, and what a forked one has inherited.
            return _NOTHING | total if _origin(self._own or {}) else _NOTHING
        rest = {name: value - last.get(name, 0) for name, value in (_NOTHING | total).items()}
        return rest if min(rest.values()) >= 0 else _NOTHING

    def _found(self, record: Record, key: tuple[str, ...], usage: dict[str, Any]) -> Found:
        own = self._own or {}
        is_copied, began = False, found(record, "timestamp")
        if _origin(own) is not None:
            turn, session = _start(self._turn.get("turn_id")), _start(own.get("id"))
            is_copied = self._is_copying if turn is None or session is None else turn < session
            if is_copied:
                began = turn or _start(self._latest.get("id")) or began
        return Found(
            "task_execution",
            key,
            {
                "began": began.isoformat() if isinstance(began, dt.datetime) else began,
                "session": self._latest if is_copied else own,
                "turn": self._turn,
                "usage": usage,
            },
        )


def _origin(session: Record) -> Any:
    """Return the session that another one copies, None for one that copies none."""
    return found(session, "forked_from_id") or found(
        session, "source.subagent.thread_spawn.parent_thread_id"
    )


def _counts(payload: Record, name: str) -> dict[str, Any]:
    said = found(payload, f"info.{name}")
    if not isinstance(said, dict):
        return {}
    return {name: whole(said[name]) for name in _COUNTS if said.get(name) is not None}


def _written(total: Mapping[str, int]) -> str:
    return "/".join(str(total[name]) for name in _COUNTS)


def _start(name: Any) -> dt.datetime | None:
    """Return when something began whose id has the time in it."""
    try:
        known = UUID(str(name))
        if known.version != _VERSION_WITH_TIME:
            return None
        return _EPOCH + dt.timedelta(milliseconds=known.int >> 80)
    except (ValueError, OverflowError):
        return None


def _time(written: Any) -> dt.datetime | None:
    try:
        known = dt.datetime.fromisoformat(str(written))
    except ValueError:
        return None
    return known if known.tzinfo else None


SOURCE = Source(
    name="codex",
    title="Codex's session logs",
    reads="files or folders of JSONL, such as ~/.codex/sessions",
    tables={"task_execution": TABLE},
    unknown={
        "end_time": "the log has when usage was written, not how long an answer took",
        "task_type": "nobody says what a turn was for",
        "reported_cost_usd": "the log has no costs; they are computed from the price book",
        "service_tier": "the log does not say in which tier a request was served",
        "user_id": "the log does not say who it was; --user does",
        "provider_request_id": "the log does not keep the ids of answers",
    },
    records=_records,
    is_its=lambda record: record.get("type") == "session_meta" and "payload" in record,
    endings=(".jsonl",),
)
