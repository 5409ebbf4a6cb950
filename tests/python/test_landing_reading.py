"""Reading files: every line is counted, whatever it holds, and memory stays bounded."""

import gzip
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.events import (
    ATTRIBUTION,
    NOW,
    adjustment,
    decision,
    execution,
    line_of,
    organization,
    user,
)
from support.landing import csv_of, damaged_files

from orchestration.errors import WarehouseError
from orchestration.landing.contracts import INTEGERS, Contract, ContractError
from orchestration.landing.reading import Reading, Source, find_sources, fingerprint, open_source
from orchestration.landing.records import MAXIMUM_LINE_BYTES, Record, Refusal

HEADER = "event,event_id,id,organization_id,name,team,role,updated_at"
ROW = (
    "user,55555555-5555-4555-8555-555555555555,22222222-2222-4222-8222-222222222222,"
    "11111111-1111-4111-8111-111111111111,{name},,developer,2026-01-01T00:00:00Z"
)


def read(content: bytes, line_format: Any = "ndjson") -> list[Record | Refusal]:
    return list(Reading(Source("given", None, line_format), io.BytesIO(content)).records())


def reasons(content: bytes, line_format: Any = "ndjson") -> list[tuple[int, str]]:
    return [
        (item.line_number, item.reason)
        for item in read(content, line_format)
        if isinstance(item, Refusal)
    ]


def test_lines_are_numbered_and_blank_ones_refused() -> None:
    assert read(b'{"a":1}\n\n  \r\n{"b":2}\r\n{"c":3}') == [
        Record(1, b'{"a":1}', b'{"a":1}'),
        Refusal(2, "blank line", hashlib.sha256(b"").hexdigest()),
        Refusal(3, "blank line", hashlib.sha256(b"  ").hexdigest()),
        Record(4, b'{"b":2}\r', b'{"b":2}\r'),
        Record(5, b'{"c":3}', b'{"c":3}'),
    ]


def test_a_byte_order_mark_is_dropped() -> None:
    assert read(b'\xef\xbb\xbf{"a":1}\n') == [Record(1, b'{"a":1}', b'{"a":1}')]
    assert len(read(f"\ufeff{HEADER}\n{ROW.format(name='Jane')}\n".encode(), "csv")) == 1


@pytest.mark.parametrize("length", [1024 * 1024 + 1, 3 * 1024 * 1024, 2 * 1024 * 1024])
def test_a_long_line_is_refused_with_its_hash_and_the_file_goes_on(length: int) -> None:
    long_line = b"x" * length
    content = b'{"a":1}\n' + long_line + b'\n{"b":2}\n{"c":3}\n' + long_line
    assert read(content) == [
        Record(1, b'{"a":1}', b'{"a":1}'),
        Refusal(2, "line longer than 1 MiB", hashlib.sha256(long_line).hexdigest()),
        Record(3, b'{"b":2}', b'{"b":2}'),
        Record(4, b'{"c":3}', b'{"c":3}'),
        Refusal(5, "line longer than 1 MiB", hashlib.sha256(long_line).hexdigest()),
    ]


def test_a_line_of_exactly_one_mebibyte_is_read() -> None:
    line = b"x" * MAXIMUM_LINE_BYTES
    assert read(line + b"\n") == [Record(1, line, line)]


def test_csv_rows_become_the_same_events_as_ndjson_lines() -> None:
    events = [
        execution(1, **ATTRIBUTION),
        decision(1),
        organization(),
        user(),
        execution(2, user_id=None),
        execution(3, request_count=0.33, is_bucket=True, other_usage={"seats": 2, "hours": 0.5}),
        adjustment(),
    ]
    contract = Contract.at(NOW)
    from_csv = [
        contract.decode(item.json)
        for item in read(csv_of(events), "csv")
        if isinstance(item, Record)
    ]
    assert from_csv == [contract.decode(line_of(event)) for event in events]


def test_the_columns_of_whole_numbers_are_known() -> None:
    assert {
        "input_tokens",
        "cached_input_tokens",
        "cache_write_tokens",
        "output_tokens",
        "reasoning_tokens",
        "tokens_used",
        "request_count",
        "predicted_duration_ms",
        "cache_write_1h_tokens",
        "audio_input_tokens",
        "image_input_tokens",
        "audio_output_tokens",
        "image_output_tokens",
        "time_to_first_token_ms",
        "duration_ms",
        "retry_after_ms",
        "http_status",
        "attempt",
        "seats",
        "scroll_depth_percent",
    } == INTEGERS


def test_quoted_line_breaks_belong_to_their_row() -> None:
    content = f"{HEADER}\r\n{ROW.format(name=chr(34) + 'Jane' + chr(10) + 'Doe' + chr(34))}\r\n"
    content += ROW.format(name="Joe") + "\r\n"
    first, second = read(content.encode(), "csv")
    assert isinstance(first, Record)
    assert isinstance(second, Record)
    assert json.loads(first.json)["name"] == "Jane\nDoe"
    assert (first.line_number, second.line_number) == (2, 4)


