"""How fast what a Kafka and a Redis say is landed, how late, and in how much memory."""

import contextlib
import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import click
import redis
from confluent_kafka import Producer

from benchmarks.shared.measures import Measure, Target
from benchmarks.shared.processes import last_line
from benchmarks.shared.throwaway import settle, throwaway_database
from orchestration.database.connection import connect

PART = "streams"

_ORGANIZATION = UUID("3f9c0b0e-0f5e-4a59-9a55-3a1d8c1f60b2")
_STREAM = "usage"
_EVENTS_A_SECOND = 10_000
_LAG_SECONDS = 30
_STEADY_A_SECOND = 200
_STEADY_SECONDS = 60
_BURST_MESSAGES = 10_000
_PATIENCE_SECONDS = 120
_MOST_GROWTH = 1.1

_RATE = """
select
    sum(lines_accepted) filter (where landed_at > began_at)
    / extract(epoch from max(landed_at) - max(began_at))
from (
    select loads.*, min(landed_at) over () as began_at from raw.loads where load_id > %s
) as loads
"""
_LAG = """
select percentile_cont(0.95) within group (
    order by extract(epoch from loads.landed_at - executions.start_time)
)
from raw.task_executions as executions
join raw.loads on loads.load_id = executions._load_id
where loads.load_id > %s
"""


@dataclass(frozen=True)
class _Place:
    """Where messages are put, and what reads them from there.

    Attributes:
        name: Of the system, for people.
        environment: Leads the consumer there.
        arguments: Those of `warehouse consume`.
        put: Puts messages there, and returns when all are there.
    """

    name: str
    environment: Mapping[str, str]
    arguments: tuple[str, ...]
    put: Callable[[Iterable[bytes]], None]


def measure_streams(
    folder: Path, *, messages: int, repetitions: int, tell: Callable[[str], None]
) -> list[Measure]:
    """Measure `warehouse consume` as a process of its own.

    Args:
        folder: For the database; what is left there is of no use.
        messages: How many messages wait for it.
        repetitions: How often each is measured.
        tell: Told what happens.

    Returns:
        The measures.
    """
    measures = []
    with throwaway_database(folder) as environment, _kafka() as kafka, _redis(folder) as of_redis:
        for place in (kafka, *of_redis):
            variables = {**environment, **place.environment}
            log_file = folder / f"{place.name}.log"
            measures += _measure(place, variables, log_file, messages, repetitions, tell)
    return measures


@contextlib.contextmanager
def _kafka() -> Iterator[_Place]:
    """Serve the cluster that librdkafka brings for tests, in this process."""
    cluster = Producer({"test.mock.num.brokers": "1", "log_level": "0"})
    brokers = cluster.list_topics(timeout=10).brokers.values()
    address = ",".join(f"{broker.host}:{broker.port}" for broker in brokers)
    # The cluster keeps 5 MB of each partition: compressed, that is enough.
    producer = Producer({
        "bootstrap.servers": address, "compression.type": "gzip", "linger.ms": 20,
        "log_level": "0",
    })  # fmt: skip

    def put(messages: Iterable[bytes]) -> None:
        for message in messages:
            producer.produce(_STREAM, message, key=message[:60])
            producer.poll(0)
        producer.flush()

    variables = {"KAFKA_BOOTSTRAP_SERVERS": address, "KAFKA_LOG__LEVEL": "0"}
    yield _Place("Kafka", variables, ("kafka", "--topic", _STREAM), put)
    del cluster


