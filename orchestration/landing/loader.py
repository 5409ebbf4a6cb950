"""Lands event files in schema raw: each file in one transaction, or not at all.

Decoded rows go straight into an open binary COPY, so the server stores one row while the next is
being decoded. A connection has at most one COPY open; rows of the other tables wait in memory, a
few thousand at most, until it is their turn.
"""

import datetime as dt
import gc
import hashlib
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import msgspec
import psycopg
from psycopg import sql
from psycopg.adapt import Dumper
from psycopg.pq import Format as WireFormat

from orchestration.database.connection import connect
from orchestration.database.migrate import require_migrated
from orchestration.database.partitions import PartitionedTable, ensure_month_partitions
from orchestration.database.refusals import said
from orchestration.errors import WarehouseError
from orchestration.landing.contracts import (
    COLUMN_OF,
    KINDS,
    Contract,
    ContractError,
    Event,
    EventType,
    Organization,
)
from orchestration.landing.reading import (
    Reading,
    Refusal,
    Source,
    StreamFormat,
    displayable,
    find_sources,
    fingerprint,
    open_source,
    sha256_of,
)

WAITING_ROWS = 5_000
"""How many rows of a table may wait for their COPY; bounds the memory, a few MB a table."""

_PARTITIONED: dict[str, tuple[PartitionedTable, str]] = {
    "task_executions": ("task_executions", "start_time"),
    "routing_decisions": ("routing_decisions", "decision_timestamp"),
}


@dataclass(frozen=True)
class LandedFile:
    """What became of one file that was not in error.

    Attributes:
        name: The file as it was given.
        load_id: Its row in raw.loads; None when it was skipped.
        lines_read: Lines or rows of the file, without a CSV header; accepted plus rejected.
        lines_accepted: Events now in schema raw.
        lines_rejected: Lines now in raw.rejected_events.
    """

    name: str
    load_id: int | None
    lines_read: int = 0
    lines_accepted: int = 0
    lines_rejected: int = 0

    @property
    def is_skipped(self) -> bool:
        """Whether the same content had been landed before."""
        return self.load_id is None


@dataclass
class Report:
    """What became of everything that was to be landed.

    Attributes:
        files: Files that were landed or skipped, in order.
        failures: Files of which nothing was landed, with the reason.
        notes: What was left out on the way.
        outage: The last failure that was the database's, not the file's; None when there was none.
    """

    files: list[LandedFile] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    outage: WarehouseError | None = None


class Observer:
    """Hears how a landing proceeds; the command line draws a progress bar from it."""

    def begin(self, name: str, size_bytes: int | None) -> None:
        """Hear that a file is about to be read.

        Args:
            name: The file.
            size_bytes: Its size on disk; None when unknown.
        """

    def advance(self, size_bytes: int) -> None:
        """Hear that more of the file was read.

        Args:
            size_bytes: How much more, in bytes on disk.
        """


def land(
    paths: Sequence[str | Path],
    *,
    stdin_format: StreamFormat = "ndjson",
    observer: Observer | None = None,
) -> Report:
    """Land files, folders or standard input; a file in error does not stop the others.

    Args:
        paths: Files, folders (with everything below) or "-" for standard input.
        stdin_format: The format of standard input.
        observer: Told about the progress.

    Returns:
        What became of each file.

    Raises:
        WarehouseError: The database cannot be reached or is not migrated.
    """
    found = find_sources(paths, stdin_format)
    report = Report(notes=found.notes, failures=found.failures)
    if not found.sources:
        return report
    watching = observer or Observer()
    with _Loader(watching) as loader:
        for number, source in enumerate(found.sources):
            try:
                loader.require_connection()
            except WarehouseError as error:
                if not report.files and not report.failures:
                    raise
                left = len(found.sources) - number
                report.failures.append((f"{left} more file(s)", error.message))
                report.outage = error
                break
            try:
                report.files.append(loader.land(source))
            except WarehouseError as error:
                report.failures.append((source.name, error.message))
                if _is_outage(error.__cause__):
                    report.outage = error
    return report


def land_stream(
    name: str,
    stream: BinaryIO,
    *,
    line_format: StreamFormat = "ndjson",
    observer: Observer | None = None,
) -> LandedFile:
    """Land what a stream yields as one load, unless the same bytes were landed before.

    Args:
        name: What the load is called in the ledger.
        stream: The bytes.
        line_format: How the lines are written.
        observer: Told about the progress.

    Returns:
        What became of it.

    Raises:
        WarehouseError: Nothing was landed; the message says why.
    """
    with _Loader(observer or Observer()) as loader:
        loader.require_connection()
        return loader.land(Source(displayable(name), None, line_format), stream)


