"""Reads Kafka: offsets are rows in the transaction that lands the events, so each counts once."""

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    TopicPartition,
)
from confluent_kafka import Message as KafkaMessage

from orchestration.database.connection import connect
from orchestration.errors import WarehouseError
from orchestration.landing.positions import position_of
from orchestration.streams.batches import Message

_PREFIX = "KAFKA_"
_MESSAGES_AT_ONCE = 1_000
_SECONDS_FOR_AN_ANSWER = 10.0

_log = logging.getLogger(__name__)


def settings_of(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the settings of librdkafka that an environment has.

    Args:
        environment: Variables; `KAFKA_SASL_PASSWORD` is its `sasl.password`, and so on. Two
            underscores are one.

    Returns:
        The settings by their names.
    """
    return {
        name.removeprefix(_PREFIX).lower().replace("_", ".").replace("..", "_"): value
        for name, value in environment.items()
        if name.startswith(_PREFIX) and value
    }


class KafkaReader:
    """A member of a group that shares the partitions of topics."""

    source = "kafka"

    def __init__(self, topics: Sequence[str], group: str) -> None:
        """Join the group.

        Args:
            topics: What to read.
            group: With whom to share it; each group has positions of its own.

        Raises:
            WarehouseError: A setting is missing, or none that librdkafka knows.
        """
        settings: dict[str, Any] = {
            **settings_of(os.environ),
            "group.id": group,
            "partition.assignment.strategy": "range",
            # Or it would go on somewhere else without a word when an offset is gone.
            "auto.offset.reset": "error",
            # What has landed is what counts; Kafka is told for those who watch the lag.
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "error_cb": self._tell,
        }
        if "bootstrap.servers" not in settings:
            raise WarehouseError(
                "KAFKA_BOOTSTRAP_SERVERS is not set: host:port, several by commas."
            )
        # Kinds of errors, until something is read again.
        self._told: set[int] = set()
        try:
            self._consumer = Consumer(settings)
        except KafkaException as error:
            raise WarehouseError(f"Kafka: {error.args[0].str()}") from error
        self.generation = 0
        self.is_ready = False
        self._group = group
        # By partition where it is read on: an offset, -1 at its beginning.
        self._offsets: dict[str, int] = {}
        self._consumer.subscribe(
            list(topics),
            on_assign=self._on_assign,
            on_revoke=self._on_revoke,
            on_lost=self._on_revoke,
        )

    def read(self, most: int, wait_seconds: float) -> Iterator[Message]:
        """Yield messages, as `Reader.read`."""
        generation = self.generation
        messages = self._consumer.consume(min(most, _MESSAGES_AT_ONCE), wait_seconds)
        if generation != self.generation:
            # Some may be of partitions as they were before: all are read again.
            self.rewind()
            return
        without_offset = []
        for found in messages:
            error = found.error()
            if error is None:
                self._told.clear()
                yield self._message(found)
            elif error.fatal():
                raise WarehouseError(f"Kafka: {error.str()}")
            elif error.code() == KafkaError._AUTO_OFFSET_RESET:
                without_offset.append(found)
            else:
                self._tell(error)
        if without_offset:
            yield from self._go_on(without_offset)

    def rewind(self) -> None:
        """Read again, as `Reader.rewind`."""
        self._assign(self._consumer.assignment())

    def tell_landed(self) -> None:
        """Commit the offsets to Kafka as well, as `Reader.tell_landed`."""
        landed = [TopicPartition(*place) for place in self._places() if place[-1] >= 0]
        if landed:
            self._consumer.commit(offsets=landed, asynchronous=True)

    def close(self) -> None:
        """Leave the group."""
        self._consumer.close()

    def _message(self, found: KafkaMessage) -> Message:
        part = self._part(str(found.topic()), int(found.partition() or 0))
        before, after = self._offsets[part], int(found.offset() or 0) + 1
        self._offsets[part] = after
        place = None if before < 0 else {"offset": before}
        return Message(part, found.value(), place, {"offset": after})

    def _tell(self, error: KafkaError) -> None:
        """Say once what keeps Kafka from being read; librdkafka tries until it is over."""
        if error.code() not in self._told:
            self._told.add(error.code())
            _log.warning("Kafka is not read, and tried again: %s", error.str())

    def _go_on(self, found: list[KafkaMessage]) -> Iterator[Message]:
        """Read partitions on whose offset the broker does not have (any more) from their first."""
        for each in found:
            topic, number = str(each.topic()), int(each.partition() or 0)
            part = self._part(topic, number)
            try:
                first, _ = self._consumer.get_watermark_offsets(
                    TopicPartition(topic, number), timeout=_SECONDS_FOR_AN_ANSWER
                )
            except KafkaException as error:
                # The same happens again, until it answers.
                self._tell(error.args[0])
                self.rewind()
                return
            offset = self._offsets[part]
            self._offsets[part] = first
            if offset >= 0:
                gone = (
                    f"offsets {offset} to {first - 1} were gone before they were read"
                    if offset < first
                    else f"it has no offset {offset}, as if made anew; read from its first, {first}"
                )
                yield Message(part, None, {"offset": offset}, {"offset": first}, gone)
        self._consumer.assign(
            [
                TopicPartition(topic, number, offset if offset >= 0 else OFFSET_BEGINNING)
                for topic, number, offset in self._places()
            ]
        )

    def _on_assign(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        self.is_ready = True
        self._assign(partitions)

    def _on_revoke(self, consumer: Consumer, _: list[TopicPartition]) -> None:
        """Forget all partitions: whoever gets them reads again what has not landed."""
        # Until the group has agreed anew, that nothing comes does not mean that nothing is there.
        self.is_ready = False
        self.generation += 1
        self._offsets.clear()
        consumer.unassign()

    def _assign(self, partitions: list[TopicPartition]) -> None:
        """Read partitions on where the last landing ended, whoever did it."""
        self.generation += 1
        self._offsets.clear()
        with connect(application_name="warehouse consume") as connection:
            for each in partitions:
                part = self._part(each.topic, each.partition)
                known = position_of(connection, self.source, part)
                self._offsets[part] = -1 if known is None else int(known["offset"])
                each.offset = OFFSET_BEGINNING if known is None else int(known["offset"])
        self._consumer.assign(partitions)

    def _places(self) -> Iterator[tuple[str, int, int]]:
        """Yield the topic and the number of each partition, and where it is read on."""
        for part, offset in self._offsets.items():
            topic, number = part.removeprefix(f"{self._group}/").rsplit("/", 1)
            yield topic, int(number), offset

    def _part(self, topic: str, partition: int) -> str:
        return f"{self._group}/{topic}/{partition}"
