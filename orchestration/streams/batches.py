"""What messages become, and when enough of them are one load."""

import json
import logging
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from orchestration.errors import WarehouseError
from orchestration.landing.loader import LandedFile, Stream, is_outage, land_streams
from orchestration.landing.positions import Position, PositionMovedError
from orchestration.sources import platform
from orchestration.sources.reading import object_of
from orchestration.sources.source import Owner, event_of, line_of

_POLL_SECONDS = 0.2
_SECONDS_UNTIL_NEXT_TRY = 1.0

_log = logging.getLogger(__name__)

Place = Mapping[str, Any] | None
"""Where a part is read on, in the terms of its stream; None at its beginning."""


class Message(NamedTuple):
    """One message of a stream.

    Attributes:
        part: What it was read from, such as a partition.
        text: What it says; None for one that says nothing.
        before: Where its part was read from to get it.
        after: Where its part is read on after it.
        gone: What had left the stream before it could be read, in words; None for a message that
            was there.
    """

    part: str
    text: bytes | None
    before: Place
    after: Mapping[str, Any]
    gone: str | None = None


@dataclass(frozen=True)
class Limits:
    """When a batch lands, and when reading ends.

    Attributes:
        messages: After how many messages.
        seconds: How long after its first message.
        idle_seconds: After how long without a message reading ends; None: it does not.
    """

    messages: int = 5_000
    seconds: float = 1.0
    idle_seconds: float | None = None


class Reader(Protocol):
    """What reads a stream.

    Attributes:
        source: The kind of stream.
        generation: Another one whenever what was read and has not landed is read again, by this
            reader or another one.
    """

    source: str
    generation: int

    @property
    def is_ready(self) -> bool:
        """Whether it knows what it is to read."""

    def read(self, most: int, wait_seconds: float) -> Iterable[Message]:
        """Return the messages that are there, some of them at most, after a wait for the first.

        Raises:
            WarehouseError: The stream cannot be read.
        """

    def rewind(self) -> None:
        """Read all parts again from where the last landing ended."""

    def tell_landed(self) -> None:
        """Hear that all messages that were read have landed."""


class _Batch:
    """Messages that become one load."""

    def __init__(self) -> None:
        self.began_at = 0.0
        self.messages = 0
        self._lines: list[bytes] = []
        self._gone: list[str] = []
        self._before: dict[str, Place] = {}
        self._after: dict[str, Mapping[str, Any]] = {}

    def add(self, message: Message) -> None:
        self._before.setdefault(message.part, message.before)
        self._after[message.part] = message.after
        lines = []
        if message.gone:
            told = f"{message.part}: {message.gone}"
            self._gone.append(told)
            # What is gone cannot be counted, and that has to show: landing rejects this line.
            lines = [json.dumps({"event": "gone", "what": told}).encode() + b"\n"]
        elif message.text:
            lines = lines_of(message.text)
        # One that says nothing moves its part with the next that says something.
        if lines:
            if not self.messages:
                self.began_at = time.monotonic()
            self.messages += 1
            self._lines.extend(lines)

    def seconds_left(self, limits: Limits) -> float:
        if not self.messages:
            return limits.seconds
        return max(0.0, self.began_at + limits.seconds - time.monotonic())

    def is_full(self, limits: Limits) -> bool:
        return self.messages >= limits.messages or (
            self.messages > 0 and self.seconds_left(limits) == 0
        )

    def stream(self, source: str) -> Stream:
        """Return it as a load that moves the positions of its parts."""
        positions = tuple(
            Position(source, part, after, is_shared=True, moved_from=self._before[part])
            for part, after in self._after.items()
        )
        name = "; ".join((source, *self._gone))
        return Stream(name, BytesIO(b"".join(self._lines)), positions)


def consume(reader: Reader, limits: Limits, ending: threading.Event) -> Iterator[LandedFile]:
    """Land what a stream says, until it is to end.

    Args:
        reader: What reads the stream.
        limits: When a batch lands.
        ending: Set when reading is to end; what was read and has not landed is read again then.

    Yields:
        What became of each batch, once it is committed with its positions.

    Raises:
        WarehouseError: The stream cannot be read, or the database refuses. One that is away is
            waited for.
    """
    has_to_rewind = False
    while not ending.is_set():
        try:
            if has_to_rewind:
                reader.rewind()
                has_to_rewind = False
            for landed in land_streams(_batches(reader, limits, ending)):
                reader.tell_landed()
                yield landed
        except PositionMovedError:
            # A part went to another reader, and came back: on from where that one was.
            has_to_rewind = True
        except WarehouseError as error:
            if not is_outage(error.__cause__):
                raise
            _log.warning("Not landed, and read again: %s", error.message)
            has_to_rewind = True
            ending.wait(_SECONDS_UNTIL_NEXT_TRY)


def _batches(reader: Reader, limits: Limits, ending: threading.Event) -> Iterator[Stream]:
    batch = _Batch()
    generation = reader.generation
    heard_at = time.monotonic()
    while not ending.is_set():
        room = limits.messages - batch.messages
        wait = min(_POLL_SECONDS, batch.seconds_left(limits))
        messages = list(reader.read(room, wait))
        if generation != reader.generation:
            generation, batch = reader.generation, _Batch()
        for message in messages:
            if message.gone:
                _log.warning("%s, %s: %s", reader.source, message.part, message.gone)
            batch.add(message)
            heard_at = time.monotonic()
        if not reader.is_ready:
            heard_at = time.monotonic()
        is_idle = (
            limits.idle_seconds is not None and time.monotonic() - heard_at >= limits.idle_seconds
        )
        if batch.is_full(limits) or (is_idle and batch.messages):
            full, batch = batch, _Batch()
            yield full.stream(reader.source)
        elif is_idle:
            ending.set()


def lines_of(text: bytes) -> list[bytes]:
    """Return the events of a message as lines.

    Args:
        text: An event of the contract or of a platform, as JSON.

    Returns:
        Lines with their line ending. What is no event is passed on: landing rejects it.
    """
    # Reading each twice would take as long as all the rest.
    record = object_of(text) if b'"tenant_id"' in text else None
    if record is not None and platform.SOURCE.is_its(record):
        try:
            owner = Owner(UUID(str(record["tenant_id"])))
        except ValueError:
            pass  # Landing says what is wrong with it.
        else:
            return [
                line_of(event_of(platform.SOURCE, found, owner)[0])
                for found in platform.found_in(record)
            ]
    # JSON has line breaks only between its parts.
    return [text.replace(b"\r", b" ").replace(b"\n", b" ") + b"\n"]
