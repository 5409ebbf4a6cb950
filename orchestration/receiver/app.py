"""The receiver's application: `/v1/traces`, `/v1/logs`, `/v1/metrics` and `/api/v1/events`.

What it answers is what OTLP/HTTP says (https://opentelemetry.io/docs/specs/otlp/): 200 once
everything is committed, 429 or 503 with `Retry-After` where the same should come again later.
"""

import asyncio
import json
import zlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from decimal import Decimal
from http import HTTPStatus
from typing import Any, NamedTuple
from uuid import UUID

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from orchestration.landing.contracts import Checked, Contract, ContractError
from orchestration.landing.records import MAXIMUM_LINE_BYTES, TOO_LONG
from orchestration.receiver.writer import TooMuchWaitsError, Writer
from orchestration.serving.api.requests import is_of_this_machine
from orchestration.serving.principal import Keys, TokenError
from orchestration.sources import platform
from orchestration.sources.otlp import agents, spans
from orchestration.sources.otlp.source import SOURCE as OTEL
from orchestration.sources.otlp.telemetry import (
    TelemetryError,
    logs_of_json,
    logs_of_protobuf,
    spans_of_json,
    spans_of_protobuf,
)
from orchestration.sources.source import Found, Owner, Source, event_of, line_of

LARGEST_BODY_BYTES = 64 * 1024 * 1024
"""The largest request, uncompressed."""

_PROTOBUF = "application/x-protobuf"
_JSON = "application/json"
_RETRY_AFTER_SECONDS = "1"
_SHOWN_REJECTIONS = 20
# One interpreter reads no faster with more, and keeps who waits for an answer waiting; with one,
# a large request would hold up all others.
_READERS = 2
_METRICS = "Metrics are not counted: spans and events have the same usage, call by call."


class RefusedError(Exception):
    """A request that is refused.

    Attributes:
        status: The HTTP status.
        message: What is wrong with it, without anything that it says.
    """

    def __init__(self, status: HTTPStatus, message: str) -> None:
        """Take the status and the message."""
        super().__init__(message)
        self.status = status
        self.message = message


class Taken(NamedTuple):
    """What became of a request.

    Attributes:
        accepted: How many events were committed.
        rejections: Which were not, counted from 1, with the rule that each broke.
    """

    accepted: int
    rejections: list[tuple[int, str]]


def create_app(keys: Keys, local_owner: Owner | None = None) -> Starlette:
    """Make the application.

    Args:
        keys: What tokens are verified with.
        local_owner: Whose it is what comes from this machine without a token; None: it is refused.

    Returns:
        The application.
    """
    receiver = _Receiver(keys, local_owner)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        receiver.writer.start()
        yield
        await asyncio.to_thread(receiver.writer.end)

    def route(path: str, answer: Callable[[Request], Any]) -> Route:
        async def endpoint(request: Request) -> Response:
            try:
                answered: Response = await answer(request)
            except RefusedError as error:
                return _refusal(request, error)
            return answered

        return Route(path, endpoint, methods=["POST"])

    return Starlette(
        routes=[
            route("/v1/traces", receiver.traces),
            route("/v1/logs", receiver.logs),
            route("/v1/metrics", receiver.metrics),
            route("/api/v1/events", receiver.events),
        ],
        lifespan=lifespan,
    )


