"""Reads Kafka: offsets are rows in the transaction that lands the events, so each counts once."""

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, TopicPartition
from confluent_kafka import Message as KafkaMessage

from orchestration.database.connection import connect
from orchestration.errors import WarehouseError
from orchestration.landing.positions import position_of
from orchestration.streams.batches import Message

_PREFIX = "KAFKA_"
_MESSAGES_AT_ONCE = 1_000


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
            "partition.assignment.strategy": "cooperative-sticky",
            "auto.offset.reset": "earliest",
            # What has landed is what counts; Kafka is told for those who watch the lag.
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
        }
        if "bootstrap.servers" not in settings:
            raise WarehouseError(
                "KAFKA_BOOTSTRAP_SERVERS is not set: host:port, several by commas."
            )
        try:
            self._consumer = Consumer(settings)
        except KafkaException as error:
            raise WarehouseError(f"Kafka: {error.args[0].str()}") from error
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

    def read(self, wait_seconds: float) -> Iterator[Message]:
        """Yield messages, as `Reader.read`."""
        for found in self._consumer.consume(_MESSAGES_AT_ONCE, wait_seconds):
            error = found.error()
            if error is None:
                yield from self._message(found)
            elif error.fatal():
                raise WarehouseError(f"Kafka: {error.str()}")
            # Others are over when the broker is there again, and librdkafka tries.

    def is_mine(self, part: str) -> bool:
        """Return whether a partition is assigned here, as `Reader.is_mine`."""
        return part in self._offsets

    def rewind(self) -> None:
        """Read again, as `Reader.rewind`."""
        for each in self._consumer.assignment():
            offset = self._position_of(each)
            each.offset = OFFSET_BEGINNING if offset < 0 else offset
            self._consumer.seek(each)

    def tell_landed(self) -> None:
        """Commit the offsets to Kafka as well, as `Reader.tell_landed`."""
        partitions = (part.rsplit("/", 2) for part in self._offsets)
        landed = [
            TopicPartition(topic, int(number), self._offsets[f"{group}/{topic}/{number}"])
            for group, topic, number in partitions
        ]
        if told := [each for each in landed if each.offset >= 0]:
            self._consumer.commit(offsets=told, asynchronous=True)

    def close(self) -> None:
        """Leave the group."""
        self._consumer.close()

    def _message(self, found: KafkaMessage) -> Iterator[Message]:
        part = self._part(str(found.topic()), int(found.partition() or 0))
        if part not in self._offsets:
            return  # Somebody else's since it was fetched.
        before, after = self._offsets[part], int(found.offset() or 0) + 1
        self._offsets[part] = after
        place = None if before < 0 else {"offset": before}
        yield Message(part, found.value(), place, {"offset": after})

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Read on where the last landing ended, whoever did it."""
        for each in partitions:
            try:
                offset = self._position_of(each)
            except WarehouseError as error:
                # Without its position nothing can be read, and Kafka does not ask again.
                raise WarehouseError(error.message) from None
            if offset >= 0:
                each.offset = offset
        consumer.incremental_assign(partitions)
        self.is_ready = True

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Forget partitions: whoever gets them reads again what has not landed."""
        for each in partitions:
            self._offsets.pop(self._part(each.topic, each.partition), None)
        consumer.incremental_unassign(partitions)

    def _position_of(self, partition: TopicPartition) -> int:
        part = self._part(partition.topic, partition.partition)
        with connect(application_name="warehouse consume") as connection:
            known = position_of(connection, self.source, part)
        self._offsets[part] = -1 if known is None else int(known["offset"])
        return self._offsets[part]

    def _part(self, topic: str, partition: int) -> str:
        return f"{self._group}/{topic}/{partition}"
