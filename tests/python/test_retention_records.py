"""What the warehouse notes of its work leaves in time, and so do organizations that have ended."""

import datetime as dt
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from click.testing import CliRunner, Result
from psycopg import sql
from support.events import execution, organization, user, uuid_of
from support.servers import STORY_DATABASE
from support.stories import (
    ROWS,
    Project,
    Story,
    copy_of,
    environment_of,
    keep_as,
    story_database,
)

from orchestration.access.roles import apply_roles
from orchestration.buckets import folder_at
from orchestration.cli import main
from orchestration.database.embedded import EmbeddedServer
from orchestration.errors import WarehouseError
from orchestration.instance import history
from orchestration.instance.home import instance_environment
from orchestration.landing.loader import land
from orchestration.privacy import ended, erase

pytest_plugins = ["support.stories"]

SHORT = uuid_of(81)
LONG = uuid_of(82)
PERSON = uuid_of(83)
NAME = "Quellenreuther Works"
FIGURES = (
    "marts.organization_days",
    "marts.organization_bills",
    "marts.team_days",
    "intermediate.int_model_usage_days",
)


def warehouse(story: Story, *arguments: str) -> Result:
    with environment_of(story.database):
        return CliRunner().invoke(main, arguments)


def done(story: Story, *arguments: str) -> str:
    result = warehouse(story, *arguments)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


def refused(story: Story, *arguments: str) -> str:
    result = warehouse(story, *arguments)
    assert result.exit_code == 1, result.output
    assert "Traceback" not in result.output
    return result.output


def today(days_later: int = 0) -> dt.date:
    return dt.datetime.now(dt.UTC).date() + dt.timedelta(days=days_later)


def at(day: dt.date) -> str:
    return f"{day}T00:00:00+0000"


def aged(story: Story, statement: str, *parameters: Any) -> None:
    """Change rows by hand, as if time had passed."""
    with story.database.connect() as connection:
        connection.execute(statement.encode(), parameters)


def figures(story: Story) -> dict[str, Counter[str]]:
    with story.database.connect(options="-c timezone=UTC") as connection:
        return {
            name: Counter(
                text
                for (text,) in connection.execute(
                    f"select held::text from {name} as held".encode()  # noqa: S608
                )
            )
            for name in FIGURES
        }


def without_short(counted: dict[str, Counter[str]], pseudonym: str) -> dict[str, Counter[str]]:
    """Return figures with what stands in the place of an erased organization."""

    def erased(row: str) -> str:
        return row.replace(SHORT, pseudonym).replace(f'"{NAME} 0"', "erased")

    return {
        table: Counter({erased(row): count for row, count in rows.items()})
        for table, rows in counted.items()
    }


def places_of(story: Story, text: str) -> list[str]:
    """Return the tables that hold a text anywhere."""
    with story.database.connect() as connection:
        tables = connection.execute(
            "select schemaname, tablename from pg_catalog.pg_tables "
            "where schemaname not in ('pg_catalog', 'information_schema')"
        ).fetchall()
        return [
            f"{schema}.{name}"
            for schema, name in tables
            if connection.execute(
                sql.SQL("select 1 from {} as held where position(%s in held::text) > 0").format(
                    sql.Identifier(schema, name)
                ),
                (text,),
            ).fetchone()
        ]


def wrong_lines(folder: Path) -> Path:
    """Write a file with a right line and eight wrong ones, which name whom they may."""
    lines: list[Any] = [
        execution(500, organization_id=SHORT, user_id=PERSON),
        {**execution(501, organization_id=SHORT), "provider": 5},
        {**execution(502, organization_id=LONG.upper().replace("-", "")), "provider": 5},
        {**organization(503, id=LONG), "timezone": "Mars/Olympus"},
        {**execution(504), "organization_id": "sk-no-id-but-a-secret"},
        [LONG],
        LONG,
        {"event": "user", "id": SHORT, "organization_id": None},
    ]
    file = folder / "some wrong.ndjson"
    file.write_text("\n".join([*map(json.dumps, lines), f'{{"organization_id":"{LONG}"']) + "\n")
    return file


