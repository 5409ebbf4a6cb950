"""A consumer in a process of its own, with little to import, because it is killed often."""

import os
import threading

from orchestration.streams.batches import Limits, consume
from orchestration.streams.kafka import KafkaReader
from orchestration.streams.redis_streams import RedisReader

TOPIC = "events"


def consume_kafka(environment: dict[str, str], topic: str, limits: Limits) -> None:
    """Consume until nothing comes any more, or the process is killed."""
    os.environ.update(environment)
    for _ in consume(KafkaReader([topic], "warehouse"), limits, threading.Event()):
        pass


def consume_redis(environment: dict[str, str], topic: str, limits: Limits) -> None:
    """Consume until nothing comes any more, or the process is killed."""
    os.environ.update(environment)
    for _ in consume(RedisReader([topic], []), limits, threading.Event()):
        pass
