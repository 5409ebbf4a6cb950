"""Puts lines into the order in which they arrive, with lateness and repetition."""

import random
from collections.abc import Iterator

SECOND = 1_000_000
"""One second, in the microseconds that all moments here are counted in."""

HOUR = 3600 * SECOND
DAY = 24 * HOUR

LATE_BY_DAYS = 0.005
"""Share of lines that arrive days late."""

LATE_BY_HOURS = 0.02
"""Share of lines that arrive hours late."""

REPEATED = 0.005
"""Share of lines that arrive a second time, byte for byte."""

LONGEST_DELAY = 20 * DAY

HELD_LINES_LIMIT = 100_000
"""Lines held back at once, at most, for being late: beyond it nothing further is late.

It bounds memory (about 1 kB a line) however many executions a day has; ten million over two months
hold about a quarter of it.
"""


class Arrivals:
    """A calendar of lines to come, one bucket for each short stretch of time.

    A heap would do too, but appending to buckets and sorting each once is cheaper.
    """

    __slots__ = ("_bucket_length", "_buckets", "_held", "_now", "_random", "_random_bits")

    def __init__(self, source: random.Random, start: int, bucket_length: int) -> None:
        """Starts an empty calendar.

        Args:
            source: Where delays are drawn from.
            start: The first moment, microseconds since 1970-01-01 UTC.
            bucket_length: Length of a bucket, microseconds.
        """
        self._random = source.random
        self._random_bits = source.getrandbits
        self._bucket_length = bucket_length
        self._buckets: dict[int, list[tuple[int, bytes]]] = {}
        self._held = 0
        self._now = start

    def post(self, written_at: int, line: bytes) -> int:
        """Sends a line on its way and returns when it arrives, in microseconds.

        Args:
            written_at: When the source wrote the event, microseconds since 1970-01-01 UTC.
            line: The encoded event.
        """
        # Between 0.2 and 4.4 seconds on the network.
        arrival = written_at + 200_000 + self._random_bits(22)
        chance = self._random()
        if chance < LATE_BY_DAYS + LATE_BY_HOURS + REPEATED and self._held < HELD_LINES_LIMIT:
            if chance < LATE_BY_DAYS:
                arrival += DAY + int(self._random() * (LONGEST_DELAY - DAY))
            elif chance < LATE_BY_DAYS + LATE_BY_HOURS:
                arrival += HOUR + int(self._random() * 11 * HOUR)
            else:
                self.deliver(arrival + int(self._random() * 2 * HOUR), line)
        self.deliver(arrival, line)
        return arrival

    def deliver(self, arrival: int, line: bytes) -> None:
        """Lets a line arrive at exactly this moment, or now if that is past."""
        arrival = max(arrival, self._now)
        self._held += 1
        bucket = arrival // self._bucket_length
        lines = self._buckets.get(bucket)
        if lines is None:
            self._buckets[bucket] = [(arrival, line)]
        else:
            lines.append((arrival, line))

    def due(self, until: int) -> Iterator[bytes]:
        """Yields the lines of the bucket that ends at `until` and moves the present there.

        Args:
            until: A multiple of the bucket length, microseconds; nothing posted later is earlier.
        """
        self._now = until
        lines = self._buckets.pop(until // self._bucket_length - 1, None)
        if lines is not None:
            yield from self._in_order(lines)

    def rest(self) -> Iterator[bytes]:
        """Yields everything that is still on its way."""
        for bucket in sorted(self._buckets):
            yield from self._in_order(self._buckets.pop(bucket))

    def _in_order(self, lines: list[tuple[int, bytes]]) -> Iterator[bytes]:
        # Two lines that arrive in the same microsecond are ordered by their bytes: stable as well.
        lines.sort()
        self._held -= len(lines)
        for _, line in lines:
            yield line
