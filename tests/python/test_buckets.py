"""The inbox and the archive in a bucket of a real S3 server on this machine."""

import datetime as dt
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import fsspec
import pytest
from click.testing import CliRunner
from psycopg import sql
from support.buckets import BUCKET, Bucket, serving_s3
from support.events import execution, organization
from support.landing import counts, rows
from support.servers import Database

from orchestration.buckets import BucketError, BucketPath, folder_at
from orchestration.cli import main
from orchestration.database.partitions import month_partitions
from orchestration.errors import WarehouseError
from orchestration.landing.inbox import (
    ReceivedFile,
    landing_folder,
    receive_files,
    waiting_files,
)
from orchestration.landing.loader import land
from orchestration.retention.archive import write_archive
from orchestration.retention.raw_events import _archive_month, sweep

DAY = dt.date(2026, 11, 26)
LANDING = f"s3://{BUCKET}/landing"
MARCH = sql.Identifier("raw", "task_executions_y2026m03")


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Bucket]:
    # Every test has a server of its own, on another port.
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    with serving_s3(monkeypatch) as served:
        monkeypatch.setenv("WAREHOUSE_LANDING", LANDING)
        yield served
    assert list((tmp_path / "temporary").iterdir()) == []


def receive() -> list[ReceivedFile]:
    return receive_files(landing_folder(), DAY)


def test_files_land_from_a_bucket_and_are_moved(database_18: Database, bucket: Bucket) -> None:
    bucket.put("landing/inbox/", b"")
    first = bucket.put_events("landing/inbox/a/a [1]*.ndjson", organization())
    second = bucket.put_events("landing/inbox/b.ndjson", execution(1), {"event": "nonsense"})
    # Below a file's name there can be others, which are none of its own.
    third = bucket.put_events("landing/inbox/b.ndjson/c.ndjson", execution(2))
    bucket.put_events("landing/inbox/.hidden.ndjson", execution(3))
    bucket.put_events("landing/inbox/growing.ndjson.part", execution(4))
    bucket.put_events("landing/inbox2/other.ndjson", execution(5))
    waiting = waiting_files(landing_folder())
    assert [str(file.path) for file in waiting] == [first, second, third]
    now = dt.datetime.now(dt.UTC).timestamp()
    assert all(abs(now - file.arrived) < 60 for file in waiting)

    received = receive()
    assert [file.reason for file in received] == [None, None, None]
    assert rows(
        database_18,
        "select source_name, lines_accepted, lines_rejected from raw.loads order by load_id",
    ) == [(first, 1, 0), (second, 1, 1), (third, 1, 0)]
    assert bucket.keys() == [
        "landing/archive/2026-11-26/a [1]*.ndjson",
        "landing/archive/2026-11-26/b.ndjson",
        "landing/archive/2026-11-26/c.ndjson",
        "landing/inbox/",
        "landing/inbox/.hidden.ndjson",
        "landing/inbox/growing.ndjson.part",
        "landing/inbox2/other.ndjson",
    ]
    assert str(received[1].path) == f"{LANDING}/archive/2026-11-26/b.ndjson"


def test_the_sensor_asks_for_a_run_when_files_wait_in_the_bucket(
    definitions: dg.Definitions, bucket: Bucket
) -> None:
    landing_inbox = next(
        found for found in definitions.sensors or [] if found.name == "landing_inbox"
    )
    assert callable(landing_inbox)
    with dg.DagsterInstance.ephemeral() as instance:
        assert isinstance(landing_inbox(dg.build_sensor_context(instance)), dg.SkipReason)
        bucket.put_events("landing/inbox/events.ndjson", execution(1))
        first = landing_inbox(dg.build_sensor_context(instance))
        assert isinstance(first, dg.RunRequest)
        again = landing_inbox(dg.build_sensor_context(instance))
        assert isinstance(again, dg.RunRequest)
        assert again.run_key == first.run_key


