"""What is held about somebody is handed out whole, and erased so that nothing brings it back.

The id and the name are searched byte by byte: in a copy of every table as text, and in every file.
"""

import csv
import gzip
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

import fsspec
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from psycopg import sql
from support.buckets import BUCKET, Bucket, serving_s3
from support.events import (
    ATTRIBUTION,
    adjustment,
    decision,
    evaluation,
    execution,
    line_of,
    organization,
    user,
    uuid_of,
)
from support.processes import locked
from support.servers import STORY_DATABASE, Database
from support.stories import (
    NOW,
    ROWS,
    Project,
    Seeds,
    Story,
    copy_of,
    environment_of,
    keep_as,
    price,
    sample_lines,
)

from orchestration.buckets import folder_at
from orchestration.cli import main
from orchestration.database.embedded import EmbeddedServer
from orchestration.landing.contracts import Contract, TaskExecution
from orchestration.landing.inbox import landing_folder, receive_files
from orchestration.landing.loader import Stream, land, land_streams
from orchestration.privacy.tombstones import PrivacyKey, Tombstones
from orchestration.retention.archive import write_archive
from orchestration.sample.generator import SampleSettings

pytest_plugins = ["support.stories"]

SAMPLE = SampleSettings(executions=1_200, organizations=4, users=20, days=150, seed=5)
SUBJECT = "abcdef01-2345-4678-9abc-def012345678"
NAME = "Ada Quellenreuther"
SECRETS = (
    "session-of-ada",
    "agent-of-ada",
    "correlation-of-ada",
    "workflow-of-ada",
    "because ada likes it",
    "ada prefers it",
    "ada hit a limit",
    "cost-center-of-ada",
    "request-of-ada",
    "key-of-ada",
    "customer-of-ada",
    "branch-of-ada",
    "tag-of-ada",
)
PRICES = ("provider_pricing", "provider_pricing_history")
PARTITIONED = {"raw.task_executions", "raw.routing_decisions", "audit.audit_log"}
COMMAND = [sys.executable, "-m", "orchestration.cli", "privacy"]

# What any figure is made of; a person's rows under whatever id stands for them.
FIGURES = {
    "organization_days": "select * from marts.organization_days",
    "teams": "select * from marts.team_days",
    "models": "select * from intermediate.int_model_usage_days",
    "providers": "select * from marts.provider_days",
    "policies": "select * from intermediate.int_policy_days",
    "bills": "select * from marts.organization_bills",
    "late": "select organization_id, metric_date, spend_delta_usd from marts.late_corrections",
    "costs": "select execution_id, metric_date, provider, model, status, cost_usd, savings_usd, "
    "net_savings_usd, pricing_status from marts.fct_task_executions",
    "people": "select total_tasks, total_spend_usd, total_tokens, metric_date, team "
    "from marts.user_days",
}


def privacy(story: Story, *arguments: str) -> Result:
    with environment_of(story.database):
        return CliRunner().invoke(main, ["privacy", *arguments])


def done(story: Story, *arguments: str) -> str:
    result = privacy(story, *arguments)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


def figures(story: Story, *names: str) -> dict[str, Counter[str]]:
    with story.database.connect(options="-c timezone=UTC") as connection:
        return {
            name: Counter(
                text
                for (text,) in connection.execute(
                    f"select held::text from ({FIGURES[name]}) as held".encode()  # noqa: S608
                )
            )
            for name in names or FIGURES
        }


def copies(story: Story) -> dict[str, bytes]:
    """Return every table of the database as text, found without the code under test."""
    with story.database.connect() as connection:
        names = connection.execute(
            "select schemaname, tablename from pg_catalog.pg_tables "
            "where schemaname not in ('pg_catalog', 'information_schema')"
        ).fetchall()
        found = {}
        for schema, name in names:
            with connection.cursor().copy(
                sql.SQL("copy {} to stdout").format(sql.Identifier(schema, name))
                if not _is_partitioned(connection, schema, name)
                else sql.SQL("copy (select * from {}) to stdout").format(
                    sql.Identifier(schema, name)
                )
            ) as copy:
                found[f"{schema}.{name}"] = b"".join(bytes(block) for block in copy)
        return found


