"""Archives: what was written lands again digit by digit, and there is never half a file."""

import contextlib
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pyarrow.parquet as pq
import pytest
from psycopg import sql
from support.events import (
    ATTRIBUTION,
    ORGANIZATION_ID,
    decision,
    execution,
    line_of,
    uuid_of,
)
from support.landing import counts, rows
from support.servers import Database

from orchestration.database.partitions import PartitionedTable
from orchestration.errors import WarehouseError
from orchestration.landing.contracts import COLUMN_OF, RoutingDecision, TaskExecution
from orchestration.landing.loader import Stream, land, land_streams
from orchestration.landing.reading import find_sources
from orchestration.retention import archive as archive_module
from orchestration.retention.archive import TEMPORARY_ENDING, Archive, write_archive
from orchestration.sample.generator import SampleSettings, generate

SAMPLE = SampleSettings(executions=3_000, organizations=4, users=30, days=70, seed=7)
TABLES: tuple[PartitionedTable, ...] = ("task_executions", "routing_decisions")
MARCH = sql.Identifier("raw", "task_executions_y2026m03")

THIRTY_DIGITS = "0.123456789012345678901234567890"
HOSTILE = [
    line_of(execution(9_001, start_time="2026-03-31T23:59:59.999999Z", end_time=None,
                      updated_at="2026-04-01T00:00:00.000001+00:00"))
    .replace(b"0.00714", THIRTY_DIGITS.encode()),
    line_of(execution(9_002)).replace(b"0.00714", b"1e-40").replace(b"0.9", b"0e-999"),
    line_of(execution(9_003, compute_units=10**12, task_id="日本語 😀 \"quoted\" \\ 'single'")),
    line_of(execution(9_004, metadata={"client": "ü \" \\ {}", "attempt": -(2**63),
                                       "max_tokens": 2**63 - 1, "stream": None,
                                       "priority": 1e300, "temperature": 1e-300,
                                       "source": "12345678901234567890"})),
    line_of(execution(9_005, metadata={"priority": -1e19, "attempt": 2.0**63,
                                       "max_tokens": 1.7976931348623157e308, "region": ""})),
    line_of({name: execution(9_006)[name] for name in
             ("event", "event_id", "id", "organization_id", "task_id", "task_type", "provider",
              "status", "start_time", "updated_at")}),
    line_of(execution(9_007, error_message="", status="failed", reported_cost_usd="1000000")),
    line_of(execution(9_008, error_message="Größe überschritten\nsiehe oben", metadata={})),
    line_of(execution(9_009, request_count="0." + "3" * 30, region="eu-central-1", is_bucket=True,
                      is_gateway_cache_hit=True, cache_write_1h_tokens=99, audio_input_tokens=1,
                      image_input_tokens=2, audio_output_tokens=3, image_output_tokens=4,
                      other_usage={"seats": "1e-20", "units": "123456789.123456789012345678"})),
    line_of(execution(9_010, request_count=10**12, other_usage={})),
    line_of(execution(9_011, **ATTRIBUTION)),
    line_of(execution(9_012, team=" ", branch="ü \" \\ {}", tags=[], time_to_first_token_ms=0)),
    line_of(execution(9_013, tags=["", "ü \" \\ {}", "null", "[1]", "a, b"])),
    line_of(decision(9_001, reasoning="", decision_factors={"a": 1e22, "b": True, "c": None},
                     alternative_providers=[])),
    line_of(decision(9_002)).replace(b'"score": 0.5', b'"score": ' + THIRTY_DIGITS.encode()),
    line_of({name: decision(9_003)[name] for name in
             ("event", "event_id", "id", "organization_id", "task_id", "chosen_provider",
              "decision_timestamp", "routing_strategy", "updated_at")}),
]  # fmt: skip


def land_lines(lines: list[bytes], name: str = "given") -> None:
    import io

    (landed,) = land_streams([Stream(name, io.BytesIO(b"".join(line + b"\n" for line in lines)))])
    assert landed.lines_rejected == 0


def contents(database: Database, table: str) -> Counter[tuple[str, ...]]:
    """Return all rows of a table without their bookkeeping, every value as the server writes it."""
    kind = TaskExecution if table == "task_executions" else RoutingDecision
    columns = ", ".join(f"{COLUMN_OF.get(name, name)}::text" for name in kind.__struct_fields__)
    return Counter(rows(database, f"select {columns} from raw.{table}"))  # noqa: S608


def partitions(database: Database, table: str) -> list[str]:
    return [
        name
        for (name,) in rows(
            database,
            "select relname::text from pg_inherits join pg_class on inhrelid = oid "  # noqa: S608
            f"where inhparent = 'raw.{table}'::regclass order by 1",
        )
    ]


