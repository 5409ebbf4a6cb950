"""Landing Parquet: the same rows as from NDJSON, and a clear answer to every file that is none."""

import hashlib
import io
import json
import secrets
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.events import (
    ATTRIBUTION,
    FAMILIES,
    NOW,
    SECRET,
    adjustment,
    decision,
    evaluation,
    execution,
    family_event,
    line_of,
    organization,
    user,
    uuid_of,
)
from support.landing import TABLES, counts, rows, run
from support.processes import InTheMiddle
from support.servers import Database

from orchestration.errors import WarehouseError
from orchestration.landing import parquet as landing_parquet
from orchestration.landing.contracts import INTEGERS, Contract, ContractError
from orchestration.landing.loader import land
from orchestration.landing.reading import Reading, Source, find_sources
from orchestration.landing.records import COLUMNS, MAXIMUM_LINE_BYTES, Record, Refusal

EVENTS = [
    execution(1, **ATTRIBUTION),
    decision(1),
    organization(),
    user(),
    execution(2, user_id=None),
]


def table_of(events: list[dict[str, Any]]) -> Any:
    """Return events as a table whose columns are text, but for whole numbers."""
    arrays = {}
    for name in sorted(COLUMNS):
        cells = [event.get(name) for event in events]
        if name in INTEGERS:
            arrays[name] = pa.array(cells, pa.int64())
            continue
        texts = [
            cell if cell is None or isinstance(cell, str) else json.dumps(cell) for cell in cells
        ]
        arrays[name] = pa.array(texts, pa.string())
    return pa.table(arrays)


def with_column(table: Any, name: str, values: Any) -> Any:
    """Return a table with another column in a column's place, or one more."""
    place = table.schema.get_field_index(name)
    if place < 0:
        return table.append_column(name, values)
    return table.set_column(place, name, values)


def bytes_of(table: Any, **options: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out, **options)
    return out.getvalue()


def write(path: Path, table: Any, **options: Any) -> Path:
    path.write_bytes(bytes_of(table, **options))
    return path


def read(content: bytes) -> list[Record | Refusal]:
    return list(Reading(Source("given", None, "parquet"), io.BytesIO(content)).records())


def records(table: Any) -> list[dict[str, Any]]:
    items = read(bytes_of(table))
    return [json.loads(item.json) for item in items if isinstance(item, Record)]


def reason_for(record: Record | Refusal) -> str:
    if isinstance(record, Refusal):
        return record.reason
    with pytest.raises(ContractError) as caught:
        Contract.at(NOW).decode(record.json)
    return str(caught.value)


# --- Rows -----------------------------------------------------------------------------------------


def test_rows_become_the_same_events_as_ndjson_lines() -> None:
    contract = Contract.at(NOW)
    items = read(bytes_of(table_of(EVENTS)))
    assert [item.line_number for item in items] == [1, 2, 3, 4, 5]
    decoded = [contract.decode(item.json) for item in items if isinstance(item, Record)]
    assert decoded == [contract.decode(line_of(event)) for event in EVENTS]


@pytest.mark.parametrize(
    "data_type", [pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())]
)
def test_text_is_read_from_every_form_of_text(data_type: Any) -> None:
    table = table_of(EVENTS)
    for name in table.column_names:
        if name not in INTEGERS:
            column = table.column(name)
            column = (
                column.dictionary_encode()
                if pa.types.is_dictionary(data_type)
                else column.cast(data_type)
            )
            table = with_column(table, name, column)
    assert records(table) == records(table_of(EVENTS))


