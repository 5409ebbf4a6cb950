"""The web interface of Dagster in a real browser."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from orchestration.project import project_root

_RUNS = "{ runsOrError(limit: 50) { ... on Runs { results { runId jobName status } } } }"


_SECONDS = 400  # For a build and its checks on a machine that runs other tests as well.


class Interface:
    """A running web interface."""

    def __init__(self, url: str, process: "subprocess.Popen[bytes]") -> None:
        self.url = url
        self.process = process

    def runs(self) -> list[dict[str, Any]]:
        """Return the runs, the latest first; none while it cannot tell."""
        try:
            answer = requests.post(f"{self.url}/graphql", json={"query": _RUNS}, timeout=30)
            found: list[dict[str, Any]] = answer.json()["data"]["runsOrError"]["results"]
        except (requests.RequestException, KeyError, TypeError, ValueError):
            return []
        return found

    def wait_for_run(self, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Return a run for which the condition holds, once there is one."""
        deadline = time.monotonic() + _SECONDS
        while time.monotonic() < deadline:
            for run in self.runs():
                if condition(run):
                    return run
            assert self.process.poll() is None, "the interface ended"
            time.sleep(1)
        pytest.fail(f"no such run: {self.runs()}")


@contextmanager
def interface(environment: dict[str, str], log: Path) -> Iterator[Interface]:
    """Run `warehouse ui` on a free port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = Path(sys.executable).with_name("warehouse")
    with log.open("ab") as output:
        process = subprocess.Popen(
            [program, "ui", "--port", str(port)],
            cwd=project_root(),
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield Interface(f"http://127.0.0.1:{port}", process)
    finally:
        with_everything_it_started(process)


def with_everything_it_started(process: "subprocess.Popen[bytes]") -> None:
    """End a program, politely at first."""
    for wanted in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, wanted)
            process.wait(30)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue
        if wanted is signal.SIGINT:
            return
