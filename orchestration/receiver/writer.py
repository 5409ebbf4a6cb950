"""Lands what requests hold, many in one transaction, and tells each when it is committed."""

import io
import logging
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future

from orchestration.errors import WarehouseError
from orchestration.landing.contracts import Checked
from orchestration.landing.loader import Stream, land_streams

MOST_WAITING_BYTES = 64 * 1024 * 1024
"""What may wait for the database; more is refused, so that memory stays bounded."""

_MOST_BYTES_AT_ONCE = 8 * 1024 * 1024
_LOAD = "received"

_log = logging.getLogger(__name__)


class TooMuchWaitsError(Exception):
    """More waits than may; whoever sends has to try again later."""


class Writer:
    """A thread that lands whatever waits.

    One transaction takes everything that came while the one before was written, so that a commit
    costs many requests no more than one.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self._waiting: deque[tuple[bytes, Mapping[bytes, Checked], Future[None]]] = deque()
        self._waiting_bytes = 0
        self._change = threading.Condition()
        self._is_ending = False
        self._at_hand: list[Future[None]] = []
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to land."""
        self._is_ending = False
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Land what waits, and end."""
        with self._change:
            self._is_ending = True
            self._change.notify()
        if self._thread is not None:
            self._thread.join()

    def submit(self, lines: bytes, known: Mapping[bytes, Checked]) -> "Future[None]":
        """Have events landed.

        Args:
            lines: Their lines.
            known: Those of them that met the contract, as `Stream` has it.

        Returns:
            What is done once they are committed, and fails with `WarehouseError` when they are not.

        Raises:
            TooMuchWaitsError: Others have to be landed first.
        """
        done: Future[None] = Future()
        with self._change:
            if self._waiting_bytes + len(lines) > MOST_WAITING_BYTES or self._is_ending:
                raise TooMuchWaitsError
            # It takes three times the memory of the lines: where much waits, they are read again.
            is_much = self._waiting_bytes > _MOST_BYTES_AT_ONCE
            self._waiting.append((lines, {} if is_much else known, done))
            self._waiting_bytes += len(lines)
            self._change.notify()
        return done

    def _run(self) -> None:
        while not (self._is_ending and not self._waiting):
            try:
                for _ in land_streams(self._batches()):
                    self._tell(None)
            except WarehouseError as error:
                _log.warning("Events were not landed: %s", error.message)
                self._tell(error)
            except Exception as error:  # noqa: BLE001
                # The thread must live on; who sent these events is told to try again.
                _log.exception("Events were not landed")
                self._tell(error)

    def _batches(self) -> Iterator[Stream]:
        while True:
            with self._change:
                while not self._waiting and not self._is_ending:
                    self._change.wait()
                if not self._waiting:
                    return
                batch = []
                known_of_batch: dict[bytes, Checked] = {}
                size = 0
                while self._waiting and size < _MOST_BYTES_AT_ONCE:
                    lines, known, done = self._waiting.popleft()
                    batch.append(lines)
                    known_of_batch |= known
                    size += len(lines)
                    self._at_hand.append(done)
                self._waiting_bytes -= size
            yield Stream(_LOAD, io.BytesIO(b"".join(batch)), known=known_of_batch)

    def _tell(self, error: BaseException | None) -> None:
        told, self._at_hand = self._at_hand, []
        for done in told:
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)