def test_numbers_are_exact_in_every_form() -> None:
    amounts = ["0.123456789012345678901234567890", "0", "1000000", None]
    table = table_of([execution(number) for number in range(4)])
    decimals = [None if amount is None else Decimal(amount) for amount in amounts]
    for values in (
        pa.array(amounts, pa.string()),
        pa.array(decimals, pa.decimal128(37, 30)),
        pa.array(decimals, pa.decimal256(70, 40)),
    ):
        items = read(bytes_of(with_column(table, "reported_cost_usd", values)))
        events: list[Any] = [Contract.at(NOW).decode(item.json) for item in items]  # type: ignore[union-attr]
        assert [event.reported_cost_usd for event in events] == decimals
    doubles = with_column(
        table, "reported_cost_usd", pa.array([0.1, 1e-7, 1e300, float("nan")], pa.float64())
    )
    items = read(bytes_of(doubles))
    assert isinstance(items[0], Record)
    assert msgspec.json.decode(items[0].json, type=dict[str, Any])["reported_cost_usd"] == 0.1
    event: Any = Contract.at(NOW).decode(items[0].json)
    assert event.reported_cost_usd == Decimal("0.1")
    assert [reason_for(item) for item in items[2:]] == [
        "reported_cost_usd: more digits than can be kept",
        "reported_cost_usd: not a number",
    ]


def test_whole_numbers_are_read_from_numbers_and_from_text() -> None:
    table = table_of([execution(number) for number in range(3)])
    for data_type in (pa.int32(), pa.uint64(), pa.int64()):
        cells = pa.array([7_000, None, 1_000], data_type)
        assert [row.get("input_tokens") for row in records(
            with_column(table, "input_tokens", cells)
        )] == [7_000, None, 1_000]  # fmt: skip
    texts = with_column(table, "input_tokens", pa.array(["7000", "07", '1,"prompt":1']))
    assert [row["input_tokens"] for row in records(texts)] == [7000, "07", '1,"prompt":1']


def test_times_of_every_unit_and_zone_are_the_same_moment() -> None:
    moment = datetime(2026, 3, 1, 10, 0, 8, 500_001, tzinfo=UTC)
    seconds = int(moment.timestamp())
    table = table_of([execution()])
    for unit, count, expected in (
        ("s", seconds, "2026-03-01T10:00:08Z"),
        ("ms", seconds * 1000 + 500, "2026-03-01T10:00:08.500000Z"),
        ("us", seconds * 10**6 + 500_001, "2026-03-01T10:00:08.500001Z"),
        ("ns", seconds * 10**9 + 500_000_500, "2026-03-01T10:00:08.500001Z"),
        ("ns", seconds * 10**9 + 500_001_499, "2026-03-01T10:00:08.500001Z"),
    ):
        for zone in ("UTC", "Europe/Berlin", "+05:30"):
            values = pa.array([count], pa.int64()).cast(pa.timestamp(unit, zone))
            # Seconds are not a unit of Parquet: the library writes milliseconds.
            (row,) = records(with_column(table, "end_time", values))
            assert row["end_time"] == expected


def test_times_that_no_calendar_knows_are_refused_row_by_row() -> None:
    table = table_of([execution(number) for number in range(3)])
    values = pa.array([2**62, 1_772_359_208_000_000, -(2**62)], pa.int64())
    items = read(bytes_of(with_column(table, "end_time", values.cast(pa.timestamp("us", "UTC")))))
    for item in (items[0], items[2]):
        assert reason_for(item) == "end_time: not an ISO 8601 time with an offset"
    assert isinstance(items[1], Record)
    Contract.at(NOW).decode(items[1].json)


def test_identifiers_of_sixteen_bytes_are_read() -> None:
    table = table_of([execution(), execution(user_id=None)])
    identifier = bytes.fromhex(uuid_of(7).replace("-", ""))
    values = pa.array([identifier, None], pa.binary(16))
    for column in (values, pa.ExtensionArray.from_storage(pa.uuid(), values)):
        found = records(with_column(table, "user_id", column))
        assert [row.get("user_id") for row in found] == [uuid_of(7), None]


def test_bookkeeping_of_the_archive_is_ignored_and_null_is_absent() -> None:
    table = table_of([execution(user_id=None, error_message=""), execution(2)])
    table = table.append_column("_load_id", pa.array([3, 3]))
    table = table.append_column("_anything", pa.array([[{"deep": 1}], None]))
    row, _ = records(table)
    assert not {"user_id", "_load_id", "_anything"} & row.keys()
    assert row["error_message"] == ""


