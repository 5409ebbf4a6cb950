"""The receiver on a real database: what is acknowledged is committed, and whose it is."""

import datetime as dt
import gzip
import json
import multiprocessing
import os
import random
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import psycopg
import pytest
from click.testing import CliRunner
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from starlette.testclient import TestClient
from support.events import ORGANIZATION_ID, execution, line_of
from support.receiving import KEYS, sends, serve
from support.servers import Database
from support.serving import listening, org_admin, token_header

from orchestration.cli import main
from orchestration.receiver import app as receiver_app
from orchestration.receiver import writer
from orchestration.receiver.app import create_app
from orchestration.serving.principal import Principal, TokenError
from orchestration.sources.source import Owner

FIXTURES = Path(__file__).parent / "sources" / "otel"
SPANS = json.loads((FIXTURES / "spans.jsonl").read_text().splitlines()[0])
EVENTS = json.loads((FIXTURES / "events.jsonl").read_text().splitlines()[0])
PROTOBUF = {"Content-Type": "application/x-protobuf"}
JSON = {"Content-Type": "application/json"}
ACME = UUID(str(ORGANIZATION_ID))
OTHER = uuid4()
KILLS = int(os.environ.get("RECEIVER_KILLS", "10"))


def span(number: int, **more: Any) -> dict[str, Any]:
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
    } | more
    return {
        "traceId": f"{number:032x}",
        "spanId": f"{number:016x}",
        "name": "chat",
        "startTimeUnixNano": "1772442000000000000",
        "endTimeUnixNano": "1772442001000000000",
        "attributes": [
            {"key": key, "value": {"stringValue": value}}
            if isinstance(value, str)
            else {"key": key, "value": {"intValue": str(value)}}
            for key, value in attributes.items()
        ],
    }


def request_of(*spans: dict[str, Any]) -> dict[str, Any]:
    return {"resourceSpans": [{"scopeSpans": [{"spans": list(spans)}]}]}


def protobuf_of(number: int) -> bytes:
    request = ExportTraceServiceRequest()
    made = request.resource_spans.add().scope_spans.add().spans.add()
    made.trace_id = number.to_bytes(16, "big")
    made.span_id = number.to_bytes(8, "big")
    made.start_time_unix_nano = 1772442000000000000
    made.end_time_unix_nano = 1772442001000000000
    for name, text in (
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.provider.name", "openai"),
        ("gen_ai.request.model", "gpt-4o"),
    ):
        attribute = made.attributes.add()
        attribute.key = name
        attribute.value.string_value = text
    attribute = made.attributes.add()
    attribute.key = "gen_ai.usage.input_tokens"
    attribute.value.int_value = 7
    return request.SerializeToString()


def landed(database: Database, what: str = "count(distinct id)") -> Any:
    with database.connect() as connection:
        statement = f"select {what} from raw.task_executions"  # noqa: S608
        row = connection.execute(statement.encode()).fetchone()
        assert row
        return row[0] if len(row) == 1 else row


@pytest.fixture
def client(database_18: Database) -> Iterator[TestClient]:  # noqa: ARG001
    with TestClient(create_app(KEYS)) as opened:
        yield opened


@pytest.mark.parametrize("packing", ["identity", "gzip"])
def test_protobuf_and_json_say_the_same(
    client: TestClient, database_18: Database, packing: str
) -> None:
    pack = gzip.compress if packing == "gzip" else bytes
    headers = sends(ACME) | {"Content-Encoding": packing}
    answer = client.post("/v1/traces", content=pack(protobuf_of(5)), headers=headers | PROTOBUF)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/x-protobuf")
    assert ExportTraceServiceResponse.FromString(answer.content) == ExportTraceServiceResponse()
    said = "array[event_id::text, organization_id::text, input_tokens::text, provider, source]"
    first = landed(database_18, f"min({said})")
    assert first[1:] == [str(ACME), "7", "openai", "otel"]
    body = json.dumps(request_of(span(5, **{"gen_ai.usage.input_tokens": 7}))).encode()
    answer = client.post("/v1/traces", content=pack(body), headers=headers | JSON)
    assert (answer.status_code, answer.json()) == (200, {})
    # The same version of the same execution: the load that holds nothing else was skipped.
    assert landed(database_18, f"array_agg({said})") == [first]