def test_what_cannot_be_landed_is_set_aside_and_no_name_is_taken_twice(
    database_18: Database, bucket: Bucket
) -> None:
    for number in (1, 2):
        bucket.put_events("landing/inbox/events.ndjson", execution(number))
        bucket.put("landing/inbox/picture.png", b"%d" % number)
        bucket.put("landing/inbox/empty.ndjson", b"")
        assert [file.landed is not None for file in receive()] == [False, True, False]
    day = "landing/rejected/2026-11-26"
    assert bucket.keys() == [
        "landing/archive/2026-11-26/2-events.ndjson",
        "landing/archive/2026-11-26/events.ndjson",
        *(
            f"{day}/{number}{name}{ending}"
            for number in ("2-", "")
            for name in ("empty.ndjson", "picture.png")
            for ending in ("", ".reason.txt")
        ),
    ]
    assert bucket.get(f"{day}/2-picture.png") == b"2"
    assert b"is empty" in bucket.get(f"{day}/empty.ndjson.reason.txt")
    assert b"has none of the endings" in bucket.get(f"{day}/picture.png.reason.txt")
    assert counts(database_18)["task_executions"] == 2


def test_a_kill_between_landing_and_moving_counts_nothing_twice(
    database_18: Database, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.put_events("landing/inbox/events.ndjson", execution(1))

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        # In the middle of the move, when the file has both names.
        patched.setattr(BucketPath, "unlink", killed)
        with pytest.raises(KeyboardInterrupt):
            receive()
    assert "landing/inbox/events.ndjson" in bucket.keys()  # noqa: SIM118
    (received,) = receive()
    assert received.landed
    assert received.landed.is_skipped
    assert bucket.keys() == [
        "landing/archive/2026-11-26/2-events.ndjson",
        "landing/archive/2026-11-26/events.ndjson",
    ]
    assert counts(database_18)["task_executions"] == 1


def test_while_the_bucket_is_away_files_wait(
    database_18: Database, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.put_events("landing/inbox/events.ndjson", execution(1))

    store = fsspec.get_filesystem_class("s3")
    with monkeypatch.context() as patched:

        def unreachable(*_: object) -> None:
            # Back right after: the file must not be set aside as one that is bad.
            patched.undo()
            raise ConnectionResetError(104, "Connection reset by peer")

        patched.setattr(store, "get_file", unreachable)
        with pytest.raises(BucketError, match=r"events\.ndjson cannot be read: Connection reset"):
            receive()
    assert bucket.keys() == ["landing/inbox/events.ndjson"]
    assert len(receive()) == 1
    assert counts(database_18)["task_executions"] == 1

    missing = BucketPath.parse("s3://no-such-bucket/landing")
    with pytest.raises(BucketError, match=r"s3://no-such-bucket/landing/inbox cannot be listed"):
        waiting_files(missing)


def test_an_archive_is_written_to_a_bucket_and_lands_from_there(
    database_18: Database, bucket: Bucket
) -> None:
    given = bucket.put_events("given.ndjson", *(execution(number) for number in range(50)))
    assert land([given]).failures == []
    before = rows(database_18, "select event_id, start_time from raw.task_executions order by 1")
    folder = folder_at(f"s3://{BUCKET}/archive")
    path = folder / "task_executions" / "march.parquet"
    with database_18.connect() as connection:
        archive = write_archive(connection, "task_executions", MARCH, None, path)
        assert (archive.path, archive.rows) == (path, 50)
        with pytest.raises(WarehouseError, match="exists already; an archive is never overwritten"):
            write_archive(connection, "task_executions", MARCH, None, path)
        connection.execute("truncate raw.task_executions, raw.loads")
    assert len(bucket.get("archive/task_executions/march.parquet")) == archive.size_bytes

    bucket.put("archive/notes.txt", b"-")
    landed = CliRunner().invoke(main, ["land", str(folder)])
    assert landed.exit_code == 0, landed.output
    assert f"{folder}: skipped 1 other file(s): notes.txt" in landed.output
    assert f"{path}: load " in landed.output
    assert before == rows(
        database_18, "select event_id, start_time from raw.task_executions order by 1"
    )
    assert rows(database_18, "select content_sha256 from raw.loads") == [(archive.sha256,)]
    assert "1 skipped" in CliRunner().invoke(main, ["land", str(path)]).output


def test_a_month_leaves_for_a_bucket_also_after_a_kill(
    database_18: Database, bucket: Bucket
) -> None:
    land([bucket.put_events("given.ndjson", *(execution(number) for number in range(3)))])
    name = "archive/task_executions/task_executions_2026-03_001.parquet"
    # As a retention leaves it that was killed before it could record the file.
    bucket.put(name, b"left behind")
    folder = folder_at(f"s3://{BUCKET}/archive")
    sweep(folder)
    with database_18.connect(autocommit=True) as connection:
        (partition,) = month_partitions(connection, "task_executions")
        _archive_month(connection, partition, sql.SQL("true"), folder)
    assert rows(
        database_18, "select file_name, event_count, is_whole_month from ledger.archives"
    ) == [(f"s3://{BUCKET}/{name}", 3, True)]
    assert counts(database_18)["task_executions"] == 0
    assert [file.lines_accepted for file in land([str(folder)]).files] == [3]


def test_an_archive_that_the_bucket_garbles_is_an_error(
    database_18: Database, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    land([bucket.put_events("given.ndjson", execution(1))])
    put = BucketPath.put

    def garble(self: BucketPath, path: Path) -> None:
        put(self, path)
        bucket.put(self.key.removeprefix(f"{BUCKET}/"), b"other")

    monkeypatch.setattr(BucketPath, "put", garble)
    path = BucketPath.parse(f"s3://{BUCKET}/archive/march.parquet")
    with (
        database_18.connect() as connection,
        pytest.raises(WarehouseError, match="the bucket gives other bytes back"),
    ):
        write_archive(connection, "task_executions", MARCH, None, path)


def test_a_file_is_never_replaced(bucket: Bucket, tmp_path: Path) -> None:
    path = BucketPath.parse(bucket.put("precious", b"precious"))
    (tmp_path / "other").write_bytes(b"other")
    with pytest.raises(BucketError, match="precious exists already"):
        path.put(tmp_path / "other")
    moved = BucketPath.parse(bucket.put("other", b"other"))
    with pytest.raises(BucketError, match="precious exists already"):
        moved.move(path)
    assert (bucket.get("precious"), bucket.get("other")) == (b"precious", b"other")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("s3://key:hunter2@bucket/prefix", "holds credentials"),
        ("s3://hunter2@bucket/prefix", "holds credentials"),
        ("abfs://container/prefix?sig=hunter2", "holds credentials"),
        ("abfs://container@account.example/prefix", "holds credentials or an account"),
        ("https://hunter2@example.com/", "begins with s3://"),
        ("s3://", "names no bucket"),
    ],
)
def test_urls_with_credentials_and_of_other_kinds_are_refused(url: str, message: str) -> None:
    with pytest.raises(WarehouseError, match=message) as refused:
        folder_at(url)
    shown = [
        refused.value.message,
        CliRunner().invoke(main, ["land", url]).output,
        CliRunner().invoke(main, ["retention", "--archive", url]).output,
    ]
    assert all(message in text for text in shown)
    assert "hunter2" not in "".join(shown)


def test_a_package_that_is_missing_is_named() -> None:
    code = (
        "import sys; sys.modules['gcsfs'] = None\n"
        "from orchestration.landing.loader import land\n"
        "print(land(['gs://bucket/prefix']).failures[0][1])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == (
        "gs://bucket/prefix needs the package gcsfs, which is not installed: pip install gcsfs\n"
    )


def test_what_the_store_says_is_shown_without_secrets(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bucket.keys() == []
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", "/nonexistent")
    with pytest.raises(BucketError, match=r"landing/inbox cannot be listed: \w+") as refused:
        waiting_files(landing_folder())
    assert "of-the-test" not in str(refused.value)