class _Receiver:
    """What all requests share."""

    def __init__(self, keys: Keys, local_owner: Owner | None) -> None:
        self.writer = Writer()
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="reader")
        self._keys = keys
        self._local_owner = local_owner
        self._introduced: set[UUID] = set()

    async def traces(self, request: Request) -> Response:
        """Take spans."""
        return await self._export(
            request, spans_of_protobuf, spans_of_json, spans.found_in, ExportTraceServiceResponse()
        )

    async def logs(self, request: Request) -> Response:
        """Take log records, of which those that are events of known agents count."""
        return await self._export(
            request, logs_of_protobuf, logs_of_json, agents.found_in, ExportLogsServiceResponse()
        )

    async def metrics(self, request: Request) -> Response:
        """Say that metrics are not counted."""
        self._owner_of(request)
        is_json = _is_json(request)
        response = ExportMetricsServiceResponse()
        response.partial_success.error_message = _METRICS
        return _exported(response, "rejectedDataPoints", 0, _METRICS, is_json=is_json)

    async def events(self, request: Request) -> Response:
        """Take events of the contract, or a platform's own, one or several."""
        owner = self._owner_of(request)
        body = await _body_of(request)
        taken = await self._land(lambda: _event_lines(body, owner.organization_id), set())
        answer = {
            "accepted": taken.accepted,
            "rejected": len(taken.rejections),
            "rejections": [
                {"event": number, "reason": reason}
                for number, reason in taken.rejections[:_SHOWN_REJECTIONS]
            ],
        }
        is_refused = taken.rejections and not taken.accepted
        return JSONResponse(
            answer, HTTPStatus.UNPROCESSABLE_ENTITY if is_refused else HTTPStatus.OK
        )

    async def _export(
        self,
        request: Request,
        of_protobuf: Callable[[bytes], Iterable[Any]],
        of_json: Callable[[Any], Iterable[Any]],
        found_in: Callable[[Iterable[Any]], Iterator[Found]],
        response: Any,
    ) -> Response:
        """Answer a request of OTLP."""
        owner = self._owner_of(request).afresh(self._introduced)
        is_json = _is_json(request)
        body = await _body_of(request)

        def lines() -> Iterator[bytes]:
            try:
                records = of_json(_json_of(body)) if is_json else of_protobuf(body)
                yield from _lines_of(OTEL, found_in(records), owner)
            except TelemetryError as error:
                raise RefusedError(HTTPStatus.BAD_REQUEST, str(error)) from error

        taken = await self._land(lines, owner.introduced)
        message = ""
        if taken.rejections:
            number, reason = taken.rejections[0]
            message = f"{len(taken.rejections)} rejected; the first one ({number}): {reason}"
        field = response.partial_success.DESCRIPTOR.fields[0]
        if message:
            setattr(response.partial_success, field.name, len(taken.rejections))
            response.partial_success.error_message = message
        return _exported(response, field.json_name, len(taken.rejections), message, is_json=is_json)

    async def _land(self, lines: Callable[[], Iterable[bytes]], introduced: set[UUID]) -> Taken:
        """Land the events that a function makes, and return once they are committed."""
        # Beside the loop, which has other requests to answer.
        given, known, rejections = await asyncio.get_running_loop().run_in_executor(
            self._readers, lambda: _checked(lines())
        )
        if given:
            try:
                await asyncio.wrap_future(self.writer.submit(b"".join(given), known))
            except TooMuchWaitsError:
                raise RefusedError(
                    HTTPStatus.TOO_MANY_REQUESTS, "Too much waits to be written. Try again."
                ) from None
            except Exception as error:
                # Whatever it was is in the log: who sends has to keep these events and come again.
                raise RefusedError(
                    HTTPStatus.SERVICE_UNAVAILABLE, "The warehouse cannot take it now. Try again."
                ) from error
            self._introduced |= introduced
        return Taken(len(given) - len(rejections), rejections)

    def _owner_of(self, request: Request) -> Owner:
        """Return whose the events of a request are."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if not token and self._local_owner is not None and is_of_this_machine(request):
            return self._local_owner
        try:
            return Owner(
                self._keys.sender_of(token.strip() if scheme.lower() == "bearer" else None)
            )
        except TokenError as error:
            raise RefusedError(HTTPStatus.UNAUTHORIZED, str(error)) from None


def _checked(
    lines: Iterable[bytes],
) -> tuple[list[bytes], dict[bytes, Checked], list[tuple[int, str]]]:
    """Return lines, what those that meet the contract say, and which will be rejected, and why."""
    contract = Contract.at()
    given = list(lines)
    known = {}
    rejections = []
    for number, line in enumerate(given, start=1):
        said = line.removesuffix(b"\n")
        if len(said) > MAXIMUM_LINE_BYTES:
            rejections.append((number, TOO_LONG))
            continue
        try:
            known[said] = contract.read(said)
        except ContractError as error:
            rejections.append((number, str(error)))
    return given, known, rejections


def _lines_of(source: Source, found: Iterable[Found], owner: Owner) -> Iterator[bytes]:
    for each in found:
        event, user = event_of(source, each, owner)
        for introduction in owner.introductions(user):
            yield line_of(introduction)
        yield line_of(event)


def _event_lines(body: bytes, organization_id: UUID) -> list[bytes]:
    """Return the events of a body, which has to hold those of one organization alone."""
    try:
        document = json.loads(body, parse_float=Decimal)
        events = document if isinstance(document, list) else [document]
    except (ValueError, RecursionError):
        try:
            lines = [line for line in body.splitlines() if line.strip()]
            events = [json.loads(line, parse_float=Decimal) for line in lines]
        except (ValueError, RecursionError):
            raise RefusedError(
                HTTPStatus.BAD_REQUEST, "The body is neither JSON nor one object of JSON a line."
            ) from None
    owner = Owner(organization_id)
    found: list[bytes] = []
    for number, event in enumerate(events, start=1):
        if not isinstance(event, dict):
            raise RefusedError(HTTPStatus.BAD_REQUEST, f"Event {number} is no object.")
        is_platform = platform.SOURCE.is_its(event)
        whose = event.get(
            "tenant_id" if is_platform else "id" if event.get("event") == "organization"
            else "organization_id"
        )  # fmt: skip
        if str(whose).lower() != str(organization_id):
            raise RefusedError(
                HTTPStatus.FORBIDDEN, f"Event {number} is not of the token's organization."
            )
        if is_platform:
            found.extend(_lines_of(platform.SOURCE, platform.found_in(event), owner))
        else:
            found.append(line_of(event))
    return found


def _is_json(request: Request) -> bool:
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind not in (_JSON, _PROTOBUF):
        raise RefusedError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"Content-Type has to be {_PROTOBUF} or {_JSON}."
        )
    return kind == _JSON


async def _body_of(request: Request) -> bytes:
    """Return the body, uncompressed, unless it is too large."""
    too_large = RefusedError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body has more than 64 MiB. Send smaller batches."
    )
    chunks = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > LARGEST_BODY_BYTES:
            raise too_large
        chunks.append(chunk)
    body = b"".join(chunks)
    encoding = request.headers.get("Content-Encoding", "identity").lower()
    if encoding == "identity":
        return body
    if encoding != "gzip":
        raise RefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Content-Encoding has to be gzip.")
    unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        unpacked = unpacking.decompress(body, LARGEST_BODY_BYTES)
    except zlib.error:
        raise RefusedError(HTTPStatus.BAD_REQUEST, "The body is damaged gzip.") from None
    if unpacking.unconsumed_tail:
        raise too_large
    if not unpacking.eof:
        raise RefusedError(HTTPStatus.BAD_REQUEST, "The body is incomplete gzip.")
    return unpacked


def _json_of(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise RefusedError(HTTPStatus.BAD_REQUEST, "The body is no JSON.") from None


def _exported(
    response: Any, rejected_field: str, rejected: int, message: str, *, is_json: bool
) -> Response:
    """Return the answer to an export, in the form of the request."""
    if not is_json:
        return Response(response.SerializeToString(), media_type=_PROTOBUF)
    partial = {rejected_field: str(rejected), "errorMessage": message}
    return JSONResponse({"partialSuccess": partial} if message else {})


def _refusal(request: Request, error: RefusedError) -> Response:
    """Return the answer to a request that is refused: google.rpc.Status, as OTLP wants it."""
    headers = {}
    if error.status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        headers["Retry-After"] = _RETRY_AFTER_SECONDS
    if error.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    if request.headers.get("Content-Type", "").startswith(_PROTOBUF):
        message = error.message.encode()
        # Its second field is the message; all of ours are shorter than a length of one byte says.
        status = b"\x12" + bytes([min(len(message), 127)]) + message[:127]
        return Response(status, error.status, headers, _PROTOBUF)
    return JSONResponse({"message": error.message}, error.status, headers)