def test_bad_csv_rows_are_refused_and_the_others_survive() -> None:
    lines = [
        HEADER,
        ROW.format(name="Jane"),
        ROW.format(name="too,many"),
        "",
        "user,only,three",
        ROW.format(name='"never closed'),
        ROW.format(name="Joe"),
        ROW.format(name='"closed" too early'),
        ROW.format(name="Jim"),
    ]
    content = "\n".join(lines).encode() + b"\n" + ROW.format(name="x").encode() + b"\xff\n"
    items = read(content, "csv")
    names = [json.loads(item.json)["name"] for item in items if isinstance(item, Record)]
    assert names == ["Jane", "Joe", "Jim"]
    assert reasons(content, "csv") == [
        (3, "expected 8 cells, got 9"),
        (4, "blank line"),
        (5, "expected 8 cells, got 3"),
        (6, "unbalanced quotes or a stray line break"),
        (8, "unbalanced quotes or a stray line break"),
        (10, "not valid UTF-8"),
    ]


def test_an_unclosed_quote_swallows_at_most_its_own_line() -> None:
    rows = [ROW.format(name=f"N{number}") for number in range(20_000)]
    content = "\n".join([HEADER, ROW.format(name='"open'), *rows]).encode()
    items = read(content, "csv")
    assert sum(isinstance(item, Record) for item in items) == 20_000
    assert reasons(content, "csv") == [(2, "a quote that is not closed within 1 MiB")]


def test_a_long_csv_line_is_refused_and_the_file_goes_on() -> None:
    long_row = ROW.format(name="x" * MAXIMUM_LINE_BYTES).encode()
    content = HEADER.encode() + b"\n" + long_row + b"\n" + ROW.format(name="Jane").encode()
    items = read(content, "csv")
    assert items[0] == Refusal(2, "line longer than 1 MiB", hashlib.sha256(long_row).hexdigest())
    assert isinstance(items[1], Record)


def test_a_json_cell_cannot_smuggle_in_other_fields() -> None:
    content = b'event,input_tokens,metadata\ntask_execution,"1,""prompt"":1","{},""prompt"":{}"\n'
    assert reasons(content, "csv") == [(2, "a cell does not hold JSON")]
    # Nor can one so deep that the parser gives up end the whole landing.
    content = b"event,metadata\ntask_execution," + b"[" * 100_000 + b"\n"
    assert reasons(content, "csv") == [(2, "a cell does not hold JSON")]
    content = b'event,input_tokens\ntask_execution,"1,""prompt"":1"\n'
    (item,) = read(content, "csv")
    assert isinstance(item, Record)
    assert json.loads(item.json)["input_tokens"] == '1,"prompt":1'


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("event,prompt", "unknown columns: prompt"),
        ('event,"write me a poem"', "unknown columns: (name withheld)"),
        ("event,id,id", "names columns twice: id"),
        ("id,name", "lacks the column event"),
        ('event,"id', "not a CSV header"),
    ],
)
def test_a_wrong_header_refuses_the_file(header: str, message: str) -> None:
    with pytest.raises(WarehouseError) as caught:
        read(f"{header}\n1,2\n".encode(), "csv")
    assert message in caught.value.message


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_header_tells_the_delimiter(delimiter: str) -> None:
    lines = (HEADER, ROW.format(name='"Jane, Joe; Jim"'))
    content = "\n".join(
        line.replace(",", delimiter).replace(f"Jane{delimiter} ", "Jane, ") for line in lines
    )
    (item,) = read(content.encode(), "csv")
    assert isinstance(item, Record)
    assert json.loads(item.json)["name"] == "Jane, Joe; Jim"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-16-le", "utf-8-sig"])
def test_marked_unicode_is_read(encoding: str) -> None:
    mark = {"utf-16-be": b"\xfe\xff", "utf-16-le": b"\xff\xfe"}.get(encoding, b"")
    rows = "\r\n".join([HEADER, *(ROW.format(name=f"Zoë {n} 😀") for n in range(20_000)), ""])
    items = read(mark + rows.encode(encoding), "csv")
    assert [json.loads(item.json)["name"] for item in items if isinstance(item, Record)] == [
        f"Zoë {n} 😀" for n in range(20_000)
    ]
    # Half of a pair spoils its own line only.
    if encoding == "utf-16":
        content = (
            b"\xff\xfe" + '{"a":"'.encode("utf-16-le") + b"\x00\xd8" + '"}\n{}'.encode("utf-16-le")
        )
        assert [item.line_number for item in read(content)] == [1, 2]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (HEADER.encode("utf-16-le"), "save it as UTF-8"),
        (line_of(user()).decode().encode("utf-16-be"), "save it as UTF-8"),
        (line_of(user()).decode().encode("utf-32"), "save it as UTF-8"),
        (line_of(user()).decode().encode("utf-16") + b"x", "damaged UTF-16"),
    ],
)
def test_other_unicode_is_refused_with_a_hint(content: bytes, message: str) -> None:
    for line_format in ("csv", "ndjson"):
        with pytest.raises(WarehouseError) as caught:
            read(content, line_format)
        assert message in caught.value.message