def _is_partitioned(connection: Any, schema: str, name: str) -> bool:
    row = connection.execute(
        "select relkind = 'p' from pg_catalog.pg_class where oid = to_regclass(%s)",
        (f'"{schema}"."{name}"',),
    ).fetchone()
    return bool(row and row[0])


def contents(*folders: Path) -> dict[str, bytes]:
    """Return what every file of the folders says."""
    found = {}
    for folder in folders:
        for path in folder.rglob("*"):
            if not path.is_file():
                continue
            content = path.read_bytes()
            if path.name.endswith(".gz"):
                content = gzip.decompress(content)
            elif path.suffix == ".parquet":
                content += repr(pq.read_table(path).to_pylist()).encode()
            found[str(path)] = content + str(path.relative_to(folder)).encode()
    return found


def holding(places: Mapping[str, bytes], *texts: str) -> dict[str, list[str]]:
    """Return the places that hold one of the texts, in any case."""
    return {
        place: hits
        for place, content in places.items()
        if (hits := [text for text in texts if text.lower().encode() in content.lower()])
    }


def everything(story: Story) -> dict[str, bytes]:
    return copies(story) | contents(home())


def home() -> Path:
    return Path(os.environ["WAREHOUSE_HOME"])


def traces(subject: str = SUBJECT, name: str = NAME) -> tuple[str, ...]:
    return (subject, subject.replace("-", ""), name, *(SECRETS if name == NAME else ()))


def life_of_subject(organization_id: str, team: str) -> list[dict[str, Any]]:
    """Return events of somebody in an organization, old ones and new ones."""
    mine: dict[str, Any] = {"organization_id": organization_id, "user_id": SUBJECT}
    events: list[dict[str, Any]] = [
        user(id=SUBJECT, organization_id=organization_id, name=NAME, team=team,
             event_id=uuid_of(900), updated_at="2026-06-10T00:00:00Z"),
        user(id=SUBJECT, organization_id=organization_id, name=f"{NAME} the second", team=team,
             event_id=uuid_of(901), updated_at="2026-09-10T00:00:00Z"),
        adjustment(7, **mine),
        evaluation(910, organization_id=organization_id, router=f"router of {SUBJECT}"),
    ]  # fmt: skip
    for number in range(910, 930):
        day = f"2026-{7 if number % 2 else 10:02d}-{number - 905:02d}"
        events.append(
            execution(
                number, **mine, start_time=f"{day}T10:00:00Z", end_time=f"{day}T10:00:08Z",
                updated_at=f"{day}T10:00:09Z", session_id=SECRETS[0], agent_id=SECRETS[1],
                correlation_id=SECRETS[2], workflow_id=SECRETS[3],
                task_id=f"task of {SUBJECT.upper()} {number}", status="failed",
                error_message=SECRETS[6], metadata={"cost_center": SECRETS[7]},
                provider_request_id=SECRETS[8], api_key_alias=SECRETS[9], end_user_id=SECRETS[10],
                branch=SECRETS[11], tags=["nightly", SECRETS[12]], project="checkout",
                routing_decision_id=decision(number)["id"],
            )
        )  # fmt: skip
        events.append(
            decision(
                number, organization_id=organization_id, decision_timestamp=f"{day}T09:59:59Z",
                updated_at=f"{day}T09:59:59Z", reasoning=SECRETS[4],
                task_execution_id=None, task_id=f"task of {SUBJECT.upper()} {number}",
                decision_factors={"why": SECRETS[5]},
            )
        )  # fmt: skip
    return events


def organization_of(story: Story) -> str:
    (found,) = {e["organization_id"] for e in story.events if e["id"] == SUBJECT}
    return str(found)


@pytest.fixture(scope="module")
def built(
    embedded_server: EmbeddedServer,
    built_on_nothing: Callable[[EmbeddedServer], Story],
    tmp_path_factory: pytest.TempPathFactory,
) -> Story:
    """Return a warehouse with the sample and somebody more, built once."""
    nothing = built_on_nothing(embedded_server)
    with copy_of(nothing, embedded_server, tmp_path_factory.mktemp("privacy")) as first:
        lines = sample_lines(SAMPLE)
        first.land_lines(lines)
        people = [json.loads(line) for line in lines if b'"event":"user"' in line]
        someone = people[0]
        first.land(*life_of_subject(someone["organization_id"], someone["team"]))
        first.build()
        return keep_as(first, embedded_server, f"{STORY_DATABASE}_privacy")