def test_a_row_that_is_no_event_is_refused_and_the_others_survive() -> None:
    events = [execution(number, error_message=None) for number in range(5)]
    table = table_of(events)
    metadata = pa.array(["{}", '{},"prompt":{}', "[" * 100_000, None, '"text"'])
    messages = pa.array(
        [None, None, None, "x" * MAXIMUM_LINE_BYTES, None], pa.string()
    )  # fmt: skip
    table = with_column(with_column(table, "metadata", metadata), "error_message", messages)
    items = read(bytes_of(table))
    assert [item.line_number for item in items] == [1, 2, 3, 4, 5]
    assert [type(item) for item in items] == [Record, Refusal, Refusal, Refusal, Record]
    assert [reason_for(item) for item in items[1:]] == [
        "a cell does not hold JSON",
        "a cell does not hold JSON",
        "line longer than 1 MiB",
        "metadata: expected object | null, got str",
    ]


def test_bytes_that_are_no_text_refuse_their_row_only() -> None:
    table = table_of([execution(number) for number in range(3)])
    for name in ("provider", "metadata", "input_tokens"):
        column = pa.array([b"1000", b"\xff\xfe", None], pa.binary()).view(pa.string())
        if name == "metadata":
            column = pa.array([b"{}", b"\xff\xfe", None], pa.binary()).view(pa.string())
        first, second, third = read(bytes_of(with_column(table, name, column)))
        assert isinstance(first, Record)
        assert isinstance(third, Record)
        assert isinstance(second, Refusal)
        assert (second.line_number, second.reason) == (2, "not valid UTF-8")


# --- Files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("prompt", pa.array(["x"]), "it has unknown columns: prompt"),
        ("write me a poem", pa.array(["x"]), "it has unknown columns: (name withheld)"),
        ("id", None, "it names columns twice: id"),
        ("event", None, "it lacks the column event"),
        (
            "start_time",
            pa.array([datetime(2026, 3, 1)], pa.timestamp("us")),  # noqa: DTZ001
            "the times in column start_time have no time zone",
        ),
        (
            "start_time",
            pa.array([datetime(2026, 3, 1)]).cast(pa.date32()),  # noqa: DTZ001
            "column start_time has the type date32, which cannot be landed; write it as text",
        ),
        (
            "metadata",
            pa.array([{SECRET: 1}]),
            "column metadata has the type struct, which cannot be landed; write it as text that "
            "holds JSON",
        ),
        ("alternative_providers", pa.array([["x"]]), "has the type list"),
        ("reported_cost_usd", pa.array([0.1], pa.float32()), "has the type float,"),
        ("provider", pa.array([b"openai"]), "has the type binary"),
    ],
)
def test_wrong_columns_refuse_the_file(name: str, values: Any, message: str) -> None:
    table = table_of([execution()])
    if name == "id":
        table = table.append_column("id", table.column("id"))
    elif name == "event":
        table = table.drop_columns(["event"])
    else:
        table = with_column(table, name, values)
    with pytest.raises(WarehouseError) as caught:
        read(bytes_of(table))
    assert message in caught.value.message
    assert SECRET not in caught.value.message


def test_times_of_the_oldest_kind_have_no_zone_either() -> None:
    moments = pa.array([datetime(2026, 3, 1, tzinfo=UTC)], pa.timestamp("us", "UTC"))
    table = with_column(table_of([execution()]), "start_time", moments)
    content = bytes_of(table, use_deprecated_int96_timestamps=True, store_schema=False)
    with pytest.raises(WarehouseError, match="have no time zone"):
        read(content)


def many_rows(count: int = 5_000) -> Any:
    """Return executions, without the columns of what is not given: damage there is not read."""
    table = table_of([execution(number, task_id=uuid_of(number)) for number in range(count)])
    given = [name for name in table.column_names if table.column(name).null_count < count]
    return table.select(given)