class _JsonDumper(Dumper):
    """Writes objects and lists to jsonb columns, decimals as exact numbers."""

    format = WireFormat.BINARY
    oid = psycopg.adapters.types["jsonb"].oid
    _encode = msgspec.json.Encoder(decimal_format="number").encode

    def dump(self, obj: object) -> bytes:
        # The binary form of jsonb is its text after a version number.
        return b"\x01" + self._encode(obj)


class _Loader:
    """Lands one source after the other through one connection."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._connection: psycopg.Connection | None = None
        self._time_zones: frozenset[str] | None = None

    def __enter__(self) -> "_Loader":
        return self

    def __exit__(self, *_: object) -> None:
        self._disconnect()

    def require_connection(self) -> psycopg.Connection:
        """Return the connection, a new one after a failure.

        Raises:
            WarehouseError: The database cannot be reached or is not migrated.
        """
        if self._connection is None or self._connection.closed:
            self._connection = connect(application_name="warehouse land")
            self._connection.adapters.register_dumper(dict, _JsonDumper)
            self._connection.adapters.register_dumper(list, _JsonDumper)
            try:
                require_migrated(self._connection)
                self._connection.rollback()
            except BaseException:
                self._disconnect()
                raise
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def land(self, source: Source, stream: BinaryIO | None = None) -> LandedFile:
        """Land one file, or a stream whose hash is known only at its end.

        Raises:
            WarehouseError: Nothing was landed; the message says why.
        """
        connection = self.require_connection()
        try:
            with _readable_errors(source.name):
                if source.path is None:
                    return self._land_stream(connection, source, stream or sys.stdin.buffer)
                return self._land_file(connection, source)
        except BaseException:
            # Whatever it was (also Ctrl-C in the middle of a COPY): without its connection the
            # server undoes everything.
            self._disconnect()
            raise

    def _land_file(self, connection: psycopg.Connection, source: Source) -> LandedFile:
        sha256, size_bytes = fingerprint(source)
        self._observer.begin(source.name, size_bytes)
        if size_bytes == 0:
            raise WarehouseError(f"{source.name} is empty")
        # A concurrent landing of the same file waits here for the other one's commit.
        inserted = connection.execute(
            "insert into raw.loads (source_name, content_sha256) values (%s, %s) "
            "on conflict (content_sha256) do nothing returning load_id",
            (source.name, sha256),
        ).fetchone()
        if inserted is None:
            connection.rollback()
            self._observer.advance(size_bytes)
            return LandedFile(source.name, load_id=None)
        with open_source(source) as file:
            reading = Reading(source, file, self._observer.advance)
            counts = self._copy(connection, inserted[0], reading)
        if reading.sha256 != sha256:
            raise WarehouseError(f"{source.name} changed while it was being read")
        return self._finish(connection, inserted[0], reading, counts)

    def _land_stream(
        self, connection: psycopg.Connection, source: Source, stream: BinaryIO
    ) -> LandedFile:
        self._observer.begin(source.name, None)
        provisional = hashlib.sha256(os.urandom(32)).hexdigest()
        inserted = connection.execute(
            "insert into raw.loads (source_name, content_sha256) values (%s, %s) returning load_id",
            (source.name, provisional),
        ).fetchone()
        if inserted is None:  # an insert without a conflict clause returns its row
            raise WarehouseError(f"{source.name}: the load could not be recorded")
        reading = Reading(source, stream, self._observer.advance)
        counts = self._copy(connection, inserted[0], reading)
        try:
            connection.execute(
                "update raw.loads set content_sha256 = %s where load_id = %s",
                (reading.sha256, inserted[0]),
            )
        except psycopg.errors.UniqueViolation:
            connection.rollback()
            return LandedFile(source.name, load_id=None)
        return self._finish(connection, inserted[0], reading, counts)

    def _copy(self, connection: psycopg.Connection, load_id: int, reading: Reading) -> "_Counts":
        """Write every line of a file into its table."""
        contract = Contract.at()
        tables = {kind: _Table(kind) for kind in KINDS}
        rejected = _RejectedEvents()
        decode = contract.decode
        name = reading.source.name
        lines_read = 0
        with _no_cycle_collection(), _CopyStreams(connection) as streams:
            for item in reading.records():
                lines_read += 1
                if isinstance(item, Refusal):
                    row = (load_id, name, item.line_number, item.reason, item.sha256)
                    streams.write(rejected, row)
                    continue
                try:
                    event = decode(item.json)
                    if isinstance(event, Organization):
                        self._check_time_zone(connection, streams, event)
                except ContractError as error:
                    row = (load_id, name, item.line_number, str(error), sha256_of(item.raw))
                    streams.write(rejected, row)
                    continue
                tables[type(event)].add(streams, load_id, item.line_number, event)
        if not lines_read:
            raise WarehouseError(f"{reading.source.name} is empty")
        return _Counts(
            read=lines_read,
            rejected=rejected.row_count,
            accepted={kind: table.row_count for kind, table in tables.items()},
        )

    def _check_time_zone(
        self, connection: psycopg.Connection, streams: "_CopyStreams", event: Organization
    ) -> None:
        """Refuse a time zone that Python knows and the server, which computes the days, does not.

        Raises:
            ContractError: It does not know it.
        """
        if self._time_zones is None:
            # Asked for once, and only when an organization arrives: it takes the server a while.
            streams.pause()
            rows = connection.execute("select name from pg_catalog.pg_timezone_names").fetchall()
            self._time_zones = frozenset(str(name) for (name,) in rows)
        if event.timezone not in self._time_zones:
            raise ContractError("timezone: not known to the database server")

    def _finish(
        self, connection: psycopg.Connection, load_id: int, reading: Reading, counts: "_Counts"
    ) -> LandedFile:
        """Complete the ledger, keep the control totals and commit."""
        accepted = sum(counts.accepted.values())
        connection.execute(
            "insert into raw.landed_totals select * from raw.event_totals where load_id = %s",
            (load_id,),
        )
        connection.execute(
            "update raw.loads set content_bytes = %s, lines_read = %s, lines_accepted = %s, "
            "lines_rejected = %s, task_execution_count = %s, routing_decision_count = %s, "
            "organization_count = %s, user_count = %s, adjustment_count = %s, "
            "landed_at = clock_timestamp() where load_id = %s",
            (
                reading.size,
                counts.read,
                accepted,
                counts.rejected,
                *(counts.accepted[kind] for kind in KINDS),
                load_id,
            ),
        )
        try:
            connection.commit()
        except psycopg.OperationalError as error:
            raise WarehouseError(
                f"{reading.source.name}: the connection was lost during the commit "
                f"({said(error)}). It is not known whether the file was landed; land it "
                "again: it is skipped if it was."
            ) from error
        return LandedFile(reading.source.name, load_id, counts.read, accepted, counts.rejected)


@dataclass(frozen=True)
class _Counts:
    """The lines of one file by what became of them."""

    read: int
    rejected: int
    accepted: dict[EventType, int]


class _CopyTarget:
    """A table, and the rows that wait for its COPY."""

    def __init__(self, table: str, columns: Sequence[str]) -> None:
        self.table = table
        self.columns = columns
        self.waiting: list[tuple[Any, ...]] = []
        self.row_count = 0

    def prepare(self) -> None:
        """Do what must be done before the waiting rows can be copied."""


class _RejectedEvents(_CopyTarget):
    """The lines that did not meet the contract."""

    def __init__(self) -> None:
        super().__init__(
            "rejected_events", ("_load_id", "source_name", "line_number", "reason", "line_sha256")
        )


class _Table(_CopyTarget):
    """The table of one kind of event, with the months for which it has partitions."""

    def __init__(self, kind: EventType) -> None:
        columns = (COLUMN_OF.get(name, name) for name in kind.__struct_fields__)
        super().__init__(kind.table, ("_load_id", "_line_number", *columns))
        self._partitioned: PartitionedTable | None = None
        self._time_field = ""
        if kind.table in _PARTITIONED:
            self._partitioned, self._time_field = _PARTITIONED[kind.table]
        self._months: set[tuple[int, int]] = set()
        self._missing: set[tuple[int, int]] = set()

    def add(self, streams: "_CopyStreams", load_id: int, line_number: int, event: Event) -> None:
        """Write an event, or keep it until its month has a partition."""
        row = (load_id, line_number, *msgspec.structs.astuple(event))
        if self._partitioned is not None:
            moment: dt.datetime = getattr(event, self._time_field)
            if moment.tzinfo is not dt.UTC:
                moment = moment.astimezone(dt.UTC)
            month = (moment.year, moment.month)
            if month not in self._months:
                self._missing.add(month)
                streams.wait(self, row)
                return
        streams.write(self, row)

    def prepare(self) -> None:
        """Create the partitions that the waiting rows need."""
        if self._partitioned is not None and self._missing:
            months = [dt.date(year, month, 1) for year, month in self._missing]
            ensure_month_partitions(months, self._partitioned)
            self._months |= self._missing
            self._missing.clear()


class _CopyStreams:
    """Writes rows of several tables through one connection, on which one COPY can be open."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        self._cursor = connection.cursor()
        self._open: _CopyTarget | None = None
        self._copy: psycopg.Copy | None = None
        self._context: Any = None
        self._types: dict[str, list[int]] = {}
        self._targets: list[_CopyTarget] = []

    def write(self, target: _CopyTarget, row: tuple[Any, ...]) -> None:
        """Send a row at once if its table's COPY is open, else let it wait for its turn."""
        if target is self._open and self._copy is not None:
            target.row_count += 1
            self._copy.write_row(row)
        else:
            self.wait(target, row)

    def wait(self, target: _CopyTarget, row: tuple[Any, ...]) -> None:
        """Keep a row until enough of them wait to be worth a COPY of their own."""
        target.row_count += 1
        if not target.waiting and target not in self._targets:
            self._targets.append(target)
        target.waiting.append(row)
        if len(target.waiting) >= WAITING_ROWS:
            self._switch_to(target)

    def pause(self) -> None:
        """End the open COPY, so that the connection can be used for something else."""
        if self._context is not None:
            context, self._context = self._context, None
            self._open = self._copy = None
            context.__exit__(None, None, None)

    def __enter__(self) -> "_CopyStreams":
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Write all rows that still wait; after an error, give up the open COPY."""
        if error_type is None:
            for target in self._targets:
                if target.waiting:
                    self._switch_to(target)
            self.pause()
        elif self._context is not None:
            # psycopg warns when it cannot end a COPY because the connection is gone. That is what
            # the error on its way to the user says already.
            logger = logging.getLogger("psycopg")
            was_disabled, logger.disabled = logger.disabled, True
            try:
                self._context.__exit__(error_type, error, traceback)
            finally:
                logger.disabled = was_disabled

    def _switch_to(self, target: _CopyTarget) -> None:
        self.pause()
        # A COPY sees only the partitions that existed when it began.
        target.prepare()
        statement = sql.SQL("copy {} ({}) from stdin (format binary)").format(
            sql.Identifier("raw", target.table),
            sql.SQL(", ").join(map(sql.Identifier, target.columns)),
        )
        types = self._types_of(target)
        self._context = self._cursor.copy(statement)
        self._copy = self._context.__enter__()
        self._copy.set_types(types)
        for row in target.waiting:
            self._copy.write_row(row)
        target.waiting.clear()
        self._open = target

    def _types_of(self, target: _CopyTarget) -> list[int]:
        """Return the types of a table's columns, which binary COPY must hit exactly."""
        if target.table not in self._types:
            rows = self._connection.execute(
                "select attname, cast(atttypid as bigint) from pg_catalog.pg_attribute "
                "where attrelid = cast(%s as regclass) and attnum > 0 and not attisdropped",
                (f"raw.{target.table}",),
            ).fetchall()
            by_name = {str(name): int(oid) for name, oid in rows}
            try:
                self._types[target.table] = [by_name[column] for column in target.columns]
            except KeyError as error:
                raise WarehouseError(
                    f"raw.{target.table} has no column {error.args[0]}; "
                    "run `warehouse db migrate` with this version of the program"
                ) from error
        return self._types[target.table]


@contextmanager
def _no_cycle_collection() -> Iterator[None]:
    """Keep Python from looking for reference cycles among the rows that wait; they have none.

    With thousands of rows waiting that look took a tenth of the time of a load.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _is_outage(error: BaseException | None) -> bool:
    """Return whether the database, not what it was given, is the reason of a failure."""
    return isinstance(error, psycopg.Error) and not isinstance(
        error, psycopg.DataError | psycopg.IntegrityError
    )


@contextmanager
def _readable_errors(name: str) -> Iterator[None]:
    """Turn an error of the database into one sentence for the user."""
    try:
        yield
    except psycopg.Error as error:
        raise WarehouseError(
            f"{name}: the database did not take it ({said(error)}). Nothing of this file was "
            "landed; it can be landed again."
        ) from error