@pytest.fixture
def held(built: Story, embedded_server: EmbeddedServer, tmp_path: Path) -> Iterator[Story]:
    """Yield a copy of it in which logs, landed files and archives hold the subject as well."""
    with copy_of(built, embedded_server, tmp_path) as story:
        with story.database.connect() as connection:
            connection.execute("create schema dagster")
            connection.execute("create table dagster.event_logs (id int, event text)")
            connection.execute("create type dagster.member as (since date, member_id uuid)")
            connection.execute("create table dagster.teams (ids uuid[], members dagster.member[])")
            connection.execute(
                "insert into dagster.teams values (array[cast(%(id)s as uuid)], "
                "array[cast(row('2026-01-01', %(id)s) as dagster.member)])",
                {"id": SUBJECT},
            )
            connection.execute(
                "insert into dagster.event_logs values (1, %s)",
                (json.dumps({"message": f"{NAME} ({SUBJECT.upper()}) was late"}),),
            )
            connection.execute(
                "insert into quality.check_results (check_id, suite, rule, severity, is_full, "
                "is_success, broken_rows, broken_ids, query) values "
                "(gen_random_uuid(), 'a', 'b', 'info', true, false, 1, %s, %s)",
                (json.dumps([{"user_id": SUBJECT}]), f"select '{SUBJECT.replace('-', '')}'"),
            )
        log = home() / "dagster" / "storage" / "run.err"
        log.parent.mkdir(parents=True)
        log.write_text(f"one\n{NAME}: {SUBJECT}\nthree\n", encoding="utf-8")
        inbox = landing_folder() / "inbox"
        assert isinstance(inbox, Path)
        inbox.mkdir(parents=True)
        organization_id = organization_of(story)
        late = [
            execution(
                950 + place, organization_id=organization_id, user_id=SUBJECT.upper(),
                start_time=f"2026-10-2{place}T10:00:00Z", end_time=None, status="running",
                updated_at=f"2026-10-2{place}T10:00:00Z", session_id=SECRETS[0],
                task_id="plain", metadata=None,
            )
            for place in range(3)
        ]  # fmt: skip
        (inbox / "one.ndjson").write_bytes(b"".join(json.dumps(e).encode() + b"\n" for e in late))
        with gzip.open(inbox / "two.csv.gz", "wt", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(late[0]), delimiter=";")
            writer.writeheader()
            writer.writerows({**event, "event_id": uuid_of(970 + n), "id": uuid_of(980 + n)}
                             for n, event in enumerate(late))  # fmt: skip
        with environment_of(story.database):
            received = receive_files(landing_folder(), date(2026, 10, 31))
            assert [file.reason for file in received] == [None, None]
        story.build()
        with environment_of(story.database):
            result = CliRunner().invoke(main, ["retention", "--now", NOW])
        assert result.exit_code == 0, result.output
        yield story