def test_cells_of_data_frames_say_the_same() -> None:
    columns = "event,start_time,end_time,input_tokens,request_count,is_bucket,user_id,quality_score"
    cells = [
        "task_execution,1772359200,2026-03-01 10:00:00+00,10.0,0.33,True,NaN,",
        "task_execution,1772359200.5,NaT,1e3,2.0,f,<NA>,nan",
    ]
    first, second = (
        json.loads(item.json)
        for item in read("\n".join([columns, *cells]).encode(), "csv")
        if isinstance(item, Record)
    )
    assert first == {
        "event": "task_execution", "start_time": 1772359200,
        "end_time": "2026-03-01 10:00:00+00", "input_tokens": 10, "request_count": 0.33,
        "is_bucket": True,
    }  # fmt: skip
    assert second == {
        "event": "task_execution", "start_time": 1772359200.5, "input_tokens": 1000.0,
        "request_count": 2, "is_bucket": False,
    }  # fmt: skip


def test_compressed_files_are_read_and_damaged_ones_refused(tmp_path: Path) -> None:
    path = tmp_path / "events.ndjson.gz"
    whole = gzip.compress(b'{"a":1}\n' * 100_000)
    path.write_bytes(whole + gzip.compress(b'{"b":2}\n'))
    (source,) = find_sources([path]).sources
    with open_source(source) as file:
        reading = Reading(source, file)
        assert sum(1 for _ in reading.records()) == 100_001
    assert (reading.sha256, reading.size) == fingerprint(source)
    for damaged in (whole[:-20], whole[:50], b"not gzip", whole[:80] + b"xx" + whole[82:]):
        path.write_bytes(damaged)
        with open_source(source) as file, pytest.raises(WarehouseError, match="damaged"):
            list(Reading(source, file).records())


def test_folders_are_searched_in_order_and_other_files_noted(tmp_path: Path) -> None:
    for name in ("b.ndjson", "a.csv", "deep/c.JSONL.GZ", "readme.txt", "x.gz"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "empty").mkdir()
    found = find_sources([tmp_path])
    assert [source.name.removeprefix(f"{tmp_path}/") for source in found.sources] == [
        "a.csv",
        "b.ndjson",
        "deep/c.JSONL.GZ",
    ]
    assert [(s.format, s.is_compressed) for s in found.sources] == [
        ("csv", False),
        ("ndjson", False),
        ("ndjson", True),
    ]
    assert found.notes == [f"{tmp_path}: skipped 2 other file(s): readme.txt, x.gz"]
    found = find_sources([tmp_path / "empty", tmp_path / "readme.txt"])
    assert [name for name, _ in found.failures] == [
        str(tmp_path / "empty"),
        str(tmp_path / "readme.txt"),
    ]


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe.ndjson")
    os.mkfifo(tmp_path / "pipe")
    found = find_sources(["", tmp_path / "pipe"])
    assert not found.sources
    assert [reason for _, reason in found.failures] == [
        "an empty path stands for no file; for the current folder, give a dot",
        "is not a regular file; pipe what it holds into `warehouse land -`",
    ]
    for name, message in (("pipe.ndjson", "not a regular file"), ("gone.csv", "No such file")):
        with pytest.raises(WarehouseError, match=message):
            fingerprint(Source(name, tmp_path / name, "ndjson"))


@settings(max_examples=300, deadline=None)
@given(damaged_files())
def test_any_file_is_read_to_its_end_line_by_line(content: bytes) -> None:
    assume(not content.startswith((b"\xff\xfe", b"\xfe\xff")))
    stripped = content.removeprefix(b"\xef\xbb\xbf")
    expected = stripped.count(b"\n") + (not stripped.endswith(b"\n") and bool(stripped))
    contract = Contract.at(NOW)
    items = read(content)
    assert [item.line_number for item in items] == list(range(1, expected + 1))
    for item in items:
        if isinstance(item, Record):
            try:
                contract.decode(item.json)
            except ContractError as error:
                assert len(str(error)) < 300  # noqa: PT017 - both outcomes are right


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.sampled_from([b'"', b"\n", b",", b'"\n', b'""', b"\r"]))
def test_any_csv_file_is_read_to_its_end(content: bytes, joint: bytes) -> None:
    rows = joint.join(content[at : at + 5] for at in range(0, len(content), 5))
    items = read(HEADER.encode() + b"\n" + rows, "csv")
    numbers = [item.line_number for item in items]
    assert numbers == sorted(set(numbers))
    assert len(items) <= rows.count(b"\n") + 1
