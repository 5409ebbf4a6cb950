"""Many clients of the application at once, which take little of the processor themselves.

They speak as much of HTTP/1.1 as is needed: connections that stay open, and bodies of known length
or in chunks.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from benchmarks.shared.measures import percentile

_ERROR_STATUS = 400


@dataclass(frozen=True)
class Request:
    """What is asked for.

    Attributes:
        path: With its query.
        token: By whom.
        body: JSON that is posted; None to get.
        accepts: What the client reads.
    """

    path: str
    token: str
    body: str | None = None
    accepts: str = "application/json"

    def encoded(self) -> bytes:
        """Return the bytes that are sent."""
        body = (self.body or "").encode()
        lines = [
            f"{'GET' if self.body is None else 'POST'} {self.path} HTTP/1.1",
            "Host: localhost",
            f"Authorization: Bearer {self.token}",
            f"Accept: {self.accepts}",
            "Accept-Encoding: gzip",
            *([] if self.body is None else ["Content-Type: application/json"]),
            f"Content-Length: {len(body)}",
            "",
            "",
        ]
        return "\r\n".join(lines).encode() + body


@dataclass(frozen=True)
class Response:
    """What was answered.

    Attributes:
        status: The HTTP status; 0 where the connection broke.
        body: Its body, as it was sent.
        is_compressed: Whether that is by gzip.
        seconds: From the first byte sent to the last received.
    """

    status: int
    body: bytes
    is_compressed: bool
    seconds: float


@dataclass
class Answers:
    """What many requests got.

    Attributes:
        seconds: Each one's time, in seconds.
        errors: How many were not answered with success.
        duration: How long all of them took together, in seconds.
    """

    seconds: list[float] = field(default_factory=list)
    errors: int = 0
    duration: float = 0.0

    def add(self, response: Response) -> None:
        """Count one."""
        self.seconds.append(response.seconds)
        self.errors += not 0 < response.status < _ERROR_STATUS

    @property
    def p95_ms(self) -> float:
        """The time within which 95 of 100 were answered, in milliseconds."""
        return percentile(self.seconds, 95) * 1000

    @property
    def per_second(self) -> float:
        """How many were answered in a second."""
        return len(self.seconds) / self.duration


class Connection:
    """A connection that stays open."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take both ends of it."""
        self._reader = reader
        self._writer = writer

    async def ask(self, request: Request) -> Response:
        """Send a request and wait for the whole answer."""
        started = time.perf_counter()
        self._writer.write(request.encoded())
        status, headers = await self.head()
        if "content-length" in headers:
            body = await self._reader.readexactly(int(headers["content-length"]))
        else:
            body = b"".join([chunk async for chunk in self.chunks()])
        is_compressed = "content-encoding" in headers
        return Response(status, body, is_compressed, time.perf_counter() - started)

    async def head(self) -> tuple[int, dict[str, str]]:
        """Return the status and the headers of what comes next."""
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = (line.partition(": ") for line in head[1:] if line)
        return int(head[0].split()[1]), {name.lower(): value for name, _, value in headers}

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the parts of a body of unknown length as they come."""
        while size := int(await self._reader.readuntil(b"\r\n"), 16):
            yield (await self._reader.readexactly(size + 2))[:-2]
        await self._reader.readexactly(2)

    def send(self, request: Request) -> None:
        """Send a request, whose answer is read by other methods."""
        self._writer.write(request.encoded())


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Connection]:
    """Yield a connection to this machine.

    Args:
        port: Where the application listens.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Connection(reader, writer)
    finally:
        writer.close()


async def ask_together(
    port: int,
    clients: int,
    seconds: float,
    draw: Callable[[], Request | None],
    *,
    pause: float = 0.0,
    look: Callable[[Request, Response], None] | None = None,
) -> Answers:
    """Let many clients ask at once, each one request after the other.

    Args:
        port: Where the application listens.
        clients: How many.
        seconds: For how long.
        draw: Returns what is asked next, None when a client has asked enough.
        pause: Seconds from the beginning of a client's request to that of its next one; 0 for as
            soon as it is answered.
        look: Sees every answer.

    Returns:
        What they got.
    """
    answers = Answers()
    started = time.perf_counter()

    async def ask(number: int) -> None:
        await asyncio.sleep(pause * number / clients)
        is_broken = True
        while is_broken:
            async with connected(port) as connection:
                is_broken = await ask_over(connection)

    async def ask_over(connection: Connection) -> bool:
        """Return whether the connection broke before the client had asked enough."""
        while (begun := time.perf_counter()) < started + seconds:
            if (request := draw()) is None:
                return False
            try:
                response = await connection.ask(request)
            except (asyncio.IncompleteReadError, ConnectionError):
                response = Response(0, b"", False, time.perf_counter() - begun)
            answers.add(response)
            if look:
                look(request, response)
            if response.status == 0:
                return True
            await asyncio.sleep(max(0.0, begun + pause - time.perf_counter()))
        return False

    await asyncio.gather(*(ask(number) for number in range(clients)))
    answers.duration = time.perf_counter() - started
    return answers