def test_one_wrong_bit_in_a_text_is_seen() -> None:
    table = with_column(table_of(EVENTS), "task_id", pa.array(["needle"] * len(EVENTS)))
    whole = bytes_of(table, compression="none", write_page_checksum=True, write_statistics=False)
    assert whole.count(b"needle") == 1
    with pytest.raises(WarehouseError, match="is damaged"):
        read(whole.replace(b"needle", b"noodle"))


def test_damaged_files_are_refused_as_a_whole() -> None:
    whole = bytes_of(many_rows(), row_group_size=1_000, write_page_checksum=True)
    middle = len(whole) // 2
    for damaged in (
        whole[:-1],
        whole[:middle],
        whole[middle:],
        whole[:10],
        b"PAR1",
        b"PAR1PAR1",
        b"not parquet",
        line_of(execution()),
        whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :],
    ):
        with pytest.raises(WarehouseError) as caught:
            read(damaged)
        assert caught.value.message == (
            "given is damaged, incomplete or not Parquet; nothing of it was landed"
        )


class FailingDisk(io.BytesIO):
    """A file on a disk that fails behind the first bytes."""

    def read(self, size: int | None = -1) -> bytes:
        if self.tell() > 0:
            raise OSError(5, "Input/output error")
        return super().read(size)


def test_an_error_of_the_disk_is_not_taken_for_damage() -> None:
    reading = Reading(Source("given", None, "parquet"), FailingDisk(SMALL))
    with pytest.raises(WarehouseError, match="given cannot be read: Input/output error; nothing"):
        list(reading.records())


def test_rows_that_are_announced_and_missing_are_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    class Short(pq.ParquetFile):  # type: ignore[misc]
        def iter_batches(self, **options: Any) -> Iterator[Any]:
            for batch in super().iter_batches(**options):
                yield batch.slice(1)

    monkeypatch.setattr("orchestration.landing.parquet.pq.ParquetFile", Short)
    with pytest.raises(WarehouseError, match="damaged, incomplete"):
        read(SMALL)


def test_what_the_library_cannot_read_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise pa.ArrowNotImplementedError("Support for codec 'x' not built")

    monkeypatch.setattr("orchestration.landing.parquet.pq.ParquetFile", fail)
    with pytest.raises(WarehouseError, match="written in a way that this program cannot read"):
        read(SMALL)


SMALL = bytes_of(table_of(EVENTS), write_page_checksum=True)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, len(SMALL) - 1), st.integers(0, 255)), max_size=6),
    st.integers(0, len(SMALL)),
)
def test_a_file_with_any_damage_is_read_or_refused(
    changes: list[tuple[int, int]], length: int
) -> None:
    content = bytearray(SMALL)
    for place, value in changes:
        content[place] = value
    if length % 3 == 0:
        del content[length:]
    try:
        items = read(bytes(content))
    except WarehouseError:
        return
    assert [item.line_number for item in items] == list(range(1, len(items) + 1))


def test_rows_come_in_batches_and_the_progress_ends_at_the_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes: list[tuple[int, int]] = []
    original = landing_parquet._batch_records

    def watched(batch: Any, *arguments: Any) -> Iterator[Record | Refusal]:
        sizes.append((batch.num_rows, batch.nbytes))
        return original(batch, *arguments)

    monkeypatch.setattr(landing_parquet, "_batch_records", watched)
    content = bytes_of(many_rows(), row_group_size=5_000)
    steps: list[int] = []
    source = Source("given", None, "parquet")
    reading = Reading(source, io.BytesIO(content), steps.append)
    assert [item.line_number for item in reading.records()] == list(range(1, 5_001))
    assert [count for count, _ in sizes] == [1_000] * 5
    assert (len(steps), sum(steps), min(steps) > 0) == (5, len(content), True)
    assert (reading.size, reading.sha256) == (len(content), hashlib.sha256(content).hexdigest())

    # 100 KB of its own in each row.
    sizes.clear()
    wide = many_rows(300)
    texts = pa.array([f"{number:06d}" * 17_000 for number in range(300)])
    table = with_column(wide, "error_message", texts)
    for group_size in (300, 10):
        content = bytes_of(table, row_group_size=group_size, use_dictionary=False)
        assert len(read(content)) == 300
    assert max(count for count, _ in sizes) <= 10
    assert max(size for _, size in sizes) < 2 * 1024 * 1024