def write(
    database: Database,
    path: Path,
    relation: sql.Composable = MARCH,
    where: sql.Composable | None = None,
    table: PartitionedTable = "task_executions",
) -> Archive:
    with database.connect() as connection:
        return write_archive(connection, table, relation, where, path)


def many(count: int = 3_000) -> list[bytes]:
    return [line_of(execution(number)) for number in range(count)]


def test_what_was_archived_lands_again_exactly(database: Database, tmp_path: Path) -> None:
    land_lines([line.rstrip(b"\n") for line in generate(SAMPLE)])
    land_lines(HOSTILE)
    before = {table: contents(database, table) for table in TABLES}
    assert all(before.values())
    folder = tmp_path / "archives"
    for table in TABLES:
        names = partitions(database, table)
        assert len(names) >= 3
        written = 0
        for name in names:
            relation = sql.Identifier("raw", name)
            path = folder / table / f"{name}.parquet"
            archive = write(database, path, relation, table=table)
            written += archive.rows
            assert archive.path == path
            assert archive.rows == pq.read_metadata(path).num_rows
            assert archive.size_bytes == path.stat().st_size
            assert archive.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
            assert [(archive.rows, archive.last_load_id)] == rows(
                database,
                f"select count(*), max(_load_id) from raw.{name}",  # noqa: S608
            )
        assert written == before[table].total()
    with database.connect() as connection:
        connection.execute("truncate raw.task_executions, raw.routing_decisions, raw.loads")
    report = land([folder])
    assert not report.failures
    assert sum(file.lines_rejected for file in report.files) == 0
    for table in TABLES:
        assert contents(database, table) == before[table]
    assert all(file.is_skipped for file in land([folder]).files)
    assert {table: counts(database)[table] for table in TABLES} == {
        table: before[table].total() for table in TABLES
    }


def test_rows_stand_in_the_order_and_types_of_the_contract(
    database: Database, tmp_path: Path
) -> None:
    land_lines([line_of(execution(1)), line_of(execution(2))], "first")
    land_lines([line_of(execution(3))], "second")
    with database.connect() as connection:
        # As no loader would write it, to see that nothing is lost on the way into the file.
        connection.execute(
            "insert into raw.task_executions select 1, 0, event_id, id, organization_id, "
            "E'line\\nbreak\\t\\u0001', task_type, provider, status, "
            "timestamptz '2026-03-31 20:00:00.123456-03', updated_at from raw.task_executions "
            "where _line_number = 2"
        )
    with database.connect() as connection:
        # Whatever the session's settings are.
        connection.execute("set time zone 'America/New_York'")
        connection.execute("set datestyle to 'German'")
        archive = write_archive(
            connection, "task_executions", MARCH, None, tmp_path / "march.parquet"
        )
    table = pq.read_table(archive.path)
    assert table.column_names == [
        "event", "_load_id", "_line_number", *TaskExecution.__struct_fields__,
    ]  # fmt: skip
    types = {field.name: str(field.type) for field in table.schema}
    assert {name: types[name] for name in ("event", "_load_id", "id", "start_time", "metadata",
                                           "reported_cost_usd", "input_tokens", "status")} == {
        "event": "string", "_load_id": "int64", "id": "string",
        "start_time": "timestamp[us, tz=UTC]", "metadata": "string",
        "reported_cost_usd": "string", "input_tokens": "int64", "status": "string",
    }  # fmt: skip
    found = table.to_pylist()
    assert [(row["_load_id"], row["_line_number"]) for row in found] == [
        (1, 0), (1, 1), (1, 2), (2, 1),
    ]  # fmt: skip
    assert found[0]["task_id"] == "line\nbreak\t\u0001"
    assert found[0]["start_time"] == datetime(2026, 3, 31, 23, 0, 0, 123_456, tzinfo=UTC)
    assert found[0]["request_count"] is None
    assert found[1]["reported_cost_usd"] == "0.00714"
    assert {row["event"] for row in found} == {"task_execution"}
    assert archive.last_load_id == 2
    column = pq.read_metadata(archive.path).row_group(0).column(0)
    assert column.compression == "ZSTD"


def test_some_organizations_only(database_18: Database, tmp_path: Path) -> None:
    other = uuid_of(77)
    land_lines(
        [
            line_of(execution(n, organization_id=other if n % 3 else ORGANIZATION_ID))
            for n in range(30)
        ]
    )
    where = sql.SQL("cast(organization_id as text) = any({})").format(
        sql.Literal([ORGANIZATION_ID])
    )
    archive = write(database_18, tmp_path / "some.parquet", where=where)
    organizations = set(pq.read_table(archive.path).column("organization_id").to_pylist())
    assert (archive.rows, organizations) == (10, {ORGANIZATION_ID})
    either = sql.SQL("false or true")
    assert write(database_18, tmp_path / "all.parquet", where=either).rows == 30
    none = write(database_18, tmp_path / "none.parquet", where=sql.SQL("false"))
    assert (none.rows, none.last_load_id) == (0, None)
    assert pq.read_metadata(none.path).num_rows == 0