def test_agents_events_count_and_spans_of_agents_do_not(
    client: TestClient, database_18: Database
) -> None:
    assert client.post("/v1/traces", json=SPANS, headers=sends(ACME)).status_code == 200
    # Four spans came: two calls, an agent and a tool.
    assert landed(database_18, "count(*), sum(input_tokens)") == (2, 1050)
    assert client.post("/v1/logs", json=EVENTS, headers=sends(ACME)).status_code == 200
    assert landed(database_18, "count(*), sum(reported_cost_usd)")[0] == 4
    with database_18.connect() as connection:
        people = connection.execute("select name, role from raw.users").fetchall()
    # One person, whose address stays outside.
    assert [role for _, role in people] == ["developer"]
    assert "@" not in people[0][0]
    answer = client.post("/v1/traces", json=SPANS, headers=sends(ACME))
    assert answer.status_code == 200
    assert landed(database_18) == 4
    with database_18.connect() as connection:
        assert connection.execute("select count(*) from raw.users").fetchone() == (1,)


def test_an_empty_export_and_one_without_calls_are_taken(
    client: TestClient, database_18: Database
) -> None:
    for body in (b"", ExportTraceServiceRequest().SerializeToString()):
        answer = client.post("/v1/traces", content=body, headers=sends(ACME) | PROTOBUF)
        assert answer.status_code == 200
    tool = span(1) | {"attributes": [{"key": "gen_ai.operation.name", "value": {}}]}
    assert client.post("/v1/traces", json=request_of(tool), headers=sends(ACME)).json() == {}
    assert landed(database_18) == 0


def test_metrics_are_not_counted_and_that_is_said(
    client: TestClient, database_18: Database
) -> None:
    answer = client.post("/v1/metrics", content=b"", headers=sends(ACME) | PROTOBUF)
    said = ExportMetricsServiceResponse.FromString(answer.content).partial_success
    assert (answer.status_code, said.rejected_data_points) == (200, 0)
    assert "spans and events have the same usage" in said.error_message
    assert landed(database_18) == 0


def test_what_breaks_the_contract_is_rejected_by_itself(
    client: TestClient, database_18: Database
) -> None:
    wrong = span(2, **{"gen_ai.usage.input_tokens": "many"})
    answer = client.post(
        "/v1/traces", json=request_of(span(1), wrong, span(3)), headers=sends(ACME)
    )
    said = answer.json()["partialSuccess"]
    assert (answer.status_code, said["rejectedSpans"]) == (200, "1")
    assert "(2): input_tokens" in said["errorMessage"]
    assert "many" not in said["errorMessage"]
    assert landed(database_18) == 2
    with database_18.connect() as connection:
        rejected = connection.execute("select reason from raw.rejected_events").fetchall()
    assert len(rejected) == 1
    log = {"eventName": "claude_code.api_request", "timeUnixNano": "1"}
    answer = client.post(
        "/v1/logs",
        json={"resourceLogs": [{"scopeLogs": [{"logRecords": [log]}]}]},
        headers=sends(ACME),
    )
    assert answer.json()["partialSuccess"]["rejectedLogRecords"] == "1"
    assert ExportLogsServiceResponse().partial_success.rejected_log_records == 0


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        ("/v1/traces", b"{", JSON, 400),
        ("/v1/traces", b"[]", JSON, 400),
        ("/v1/traces", b'{"resourceSpans": {}}', JSON, 400),
        ("/v1/traces", b'{"resourceSpans": [7]}', JSON, 400),
        ("/v1/traces", b'{"resourceSpans": [{"scopeSpans": [{"spans": 1}]}]}', JSON, 400),
        ("/v1/traces", b"[" * 100_000, JSON, 400),
        ("/v1/traces", b"\xff\xff\xff", PROTOBUF, 400),
        ("/v1/logs", b"\xff\xff\xff", PROTOBUF, 400),
        ("/v1/traces", b"no gzip", PROTOBUF | {"Content-Encoding": "gzip"}, 400),
        ("/v1/traces", gzip.compress(b"x" * 99)[:-9], PROTOBUF | {"Content-Encoding": "gzip"}, 400),
        ("/v1/traces", b"", PROTOBUF | {"Content-Encoding": "br"}, 415),
        ("/v1/traces", b"x=1", {"Content-Type": "text/plain"}, 415),
        ("/api/v1/events", b"{", JSON, 400),
        ("/api/v1/events", b"7", JSON, 400),
        ("/api/v1/events", b'{"a":1}\n{', JSON, 400),
    ],
)
def test_what_is_no_message_is_refused_in_a_sentence(
    client: TestClient,
    database_18: Database,
    path: str,
    body: bytes,
    headers: dict[str, str],
    status: int,
) -> None:
    answer = client.post(path, content=body, headers=sends(ACME) | headers)
    assert answer.status_code == status
    if headers.get("Content-Type") == PROTOBUF["Content-Type"]:
        # google.rpc.Status: field 2, a text with its length before it.
        assert answer.content[0] == 0x12
        assert answer.content[1] == len(answer.content) - 2
    else:
        assert answer.json()["message"].endswith(".")
    assert landed(database_18) == 0


