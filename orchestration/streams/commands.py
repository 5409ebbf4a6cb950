"""The commands `warehouse consume ...`."""

# The modules that do the work are imported by the command that needs them: `warehouse --help`
# must not wait for a database driver.

import signal
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from orchestration.streams.batches import Reader


@click.group()
def consume() -> None:
    """Land the events of a stream as they come, each exactly once."""


def _batching(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of when a batch lands."""
    for option in (
        click.option(
            "--idle-seconds",
            type=click.FloatRange(min=0),
            help="End after so long without a message, instead of waiting for the next one.",
        ),
        click.option(
            "--batch-seconds",
            type=click.FloatRange(min=0, min_open=True),
            default=1.0,
            show_default=True,
            help="Land what came after so long,",
        ),
        click.option(
            "--batch-messages",
            type=click.IntRange(min=1),
            default=5_000,
            show_default=True,
            help="or after so many messages.",
        ),
    ):
        command = option(command)
    return command


@consume.command()
@click.option("--topic", "topics", multiple=True, required=True, help="What to read; repeatable.")
@click.option(
    "--group", default="ai-spend-warehouse", show_default=True, help="With whom to share it."
)
@_batching
def kafka(topics: tuple[str, ...], group: str, **limits: Any) -> None:
    """Read topics of Kafka.

    KAFKA_BOOTSTRAP_SERVERS says where, and every other setting of librdkafka may be in a variable
    of its name, such as KAFKA_SECURITY_PROTOCOL and KAFKA_SASL_PASSWORD.
    """
    from orchestration.streams.kafka import KafkaReader

    reader = KafkaReader(topics, group)
    try:
        _run(reader, **limits)
    finally:
        reader.close()


@consume.command("redis")
@click.option("--stream", "streams", multiple=True, help="A stream of events; repeatable.")
@click.option("--bullmq", "queues", multiple=True, help="A queue of BullMQ; repeatable.")
@_batching
def redis_streams(streams: tuple[str, ...], queues: tuple[str, ...], **limits: Any) -> None:
    """Read streams of Redis, or the jobs of BullMQ.

    REDIS_STREAMS_URL says where.
    """
    from orchestration.streams.redis_streams import RedisReader

    if not streams and not queues:
        raise click.UsageError("What is to be read? --stream or --bullmq.")
    reader = RedisReader(streams, queues)
    try:
        _run(reader, **limits)
    finally:
        reader.close()


def _run(
    reader: "Reader", *, batch_messages: int, batch_seconds: float, idle_seconds: float | None
) -> None:
    """Land what comes until the process is told to end."""
    from orchestration.landing.commands import describe
    from orchestration.streams.batches import Limits
    from orchestration.streams.batches import consume as landed_of

    ending = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ending.set())
    limits = Limits(batch_messages, batch_seconds, idle_seconds)
    for landed in landed_of(reader, limits, ending):
        click.echo(describe(landed), err=landed.refusal is not None)
