"""Reads Redis streams, and the jobs of BullMQ, exactly once by the ids of their entries."""

import itertools
import json
import logging
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import redis

from orchestration.database.connection import connect
from orchestration.errors import WarehouseError
from orchestration.landing.positions import position_of
from orchestration.streams.batches import Message, Place

_BEGINNING = "0-0"
_MESSAGES_AT_ONCE = 1_000
_SECONDS_UNTIL_NEXT_TRY = 1.0
_TEXT_FIELDS = (b"event", b"data", b"payload", b"message", b"value")
"""Fields of an entry that may hold the whole event as JSON."""

_REMOVED_JOB = b'{"event":"a job that was removed before it was read"}'

_log = logging.getLogger(__name__)


class RedisReader:
    """Reads streams from where the last landing ended."""

    source = "redis"
    is_ready = True
    generation = 0

    def __init__(self, streams: Sequence[str], queues: Sequence[str]) -> None:
        """Connect.

        Args:
            streams: Names of streams whose entries are events.
            queues: Names of BullMQ's queues whose jobs are events, with the prefix where it is not
                `bull`.

        Raises:
            WarehouseError: The URL is missing or none.
        """
        url = os.environ.get("REDIS_STREAMS_URL") or os.environ.get("REDIS_URL")
        if not url:
            raise WarehouseError("REDIS_STREAMS_URL is not set: redis://host:6379/0.")
        try:
            self._redis = redis.Redis.from_url(url)
        except ValueError as error:
            # Without the URL, which may hold a password.
            raise WarehouseError("REDIS_STREAMS_URL is no URL of a Redis.") from error
        self._queues = {
            f"{name if ':' in name else f'bull:{name}'}:events": name for name in queues
        }
        self._places: dict[str, Place] = dict.fromkeys((*streams, *self._queues))
        self.rewind()

    def read(self, most: int, wait_seconds: float) -> Iterator[Message]:
        """Yield messages, as `Reader.read`; none while Redis is away."""
        try:
            found, states = self._found(min(most, _MESSAGES_AT_ONCE), wait_seconds)
            read = [
                (name, entries, self._texts_of(name, [fields for _, fields in entries]))
                for name, entries in found.items()
            ]
        except (redis.ConnectionError, redis.TimeoutError) as error:
            _log.warning("Redis is away: %s", type(error).__name__)
            time.sleep(_SECONDS_UNTIL_NEXT_TRY)
            return
        except redis.RedisError as error:
            raise WarehouseError(f"Redis: {error}") from error
        for name, entries, texts in read:
            for (entry_id, _), text in zip(entries, texts, strict=True):
                yield Message(name, text, *self._moved(name, entry_id.decode()))
        for name, state in states.items():
            if isinstance(state, dict):
                yield from self._gone(name, state)

    def rewind(self) -> None:
        """Read again, as `Reader.rewind`."""
        self.generation += 1
        with connect(application_name="warehouse consume") as connection:
            for name in self._places:
                self._places[name] = position_of(connection, self.source, name)

    def tell_landed(self) -> None:
        """Do nothing: Redis keeps no position of a reader without a group."""

    def close(self) -> None:
        """Disconnect."""
        self._redis.close()

    def _found(self, most: int, wait_seconds: float) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the entries of each stream, and what Redis knows of each right after that."""
        places: dict[Any, Any] = {
            name: _BEGINNING if place is None else place["id"]
            for name, place in self._places.items()
        }
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.xread(places, count=most, block=max(1, int(wait_seconds * 1000)))
        for name in places:
            pipeline.xinfo_stream(name)
        entries, *states = pipeline.execute(raise_on_error=False)
        if isinstance(entries, redis.RedisError):
            raise entries
        found = {name.decode(): entries_of_one for name, entries_of_one in entries}
        return found, dict(zip(self._places, states, strict=True))

    def _moved(self, name: str, entry_id: str) -> tuple[Place, dict[str, Any]]:
        """Move a place by one entry; return where it was and where it is."""
        before = self._places[name]
        after: dict[str, Any] = {"id": entry_id}
        if before is not None and "entries" in before:
            after["entries"] = before["entries"] + 1
        self._places[name] = after
        return before, after

    def _gone(self, name: str, state: Mapping[str, Any]) -> Iterator[Message]:
        """Yield what left a stream before it was read: what was added to it and is not there.

        Redis counts what is added to a stream, so this is known whenever its end is reached.
        """
        place = self._places[name]
        if place is None or "entries-added" not in state:
            return
        added, known = int(state["entries-added"]), place.get("entries")
        last_entry = state["last-entry"]
        after, gone = place, None
        if _order(state["last-generated-id"].decode()) < _order(place["id"]):
            after = {"id": _BEGINNING, "entries": added - int(state["length"])}
            gone = f"it has no entry {place['id']}, as if made anew; read from its first"
        elif last_entry is None or _order(last_entry[0].decode()) <= _order(place["id"]):
            after = {"id": place["id"], "entries": added}
            if known is not None and added > known:
                gone = (
                    f"{added - known} entries until {place['id']} were gone before they were read"
                )
            elif known is not None and added < known:
                gone = "it was made anew; whether all of it had been read before is not known"
        if after != place:
            self._places[name] = after
            yield Message(name, None, place, after, gone)

    def _texts_of(self, stream: str, entries: list[Mapping[bytes, bytes]]) -> list[bytes | None]:
        """Return the event that each entry holds or leads to."""
        if stream not in self._queues:
            return [_text_of(fields) for fields in entries]
        jobs = self._redis.pipeline(transaction=False)
        added = [fields.get(b"event") == b"added" for fields in entries]
        for fields in itertools.compress(entries, added):
            jobs.hget(stream.removesuffix("events") + fields[b"jobId"].decode(), "data")
        # A job that is gone is one that cannot be counted, and that has to show.
        texts = iter(found or _REMOVED_JOB for found in jobs.execute())
        return [next(texts) if is_added else None for is_added in added]


def _text_of(fields: Mapping[bytes, bytes]) -> bytes:
    """Return the event that an entry holds."""
    for name in _TEXT_FIELDS:
        if fields.get(name, b"").lstrip().startswith(b"{"):
            return fields[name]
    return json.dumps({name.decode(): _value(text) for name, text in fields.items()}).encode()


def _order(entry_id: str) -> tuple[int, ...]:
    """Return what entries of a stream are in order of."""
    return tuple(map(int, entry_id.split("-")))


def _value(text: bytes) -> Any:
    """Return what a field holds: numbers and lists are written as JSON, texts as they are."""
    written = text.decode("utf-8", "replace")
    try:
        return json.loads(written)
    except ValueError:
        return written or None
