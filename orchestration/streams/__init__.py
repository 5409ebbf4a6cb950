"""Streams: events of Kafka and Redis, landed exactly once in small batches."""
