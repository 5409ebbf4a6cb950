"""Builds and connections that are killed, locked or waited for."""

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg

from orchestration.landing.loader import Observer
from support.stories import NOW, Story, environment_of

DBT = Path(sys.executable).with_name("dbt")

PATIENCE_SECONDS = 60

WAITING_FOR_A_LOCK = (
    "select count(*) > 0 from pg_catalog.pg_stat_activity "
    "where datname = current_database() and wait_event_type = 'Lock' and query ~ %s"
)

CONNECTED = (
    "select count(*) > 0 from pg_catalog.pg_stat_activity "
    "where datname = current_database() and application_name = %s"
)


def wait_until(connection: psycopg.Connection, statement: str, parameter: str) -> None:
    """Wait for a statement to say yes."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if connection.execute(statement.encode(), (parameter,)).fetchone() == (True,):
            return
        time.sleep(0.02)
    raise TimeoutError(f"{parameter} was not seen")


def wait_for(holds: Callable[[], bool]) -> None:
    """Wait for something to hold."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


@contextlib.contextmanager
def locked(story: Story, table: str, mode: str) -> Iterator[None]:
    """Hold a table so that a build stops where it first needs it."""
    with story.database.connect() as holder:
        holder.execute(f"lock table {table} in {mode} mode".encode())
        yield
        holder.rollback()


def kill_a_build(story: Story, reached: Callable[[], object], *arguments: str) -> None:
    """Start `dbt build` as a process of its own and kill it when it has got somewhere."""
    command = story.project.arguments(
        story.database, ["build", "--exclude-resource-type", "unit_test", "test", *arguments], NOW
    )
    with environment_of(story.database):
        build = subprocess.Popen(
            [str(DBT), *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
    try:
        reached()
        assert build.poll() is None, "the build ended before it could be killed"
    finally:
        build.send_signal(signal.SIGKILL)
        build.wait()


class InTheMiddle(Observer):
    """Does something once, when the first rows are on their way to the server."""

    def __init__(self, what: Callable[[], object], after_bytes: int = 5 * 1024 * 1024) -> None:
        self._what = what
        self._after_bytes = after_bytes
        self._seen = 0
        self._done = False

    def advance(self, size_bytes: int) -> None:
        self._seen += size_bytes
        if self._seen > self._after_bytes and not self._done:
            self._done = True
            self._what()
