"""OpenTelemetry as a source: what the receiver gets, and what a collector wrote to a file."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from orchestration.errors import WarehouseError
from orchestration.sources.otlp import agents, spans
from orchestration.sources.otlp.telemetry import TelemetryError, logs_of_json, spans_of_json
from orchestration.sources.reading import lines_of
from orchestration.sources.source import Found, Source


def found_in_json(document: Any) -> Iterator[Found]:
    """Yield what counts of a request in JSON, of whichever kind it is.

    Args:
        document: As JSON was read.

    Yields:
        Records with the mapping that reads them.

    Raises:
        TelemetryError: It has another shape.
    """
    if isinstance(document, dict) and "resourceLogs" in document:
        yield from agents.found_in(logs_of_json(document))
    elif isinstance(document, dict) and "resourceMetrics" in document:
        return
    else:
        yield from spans.found_in(spans_of_json(document))


def _records(path: Path) -> Iterable[Found]:
    for line in lines_of(path):
        if line.record is None:
            yield Found(None, (), line.raw)
            continue
        try:
            yield from found_in_json(line.record)
        except TelemetryError as error:
            raise WarehouseError(f"{path}, line {line.number}: {error}") from error


SOURCE = Source(
    name="otel",
    title="OpenTelemetry spans and events of AI calls",
    reads="what a collector's file exporter wrote, one request of JSON a line",
    tables={"task_execution": spans.TABLE, "routing_decision": spans.ROUTING, **agents.TABLES},
    unknown={
        "cache_write_1h_tokens": "the conventions do not tell for how long something is cached",
        "quality_score": "evaluations are events of their own, which are not read",
        "billing_account": "the conventions name the provider and not who is billed",
    },
    records=_records,
    is_its=lambda record: bool(
        record.keys() & {"resourceSpans", "resourceLogs", "resourceMetrics"}
    ),
    endings=(".jsonl", ".ndjson", ".json"),
)