@pytest.fixture(scope="module")
def built(
    embedded_server: EmbeddedServer,
    project: Project,
    migrated_template: Callable[[EmbeddedServer], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Story:
    """Return a warehouse with two organizations, one of which keeps its events for a year."""
    with story_database(embedded_server, migrated_template(embedded_server)) as database:
        first = Story(project, database, tmp_path_factory.mktemp("records"))
        for number, organization_id in enumerate((SHORT, LONG)):
            mine = {"organization_id": organization_id, "user_id": uuid_of(83 + number)}
            first.land(
                organization(number, id=organization_id, name=f"{NAME} {number}"),
                user(number, id=mine["user_id"], organization_id=organization_id),
                *(
                    execution(100 * number + place, start_time=f"{day}T10:00:00Z", end_time=None,
                              updated_at=f"{day}T10:00:09Z", **mine)
                    for place, day in enumerate(("2026-07-10", "2026-10-10", "2026-10-11"))
                ),
            )  # fmt: skip
        file = wrong_lines(first.folder)
        with environment_of(database):
            (landed,) = land([file]).files
        assert (landed.lines_accepted, landed.lines_rejected) == (1, 8)
        first.build()
        aged(first, "insert into reference.raw_retention values (%s, 365, 'a contract')", LONG)
        return keep_as(first, embedded_server, f"{STORY_DATABASE}_records")


@pytest.fixture
def held(built: Story, embedded_server: EmbeddedServer, tmp_path: Path) -> Iterator[Story]:
    """Yield a copy of it, to go on with."""
    with copy_of(built, embedded_server, tmp_path) as story:
        yield story


# --- Records of the warehouse's own work ----------------------------------------------------------


def test_rejected_lines_stay_as_long_as_events_of_their_organization(held: Story) -> None:
    def left() -> list[tuple[Any, Any]]:
        rows = held.rows("select line_number, organization_id from raw.rejected_events order by 1")
        return [(row["line_number"], row["organization_id"]) for row in rows]

    assert left() == [
        (2, SHORT), (3, LONG), (4, LONG), (5, None), (6, None), (7, None), (8, None), (9, None),
    ]  # fmt: skip
    before = figures(held)
    assert "Removed: 0 rejected line(s)" in done(held, "retention", "--now", at(today(90)))
    assert len(left()) == 8
    assert "Removed: 6 rejected line(s)" in done(held, "retention", "--now", at(today(92)))
    assert left() == [(3, LONG), (4, LONG)]
    assert "Removed: 0 rejected line(s)" in done(held, "retention", "--now", at(today(365)))
    assert "Removed: 2 rejected line(s)" in done(held, "retention", "--now", at(today(367)))
    assert left() == []
    assert held.row("select sum(lines_rejected) as lines from raw.loads") == {"lines": 8}

    # Which lines were refused is forgotten: all of the file get another chance, and none counts
    # twice.
    file = wrong_lines(held.folder)
    with environment_of(held.database):
        (again,) = land([file]).files
        assert (again.lines_read, again.lines_accepted, again.lines_rejected) == (9, 1, 8)
        (third,) = land([file]).files
    assert third.is_skipped
    assert len(left()) == 8
    held.build(ROWS)
    assert figures(held) == before


def result_of(rule: str, days_ago: float, *, is_success: bool) -> tuple[Any, ...]:
    return (rule, is_success, 0 if is_success else 1, dt.timedelta(days=days_ago))


def test_the_last_result_of_a_rule_stays_and_what_an_open_alert_shows(held: Story) -> None:
    with held.database.connect() as connection:
        connection.cursor().executemany(
            "insert into quality.check_results (check_id, suite, rule, severity, is_full, "
            "is_success, broken_rows, broken_ids, query, checked_at) values (gen_random_uuid(), "
            "'s', %s, 'warning', true, %s, %s, '[]', 'q', clock_timestamp() - %s)",
            [
                result_of("lively", 100, is_success=True),
                result_of("lively", 91, is_success=False),
                result_of("lively", 89, is_success=True),
                result_of("lively", 1, is_success=True),
                result_of("silent", 200, is_success=True),
                result_of("silent", 150, is_success=False),
                result_of("open", 130, is_success=False),
                result_of("open", 120, is_success=False),
                result_of("open", 110, is_success=True),
                result_of("open", 2, is_success=True),
            ],
        )
        columns = connection.execute(
            "select column_name, data_type from information_schema.columns "
            "where table_schema = 'quality' and table_name = 'alert_episodes'"
        ).fetchall()
        episode = {name: None for name, _ in columns} | {
            "alert_id": "1", "rule": "open", "is_broken": True, "observed_at": "2026-10-01",
            "first_seen_at": "2026-10-01", "last_seen_at": "2026-10-01",
        }  # fmt: skip
        connection.execute("insert into quality.alert_episodes select * from "
                           "jsonb_populate_record(null::quality.alert_episodes, %s)",
                           (json.dumps(episode),))  # fmt: skip
    assert "5 result(s) of checks" in done(held, "retention")

    def left() -> list[tuple[str, int]]:
        rows = held.rows(
            "select rule, extract(day from clock_timestamp() - checked_at) as days "
            "from quality.check_results order by rule, checked_at"
        )
        return [(row["rule"], int(row["days"])) for row in rows]

    assert left() == [("lively", 89), ("lively", 1), ("open", 120), ("open", 2), ("silent", 150)]
    assert " 0 result(s) of checks" in done(held, "retention")
    aged(held, "update quality.alert_episodes set resolved_at = clock_timestamp()")
    assert " 1 result(s) of checks" in done(held, "retention")
    assert ("open", 120) not in left()


@dg.asset
def thing() -> None:
    """Do nothing."""


@dg.asset_check(asset=thing)
def thing_is_well() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True, metadata={"of": LONG})


@pytest.fixture
def instance(held: Story, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    """Yield Dagster as `warehouse ui` opens it, on the warehouse's own database."""
    with environment_of(held.database):
        for name, value in instance_environment().items():
            monkeypatch.setenv(name, value)
    with dg.DagsterInstance.from_config(os.environ["DAGSTER_HOME"]) as made:
        yield made


def test_runs_of_dagster_leave_with_their_events(
    held: Story, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = (dg.materialize([thing, thing_is_well], instance=instance).run_id for _ in range(2))
    job = dg.Definitions([thing]).resolve_implicit_global_asset_job_def()
    waiting = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED).run_id
    ago = "clock_timestamp() at time zone 'UTC' - interval '91 days'"
    aged(held, f"update dagster.runs set create_timestamp = {ago} "  # noqa: S608
               "where run_id = any(%s)", [old, waiting])  # fmt: skip
    aged(held, f"update dagster.asset_check_executions set create_timestamp = {ago}")  # noqa: S608
    aged(
        held,
        "insert into dagster.bulk_actions (key, status, timestamp, body) values "  # noqa: S608
        f"('a', 'COMPLETED_SUCCESS', {ago}, %s), ('b', 'REQUESTED', {ago}, ''), "
        "('c', 'COMPLETED_SUCCESS', clock_timestamp() at time zone 'UTC', '')",
        LONG,
    )
    aged(held, "insert into dagster.backfill_tags (backfill_id, key) values ('a', 'x'), ('c', 'y')")

    # Killed between the events of a run and the run itself.
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("dagster_postgres.PostgresRunStorage.delete_run", killed)
        assert warehouse(held, "retention").exit_code != 0
    assert instance.get_run_by_id(old)
    assert not held.rows("select 1 from dagster.event_logs where run_id = %s", old)

    assert "1 run(s) of Dagster" in done(held, "retention")
    assert {run.run_id for run in instance.get_runs()} == {new, waiting}
    logged = {row["run_id"] for row in held.rows("select run_id from dagster.event_logs")}
    assert logged == {new, waiting}
    assert instance.get_latest_materialization_event(thing.key)
    checks = held.rows("select run_id from dagster.asset_check_executions")
    assert checks == [{"run_id": new}], "the last result of a check stays known"
    assert [row["key"] for row in held.rows("select key from dagster.bulk_actions order by 1")] == [
        "b", "c",
    ]  # fmt: skip
    assert held.rows("select backfill_id from dagster.backfill_tags") == [{"backfill_id": "c"}]
    assert " 0 run(s) of Dagster" in done(held, "retention")
    # An older run of the same kind is what the weekly job removes too.
    now = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    assert history.remove_runs(instance.run_storage, instance.event_log_storage, now) == 1


# --- Organizations that have ended ----------------------------------------------------------------


def pseudonym_of_organization(story: Story) -> str:
    row = story.row("select pseudonym from ledger.erasures where kind = 'organization'")
    return str(row["pseudonym"])


def test_an_organization_that_has_ended_stays_until_its_day(held: Story) -> None:
    before = figures(held)
    planned = done(held, "privacy", "end", "--organization", SHORT, "--dry-run")
    assert f"Would be removed on {today(90)} (UTC)" in planned
    assert "Would erase: 4 row(s) of marts.fct_task_executions" in planned
    assert done(held, "privacy", "ended") == "No organization has ended.\n"

    assert f"until {today(90)} (UTC)" in done(held, "privacy", "end", "--organization", SHORT)
    done(held, "privacy", "end", "--organization", LONG)
    held.land(
        execution(
            600,
            organization_id=SHORT,
            user_id=PERSON,
            start_time="2026-10-12T10:00:00Z",
            end_time=None,
        )
    )
    held.build(ROWS)
    counting = figures(held)
    assert sum(counting["marts.organization_days"].values()) == 1 + sum(
        before["marts.organization_days"].values()
    )
    listed = done(held, "privacy", "ended").splitlines()
    assert f"{SHORT} {NAME} 0: ended {today()} by " in listed[0]
    assert listed[0].endswith(f"removed on {today(90)}; 1 event(s) landed since.")
    assert listed[1].endswith(f"removed on {today(365)}; 0 event(s) landed since.")

    output = done(held, "retention", "--now", at(today(89)))
    assert f"Ended organizations: 0 removed, 2 stay, the next until {today(90)}." in output
    assert figures(held) == counting
    output = done(held, "retention", "--now", at(today(90)))
    assert f"Ended organizations: 1 removed, 1 stay, the next until {today(365)}." in output
    assert SHORT not in output
    assert NAME not in output
    pseudonym = pseudonym_of_organization(held)
    assert figures(held) == without_short(counting, pseudonym) != counting
    assert places_of(held, SHORT) == places_of(held, PERSON) == places_of(held, f"{NAME} 0") == []
    assert len(done(held, "privacy", "ended").splitlines()) == 1
    assert "stay" in done(held, "retention", "--now", at(today(90)))

    # What comes later comes under the pseudonym, also with a line that is refused.
    file = held.folder / "late.ndjson"
    late = execution(
        601, organization_id=SHORT, user_id=PERSON, start_time="2026-10-12T11:00:00Z", end_time=None
    )
    file.write_text("".join(f"{json.dumps(event)}\n" for event in (late, late | {"provider": 5})))
    with environment_of(held.database):
        (landed,) = land([file]).files
    assert (landed.lines_accepted, landed.lines_rejected) == (1, 1)
    assert held.rows(
        "select organization_id from raw.rejected_events where _load_id = %s", landed.load_id
    ) == [{"organization_id": pseudonym}]
    assert places_of(held, SHORT) == []
    assert "has not ended, or was removed" in refused(
        held, "privacy", "restore", "--organization", SHORT
    )
    assert "No organization" in refused(held, "privacy", "end", "--organization", SHORT)
    assert "is the pseudonym" in refused(held, "privacy", "end", "--organization", pseudonym)


def test_what_cannot_be_ended_or_restored(held: Story) -> None:
    def end(*arguments: str) -> str:
        return refused(held, "privacy", "end", "--organization", SHORT, *arguments)

    def restore() -> str:
        return refused(held, "privacy", "restore", "--organization", SHORT)

    nobody = uuid_of(99)
    assert f"No organization {nobody} is known here" in refused(
        held, "privacy", "end", "--organization", nobody
    )
    for day in (today(-1), today(), today(366)):
        assert f"{day} cannot be the day of the removal" in end("--on", str(day))
    assert warehouse(held, "privacy", "end", "--organization", "x").exit_code == 2
    assert warehouse(held, "privacy", "end", "--organization", SHORT, "--on", "1.5.").exit_code == 2
    assert "has not ended" in restore()
    assert held.rows("select * from ledger.ended_organizations") == []

    done(held, "privacy", "end", "--organization", SHORT, "--on", str(today(1)))
    assert "has ended already" in end()
    assert "has ended already" in end("--dry-run")
    with held.database.connect(autocommit=True) as other:
        other.execute("select pg_advisory_lock(4170031522)")
        assert "is at work" in restore()
    assert "stays" in done(held, "privacy", "restore", "--organization", SHORT)
    assert "has not ended" in restore()
    before = figures(held)
    done(held, "retention", "--now", at(today(2)))
    assert figures(held) == before
    assert held.rows("select * from ledger.erasures") == []

    # Ended once more; one that was erased at once needs no removal any more.
    done(held, "privacy", "end", "--organization", SHORT, "--on", str(today(365)))
    done(held, "privacy", "erase", "--organization", SHORT)
    assert done(held, "privacy", "ended") == "No organization has ended.\n"
    assert "Ended organizations" not in done(held, "retention", "--now", at(today(366)))
    assert held.row(
        "select count(*) as times, count(restored_by) as restored, "
        "min(organization_id::text) as id from ledger.ended_organizations"
    ) == {"times": 2, "restored": 1, "id": pseudonym_of_organization(held)}


def test_a_removal_that_was_killed_is_done_by_the_next_retention(
    held: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = figures(held)
    done(held, "privacy", "end", "--organization", SHORT, "--on", str(today(1)))
    later = ["retention", "--now", at(today(1))]
    # In the tables: the process waits for somebody who reads the record of erasures.
    with environment_of(held.database), held.database.connect() as reader:
        reader.execute("select * from ledger.erasures")
        process = subprocess.Popen(
            [sys.executable, "-m", "orchestration.cli", *later],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 60
        while not held.rows(
            "select 1 from pg_catalog.pg_stat_activity where datname = current_database() "
            "and application_name = 'warehouse privacy' and wait_event_type = 'Lock'"
        ):
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert figures(held) == before
    assert len(done(held, "privacy", "ended").splitlines()) == 1

    # Between the tables and the files.
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(erase, "erase_files", killed)
        assert warehouse(held, *later).exit_code != 0
    assert held.row("select state from ledger.erasures where kind = 'organization'") == {
        "state": "files"
    }
    assert done(held, "privacy", "ended") == "No organization has ended.\n"
    assert "Finished" in done(held, *later)
    assert places_of(held, SHORT) == []
    assert not held.rows("select 1 from ledger.erasures where state = 'files'")
    assert figures(held) == without_short(before, pseudonym_of_organization(held))


def test_a_login_that_may_not_erase_says_who_may(
    held: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    with held.database.connect() as connection:
        apply_roles(connection)
    told: list[str] = []

    def remove() -> int:
        with environment_of(held.database), monkeypatch.context() as patched:
            patched.setenv("PGOPTIONS", "-c role=builder")
            now = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
            return ended.remove_ended(folder_at(str(held.folder)), now, told.append)

    assert (remove(), told) == (0, [])
    done(held, "privacy", "end", "--organization", SHORT, "--on", str(today(1)))
    with pytest.raises(WarehouseError, match="as the owner of the database"):
        remove()
    assert held.rows("select * from ledger.erasures") == []
