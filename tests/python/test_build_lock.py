"""Builds at once take turns, and one that was killed keeps nobody waiting."""

import contextlib
import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.processes import (
    CONNECTED,
    DBT,
    PATIENCE_SECONDS,
    WAITING_FOR_A_LOCK,
    kill_a_build,
    locked,
    wait_until,
)
from support.stories import NOW, Project, Story, environment_of, sample_lines, story_database

from orchestration.database.embedded import EmbeddedServer
from orchestration.sample.generator import SampleSettings

pytest_plugins = ["support.stories"]

WAITING = "Waiting for another run of dbt on the same schemas, "
SMALL = SampleSettings(300, 3, 10, 5, 3)


def start_build(story: Story, *selection: str, **variables: object) -> subprocess.Popen[str]:
    """Start `dbt build` as a process of its own that says what it does."""
    command = ["build", "--exclude-resource-type", "unit_test", "test", *selection]
    # Other variables than the clock make dbt parse anew; they get a folder of their own.
    arguments = story.project.arguments(story.database, command, None if variables else NOW)
    if variables:
        arguments += ["--vars", json.dumps({"now": NOW} | variables)]
    arguments.remove("--quiet")
    with environment_of(story.database):
        return subprocess.Popen(
            [str(DBT), *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )


def end_of(build: subprocess.Popen[str]) -> tuple[int, str]:
    """Return the exit code and the output of a build."""
    try:
        output, _ = build.communicate(timeout=PATIENCE_SECONDS)
    finally:
        build.kill()
        build.wait()
    return build.returncode, output


@contextlib.contextmanager
def build_elsewhere(story: Story, schema: str) -> Iterator[None]:
    """Be a build that has its turn and is connected."""
    with story.database.connect(application_name="dbt", autocommit=True) as connection:
        connection.execute(
            "insert into ledger.running_builds (target_schema, invocation_id) values (%s, %s)",
            (schema, "elsewhere"),
        )
        yield


def running_builds(story: Story) -> list[str]:
    return [row["invocation_id"] for row in story.rows("select * from ledger.running_builds")]


def test_of_two_builds_at_once_the_second_waits(story: Story) -> None:
    lines = sample_lines(SMALL)
    story.land_lines(lines[::2])
    story.build()
    story.land_lines(lines[1::2])
    with story.database.connect(autocommit=True) as watcher:
        # The one whose turn it is stops halfway, until the other one is there.
        with locked(story, "intermediate.int_organization_days", "access exclusive"):
            builds = [start_build(story), start_build(story)]
            wait_until(watcher, CONNECTED, "dbt waiting")
            wait_until(watcher, WAITING_FOR_A_LOCK, "int_organization_days")
            time.sleep(2)  # longer than what is taken for death
            assert watcher.execute(CONNECTED.encode(), ("dbt waiting",)).fetchone() == (True,)
        ends = [end_of(build) for build in builds]
    assert [code for code, _ in ends] == [0, 0], ends
    assert sorted(output.count(WAITING) for _, output in ends) == [0, 1], ends
    assert running_builds(story) == []
    story.assert_equals_oracle()
    story.assert_equals_full_refresh()


def test_two_first_builds_at_once_both_succeed(
    project: Project,
    embedded_server: EmbeddedServer,
    migrated_template: Callable[[EmbeddedServer], str],
    tmp_path: Path,
) -> None:
    with story_database(embedded_server, migrated_template(embedded_server)) as database:
        story = Story(project, database, tmp_path)
        story.land_lines(sample_lines(SMALL))
        ends = [end_of(build) for build in [start_build(story), start_build(story)]]
        assert [code for code, _ in ends] == [0, 0], ends
        story.assert_equals_oracle()


def test_a_killed_build_is_found_dead(story: Story) -> None:
    story.land_lines(sample_lines(SMALL))
    with (
        story.database.connect(autocommit=True) as watcher,
        locked(story, "intermediate.int_organization_days", "access exclusive"),
    ):
        kill_a_build(
            story, lambda: wait_until(watcher, WAITING_FOR_A_LOCK, "int_organization_days")
        )
        (killed,) = running_builds(story)
    code, output = end_of(start_build(story))
    assert code == 0, output
    assert f"{WAITING}{killed}" in output
    assert running_builds(story) == []
    story.assert_equals_oracle()


def test_a_build_that_waits_too_long_is_refused(story: Story) -> None:
    with build_elsewhere(story, "public"):
        code, output = end_of(start_build(story, "--select", "dim_users", build_wait_minutes=0.03))
        assert code != 0, output
        assert f"{WAITING}elsewhere" in output
        assert "Another run of dbt, elsewhere, has been working on the same schemas" in output
        assert "--vars '{build_wait_minutes: 120}'" in output
        assert "START sql" not in output, "nothing was built"
        assert running_builds(story) == ["elsewhere"]


def test_builds_of_other_schemas_do_not_wait(story: Story) -> None:
    with build_elsewhere(story, "another"):
        code, output = end_of(start_build(story, "--select", "dim_users"))
        assert code == 0, output
        assert WAITING not in output
        assert running_builds(story) == ["elsewhere"]


def test_a_build_that_fails_ends_its_turn(story: Story) -> None:
    with story.database.connect() as connection:
        connection.execute("drop table raw.users cascade")
    with pytest.raises(AssertionError, match="stg_platform__users: error"):
        story.build("stg_platform__users")
    assert running_builds(story) == []


def test_a_database_that_was_not_migrated_is_explained(story: Story) -> None:
    with story.database.connect() as connection:
        connection.execute("drop table audit.audit_log cascade")
    with pytest.raises(AssertionError, match="Run `warehouse db migrate`"):
        story.build("dim_users")


def test_a_schema_that_another_run_creates_at_the_same_moment(
    project: Project,
    embedded_server: EmbeddedServer,
    migrated_template: Callable[[EmbeddedServer], str],
) -> None:
    with (
        story_database(embedded_server, migrated_template(embedded_server)) as database,
        database.connect(autocommit=True) as watcher,
        database.connect() as other,
    ):
        other.execute("create schema reference")

        def end_when_it_waits() -> None:
            wait_until(watcher, WAITING_FOR_A_LOCK, "create schema")
            other.commit()

        thread = threading.Thread(target=end_when_it_waits)
        thread.start()
        project.run(database, "seed")
        thread.join(PATIENCE_SECONDS)
