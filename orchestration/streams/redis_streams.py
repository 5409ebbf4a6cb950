"""Reads Redis streams, and the jobs of BullMQ, exactly once by the ids of their entries."""

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
from orchestration.streams.batches import Message

_BEGINNING = "0-0"
_MESSAGES_AT_ONCE = 1_000
_SECONDS_UNTIL_NEXT_TRY = 1.0
_TEXT_FIELDS = (b"event", b"data", b"payload", b"message", b"value")
"""Fields of an entry that may hold the whole event as JSON."""

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
        self._ids = dict.fromkeys((*streams, *self._queues), "")
        self.rewind()

    def read(self, most: int, wait_seconds: float) -> Iterator[Message]:
        """Yield messages, as `Reader.read`; none while Redis is away."""
        places: dict[Any, Any] = {name: place or _BEGINNING for name, place in self._ids.items()}
        block = max(1, int(wait_seconds * 1000))
        try:
            found: Any = self._redis.xread(places, count=min(most, _MESSAGES_AT_ONCE), block=block)
            read = [
                (name.decode(), entry_id.decode(), self._text_of(name.decode(), fields))
                for name, entries in found
                for entry_id, fields in entries
            ]
        except (redis.ConnectionError, redis.TimeoutError) as error:
            _log.warning("Redis is away: %s", type(error).__name__)
            time.sleep(_SECONDS_UNTIL_NEXT_TRY)
            return
        except redis.RedisError as error:
            raise WarehouseError(f"Redis: {error}") from error
        for name, entry_id, text in read:
            before = {"id": self._ids[name]} if self._ids[name] else None
            self._ids[name] = entry_id
            yield Message(name, text, before, {"id": entry_id})

    def rewind(self) -> None:
        """Read again, as `Reader.rewind`."""
        self.generation += 1
        with connect(application_name="warehouse consume") as connection:
            for name in self._ids:
                known = position_of(connection, self.source, name)
                self._ids[name] = "" if known is None else str(known["id"])

    def tell_landed(self) -> None:
        """Do nothing: Redis keeps no position of a reader without a group."""

    def close(self) -> None:
        """Disconnect."""
        self._redis.close()

    def _text_of(self, stream: str, fields: Mapping[bytes, bytes]) -> bytes | None:
        """Return the event that an entry holds or leads to."""
        if stream in self._queues:
            if fields.get(b"event") != b"added":
                return None
            job = stream.removesuffix("events") + fields[b"jobId"].decode()
            data: Any = self._redis.hget(job, "data")
            # A job that is gone is one that cannot be counted, and that has to show.
            return data or b'{"event":"a job that was removed before it was read"}'
        for name in _TEXT_FIELDS:
            if fields.get(name, b"").lstrip().startswith(b"{"):
                return fields[name]
        return json.dumps({name.decode(): _value(text) for name, text in fields.items()}).encode()


def _value(text: bytes) -> Any:
    """Return what a field holds: numbers and lists are written as JSON, texts as they are."""
    written = text.decode("utf-8", "replace")
    try:
        return json.loads(written)
    except ValueError:
        return written or None
