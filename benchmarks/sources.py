"""How fast spans are received, and LiteLLM's rows pulled."""

import dataclasses
import datetime as dt
import http.client
import os
import statistics
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from uuid import UUID

import psycopg
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from benchmarks.serving.application import application
from benchmarks.shared.measures import Measure, Target
from benchmarks.shared.throwaway import settle, throwaway_database
from orchestration.database.connection import connect, current_settings
from orchestration.serving.principal import Keys
from orchestration.sources.litellm.database import VARIABLE
from orchestration.sources.litellm.pull import Pull, pull
from orchestration.sources.source import Owner

PART = "sources"

_ORGANIZATION = UUID("3f9c0b0e-0f5e-4a59-9a55-3a1d8c1f60b2")
_SECRET = "a secret for measurements alone, of 32 characters or more"  # noqa: S105
_SPANS_A_REQUEST = 100
_SPANS_A_SECOND = 5_000
_RATES = (_SPANS_A_SECOND // 2, _SPANS_A_SECOND)
_CLIENTS = 8
_LITELLM_ROWS = """
insert into "LiteLLM_SpendLogs" (
    request_id, call_type, spend, prompt_tokens, completion_tokens, total_tokens, "startTime",
    "endTime", updated_at, model, custom_llm_provider, metadata, request_tags
)
select
    gen_random_uuid(), 'acompletion', 0.0125, 1000, 200, 1200, moment, moment, moment, 'gpt-4o',
    'openai', '{"usage_object": {"prompt_tokens_details": {"cached_tokens": 100}}}', '["team:a"]'
from (
    select timestamp '2026-05-04 10:00:00' + number * interval '10 milliseconds' as moment
    from generate_series(1, %s) as numbers (number)
) as moments
"""


def measure_sources(
    folder: Path, *, records: int, repetitions: int, tell: Callable[[str], None]
) -> list[Measure]:
    """Measure the receiver, and a pull from a database of LiteLLM's.

    Args:
        folder: For the database; what is left there is of no use.
        records: How many spans and rows.
        repetitions: How often each is measured.
        tell: Told what happens.

    Returns:
        The measures.
    """
    measures = []
    with throwaway_database(folder) as environment:
        environment = {**environment, "WAREHOUSE_JWT_SECRET": _SECRET}
        measures += _measure_receiver(
            folder / "receiver.log", environment, records, repetitions, tell
        )
        settle()
        measures.append(_measure_litellm(records, repetitions, tell))
    return measures


def _measure_receiver(
    log_file: Path,
    environment: Mapping[str, str],
    records: int,
    repetitions: int,
    tell: Callable[[str], None],
) -> list[Measure]:
    fastest: list[float] = []
    p95: dict[int, list[float]] = {rate: [] for rate in _RATES}
    with application(environment, log_file, "serve", "otlp") as port:
        for number in range(repetitions):
            tell(f"sources: {records:,} spans, {number + 1} of {repetitions}")
            bodies = [_request() for _ in range(records // _SPANS_A_REQUEST)]
            began = time.monotonic()
            answered = len(_send(port, bodies, None))
            fastest.append(answered * _SPANS_A_REQUEST / (time.monotonic() - began))
            for rate in _RATES:
                seconds = _send(port, [_request() for _ in bodies], rate)
                p95[rate].append(1000 * statistics.quantiles(seconds, n=20)[-1])
    return [
        Measure(
            PART, "OTLP: spans acknowledged", "spans/s", tuple(fastest),
            Target("at least", _SPANS_A_SECOND),
        ),
        *(
            Measure(
                PART, f"OTLP: request of {_SPANS_A_REQUEST}, {rate:,} spans a second, p95", "ms",
                tuple(p95[rate]), Target("at most", 50),
            )
            for rate in _RATES
        ),
    ]  # fmt: skip


def _request() -> bytes:
    """Return an export of new spans, as an exporter sends them."""
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.resource.attributes.add(key="service.name").value.string_value = "benchmark"
    scope = resource.scope_spans.add()
    now = time.time_ns()
    for number in range(_SPANS_A_REQUEST):
        span = scope.spans.add(
            trace_id=os.urandom(16), span_id=os.urandom(8), name="chat",
            start_time_unix_nano=now - 10**9, end_time_unix_nano=now,
        )  # fmt: skip
        for key, text in {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-4o",
            "gen_ai.response.model": "gpt-4o-2024-08-06",
            "gen_ai.response.id": f"chatcmpl-{number}",
        }.items():
            span.attributes.add(key=key).value.string_value = text
        for key, tokens in {
            "gen_ai.usage.input_tokens": 1000,
            "gen_ai.usage.cache_read.input_tokens": 100,
            "gen_ai.usage.output_tokens": 50,
        }.items():
            span.attributes.add(key=key).value.int_value = tokens
    return request.SerializeToString()


def _send(port: int, bodies: list[bytes], spans_a_second: int | None) -> list[float]:
    """Send requests, at a rate or as fast as they are answered.

    Returns:
        The seconds of each one that was answered with success, from when it was due: a client that
        still waits for the answer before would otherwise hide how long the next one waits.
    """
    token = Keys(_SECRET, None).token_for_events(_ORGANIZATION, dt.timedelta(hours=1))
    headers = {"Content-Type": "application/x-protobuf", "Authorization": f"Bearer {token}"}
    numbered = iter(list(enumerate(bodies)))
    lock = threading.Lock()
    seconds: list[float] = []
    began = time.monotonic()

    def client() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        while True:
            with lock:
                number, body = next(numbered, (0, b""))
            if not body:
                return
            due = time.monotonic()
            if spans_a_second:
                due = began + number * _SPANS_A_REQUEST / spans_a_second
                time.sleep(max(0.0, due - time.monotonic()))
            connection.request("POST", "/v1/traces", body, headers)
            response = connection.getresponse()
            response.read()
            if response.status == http.HTTPStatus.OK:
                seconds.append(time.monotonic() - due)

    threads = [threading.Thread(target=client) for _ in range(_CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return seconds


def _measure_litellm(records: int, repetitions: int, tell: Callable[[str], None]) -> Measure:
    """Measure a first pull of all rows, from a database of LiteLLM's own schema."""
    # Of the development's packages: without them the other figures can be had.
    from importlib import resources

    settings = current_settings()
    rates = []
    for number in range(repetitions):
        tell(f"sources: {records:,} rows of LiteLLM, {number + 1} of {repetitions}")
        name = f"litellm_{number}"
        with connect(application_name="benchmark", autocommit=True) as connection:
            connection.execute(f"create database {name}".encode())
        url = dataclasses.replace(settings, dbname=name).url(with_password=True)
        with psycopg.connect(url, autocommit=True) as connection:
            for step in sorted(
                resources.files("litellm_proxy_extras").joinpath("migrations").iterdir(),
                key=lambda path: path.name,
            ):
                if step.is_dir():
                    connection.execute(step.joinpath("migration.sql").read_bytes())
            connection.execute(_LITELLM_ROWS.encode(), (records,))
        os.environ[VARIABLE] = url
        began = time.monotonic()
        landed = sum(load.lines_accepted for load in pull(Pull(Owner.named("Benchmark"))))
        rates.append(landed / (time.monotonic() - began))
    return Measure(PART, "LiteLLM: rows pulled", "rows/s", tuple(rates), Target("at least", 20_000))