def test_an_export_holds_all_that_is_held(held: Story) -> None:
    kept = everything(held)
    before = {
        table: sorted(line for line in content.split(b"\n") if re.search(
            rb"abcdef01-?2345-?4678-?9abc-?def012345678", line, re.IGNORECASE))
        for table, content in copies(held).items()
    }  # fmt: skip
    expected = {t: len(lines) for t, lines in before.items() if lines and t not in PARTITIONED}
    assert expected.keys() >= {
        "raw.users",
        "marts.fct_task_executions",
        "marts.dim_users",
        "dagster.event_logs",
        "dagster.teams",
        "quality.check_results",
        "intermediate.int_user_days",
    }
    # The record of this export is held as well, and the only thing that it adds.
    this_month = f"audit.audit_log_y{datetime.now(UTC):%Ym%m}"
    expected[this_month] = expected.get(this_month, 0) + 1
    out = held.folder / "held"
    done(held, "export", "--user", SUBJECT, "--out", str(out))
    document = json.loads((out / "held.json").read_text("utf-8"))
    mentions = {
        table: sum(_mentions(json.dumps(row)) for row in rows)
        for table, rows in document["tables"].items()
    }
    assert {table: count for table, count in mentions.items() if count} == expected
    for table, rows in document["tables"].items():
        with (out / "tables" / f"{table}.csv").open(encoding="utf-8", newline="") as file:
            assert len(list(csv.DictReader(file))) == len(rows), table
    # Also what names nobody and is theirs.
    decisions = [row for table, rows in document["tables"].items() for row in rows
                 if table.startswith("raw.routing_decisions")]  # fmt: skip
    assert {row["reasoning"] for row in decisions} >= {SECRETS[4]}
    files = Counter(mention["path"] for mention in document["files"])
    hits = set(holding(contents(home()), SUBJECT, SUBJECT.replace("-", "")))
    assert hits <= files.keys(), "every file"
    assert any(path.endswith(".parquet") for path in files)
    with (out / "files.csv").open(encoding="utf-8", newline="") as file:
        assert Counter(row["file"] for row in csv.DictReader(file)) == files
    assert oct(out.stat().st_mode & 0o777) == "0o700"
    assert everything(held).keys() == kept.keys()
    changed = {place for place, content in copies(held).items() if content != kept[place]}
    assert changed == {"audit.audit_log", this_month}


def _mentions(text: str) -> bool:
    return SUBJECT in text.lower() or SUBJECT.replace("-", "") in text.lower()


def assert_equals_full_refresh(story: Story) -> None:
    """Fail unless a full refresh gives the same; what was compared of sealed days it forgets."""
    before = story.marts()
    story.build(ROWS, full_refresh=True)
    after = story.marts()
    different = {table for table in before if before[table] != after[table]}
    assert different <= {"reconciled_provider_days"}


def test_an_erased_person_is_nowhere_and_nothing_brings_them_back(
    held: Story, built: Story
) -> None:
    before = figures(held)
    archive, archived = home() / "archive", held.folder / "restored"
    archived.mkdir()
    for path in archive.rglob("*.parquet"):
        (archived / path.name).write_bytes(path.read_bytes())
    assert holding(contents(archived), SUBJECT)
    again = held.folder / "again.ndjson"
    lines = [line for path in built.folder.glob("*.ndjson") for line in path.open("rb")]
    again.write_bytes(b"".join(reversed(lines)))
    assert NAME.encode() in again.read_bytes()

    plan = done(held, "erase", "--user", SUBJECT, "--dry-run")
    assert figures(held) == before
    places = {line.split(" of ", 1)[1].rstrip(".") for line in plan.splitlines() if " of " in line}
    held_by = holding(everything(held), SUBJECT, SUBJECT.replace("-", ""))
    assert places >= held_by.keys() - PARTITIONED

    output = done(held, "erase", "--user", SUBJECT)
    assert SUBJECT not in output
    assert not holding(everything(held), *traces())
    assert figures(held) == before
    (erasure,) = held.rows("select * from ledger.erasures")
    assert (erasure["state"], erasure["pending"]) == ("finished", None)
    assert {row["user_name"] for row in held.rows(
        "select user_name from marts.dim_users where user_id = %s", erasure["pseudonym"]
    )} == {"erased 002"}  # fmt: skip
    hashes = {
        row["file_name"]: (row["content_sha256"], row["content_bytes"])
        for row in held.rows("select * from ledger.archives")
    }
    assert hashes == {
        name: (hashlib.sha256(Path(name).read_bytes()).hexdigest(), Path(name).stat().st_size)
        for name in hashes
    }

    written = held.rows_written()
    held.build(ROWS)
    assert held.rows_written() == written, "there was nothing to build"
    assert figures(held) == before
    assert_equals_full_refresh(held)
    assert figures(held) == before

    with environment_of(held.database):
        report = land([again, archived, archive])
    assert not report.failures
    assert not report.files[0].is_skipped
    assert not holding(copies(held), *traces())
    held.build()
    assert figures(held) == before
    assert not holding(copies(held), *traces())
    assert_equals_full_refresh(held)
    assert figures(held) == before
    refused = privacy(held, "export", "--user", SUBJECT, "--out", str(held.folder / "none"))
    assert (refused.exit_code, "is known here" in refused.output) == (1, True)
    # Once more is no mistake: it would clean a copy that somebody put back.
    (archive / "task_executions" / "back.parquet").write_bytes(
        max(archived.glob("task_executions*"), key=lambda p: p.name).read_bytes()
    )
    done(held, "erase", "--user", SUBJECT)
    assert not holding(everything(held), *traces())