def test_a_body_that_is_too_large_is_refused_also_when_it_is_packed(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiver_app, "LARGEST_BODY_BYTES", 1_000)
    packed = gzip.compress(b"x" * 100_000)
    assert len(packed) < 1_000
    for body, more in ((b"x" * 1_001, {}), (packed, {"Content-Encoding": "gzip"})):
        answer = client.post("/v1/traces", content=body, headers=sends(ACME) | PROTOBUF | more)
        assert answer.status_code == 413


def test_a_token_is_for_one_organization_and_reads_nothing(
    client: TestClient, database_18: Database
) -> None:
    admin = token_header(org_admin(OTHER))
    assert (
        client.post("/v1/traces", json=request_of(span(1)), headers=sends(ACME)).status_code == 200
    )
    assert client.post("/v1/traces", json=request_of(span(1)), headers=admin).status_code == 200
    both = landed(database_18, "array_agg(distinct organization_id::text)")
    assert set(both) == {str(ACME), str(OTHER)}
    expired = KEYS.token_for_events(ACME, dt.timedelta(hours=-1))
    developer = token_header(Principal("developer", ACME, uuid4()))
    analyst = token_header(Principal("analyst", None, None))
    for headers in ({}, {"Authorization": f"Bearer {expired}"}, {"Authorization": "Bearer x"},
                    {"Authorization": "Basic eDp4"}, developer, analyst):  # fmt: skip
        answer = client.post("/v1/traces", json=request_of(span(2)), headers=headers)
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    with pytest.raises(TokenError):
        KEYS.principal_of(sends(ACME)["Authorization"].split()[1])


def test_events_come_alone_in_lists_and_in_lines(client: TestClient, database_18: Database) -> None:
    lines = [line_of(execution(number)) for number in range(1, 6)]
    one, two, three = lines[0], b"[" + b",".join(lines[1:3]) + b"]", b"\n".join(lines[3:])
    for body, count in ((one, 1), (two, 2), (three, 2)):
        answer = client.post("/api/v1/events", content=body, headers=sends(ACME))
        assert (answer.status_code, answer.json()["accepted"]) == (200, count)
    assert landed(database_18) == 5
    answer = client.post("/api/v1/events", content=lines[0], headers=sends(OTHER))
    assert (answer.status_code, landed(database_18)) == (403, 5)


