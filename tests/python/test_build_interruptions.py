"""Nothing is lost: killed builds, and loads that commit in the middle of one."""

import contextlib
import itertools
import multiprocessing
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import BinaryIO

import psycopg
from support.events import ORGANIZATION_ID, execution, line_of, organization, user, uuid_of
from support.processes import (
    CONNECTED,
    PATIENCE_SECONDS,
    WAITING_FOR_A_LOCK,
    kill_a_build,
    locked,
    wait_until,
)
from support.stories import NOW, ROWS, Story, environment_of, sample_lines, shuffled_in_parts

from orchestration.landing.loader import Stream, land_streams
from orchestration.sample.generator import SampleSettings

pytest_plugins = ["support.stories"]

FORKING = multiprocessing.get_context("fork")
KILLS = 20

UNCOMMITTED_LOAD = (
    "select count(*) > 0 from pg_catalog.pg_stat_activity where datname = current_database() "
    "and application_name = %s and backend_xid is not null"
)


def test_whenever_a_build_is_killed_the_next_one_makes_everything_right(story: Story) -> None:
    parts = shuffled_in_parts(sample_lines(SampleSettings(500, 4, 20, 10, 9)), 4, 9)
    story.land_lines(parts[0])
    story.build()

    with story.database.connect(autocommit=True) as watcher:
        # The facts are written, but what they took in is not yet recorded.
        story.land_lines(parts[1])
        with locked(story, "intermediate.int_processed_loads", "share"):
            kill_a_build(
                story, lambda: wait_until(watcher, WAITING_FOR_A_LOCK, "int_processed_loads")
            )
        # The facts are done, the rollup is not.
        story.land_lines(parts[2])
        with locked(story, "intermediate.int_organization_days", "access exclusive"):
            kill_a_build(
                story, lambda: wait_until(watcher, WAITING_FOR_A_LOCK, "int_organization_days")
            )
        # Anywhere, and in a full refresh.
        story.land_lines(parts[3])

        def some_time_after_it_connected() -> None:
            wait_until(watcher, CONNECTED, "dbt")
            time.sleep(random.uniform(0.1, 1.5))  # noqa: S311 - any moment will do

        kill_a_build(story, some_time_after_it_connected, "--full-refresh")
    story.build()
    story.assert_equals_oracle()
    story.assert_equals_full_refresh()


@contextlib.contextmanager
def forked_build(story: Story, *options: str) -> Iterator[Callable[[], bool]]:
    """Run `dbt build` as a fork of this process, and kill it at the end.

    The fork has dbt and what dbt has read of the project in memory.

    Yields a function that says whether the build is still running.
    """
    arguments = story.project.arguments(
        story.database, ["build", "--exclude-resource-type", "unit_test", "test", *options], NOW
    )
    manifest = story.project.manifest(story.database)

    def build() -> None:
        import dbt.mp_context
        from dbt.cli.main import dbtRunner

        # Locks without names, which leave nothing behind when their process is killed.
        dbt.mp_context._MP_CONTEXT = FORKING  # type: ignore[assignment]
        with environment_of(story.database), ThreadPoolExecutor(max_workers=1) as thread:
            thread.submit(dbtRunner(manifest).invoke, [*arguments, "--threads", "2"]).result()

    process = FORKING.Process(target=build, daemon=True)
    process.start()
    try:
        yield process.is_alive
    finally:
        process.kill()
        process.join(PATIENCE_SECONDS)


class Kills:
    """Builds that are killed at moments of which nobody knows what is special about them.

    Attributes:
        reached: How many models each killed build had completed.
        before_facts: How many of the killed builds had not completed the facts.
    """

    def __init__(self, story: Story, watcher: psycopg.Connection, seed: int) -> None:
        self.reached = Counter[int]()
        self.before_facts = 0
        self._story = story
        self._watcher = watcher
        self._draw = random.Random(seed)  # noqa: S311 - kinds of kills that can be repeated
        self._models = len(self._completed(None))

    def _completed(self, build: str | None) -> set[str]:
        """Return the models whose records a build, or any, has written.

        What adds up changes records only how far it has come: as far as the facts of the build.
        """
        found = self._watcher.execute(
            "select sums.model_name from intermediate.int_bookmarks as sums "
            "inner join intermediate.int_bookmarks as facts on sums.build_id = facts.build_id "
            "where facts.model_name = 'fct_task_executions' and exists ("
            "select 1 from intermediate.int_processed_loads "
            "where invocation_id = %(build)s or cast(%(build)s as text) is null)",
            {"build": build},
        )
        return {str(model) for (model,) in found}

    def _turn(self) -> str | None:
        row = self._watcher.execute("select invocation_id from ledger.running_builds").fetchone()
        return None if row is None else str(row[0])

    def kill_one(self, meanwhile: Callable[[], None], *options: str) -> None:
        """Start a build and kill it somewhere, unless it ends by itself before that."""
        before = self._turn()
        # As many models as this, and a bit of the next.
        wanted = self._draw.choice([0, 0, 0, 0, *range(self._models)])
        moment = self._draw.uniform(0, 0.3)
        deadline = time.monotonic() + PATIENCE_SECONDS
        with forked_build(self._story, *options) as is_running:
            while is_running() and self._turn() in (None, before):
                assert time.monotonic() < deadline
                time.sleep(0.01)
            build = self._turn()
            meanwhile()
            while is_running() and len(self._completed(build)) < wanted:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            time.sleep(moment)
            was_running = is_running()
        if was_running:
            while self._watcher.execute(CONNECTED.encode(), ("dbt",)).fetchone() == (True,):
                assert time.monotonic() < deadline
                time.sleep(0.01)
            completed = self._completed(build)
            self.reached[len(completed)] += 1
            self.before_facts += "fct_task_executions" not in completed