@pytest.fixture
def fresh(built: Story, embedded_server: EmbeddedServer, tmp_path: Path) -> Iterator[Story]:
    """Yield a copy of the built warehouse, with a file that holds the subject."""
    with copy_of(built, embedded_server, tmp_path) as story:
        file = home() / "dagster" / "run.err"
        file.parent.mkdir(parents=True)
        file.write_text(f"{NAME}: {SUBJECT}\n" * 10, encoding="utf-8")
        landed = home() / "landing" / "archive" / f"events of {SUBJECT}.ndjson"
        landed.parent.mkdir(parents=True)
        landed.write_bytes(b"".join(json.dumps(e).encode() + b"\n"
                           for e in life_of_subject(organization_of(story), "team")))  # fmt: skip
        yield story


@pytest.mark.parametrize("command", ["export", "erase"])
def test_what_is_no_known_id_is_refused(fresh: Story, command: str) -> None:
    out = ("--out", str(fresh.folder / "out")) if command == "export" else ()
    kept = everything(fresh)
    for arguments, code, words in (
        (["--user", str(UUID(int=5))], 1, "No user"),
        (["--organization", SUBJECT], 1, "No organization"),
        (["--user", f"{SUBJECT}'; drop table raw.users; --"], 2, "is not a valid UUID"),
        (["--user", ""], 2, "is not a valid UUID"),
        (["--user", SUBJECT, "--organization", SUBJECT], 2, "Give either"),
    ):
        result = privacy(fresh, command, *arguments, *out)
        assert (result.exit_code, words in result.output) == (code, True), result.output
        assert "Traceback" not in result.output
    assert not (fresh.folder / "out").exists()
    assert copies(fresh) == {place: kept[place] for place in copies(fresh)}
    assert holding(contents(home()), SUBJECT)
    assert not (home() / "privacy.key").exists()


def run(story: Story, *arguments: str) -> "subprocess.CompletedProcess[str]":
    with environment_of(story.database):
        return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=120)


