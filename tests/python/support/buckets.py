"""An S3 server on this machine, with a bucket."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
import requests
from moto.server import ThreadedMotoServer

BUCKET = "warehouse-test"


class Bucket:
    """A bucket and what is in it, seen past the code under test."""

    def __init__(self, client: Any) -> None:
        self._client = client
        client.create_bucket(Bucket=BUCKET)

    def put(self, key: str, content: bytes) -> str:
        self._client.put_object(Bucket=BUCKET, Key=key, Body=content)
        return f"s3://{BUCKET}/{key}"

    def put_events(self, key: str, *events: dict[str, Any]) -> str:
        return self.put(key, b"".join(json.dumps(event).encode() + b"\n" for event in events))

    def get(self, key: str) -> bytes:
        content: bytes = self._client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return content

    def keys(self) -> list[str]:
        listed = self._client.list_objects_v2(Bucket=BUCKET)
        return sorted(item["Key"] for item in listed.get("Contents", ()))

    def delete(self, key: str) -> None:
        self._client.delete_object(Bucket=BUCKET, Key=key)


@contextmanager
def serving_s3(patched: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """Serve an empty bucket, with everything about the server in the environment."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        _, port = server.get_host_and_port()
        # What it keeps belongs to the process, and not to the server.
        requests.post(f"http://127.0.0.1:{port}/moto-api/reset", timeout=10).raise_for_status()
        for name, value in {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": "key-of-the-test",
            "AWS_SECRET_ACCESS_KEY": "secret-of-the-test",
            "AWS_DEFAULT_REGION": "us-east-1",
            # Or a client would ask the machine's own network who it is.
            "AWS_EC2_METADATA_DISABLED": "true",
        }.items():
            patched.setenv(name, value)
        yield Bucket(boto3.client("s3"))
    finally:
        server.stop()
