"""How fast events land, beside the plain COPY of the same rows, and in how much memory."""

import itertools
import json
import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click
from psycopg import sql

from benchmarks.shared.measures import Measure, Target
from benchmarks.shared.processes import last_line, run_measured
from benchmarks.shared.sample_events import sample_settings
from benchmarks.shared.throwaway import require_free_space, settle, throwaway_database
from orchestration.database.connection import connect
from orchestration.landing.contracts import KINDS
from orchestration.landing.loader import land
from orchestration.sample.commands import write_lines
from orchestration.sample.generator import generate

PART = "landing"
MEGABYTE = 1_000_000

_TABLES = tuple(kind.table for kind in KINDS)
_PROBE_EXECUTIONS = 2_000
# More executions than the probe says are needed, so that the wanted number of events is reached.
_RESERVE = 1.1
_BLOCK_BYTES = 1024 * 1024
# What the tables, their indexes and the write-ahead log take on disk beside the file itself.
_DISK_FACTOR = 3
_DISK_RESERVE_BYTES = 3_000 * MEGABYTE


@dataclass(frozen=True)
class EventShape:
    """What the generated events look like.

    Attributes:
        events_per_execution: Lines for each distinct execution, all kinds together.
        bytes_per_event: Mean length of a line, bytes.
        fields_per_execution_event: Mean number of fields set in a `task_execution`.
    """

    events_per_execution: float
    bytes_per_event: float
    fields_per_execution_event: float


def probe_shape() -> EventShape:
    """Look at a small sample to learn what a large one will be like.

    Returns:
        The means over the small sample.
    """
    lines = list(generate(sample_settings(_PROBE_EXECUTIONS)))
    fields = [
        len(event) - 1 for event in map(json.loads, lines) if event["event"] == "task_execution"
    ]
    return EventShape(
        events_per_execution=len(lines) / _PROBE_EXECUTIONS,
        bytes_per_event=sum(map(len, lines)) / len(lines),
        fields_per_execution_event=sum(fields) / len(fields),
    )


def measure_landing(
    folder: Path,
    *,
    events: int,
    big_file_mb: int,
    repetitions: int,
    shape: EventShape,
    tell: Callable[[str], None],
) -> list[Measure]:
    """Measure the landing of one file over and over, and of one big file once.

    Args:
        folder: For the files and the database; what is left there is of no use.
        events: Number of events in the file that is landed over and over.
        big_file_mb: Size of the big file, megabytes of a million bytes; 0 leaves it out.
        repetitions: How often the file is landed and copied, in turn.
        shape: What the events are like.
        tell: Told what happens.

    Returns:
        The measures: events and rows per second, their ratio, megabytes.

    Raises:
        ClickException: The disk is too small for the big file.
    """
    require_free_space(
        folder,
        big_file_mb * MEGABYTE * _DISK_FACTOR + _DISK_RESERVE_BYTES,
        f"A file of {big_file_mb:,} MB and its database",
        "--big-file-mb",
    )
    measures: list[Measure] = []
    with throwaway_database(folder) as environment:
        tell(f"landing: writing {events:,} events")
        file = folder / "events.ndjson"
        _write_events(file, events, shape)
        measures += _measure_speed(file, repetitions, tell)
        file.unlink()
        if big_file_mb:
            measures += _measure_big_file(folder, big_file_mb, shape, environment, tell)
    return measures


def _measure_speed(file: Path, repetitions: int, tell: Callable[[str], None]) -> list[Measure]:
    """Land and copy the same rows in turn."""
    tell("landing: once without measuring, to create the partitions and the rows to copy")
    note = _rejected_note(_land(file)[1])
    copies = _write_copies(file.parent)
    landed: list[float] = []
    copied: list[float] = []
    for number in range(repetitions):
        tell(f"landing: repetition {number + 1} of {repetitions}")
        # Whichever comes second finds warmer caches: the order changes every time.
        for is_landing in (True, False) if number % 2 == 0 else (False, True):
            _empty_tables()
            if is_landing:
                seconds, (accepted, _) = _land(file)
                landed.append(accepted / seconds)
            else:
                copied.append(_copy(copies))
    for path in copies.values():
        path.unlink()
    ratios = (mine / plain for mine, plain in zip(landed, copied, strict=True))
    return [
        Measure(
            PART, "land(), file to commit", "events/s", tuple(landed),
            Target("at least", 60_000), note,
        ),
        Measure(PART, "plain COPY of the same rows", "rows/s", tuple(copied)),
        Measure(
            PART, "land() over plain COPY", "ratio", tuple(ratios),
            Target("at least", 1 / 3, "1/3"),
        ),
    ]  # fmt: skip