def test_a_large_file_takes_little_memory(tmp_path: Path) -> None:
    if not Path("/proc/self/status").exists():
        pytest.skip("the peak memory of a process is read from /proc")
    path = tmp_path / "large.parquet"
    batch = with_column(many_rows(20_000), "error_message", pa.nulls(20_000, pa.string()))
    with pq.ParquetWriter(path, batch.schema, compression="none", use_dictionary=False) as writer:
        for _ in range(3):
            texts = [secrets.token_hex(600) for _ in range(20_000)]
            changed = with_column(batch, "error_message", pa.array(texts))
            writer.write_table(changed, row_group_size=20_000)
    code = (
        "import re, sys; from pathlib import Path; import pyarrow, orchestration.landing.parquet\n"
        "from orchestration.landing.reading import *\n"
        "def peak(): return int(re.search('VmHWM:[^0-9]*([0-9]+)', "
        "Path('/proc/self/status').read_text())[1])\n"
        "before = peak(); (source,) = find_sources(sys.argv[1:]).sources\n"
        "count = sum(1 for _ in Reading(source, open_source(source)).records())\n"
        "print(count, peak() - before, pyarrow.default_memory_pool().max_memory() // 1024)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, path], capture_output=True, text=True, check=True
    )
    count, kilobytes, kilobytes_of_arrow = map(int, done.stdout.split())
    assert count == 60_000
    # Each of the three groups of rows has 24 MB of messages alone.
    assert pq.read_metadata(path).row_group(0).total_byte_size > 24_000_000
    assert kilobytes_of_arrow < 20_000
    assert kilobytes < 100_000


