"""The application in a process of its own, as `warehouse app` starts it."""

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import click
import httpx2

from benchmarks.shared.processes import last_line

_SECONDS_TO_START = 60
_NO_LIMIT = "1000000000"


@contextlib.contextmanager
def application(environment: Mapping[str, str], log_file: Path, *arguments: str) -> Iterator[int]:
    """Serve the current database, without a limit of requests, and end afterwards.

    Args:
        environment: Leads to the database.
        log_file: Where it writes what it says.
        *arguments: Those of `warehouse`, of another server than the application.

    Yields:
        The port at which it listens, when it answers.

    Raises:
        ClickException: It does not start.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    program = str(Path(sys.executable).with_name("warehouse"))
    command = [program, *(arguments or ("app",)), "--port", str(port)]
    variables = {**environment, "WAREHOUSE_REQUESTS_PER_MINUTE": _NO_LIMIT}
    with (
        log_file.open("ab") as log,
        subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=variables
        ) as process,
    ):
        try:
            _wait(port, process, log_file)
            yield port
        finally:
            process.terminate()


def figures_of(port: int) -> dict[str, float]:
    """Return what the application counts itself.

    Args:
        port: Where it listens.

    Returns:
        Its figures for Prometheus that have no labels, by name.
    """
    text = httpx2.get(f"http://127.0.0.1:{port}/metrics").text
    lines = (line.split() for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in lines if "{" not in name}


def _wait(port: int, process: "subprocess.Popen[bytes]", log_file: Path) -> None:
    until = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(httpx2.TransportError):
            httpx2.get(f"http://127.0.0.1:{port}/metrics")
            return
        time.sleep(0.1)
    raise click.ClickException(f"The application did not start: {last_line(log_file)}")