def _measure_big_file(
    folder: Path,
    size_mb: int,
    shape: EventShape,
    environment: dict[str, str],
    tell: Callable[[str], None],
) -> list[Measure]:
    """Land one big file with the command line, as a user would."""
    tell(f"landing: writing about {size_mb:,} MB")
    file = folder / "big.ndjson"
    events = max(1, round(size_mb * MEGABYTE / shape.bytes_per_event))
    _write_events(file, events, shape)
    size = file.stat().st_size / MEGABYTE
    _empty_tables()
    tell(f"landing: `warehouse land` of {size:,.0f} MB, {events:,} events")
    log_file = folder / "land.log"
    run = run_measured(
        [str(Path(sys.executable).with_name("warehouse")), "land", str(file)],
        environment=environment,
        log_file=log_file,
    )
    file.unlink()
    name = f"`warehouse land` of {size:,.0f} MB"
    with connect() as connection:
        counts = connection.execute(
            "select lines_accepted, lines_rejected from raw.loads"
        ).fetchone()
    if run.exit_code != 0 or counts is None:
        note = f"ended with exit code {run.exit_code}: {last_line(log_file)}"
        return [Measure(PART, name, "events/s", (), note=note)]
    return [
        Measure(
            PART, f"{name}, start to end", "events/s", (counts[0] / run.seconds,),
            note=_rejected_note(counts),
        ),
        Measure(
            PART, f"{name}, peak memory", "MB", (run.peak_rss_bytes / MEGABYTE,),
            Target("at most", 250),
        ),
    ]  # fmt: skip


def _land(file: Path) -> tuple[float, tuple[int, int]]:
    """Return the seconds that a landing took, and the events accepted and rejected."""
    begun = time.perf_counter()
    report = land([file])
    seconds = time.perf_counter() - begun
    for _, reason in report.failures:
        raise click.ClickException(reason)
    return seconds, (report.files[0].lines_accepted, report.files[0].lines_rejected)


def _write_copies(folder: Path) -> dict[str, Path]:
    """Write the landed rows of every table in the text form of COPY, in the order they landed."""
    copies = {}
    with connect() as connection, connection.cursor() as cursor:
        for table in _TABLES:
            statement = sql.SQL(
                "copy (select * from {} order by _load_id, _line_number) to stdout"
            ).format(sql.Identifier("raw", table))
            path = folder / f"{table}.copy"
            with path.open("wb") as file, cursor.copy(statement) as rows:
                for block in rows:
                    file.write(block)
            if path.stat().st_size:
                copies[table] = path
            else:
                path.unlink()
    return copies


def _copy(copies: dict[str, Path]) -> float:
    """Stream the prepared rows into their tables in one transaction; return rows per second."""
    count = 0
    begun = time.perf_counter()
    with connect() as connection, connection.cursor() as cursor:
        for table, path in copies.items():
            statement = sql.SQL("copy {} from stdin").format(sql.Identifier("raw", table))
            with path.open("rb", buffering=0) as file, cursor.copy(statement) as rows:
                while block := file.read(_BLOCK_BYTES):
                    rows.write(block)
            count += cursor.rowcount
        connection.commit()
    return count / (time.perf_counter() - begun)


def _empty_tables() -> None:
    """Empty what landings fill and settle the server, so that every repetition starts alike."""
    tables = [sql.Identifier("raw", table) for table in (*_TABLES, "rejected_events", "loads")]
    tables.append(sql.Identifier("ledger", "landed_totals"))
    with connect(autocommit=True) as connection:
        connection.execute(sql.SQL("truncate {}").format(sql.SQL(", ").join(tables)))
    settle()


def _write_events(file: Path, events: int, shape: EventShape) -> None:
    executions = math.ceil(events / shape.events_per_execution * _RESERVE)
    write_lines(itertools.islice(generate(sample_settings(executions)), events), str(file))


def _rejected_note(counts: tuple[int, int]) -> str:
    accepted, rejected = counts
    return f"{rejected:,} of {accepted + rejected:,} events were rejected" if rejected else ""