def test_only_the_owner_can_read_what_was_made(database_18: Database, tmp_path: Path) -> None:
    land_lines(many(1))
    previous = os.umask(0)
    try:
        archive = write(database_18, tmp_path / "new/deep/a.parquet")
    finally:
        os.umask(previous)
    assert isinstance(archive.path, Path)
    modes = [path.stat().st_mode & 0o777 for path in (archive.path, *archive.path.parents[:2])]
    assert modes == [0o600, 0o700, 0o700]
    assert [path.name for path in archive.path.parent.iterdir()] == ["a.parquet"]


def test_row_groups_bound_the_memory(
    database_18: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = dict.fromkeys(range(3000, 3200), "x" * 450)
    land_lines([*many(3_000), *(line_of(execution(n, error_message=t)) for n, t in texts.items())])
    monkeypatch.setattr(archive_module, "FETCHED_ROWS", 30)
    monkeypatch.setattr(archive_module, "GROUP_ROWS", 100)
    fetched: list[int] = []
    original = archive_module._batch

    def watched(rows: list[tuple[Any, ...]], *others: Any) -> Any:
        fetched.append(len(rows))
        return original(rows, *others)

    monkeypatch.setattr(archive_module, "_batch", watched)
    archive = write(database_18, tmp_path / "a.parquet")
    assert (max(fetched), sum(fetched), archive.rows) == (30, 3_200, 3_200)
    metadata = pq.read_metadata(archive.path)
    sizes = [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)]
    assert (set(sizes[:-1]), sum(sizes)) == ({120}, 3_200)

    monkeypatch.setattr(archive_module, "GROUP_BYTES", 1)
    metadata = pq.read_metadata(write(database_18, tmp_path / "b.parquet").path)
    assert metadata.row_group(0).num_rows == 30


@pytest.mark.parametrize("autocommit", [False, True])
def test_a_transaction_in_progress_stays_in_progress(
    database_18: Database, tmp_path: Path, autocommit: bool
) -> None:
    land_lines(many(5))
    with database_18.connect(autocommit=autocommit) as connection, connection.transaction():
        connection.execute("delete from raw.task_executions where _line_number = 1")
        assert write_archive(
            connection, "task_executions", MARCH, None, tmp_path / "a.parquet"
        ).rows == 4  # fmt: skip
        with pytest.raises(WarehouseError):
            write_archive(connection, "task_executions", MARCH, None, tmp_path / "a.parquet")
        missing = sql.Identifier("raw", "gone")
        with pytest.raises(WarehouseError, match="SQLSTATE 42P01"):
            write_archive(connection, "task_executions", missing, None, tmp_path / "b.parquet")
        connection.execute("select 1")
        raise psycopg.Rollback
    assert counts(database_18)["task_executions"] == 5
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["a.parquet"]


def test_columns_that_would_be_lost_are_an_error(database_18: Database, tmp_path: Path) -> None:
    land_lines(many(1))
    with database_18.connect() as connection:
        connection.execute("alter table raw.task_executions add column surprise text")
    with pytest.raises(WarehouseError, match=r"not those of raw.task_executions: surprise"):
        write(database_18, tmp_path / "a.parquet")
    with database_18.connect() as connection:
        connection.execute("alter table raw.task_executions drop column surprise")
        connection.execute("alter table raw.task_executions drop column error_code")
        connection.execute("alter table raw.task_executions add column error_code inet")
    with pytest.raises(WarehouseError, match=r"error_code of raw.task_executions has a type"):
        write(database_18, tmp_path / "a.parquet")
    assert not list(tmp_path.glob("*.parquet"))


