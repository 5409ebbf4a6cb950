"""Reads what OTLP carries, as protobuf or as JSON, into records of one shape.

A record has its attributes and below them those of its resource, and beside them what is no
attribute: `trace:id` and `span:id` in hexadecimal, `span:start`, `span:end` and `span:status`, or
for a log record `event.name` and `log:time`.
"""

import base64
import binascii
import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from orchestration.sources.mapping import Record

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_NANOSECONDS_PER_MICROSECOND = 1_000
_LATEST_NANOSECONDS = 9_999_999_999_999_999_999
_ERROR = 2
_DEEPEST = 8


class TelemetryError(ValueError):
    """What came is no message of the protocol; the message names nothing that it says."""


def spans_of_protobuf(body: bytes) -> Iterator[Record]:
    """Yield the spans of a request.

    Args:
        body: An `ExportTraceServiceRequest`.

    Yields:
        Records.

    Raises:
        TelemetryError: It is none.
    """
    request = ExportTraceServiceRequest()
    _parse(request, body)
    for resource in request.resource_spans:
        below = _attributes(resource.resource.attributes)
        for scoped in resource.scope_spans:
            for span in scoped.spans:
                yield {
                    **below,
                    **_attributes(span.attributes),
                    "trace:id": span.trace_id.hex(),
                    "span:id": span.span_id.hex(),
                    "span:start": _after_epoch(span.start_time_unix_nano),
                    "span:end": _after_epoch(span.end_time_unix_nano),
                    "span:status": "failed" if span.status.code == _ERROR else "completed",
                }


def logs_of_protobuf(body: bytes) -> Iterator[Record]:
    """Yield the log records of a request.

    Args:
        body: An `ExportLogsServiceRequest`.

    Yields:
        Records; their name is that of the event.

    Raises:
        TelemetryError: It is none.
    """
    request = ExportLogsServiceRequest()
    _parse(request, body)
    for resource in request.resource_logs:
        below = _attributes(resource.resource.attributes)
        for scoped in resource.scope_logs:
            for log in scoped.log_records:
                own = _attributes(log.attributes)
                yield {
                    **below,
                    **own,
                    "event.name": log.event_name or own.get("event.name") or log.body.string_value,
                    "log:time": _after_epoch(log.time_unix_nano or log.observed_time_unix_nano),
                }


def spans_of_json(document: Any) -> Iterator[Record]:
    """Yield the spans of a request in JSON.

    Args:
        document: As JSON was read.

    Yields:
        Records.

    Raises:
        TelemetryError: It has another shape.
    """
    for below, span in _items(document, "resourceSpans", "scopeSpans", "spans"):
        yield {
            **below,
            **_attributes_of_json(span.get("attributes")),
            "trace:id": _hexadecimal(span.get("traceId")),
            "span:id": _hexadecimal(span.get("spanId")),
            "span:start": _moment(span.get("startTimeUnixNano")),
            "span:end": _moment(span.get("endTimeUnixNano")),
            "span:status": (
                "failed"
                if _object(span.get("status")).get("code") in (_ERROR, "STATUS_CODE_ERROR")
                else "completed"
            ),
        }


def logs_of_json(document: Any) -> Iterator[Record]:
    """Yield the log records of a request in JSON.

    Args:
        document: As JSON was read.

    Yields:
        Records; their name is that of the event.

    Raises:
        TelemetryError: It has another shape.
    """
    for below, log in _items(document, "resourceLogs", "scopeLogs", "logRecords"):
        own = _attributes_of_json(log.get("attributes"))
        body = _object(log.get("body")).get("stringValue")
        yield {
            **below,
            **own,
            "event.name": log.get("eventName") or own.get("event.name") or body,
            "log:time": _moment(log.get("timeUnixNano") or log.get("observedTimeUnixNano")),
        }


def _parse(request: Any, body: bytes) -> None:
    try:
        request.ParseFromString(body)
    except DecodeError as error:
        raise TelemetryError("The body is no message of OTLP in protobuf.") from error


def _attributes(pairs: Iterable[KeyValue]) -> dict[str, Any]:
    # Nearly all are texts and numbers; what is not set is empty, whatever else is.
    return {
        pair.key: (value := pair.value).string_value or value.int_value or _value(value)
        for pair in pairs
    }


def _value(value: AnyValue, depth: int = 0) -> Any:
    kind = value.WhichOneof("value")
    if kind is None or depth > _DEEPEST:
        return None
    if kind == "array_value":
        return [_value(item, depth + 1) for item in value.array_value.values]
    if kind == "kvlist_value":
        return {pair.key: _value(pair.value, depth + 1) for pair in value.kvlist_value.values}
    return getattr(value, kind)


def _attributes_of_json(pairs: Any) -> dict[str, Any]:
    return {
        str(pair.get("key")): _value_of_json(pair.get("value"))
        for pair in _objects(pairs)
    }  # fmt: skip


def _value_of_json(value: Any, depth: int = 0) -> Any:
    """Return a value, which JSON writes as an object with the name of its type."""
    if not isinstance(value, Mapping) or depth > _DEEPEST:
        return None
    for kind, inner in value.items():
        if kind == "intValue":
            written = str(inner)
            return int(written) if written.removeprefix("-").isdecimal() else inner
        if kind == "arrayValue":
            values = _object(inner).get("values")
            return [_value_of_json(item, depth + 1) for item in _objects(values)]
        if kind == "kvlistValue":
            return _attributes_of_json(_object(inner).get("values"))
        return inner
    return None


def _items(
    document: Any, resources: str, scopes: str, items: str
) -> Iterator[tuple[dict[str, Any], Mapping[str, Any]]]:
    """Yield what a request holds, each with the attributes of its resource."""
    if not isinstance(document, Mapping) or not isinstance(document.get(resources), list):
        raise TelemetryError(f"The body has no list {resources}.")
    for resource in _objects(document[resources]):
        below = _attributes_of_json(_object(resource.get("resource")).get("attributes"))
        for scoped in _objects(resource.get(scopes)):
            for item in _objects(scoped.get(items)):
                yield below, item


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    if not isinstance(value, list | None):
        raise TelemetryError("A list of the protocol is something else.")
    for item in value or ():
        yield _object(item)


def _object(value: Any) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise TelemetryError("An object of the protocol is something else.")
    return value


def _hexadecimal(value: Any) -> str:
    """Return an id as OTLP writes it in JSON; some write bytes as JSON usually does, in base 64."""
    written = str(value or "")
    try:
        bytes.fromhex(written)
    except ValueError:
        try:
            return base64.b64decode(written, validate=True).hex()
        except (binascii.Error, ValueError):
            return written
    return written.lower()


def _moment(nanoseconds: Any) -> dt.datetime | None:
    """Return a time that JSON gives in nanoseconds; None for 0 and for what is no number."""
    written = str(nanoseconds or "")
    if not written.isdecimal() or len(written) > len(str(_LATEST_NANOSECONDS)):
        return None
    return _after_epoch(int(written))


def _after_epoch(nanoseconds: int) -> dt.datetime | None:
    """Return a time that is given in nanoseconds; None for 0, which stands for unknown."""
    microseconds = nanoseconds // _NANOSECONDS_PER_MICROSECOND
    if not microseconds or nanoseconds > _LATEST_NANOSECONDS:
        return None
    return _EPOCH + dt.timedelta(microseconds=microseconds)