def test_parquet_files_are_found_and_compressed_ones_are_not(tmp_path: Path) -> None:
    for name in ("a.parquet", "deep/B.PARQUET", "c.parquet.gz", "d.csv.gz"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = find_sources([tmp_path])
    assert [(source.path, source.format) for source in found.sources] == [
        (tmp_path / "a.parquet", "parquet"),
        (tmp_path / "d.csv.gz", "csv"),
        (tmp_path / "deep/B.PARQUET", "parquet"),
    ]
    assert found.notes == [f"{tmp_path}: skipped 1 other file(s): c.parquet.gz"]
    ((_, reason),) = find_sources([tmp_path / "c.parquet.gz"]).failures
    assert "none of the endings .ndjson, .jsonl, .csv (also .gz), .parquet" in reason


def test_other_formats_do_not_wait_for_the_library() -> None:
    code = (
        "import io, sys; from orchestration.landing.loader import land; "
        "from orchestration.landing.reading import Reading, Source; "
        "list(Reading(Source('given', None, 'csv'), io.BytesIO(b'event,id\\n1,2\\n')).records()); "
        "assert 'pyarrow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# --- In the database ------------------------------------------------------------------------------


def test_parquet_lands_the_same_rows_as_ndjson(database: Database, tmp_path: Path) -> None:
    events = [organization(), user(), adjustment(), evaluation(), *map(family_event, FAMILIES)]
    for number in range(1, 40):
        events += [
            execution(
                number,
                user_id=None if number % 3 else uuid_of(7),
                is_bucket=number % 2 == 0,
                other_usage={"seats": number},
            ),
            decision(number),
        ]
    lines = tmp_path / "a.ndjson"
    lines.write_bytes(b"".join(line_of(event) + b"\n" for event in events))
    table = table_of(events)
    moments = {
        name: pa.array(
            [
                None if event.get(name) is None else datetime.fromisoformat(event[name])
                for event in events
            ],
            pa.timestamp("us", "UTC"),
        )
        for name in (
            "start_time", "end_time", "updated_at", "decision_timestamp", "occurred_at",
            "evaluated_at",
        )
    }  # fmt: skip
    for name, values in moments.items():
        table = with_column(table, name, values)
    write(tmp_path / "b.parquet", table, row_group_size=7)
    report = land([tmp_path])
    assert not report.failures
    assert [file.lines_accepted for file in report.files] == [88, 88]
    for name in TABLES:
        ((distinct, loads),) = rows(
            database,
            "select count(distinct to_jsonb(event) - '_load_id'), "  # noqa: S608
            f"count(distinct _load_id) from raw.{name} as event",
        )
        assert (distinct, loads) == (39 if name in TABLES[:2] else 1, 2)
    path = tmp_path / "b.parquet"
    assert rows(
        database,
        "select content_sha256, content_bytes, lines_read, lines_accepted from raw.loads "
        "order by load_id desc limit 1",
    ) == [(hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size, 88, 88)]
    result = run(str(path))
    assert f"{path}: skipped, the same content was already landed" in result.output
    assert counts(database)["loads"] == 2


def test_a_bad_row_is_recorded_without_its_content(database: Database, tmp_path: Path) -> None:
    events = [execution(1), execution(2, status=SECRET), execution(3)]
    table = with_column(table_of(events), "metadata", pa.array([None, None, SECRET], pa.string()))
    table = pa.concat_tables([table, table_of([execution(4)])])
    path = write(tmp_path / "bad.parquet", table)
    (landed,) = land([path]).files
    assert (landed.lines_read, landed.lines_accepted, landed.lines_rejected) == (4, 2, 2)
    made: list[Any] = read(path.read_bytes())
    assert rows(
        database,
        "select source_name, line_number, reason, line_sha256 from raw.rejected_events order by 2",
    ) == [
        (
            str(path),
            2,
            "status: not one of pending, running, completed, failed",
            hashlib.sha256(made[1].json).hexdigest(),
        ),
        (str(path), 3, "a cell does not hold JSON", made[2].sha256),
    ]


def test_a_file_in_error_lands_nothing_and_does_not_stop_the_others(
    database_18: Database, tmp_path: Path
) -> None:
    # Enough rows before the damage for the first of them to be on their way already.
    whole = bytes_of(many_rows(12_000), row_group_size=1_000, write_page_checksum=True)
    place = len(whole) * 3 // 4
    contents = {
        "damaged.parquet": whole[:place] + b"damage" + whole[place + 6 :],
        "empty.parquet": b"",
        "none.parquet": bytes_of(table_of([])),
        "text.parquet": b"not parquet",
        "good.parquet": bytes_of(table_of([execution()])),
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    result = run(str(tmp_path), str(tmp_path / "gone.parquet"))
    assert result.exit_code == 1
    for message in (
        "damaged.parquet is damaged, incomplete or not Parquet; nothing of it was landed",
        "text.parquet is damaged, incomplete or not Parquet; nothing of it was landed",
        "empty.parquet is empty",
        "none.parquet: skipped, it has columns and no rows",
        "gone.parquet cannot be read: No such file or directory",
        "Total: 1 landed, 1 skipped, 4 failed; 1 lines read = 1 accepted + 0 rejected",
    ):
        assert message in result.output
    assert "Traceback" not in result.output
    found = counts(database_18)
    assert (found["task_executions"], found["loads"], found["rejected_events"]) == (1, 1, 0)


def test_a_file_that_changes_while_it_is_read_is_refused(
    database_18: Database, tmp_path: Path
) -> None:
    path = write(tmp_path / "big.parquet", many_rows(12_000), row_group_size=1_000)

    def append() -> None:
        with path.open("ab") as file:
            file.write(b"more")

    report = land([path], observer=InTheMiddle(append, after_bytes=0))
    assert report.failures == [(str(path), f"{path} changed while it was being read")]
    found = counts(database_18)
    assert (found["task_executions"], found["loads"]) == (0, 0)