def test_after_many_builds_killed_at_random_one_build_makes_everything_right(
    story: Story,
) -> None:
    lines = sample_lines(SampleSettings(600, 4, 20, 10, 13))
    first, *parts = shuffled_in_parts(lines, 1 + 3 * KILLS, 13)
    story.land_lines(first)
    story.build()
    with story.database.connect(autocommit=True) as watcher:
        kills = Kills(story, watcher, 13)
        for attempt in itertools.count(1):
            # Most loads land before the build, some while it runs. Some builds have none of their
            # own and go on where one was killed.
            if attempt % 5:
                story.land_lines(parts.pop())
            kills.kill_one(
                lambda: story.land_lines(parts.pop()) if attempt % 3 == 0 else None,  # noqa: B023
                *(["--full-refresh"] if attempt % 4 == 3 else ["--select", ROWS]),
            )
            if kills.reached.total() == KILLS:
                break
    for part in parts:
        story.land_lines(part)
    assert kills.before_facts >= KILLS // 8, kills.reached
    assert KILLS - kills.before_facts >= KILLS // 2, kills.reached
    assert len(kills.reached) >= KILLS // 4, kills.reached
    story.build()
    story.assert_equals_oracle()
    story.assert_equals_full_refresh()


def test_a_table_that_a_killed_full_refresh_left_behind_stops_no_build(story: Story) -> None:
    story.land(organization(), user(), execution(1))
    before = story.marts().keys()
    # dbt drops the table that it has replaced in a second transaction, or else in the next build.
    with story.database.connect() as connection:
        for table in ("fct_task_executions", "fct_measured_savings", "dim_providers"):
            connection.execute(f"create table marts.{table}__dbt_backup ()".encode())
    story.build()
    assert story.marts().keys() == before
    story.assert_equals_oracle()
    story.assert_equals_full_refresh()


class SlowLoad:
    """A load whose transaction stays open until it is told to commit."""

    def __init__(self, story: Story, first_line: bytes, last_line: bytes) -> None:
        reading, writing = os.pipe()
        self._reading: BinaryIO = os.fdopen(reading, "rb")
        self._writing: BinaryIO = os.fdopen(writing, "wb", buffering=0)
        self._last_line = last_line
        self._landed = False
        with story.database.connect(autocommit=True) as watcher:
            self._thread = threading.Thread(target=self._land, daemon=True)
            self._thread.start()
            self._writing.write(first_line)
            wait_until(watcher, UNCOMMITTED_LOAD, "warehouse land")

    def _land(self) -> None:
        with self._reading:
            (landed,) = land_streams([Stream("slow", self._reading)])
        self._landed = landed.lines_accepted == 2

    def commit(self) -> None:
        self._writing.write(self._last_line)
        self._writing.close()
        self._thread.join(PATIENCE_SECONDS)
        assert self._landed


def test_a_load_that_commits_after_a_later_one_was_built_is_processed(story: Story) -> None:
    story.land(organization(), user())
    lines = [line_of(execution(number)) + b"\n" for number in (1, 2)]
    with environment_of(story.database):
        slow = SlowLoad(story, *lines)
        story.land(execution(3, start_time="2026-04-01T10:00:00Z", end_time=None))
        story.build()
        assert list(story.mart("fct_task_executions")) == [uuid_of(1_000_003)]
        slow.commit()
    loads = story.rows("select load_id from raw.loads order by landed_at")
    assert loads[-1]["load_id"] < loads[-2]["load_id"], "the late load must be the older one"
    story.build()
    assert {day: row["total_tasks"] for day, row in story.days(ORGANIZATION_ID).items()} == {
        "2026-03-01": 2,
        "2026-04-01": 1,
    }


def test_a_load_that_commits_between_facts_and_rollup_is_processed_by_the_next_build(
    story: Story,
) -> None:
    story.land(organization(), execution(1))
    story.build()
    story.land(execution(2))
    failures: list[BaseException] = []

    def land_in_the_middle(is_held: threading.Event) -> None:
        try:
            with (
                story.database.connect(autocommit=True) as watcher,
                locked(story, "intermediate.int_organization_days", "access exclusive"),
            ):
                is_held.set()
                wait_until(watcher, WAITING_FOR_A_LOCK, "int_organization_days")
                # The facts are built by now. A user as well, for the head count.
                story.land(execution(3), user())
        except BaseException as error:  # noqa: BLE001 - raised below, in the test's own thread
            failures.append(error)

    is_held = threading.Event()
    thread = threading.Thread(target=land_in_the_middle, args=(is_held,))
    thread.start()
    is_held.wait(PATIENCE_SECONDS)
    story.build()
    thread.join(PATIENCE_SECONDS)
    assert not failures
    assert story.days(ORGANIZATION_ID)["2026-03-01"]["total_tasks"] == 2
    story.build()
    assert story.days(ORGANIZATION_ID)["2026-03-01"]["total_tasks"] == 3
    story.assert_equals_oracle()
    story.assert_equals_full_refresh()