def test_an_event_that_is_wrong_is_named_with_its_rule(
    client: TestClient, database_18: Database
) -> None:
    wrong = {**execution(2), "input_tokens": -1}
    long = {**execution(3), "error_message": "failed " * 200_000}
    body = [json.loads(line_of(event)) for event in (execution(1), wrong, long)]
    answer = client.post("/api/v1/events", json=body, headers=sends(ACME))
    assert answer.status_code == 200
    assert answer.json()["rejections"] == [
        {"event": 2, "reason": "input_tokens: expected int >= 0"},
        {"event": 3, "reason": "line longer than 1 MiB"},
    ]
    alone = client.post("/api/v1/events", json=body[1], headers=sends(ACME))
    assert (alone.status_code, alone.json()["accepted"]) == (422, 0)
    assert landed(database_18) == 1


def test_a_platforms_own_event_becomes_a_call_and_a_decision(
    client: TestClient, database_18: Database
) -> None:
    event = {
        "event_id": str(uuid4()), "tenant_id": str(ACME), "user_id": str(uuid4()),
        "session_id": "s", "timestamp": "2026-03-02T09:00:00Z", "provider": "openai",
        "model": "gpt-4-turbo", "request_type": "completion", "input_tokens": 1500,
        "output_tokens": 500, "latency_ms": 1234, "succeeded": True, "error_code": None,
        "routing_strategy": "cost_optimized", "alternative_provider": "anthropic",
    }  # fmt: skip
    for _ in range(2):
        answer = client.post("/api/v1/events", json=event, headers=sends(ACME))
        assert answer.json() == {"accepted": 2, "rejected": 0, "rejections": []}
    with database_18.connect() as connection:
        calls = connection.execute(
            "select user_id::text, end_time - start_time, input_tokens, output_tokens, status, "
            "source from raw.task_executions"
        ).fetchall()
        decisions = connection.execute(
            "select chosen_provider, routing_strategy, alternative_providers "
            "from raw.routing_decisions"
        ).fetchall()
    latency = dt.timedelta(milliseconds=1234)
    assert calls == [(event["user_id"], latency, 1500, 500, "completed", "platform")]
    assert decisions == [("openai", "cost_optimized", [{"provider": "anthropic"}])]


def test_what_comes_from_this_machine_needs_no_token_where_that_was_asked_for(
    database_18: Database,
) -> None:
    app = create_app(KEYS, Owner.named("Acme"))
    with TestClient(app, base_url="http://localhost", client=("127.0.0.1", 1)) as near:
        assert near.post("/v1/traces", json=request_of(span(1))).status_code == 200
        rebound = near.post("http://evil.example/v1/traces", json=request_of(span(2)))
        assert rebound.status_code == 401
    with TestClient(app, base_url="http://localhost", client=("192.0.2.7", 1)) as far:
        assert far.post("/v1/traces", json=request_of(span(2))).status_code == 401
    assert landed(database_18, "array_agg(organization_id)") == [
        Owner.named("Acme").organization_id
    ]


def test_too_much_that_waits_is_for_later(
    database_18: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "MOST_WAITING_BYTES", 10)
    with TestClient(create_app(KEYS)) as client:
        answer = client.post("/v1/traces", json=request_of(span(1)), headers=sends(ACME))
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")
    assert landed(database_18) == 0


def test_a_database_that_is_away_is_said_and_nothing_is_lost(
    client: TestClient, database_18: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = request_of(span(1))
    assert client.post("/v1/traces", json=body, headers=sends(ACME)).status_code == 200
    port = os.environ["PGPORT"]
    monkeypatch.setenv("PGPORT", "1")
    with database_18.connect(autocommit=True) as connection:
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where datname = current_database() and pid <> pg_backend_pid()"
        )
    for _ in range(2):
        answer = client.post("/v1/traces", json=request_of(span(2)), headers=sends(ACME))
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    monkeypatch.setenv("PGPORT", port)
    assert (
        client.post("/v1/traces", json=request_of(span(2)), headers=sends(ACME)).status_code == 200
    )
    assert landed(database_18) == 2