def test_an_export_that_cannot_be_written_leaves_nothing(fresh: Story, tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24k", "tmpfs", str(full)], check=True)
    try:
        result = run(fresh, "export", "--user", SUBJECT, "--out", str(full / "held"))
        assert result.returncode == 1
        assert "No space left on device" in result.stderr
        assert list(full.iterdir()) == []
    finally:
        subprocess.run(["umount", str(full)], check=True)
    for out in ("/proc/held", str(tmp_path / "missing" / "held"), str(tmp_path)):
        refused = run(fresh, "export", "--user", SUBJECT, "--out", out)
        assert refused.returncode == 1
        assert refused.stderr.startswith("Error: "), refused.stderr
        assert "Traceback" not in refused.stderr
    assert not list(tmp_path.glob(".*"))


def test_an_erasure_without_room_for_a_file_is_finished_later(fresh: Story) -> None:
    before = figures(fresh)
    landed = home() / "landing"
    content = (landed / "archive" / f"events of {SUBJECT}.ndjson").read_bytes()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24k", "tmpfs", str(landed)], check=True)
    try:
        (landed / "events.ndjson").write_bytes(content[:16_000])
        result = run(fresh, "erase", "--user", SUBJECT)
        assert result.returncode == 1
        assert "make room and run `warehouse privacy erase` again" in result.stderr
        assert (landed / "events.ndjson").read_bytes() == content[:16_000]
        assert [path.name for path in landed.iterdir()] == ["events.ndjson"]
        assert not holding({k: v for k, v in copies(fresh).items() if k != "ledger.erasures"},
                           *traces())  # fmt: skip
    finally:
        subprocess.run(["umount", str(landed)], check=True)
    assert "Finished" in run(fresh, "erase").stdout
    assert not holding(everything(fresh), *traces())
    assert figures(fresh) == before


def test_killed_at_any_moment_the_next_one_finishes(fresh: Story) -> None:
    before = figures(fresh)
    kept = copies(fresh)
    draw = random.Random(8)  # noqa: S311 - moments, not secrets
    states = Counter[str]()
    with environment_of(fresh.database):
        for _ in range(10):
            process = subprocess.Popen(
                [*COMMAND, "erase", "--user", SUBJECT],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            time.sleep(draw.uniform(0.5, 2.5))
            process.send_signal(signal.SIGKILL)
            process.wait()
            wait_for_end(fresh)
            erasures = fresh.rows("select state from ledger.erasures")
            states[erasures[0]["state"] if erasures else "none"] += 1
            tables = copies(fresh)
            tables.pop("ledger.erasures")
            if erasures:
                assert not holding(tables, *traces())
            else:
                assert tables == {place: kept[place] for place in tables}
            assert figures(fresh) == before
    assert run(fresh, "erase", "--user", SUBJECT).returncode == 0
    assert not holding(everything(fresh), *traces())
    assert figures(fresh) == before
    assert len(fresh.rows("select * from ledger.erasures where state = 'finished'")) == 1


def wait_for_end(story: Story) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if not story.rows(
            "select 1 from pg_catalog.pg_stat_activity where application_name = 'warehouse privacy'"
        ):
            return
        time.sleep(0.05)
    raise TimeoutError


def test_of_two_erasures_at_once_one_is_refused(fresh: Story) -> None:
    with environment_of(fresh.database), locked(fresh, "raw.users", "share"):
        first = subprocess.Popen(
            [*COMMAND, "erase", "--user", SUBJECT],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        while not fresh.rows(
            "select 1 from pg_catalog.pg_stat_activity where "
            "application_name = 'warehouse privacy' and wait_event_type = 'Lock'"
        ):
            time.sleep(0.05)
        second = run(fresh, "erase", "--user", SUBJECT)
        assert second.returncode == 1
        assert "`warehouse privacy erase` is at work" in second.stderr
    assert first.communicate()[1] == ""
    assert first.returncode == 0
    assert not holding(everything(fresh), *traces())


def test_an_erasure_waits_for_a_build_and_a_load(
    fresh: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    from orchestration.privacy import erase

    monkeypatch.setattr(erase, "_WAIT_FOR_BUILDS_SECONDS", 1)
    monkeypatch.setattr(erase, "_WAIT_FOR_LOADS", "1s")
    begin = (
        "insert into ledger.running_builds (target_schema, invocation_id) values ('public', 'x')"
    )
    with fresh.database.connect(application_name="dbt", autocommit=True) as build:
        build.execute(begin.encode())
        result = privacy(fresh, "erase", "--user", SUBJECT)
        assert (result.exit_code, "A build has been at work" in result.output) == (1, True)
        assert holding(copies(fresh), SUBJECT)
    with fresh.database.connect() as load:
        load.execute("select * from ledger.erasures")
        result = privacy(fresh, "erase", "--user", SUBJECT)
        assert (result.exit_code, "A load has been at work" in result.output) == (1, True)
    assert not fresh.rows("select * from ledger.erasures")
    # The build was killed: nobody is connected any more.
    done(fresh, "erase", "--user", SUBJECT)
    assert not holding(everything(fresh), *traces())


def test_without_the_privacy_key_nothing_lands(fresh: Story) -> None:
    done(fresh, "erase", "--user", SUBJECT)
    key = home() / "privacy.key"
    assert key.stat().st_mode & 0o777 == 0o600
    right = key.read_text("ascii")
    assert not holding(copies(fresh), right)
    lines = b"".join(json.dumps(e).encode() + b"\n"
                     for e in life_of_subject(organization_of(fresh), "team"))  # fmt: skip
    file = fresh.folder / "late.ndjson"
    file.write_bytes(lines)
    for wrong in (None, "0" * 64):
        key.unlink()
        if wrong is not None:
            key.write_text(wrong, "ascii")
        with environment_of(fresh.database):
            ((_, reason),) = land([file]).failures
        assert "privacy key" in reason
        assert right not in reason
        if wrong is None:
            key.write_text("", "ascii")
    with environment_of(fresh.database), pytest.MonkeyPatch.context() as patch:
        patch.setenv("WAREHOUSE_PRIVACY_KEY", right)
        assert not land([file]).failures
    assert not holding(copies(fresh), *traces())


def test_what_was_read_when_it_came_lands_without_who_was_erased(fresh: Story) -> None:
    lines = [json.dumps(e).encode() for e in life_of_subject(organization_of(fresh), "team")]
    done(fresh, "erase", "--user", SUBJECT)
    contract = Contract.at()
    # Each line comes twice, as after an answer that was lost.
    content = BytesIO(b"\n".join(lines + lines))
    with environment_of(fresh.database):
        (landed,) = land_streams(
            [Stream("received", content, known={line: contract.read(line) for line in lines})]
        )
    assert landed.lines_accepted == 2 * len(lines)
    assert not holding(copies(fresh), *traces())


def test_ids_are_recognized_however_a_line_writes_them() -> None:
    key, pseudonym = PrivacyKey(b"k" * 32), UUID(int=77)
    erased = Tombstones(key, {key.tombstone_of(UUID(SUBJECT)): pseudonym})
    read = erased.reader(Contract.at().read)
    bare = SUBJECT.replace("-", "").upper()
    escaped = line_of(execution(user_id=SUBJECT)).replace(b'"abcdef01', b'"\\u0061bcdef01')
    for line in (
        escaped,
        line_of(execution(user_id=bare)),
        line_of(execution(user_id=SUBJECT.upper(), task_id=f"of {bare}, and {SUBJECT}")),
        line_of(execution(organization_id=SUBJECT, user_id=None)),
        line_of(execution(user_id=None, task_id=f"x{SUBJECT}", metadata={"project": SUBJECT})),
        line_of(execution(user_id=None, tags=["nightly", f"of {bare}"])),
        line_of(decision(decision_factors={"a": SUBJECT, f"k{bare}"[:33]: 1})),
        line_of(decision(alternative_providers=[{"provider": "p", "model": f"m-{SUBJECT}"}])),
        line_of(user(id=SUBJECT)),
        line_of(organization(id=SUBJECT)),
        line_of(adjustment(user_id=SUBJECT, reference=f"invoice {SUBJECT}")),
        line_of(evaluation(organization_id=SUBJECT, router=f"of {bare}")),
    ):
        event, values = read(line)
        said = f"{event} {values}".lower()
        assert SUBJECT not in said, line
        assert bare.lower() not in said, line
        assert str(pseudonym) in said or pseudonym.hex in said
    theirs = read(line_of(execution(user_id=SUBJECT, error_message="it is Ada", **ATTRIBUTION)))[0]
    assert isinstance(theirs, TaskExecution)
    assert (theirs.session_id, theirs.error_message, theirs.metadata) == (None, None, None)
    kept = ("source", "time_to_first_token_ms", "billing_account", "team", "project",
            "cost_center", "repository")  # fmt: skip
    assert {name: getattr(theirs, name) for name in ATTRIBUTION} == {
        name: value if name in kept else None for name, value in ATTRIBUTION.items()
    }
    assert (theirs.task_id, theirs.model, theirs.input_tokens) == (
        "task-1", "claude-3-7-sonnet-20250219", 1000,
    )  # fmt: skip
    line = line_of(execution(**ATTRIBUTION))
    assert read(line) == Contract.at().read(line), "what is nobody's stays as it is"


def test_an_erased_organization_keeps_its_sums_and_its_prices(
    built: Story,
    embedded_server: EmbeddedServer,
    project: Project,
    seeds: Seeds,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(project.root)
    later = "2026-11-29T00:00:00Z"
    with copy_of(built, embedded_server, tmp_path) as story:
        organization_id = organization_of(story)
        fact = story.row(
            "select provider, model, count(*) as tasks from marts.fct_task_executions "
            "where organization_id = %s and model is not null group by 1, 2 "
            "order by 3 desc limit 1",
            organization_id,
        )
        seeds.add("provider_pricing", price(fact["provider"], fact["model"],
                                            organization_id=organization_id))  # fmt: skip
        story.build(*PRICES, ROWS, now=later)
        name = story.row(
            "select organization_name as name from marts.dim_organizations "
            "where organization_id = %s", organization_id,
        )["name"]  # fmt: skip
        people = [str(row["user_id"]) for row in story.rows(
            "select user_id from marts.dim_users where organization_id = %s", organization_id
        )]  # fmt: skip
        before = figures(story)
        output = done(story, "erase", "--organization", organization_id)
        assert "seeds/pricing/provider_pricing.csv still holds an erased id in 1 line" in output
        pseudonym = story.row(
            "select pseudonym from ledger.erasures where kind = 'organization'"
        )["pseudonym"]  # fmt: skip
        assert pseudonym in output
        assert not holding(everything(story), organization_id, *people, *traces())
        assert not holding({k: v for k, v in copies(story).items() if "users" in k
                            or "organizations" in k}, name)  # fmt: skip

        def renamed(counted: dict[str, Counter[str]]) -> dict[str, Counter[str]]:
            return {
                table: Counter({
                    row.replace(organization_id, pseudonym).replace(f'"{name}"', "erased"): count
                    for row, count in rows.items()
                })
                for table, rows in counted.items()
            }  # fmt: skip

        assert renamed(figures(story)) == renamed(before)
        story.build(*PRICES, ROWS, now=later)
        assert renamed(figures(story)) == renamed(before)
        # The file still names the old id: what loads it again refuses to price, nothing changes.
        with pytest.raises(AssertionError, match="assert_price_rows_are_never_edited_or_deleted"):
            story.project.run(story.database, "build", "--full-refresh", "--select", *PRICES,
                              "--exclude-resource-type", "unit_test", now=later)  # fmt: skip
        assert renamed(figures(story)) == renamed(before)
        path = project.prices / "provider_pricing.csv"
        path.write_text(path.read_text("utf-8").replace(organization_id, pseudonym), "utf-8")
        story.build(*PRICES, ROWS, now=later)
        assert renamed(figures(story)) == renamed(before)
        # What the refused build has loaded goes with another erasure.
        assert holding(copies(story), organization_id).keys() == {
            "snapshots.provider_pricing_history"
        }
        done(story, "erase", "--organization", organization_id)
        assert not holding(everything(story), organization_id, *people)
        story.build(*PRICES, ROWS, full_refresh=True, now=later)
        assert renamed(figures(story)) == renamed(before)
        assert not holding(everything(story), organization_id, *people)


def test_archives_and_landed_files_in_a_bucket_are_erased(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    with serving_s3(monkeypatch) as bucket:
        monkeypatch.setenv("WAREHOUSE_ARCHIVE", f"s3://{BUCKET}/archive")
        monkeypatch.setenv("WAREHOUSE_LANDING", f"s3://{BUCKET}/landing")
        events = life_of_subject(uuid_of(3), "team")
        landed = bucket.put_events("landing/archive/2026-10-31/given.ndjson", *events)
        assert not land([landed]).failures
        with database.connect() as connection:
            for table in ("task_executions", "routing_decisions"):
                path = folder_at(f"s3://{BUCKET}/archive/{table}/{table}_2026-10_001.parquet")
                written = write_archive(connection, table, sql.Identifier("raw", table), None, path)
                connection.execute(
                    "insert into ledger.archives (table_name, month, file_name, content_sha256, "
                    "content_bytes, event_count, is_whole_month) values (%s, '2026-10-01', %s, %s, "
                    "%s, 10, true)",
                    (table, str(path), written.sha256, written.size_bytes),
                )
        fetched(bucket, home() / "before")
        assert len(holding(contents(home() / "before"), *SECRETS)) == 3
        shutil.rmtree(home() / "before")
        result = CliRunner().invoke(main, ["privacy", "erase", "--user", SUBJECT])
        assert result.exit_code == 0, result.output
        fetched(bucket, home() / "after")
        assert not holding(contents(home()), *traces())
        with database.connect() as connection:
            rows = connection.execute("select file_name, content_sha256 from ledger.archives")
            assert dict(rows.fetchall()) == {
                f"s3://{BUCKET}/{key}": hashlib.sha256(bucket.get(key)).hexdigest()
                for key in bucket.keys()  # noqa: SIM118 - no mapping
                if key.startswith("archive/")
            }


def fetched(bucket: Bucket, folder: Path) -> None:
    """Write what is in a bucket into a folder."""
    for key in bucket.keys():  # noqa: SIM118 - no mapping
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bucket.get(key))