@contextlib.contextmanager
def _redis(folder: Path) -> Iterator[list[_Place]]:
    """Start a Redis; none where it is not installed."""
    program = shutil.which("redis-server")
    if program is None:
        yield []
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    command = [program, "--port", str(port), "--dir", str(folder), "--save", ""]
    client = redis.Redis(port=port)

    def put(messages: Iterable[bytes]) -> None:
        pipeline = client.pipeline(transaction=False)
        for message in messages:
            pipeline.xadd(_STREAM, {"event": message})
        pipeline.execute()

    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            while not _answers(client):
                time.sleep(0.05)
            variables = {"REDIS_STREAMS_URL": f"redis://127.0.0.1:{port}/0"}
            yield [_Place("Redis", variables, ("redis", "--stream", _STREAM), put)]
        finally:
            process.terminate()


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def _measure(
    place: _Place,
    environment: Mapping[str, str],
    log_file: Path,
    messages: int,
    repetitions: int,
    tell: Callable[[str], None],
) -> list[Measure]:
    rates, steady, burst, begun, ended = [], [], [], [], []
    for number in range(repetitions):
        tell(f"streams: {place.name}, {number + 1} of {repetitions}")
        place.put(_messages(messages))
        settle()
        before = _last_load()
        with _consumer(place, environment, log_file) as process:
            _wait_for(before, messages // 4, log_file)
            begun.append(_memory_mb(process))
            _wait_for(before, messages, log_file)
            rates.append(_figure(_RATE, before))

            before = _last_load()
            began = time.monotonic()
            for second in range(_STEADY_SECONDS):
                place.put(_messages(_STEADY_A_SECOND))
                time.sleep(max(0.0, began + second + 1 - time.monotonic()))
            _wait_for(before, _STEADY_SECONDS * _STEADY_A_SECOND, log_file)
            steady.append(_figure(_LAG, before))

            before = _last_load()
            place.put(_messages(_BURST_MESSAGES))
            _wait_for(before, _BURST_MESSAGES, log_file)
            burst.append(_figure(_LAG, before))
            ended.append(_memory_mb(process))
    growths = tuple(end / begin for begin, end in zip(begun, ended, strict=True))
    lag = Target("at most", _LAG_SECONDS)
    return [
        Measure(
            PART, f"{place.name}: {messages:,} events that wait", "events/s", tuple(rates),
            Target("at least", _EVENTS_A_SECOND),
        ),
        Measure(
            PART, f"{place.name}: {_STEADY_A_SECOND} events a second, p95 until landed", "s",
            tuple(steady), lag,
        ),
        Measure(
            PART, f"{place.name}: {_BURST_MESSAGES:,} events at once, p95 until landed", "s",
            tuple(burst), lag,
        ),
        Measure(PART, f"{place.name}: memory of the consumer at the end", "MB", tuple(ended)),
        Measure(
            PART, f"{place.name}: over that after a quarter of those that wait", "times", growths,
            Target("at most", _MOST_GROWTH),
        ),
    ]  # fmt: skip


def _messages(count: int) -> Iterator[bytes]:
    """Yield new executions that begin now."""
    for _ in range(count):
        now = datetime.now(UTC).isoformat()
        yield json.dumps(
            {
                "event_id": str(uuid4()), "event": "task_execution", "id": str(uuid4()),
                "organization_id": str(_ORGANIZATION), "task_id": f"task-{uuid4()}",
                "task_type": "code_generation", "provider": "anthropic", "status": "completed",
                "start_time": now, "end_time": now, "updated_at": now,
                "model": "claude-3-7-sonnet-20250219", "input_tokens": 1000,
                "cached_input_tokens": 300, "output_tokens": 200, "session_id": "session-1",
                "metadata": {"client": "cli", "attempt": 1},
            }
        ).encode()  # fmt: skip


@contextlib.contextmanager
def _consumer(
    place: _Place, environment: Mapping[str, str], log_file: Path
) -> Iterator["subprocess.Popen[bytes]"]:
    program = str(Path(sys.executable).with_name("warehouse"))
    with (
        log_file.open("ab") as log,
        subprocess.Popen(
            [program, "consume", *place.arguments],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=dict(environment),
        ) as process,
    ):  # fmt: skip
        try:
            yield process
        finally:
            process.terminate()


def _last_load() -> int:
    with connect() as connection:
        row = connection.execute("select coalesce(max(load_id), 0) from raw.loads").fetchone()
    return int(row[0]) if row else 0


def _wait_for(before: int, count: int, log_file: Path) -> None:
    """Wait until so many events have landed after a load.

    Raises:
        ClickException: They have not, for too long.
    """
    until = time.monotonic() + _PATIENCE_SECONDS
    statement = b"select coalesce(sum(lines_accepted), 0) from raw.loads where load_id > %s"
    with connect(autocommit=True) as connection:
        while time.monotonic() < until:
            row = connection.execute(statement, (before,)).fetchone()
            if row and row[0] >= count:
                return
            time.sleep(0.05)
    raise click.ClickException(f"Not all messages landed. Last said: {last_line(log_file)}")


def _figure(statement: str, before: int) -> float:
    with connect() as connection:
        row = connection.execute(statement.encode(), (before,)).fetchone()
    return float(row[0]) if row else 0.0


def _memory_mb(process: "subprocess.Popen[bytes]") -> float:
    """Return what a process holds resident, in MB of a million bytes."""
    told = subprocess.run(
        ["ps", "-o", "rss=", "-p", str(process.pid)], capture_output=True, check=True
    )
    return int(told.stdout) * 1024 / 1e6