@pytest.mark.usefixtures("database_18")
def test_the_command_refuses_what_cannot_be() -> None:
    runner = CliRunner()
    told = runner.invoke(main, ["serve", "otlp", "--time-zone", "Mars"])
    assert (told.exit_code, "none that IANA lists" in told.output) == (1, True)
    told = runner.invoke(main, ["serve", "otlp", "--organization", "Acme"])
    assert (told.exit_code, "every sender shows a token" in told.output) == (1, True)
    told = runner.invoke(main, ["serve", "otlp"])
    assert (told.exit_code, "WAREHOUSE_JWT_SECRET" in told.output) == (1, True)
    told = runner.invoke(main, ["token", "--for-events"])
    assert (told.exit_code, "--organization" in told.output) == (1, True)


@contextmanager
def senders(port: int, acknowledged: set[int], ended: threading.Event) -> Iterator[None]:
    """Send spans as exporters do: what was not acknowledged is sent again."""

    def send(first: int) -> None:
        number = first
        with httpx2.Client(
            base_url=f"http://127.0.0.1:{port}", headers=sends(ACME) | PROTOBUF
        ) as line:
            while not ended.is_set():
                try:
                    answer = line.post("/v1/traces", content=protobuf_of(number), timeout=10)
                    if answer.status_code == 200:
                        acknowledged.add(number)
                        number += 10
                except httpx2.HTTPError:
                    time.sleep(0.01)

    threads = [threading.Thread(target=send, args=(first,)) for first in range(1, 5)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def test_a_receiver_that_is_killed_loses_nothing_and_doubles_nothing(
    database_18: Database,
) -> None:
    with database_18.connect(autocommit=True) as connection:
        connection.execute(
            psycopg.sql.SQL("alter database {} reset synchronous_commit").format(
                psycopg.sql.Identifier(database_18.settings.dbname)
            )
        )
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["support.receiving"])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    moments = random.Random(22)  # noqa: S311
    acknowledged: set[int] = set()
    ended = threading.Event()
    process = context.Process(target=serve, args=(port,))
    process.start()
    with senders(port, acknowledged, ended):
        for _ in range(KILLS):
            before = len(acknowledged)
            while len(acknowledged) < before + 3:
                assert process.is_alive()
                time.sleep(0.005)
            time.sleep(moments.random() * 0.05)
            os.kill(process.pid or 0, signal.SIGKILL)
            process.join()
            process = context.Process(target=serve, args=(port,))
            process.start()
        before = len(acknowledged)
        while len(acknowledged) < before + 8:
            time.sleep(0.005)
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    with database_18.connect() as connection:
        rows = connection.execute(
            "select correlation_id, count(distinct event_id), count(distinct id) "
            "from raw.task_executions group by 1"
        ).fetchall()
    # Each span is one version of one execution, in however many copies it came.
    assert {tuple(row[1:]) for row in rows} == {(1, 1)}
    known = {int(str(row[0]), 16) for row in rows}
    assert acknowledged <= known
    assert len(known - acknowledged) <= 4


def test_an_exporter_of_the_sdk_is_understood(database_18: Database) -> None:
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    with listening(create_app(KEYS)) as address:
        exporter = OTLPSpanExporter(
            endpoint=f"http://{address}/v1/traces",
            headers=sends(ACME),
            compression=Compression.Gzip,
        )
        provider = TracerProvider(
            resource=Resource({"service.name": "checkout", "team.id": "payments"})
        )
        provider.add_span_processor(BatchSpanProcessor(exporter))
        tracer = provider.get_tracer("test")
        with (
            tracer.start_as_current_span("invoke_agent") as agent,
            tracer.start_as_current_span("chat") as call,
        ):
            agent.set_attribute("gen_ai.operation.name", "invoke_agent")
            agent.set_attribute("gen_ai.usage.input_tokens", 11)
            call.set_attributes(
                {
                    "gen_ai.operation.name": "chat",
                    "gen_ai.provider.name": "openai",
                    "gen_ai.request.model": "gpt-4o",
                    "gen_ai.usage.input_tokens": 11,
                    "gen_ai.usage.output_tokens": 2,
                }
            )
        assert provider.force_flush(30_000)
        provider.shutdown()
    said = "array[input_tokens::text, output_tokens::text, team, metadata ->> 'client', model]"
    assert landed(database_18, f"array_agg({said})") == [
        ["11", "2", "payments", "checkout", "gpt-4o"]
    ]