# --- Files ----------------------------------------------------------------------------------------


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_killed_write_leaves_no_file_that_could_be_taken_for_one(
    database_18: Database, tmp_path: Path
) -> None:
    land_lines(many())
    folder = tmp_path / "archives"
    path = folder / "march.parquet"
    code = (
        "import os, signal, sys; from pathlib import Path; from psycopg import sql\n"
        "from orchestration.database.connection import connect\n"
        "from orchestration.retention import archive\n"
        "archive.GROUP_ROWS = 1_000; original = archive._RowGroup.write; calls = []\n"
        "def write(self):\n"
        "    original(self); calls.append(1)\n"
        "    if len(calls) == 2: os.kill(os.getpid(), signal.SIGKILL)\n"
        "archive._RowGroup.write = write\n"
        "with connect() as connection:\n"
        "    archive.write_archive(connection, 'task_executions', "
        "sql.Identifier('raw', 'task_executions_y2026m03'), None, Path(sys.argv[1]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, path], check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    (left,) = folder.iterdir()
    assert left.name.endswith(TEMPORARY_ENDING)
    assert left.stat().st_size > 0
    assert not find_sources([folder]).sources
    assert write(database_18, path).rows == 3_000


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_an_interrupted_write_leaves_nothing(
    database_18: Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException | type[BaseException],
) -> None:
    land_lines(many())
    folder = tmp_path / "archives"

    def fail(_: int) -> None:
        raise error

    monkeypatch.setattr("orchestration.retention.archive.os.fsync", fail)
    expected = KeyboardInterrupt if error is KeyboardInterrupt else WarehouseError
    with pytest.raises(expected):
        write(database_18, folder / "march.parquet")
    assert files_in(folder) == []


def test_an_existing_file_is_never_overwritten(
    database_18: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    land_lines(many(10))
    folder = tmp_path / "archives"
    folder.mkdir()
    path = folder / "march.parquet"
    path.write_bytes(b"precious")
    with pytest.raises(WarehouseError, match="exists already"):
        write(database_18, path)
    # A link to nowhere is a name that is taken, too.
    (folder / "link.parquet").symlink_to("nowhere")
    with pytest.raises(WarehouseError, match="exists already"):
        write(database_18, folder / "link.parquet")

    # One that comes up while the archive is being written, on file systems of both sorts.
    original = archive_module._check_row_count
    path.unlink()

    def appear(*arguments: Any) -> None:
        original(*arguments)
        path.write_bytes(b"precious")

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    for has_links in (True, False):
        with monkeypatch.context() as patches:
            patches.setattr(archive_module, "_check_row_count", appear)
            if not has_links:
                patches.setattr("orchestration.retention.archive.os.link", refuse)
            with pytest.raises(WarehouseError, match="exists already"):
                write(database_18, path)
        assert path.read_bytes() == b"precious"
        assert files_in(folder) == ["link.parquet", "march.parquet"]
        path.unlink()
    monkeypatch.setattr("orchestration.retention.archive.os.link", refuse)
    assert write(database_18, path).rows == pq.read_metadata(path).num_rows == 10
    assert files_in(folder) == ["link.parquet", "march.parquet"]


def test_a_file_that_cannot_be_read_back_is_an_error(
    database_18: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    land_lines(many(10))
    folder = tmp_path / "archives"
    original = archive_module._write_rows

    def one_more(*arguments: Any) -> tuple[int, int | None]:
        row_count, last_load_id = original(*arguments)
        return row_count + 1, last_load_id

    monkeypatch.setattr(archive_module, "_write_rows", one_more)
    with pytest.raises(WarehouseError, match="10 of 11 rows could be read back"):
        write(database_18, folder / "march.parquet")

    def nothing(*arguments: Any) -> tuple[int, int | None]:
        arguments[-1].write(b"nothing")
        return 10, 1

    monkeypatch.setattr(archive_module, "_write_rows", nothing)
    with pytest.raises(WarehouseError, match="cannot be read back"):
        write(database_18, folder / "march.parquet")
    assert files_in(folder) == []


def test_a_folder_that_cannot_be_made_is_one_message(database_18: Database, tmp_path: Path) -> None:
    land_lines(many(1))
    (tmp_path / "file").touch()
    with pytest.raises(WarehouseError, match=r"march.parquet cannot be written: Not a directory"):
        write(database_18, tmp_path / "file" / "march.parquet")


@contextlib.contextmanager
def small_disk(size: str) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="warehouse-full-"))
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", folder],
        capture_output=True,
        check=False,
    )
    if mounted.returncode != 0:
        folder.rmdir()
        pytest.skip("a file system of limited size cannot be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
        folder.rmdir()


def test_a_full_disk_is_one_message_and_leaves_nothing(
    database_18: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    land_lines([line_of(execution(n, task_id=hashlib.sha256(b"%d" % n).hexdigest()))
                for n in range(5_000)])  # fmt: skip
    monkeypatch.setattr(archive_module, "GROUP_ROWS", 1_000)
    with small_disk("128k") as folder:
        path = folder / "march.parquet"
        with pytest.raises(WarehouseError) as caught:
            write(database_18, path)
        assert caught.value.message == f"{path} cannot be written: No space left on device"
        assert files_in(folder) == []
        subprocess.run(["mount", "-o", "remount,size=50m", folder], check=True)
        assert write(database_18, path).rows == 5_000
