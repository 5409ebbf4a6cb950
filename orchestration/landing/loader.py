"""Lands event files in schema raw: each file in one transaction, or not at all.

Decoded rows go straight into an open binary COPY of a temporary table, so the server stores one row
while the next is being decoded; from there they go into their table in one statement. A connection
has at most one COPY open; rows of the other tables wait in memory, a few thousand at most, until it
is their turn.
"""

import datetime as dt
import gc
import hashlib
import logging
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType, TracebackType
from typing import Any, BinaryIO, LiteralString, NamedTuple

import msgspec
import psycopg
from psycopg import sql
from psycopg.adapt import Dumper
from psycopg.pq import Format as WireFormat

from orchestration.buckets import AnyPath, BucketError
from orchestration.database.connection import connect
from orchestration.database.migrate import require_migrated
from orchestration.database.partitions import (
    PartitionedTable,
    ensure_month_partitions,
    months_without_partition,
)
from orchestration.database.refusals import said
from orchestration.errors import WarehouseError
from orchestration.landing.contracts import (
    COLUMN_OF,
    KIND_NAMES,
    KINDS,
    Checked,
    Contract,
    ContractError,
    Event,
    EventType,
    Organization,
    Read,
)
from orchestration.landing.positions import Position, move
from orchestration.landing.reading import (
    Reading,
    Source,
    StreamFormat,
    at_hand,
    displayable,
    find_sources,
    fingerprint,
    open_source,
)
from orchestration.landing.records import Refusal, organization_named, sha256_of
from orchestration.privacy.tombstones import Tombstones

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
        load_id: Its row in raw.loads; None when it was skipped, because nothing of it is new.
        lines_read: Lines or rows of the file, without a CSV header; accepted plus rejected. Of a
            file that was landed before, only the lines that were rejected then, as long as it is
            known which.
        lines_accepted: Events now in schema raw.
        lines_rejected: Lines now in raw.rejected_events; when skipped, those that stay there.
        refusal: Why nothing of the file has ever been accepted; None when something was.
        skipped_because: Why it was skipped, if it was.
    """

    name: str
    load_id: int | None
    lines_read: int = 0
    lines_accepted: int = 0
    lines_rejected: int = 0
    refusal: str | None = None
    skipped_because: str = "the same content was already landed"

    @property
    def is_skipped(self) -> bool:
        """Whether there was nothing in it that had not been landed before."""
        return self.load_id is None


@dataclass
class Report:
    """What became of everything that was to be landed.

    Attributes:
        files: Files that were landed or skipped, in order.
        failures: Files of which nothing was landed, with the reason.
        notes: What was left out on the way.
        outage: The last failure that was the database's or the bucket's, not the file's; None when
            there was none.
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
    paths: Sequence[str | AnyPath],
    *,
    stdin_format: StreamFormat = "ndjson",
    observer: Observer | None = None,
) -> Report:
    """Land files, folders or standard input; a file in error does not stop the others.

    Args:
        paths: Files, folders (with everything below), URLs of either, or "-" for standard input. A
            `BucketPath` is one file, whatever else is in the bucket.
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
                if isinstance(error, BucketError) or is_outage(error.__cause__):
                    report.outage = error
    return report


class Stream(NamedTuple):
    """What becomes one load.

    Attributes:
        name: What the load is called in the ledger.
        content: Its bytes.
        positions: Up to where parts of its source have been read once it has landed, or had landed
            before.
        known: Lines that met the contract when they came, without their line ending; they are not
            read again.
    """

    name: str
    content: BinaryIO
    positions: tuple[Position, ...] = ()
    known: Mapping[bytes, Checked] = MappingProxyType({})


def land_streams(streams: Iterable[Stream]) -> Iterator[LandedFile]:
    """Land what streams yield, each as one load, unless the same bytes were landed before.

    Args:
        streams: The streams, each with one event of JSON a line.

    Yields:
        What became of each, once it is committed.

    Raises:
        WarehouseError: Nothing of the stream at hand was landed; the message says why.
    """
    with _Loader(Observer()) as loader:
        for stream in streams:
            loader.require_connection()
            source = Source(displayable(stream.name), None, "ndjson")
            yield loader.land(source, stream)


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
        if self._connection is not None:
            # The server ends a session some time after it was closed, and until then the stages
            # would keep their login from being dropped.
            with suppress(psycopg.Error):
                self._connection.execute("discard temp")
                self._connection.commit()
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

    def land(self, source: Source, stream: Stream | None = None) -> LandedFile:
        """Land one file, or a stream whose hash is known only at its end.

        Raises:
            WarehouseError: Nothing was landed; the message says why.
        """
        connection = self.require_connection()
        try:
            with _readable_errors(source.name):
                if source.path is None:
                    stream = stream or Stream(source.name, sys.stdin.buffer)
                    landed = self._land_stream(connection, source, stream)
                    if landed.is_skipped and stream.positions:
                        for position in stream.positions:
                            move(connection, position)
                        connection.commit()
                    return landed
                with at_hand(source) as file:
                    return self._land_file(connection, file)
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
        # Before anything is written: an erasure, which takes all tables, waits for this load here.
        tombstones = Tombstones.read(connection)
        # A concurrent landing of the same file waits here for the other one's commit.
        load_id = _insert_load(connection, source.name, sha256)
        earlier = None
        if load_id is None:
            earlier = _last_load(connection, sha256)
            if earlier is not None and earlier.lines_rejected:
                load_id = _insert_load(connection, source.name, sha256, earlier.attempt + 1)
        if load_id is None:
            connection.rollback()
            self._observer.advance(size_bytes)
            return LandedFile(source.name, load_id=None)
        with open_source(source) as file:
            reading = Reading(source, file, self._observer.advance)
            counts = self._copy(
                connection, load_id, reading, tombstones, earlier.retried if earlier else None
            )
        if reading.sha256 != sha256:
            raise WarehouseError(f"{source.name} changed while it was being read")
        return self._finish(connection, load_id, reading, counts, earlier)

    def _land_stream(
        self, connection: psycopg.Connection, source: Source, stream: Stream
    ) -> LandedFile:
        self._observer.begin(source.name, None)
        tombstones = Tombstones.read(connection)
        provisional = hashlib.sha256(os.urandom(32)).hexdigest()
        load_id = _insert_load(connection, source.name, provisional)
        if load_id is None:  # nothing has that hash
            raise WarehouseError(f"{source.name}: the load could not be recorded")
        reading = Reading(source, stream.content, self._observer.advance)
        counts = self._copy(connection, load_id, reading, tombstones, known=stream.known)
        earlier = _last_load(connection, reading.sha256)
        if earlier is not None and not earlier.lines_rejected:
            connection.rollback()
            return LandedFile(source.name, load_id=None)
        if earlier is not None and earlier.retried is not None:
            counts = _keep_only(connection, load_id, earlier.load_id, counts)
        try:
            connection.execute(
                "update raw.loads set content_sha256 = %s, attempt = %s where load_id = %s",
                (reading.sha256, earlier.attempt + 1 if earlier else 1, load_id),
            )
        except psycopg.errors.UniqueViolation:
            connection.rollback()
            return LandedFile(source.name, load_id=None)
        return self._finish(connection, load_id, reading, counts, earlier, stream.positions)

    def _copy(
        self,
        connection: psycopg.Connection,
        load_id: int,
        reading: Reading,
        tombstones: Tombstones | None,
        only: frozenset[int] | None = None,
        known: Mapping[bytes, Checked] = MappingProxyType({}),
    ) -> "_Counts":
        """Write every line of a file into its table, or only those with certain numbers."""
        contract = Contract.at()
        tables = {kind: _Table(kind) for kind in KINDS}
        rejected = _RejectedEvents()
        read: Read = contract.read
        if known:
            read = lambda line: known.get(line) or contract.read(line)  # noqa: E731
        if tombstones:
            read = tombstones.reader(read)
        name = reading.source.name
        lines_read = 0
        first_rejection: str | None = None
        items = reading.records()
        if only is not None:
            items = (item for item in items if item.line_number in only)
        with _no_cycle_collection(), _CopyStreams(connection) as streams:
            for item in items:
                lines_read += 1
                if isinstance(item, Refusal):
                    refused = (load_id, name, item.line_number, item.reason, item.sha256, None)
                    first_rejection = first_rejection or f"line {item.line_number}: {item.reason}"
                    streams.write(rejected, refused)
                    continue
                try:
                    event, values = read(item.json)
                    if isinstance(event, Organization):
                        self._check_time_zone(connection, streams, event)
                except ContractError as error:
                    holder = organization_named(item.json)
                    if tombstones and holder:
                        holder = tombstones.known_as(holder)
                    row = (
                        load_id,
                        name,
                        item.line_number,
                        str(error),
                        sha256_of(item.raw),
                        holder,
                    )
                    first_rejection = first_rejection or f"line {item.line_number}: {error}"
                    streams.write(rejected, row)
                    continue
                tables[type(event)].add(streams, load_id, item.line_number, event, values)
        if not lines_read and not reading.has_columns:
            raise WarehouseError(f"{reading.source.name} is empty")
        if tombstones:
            tombstones.clear_decisions(connection, load_id)
        return _Counts(
            rejected=rejected.row_count,
            first_rejection=first_rejection,
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
        self,
        connection: psycopg.Connection,
        load_id: int,
        reading: Reading,
        counts: "_Counts",
        earlier: "_EarlierLoad | None",
        positions: Sequence[Position] = (),
    ) -> LandedFile:
        """Complete the ledger, keep the control totals, move positions and commit."""
        name = reading.source.name
        if not counts.read and not earlier:
            connection.rollback()
            return LandedFile(name, None, skipped_because="it has columns and no rows")
        accepted = sum(counts.accepted.values())
        refusal = None
        if counts.rejected and not accepted and (earlier is None or earlier.retried is None):
            refusal = f"every line was rejected, the first one ({counts.first_rejection})"
        if earlier is not None and not accepted:
            # The ledger has these lines already.
            connection.rollback()
            return LandedFile(name, None, counts.read, 0, counts.rejected, refusal)
        connection.execute(
            "insert into ledger.landed_totals select * from raw.event_totals where load_id = %s",
            (load_id,),
        )
        connection.execute(
            sql.SQL(
                "update raw.loads set content_bytes = %s, lines_read = %s, lines_accepted = %s, "
                "lines_rejected = %s, {}, landed_at = clock_timestamp() where load_id = %s"
            ).format(
                sql.SQL(", ").join(
                    sql.SQL("{} = %s").format(sql.Identifier(f"{name}_count"))
                    for name in KIND_NAMES
                )
            ),
            (
                reading.size,
                counts.read,
                accepted,
                counts.rejected,
                *(counts.accepted[kind] for kind in KINDS),
                load_id,
            ),
        )
        for position in positions:
            move(connection, position)
        try:
            connection.commit()
        except psycopg.OperationalError as error:
            raise WarehouseError(
                f"{name}: the connection was lost during the commit "
                f"({said(error)}). It is not known whether the file was landed; land it "
                "again: it is skipped if it was."
            ) from error
        return LandedFile(name, load_id, counts.read, accepted, counts.rejected, refusal)


@dataclass(frozen=True)
class _Counts:
    """The lines of one file by what became of them."""

    rejected: int
    first_rejection: str | None
    accepted: dict[EventType, int]

    @property
    def read(self) -> int:
        return self.rejected + sum(self.accepted.values())


@dataclass(frozen=True)
class _EarlierLoad:
    """The last load of a file's content.

    Attributes:
        load_id: Its row in raw.loads.
        attempt: How often the content had been landed by then.
        lines_rejected: How many lines it rejected, which get another chance now.
        retried: The numbers of these lines; None when they are all lines of the file, or it is
            no longer known which: what was accepted counts once, however often it lands.
    """

    load_id: int
    attempt: int
    lines_rejected: int
    retried: frozenset[int] | None


def _insert_load(
    connection: psycopg.Connection, name: str, sha256: str, attempt: int = 1
) -> int | None:
    """Begin a load; None when the content has had that attempt."""
    inserted = connection.execute(
        "insert into raw.loads (source_name, content_sha256, attempt) values (%s, %s, %s) "
        "on conflict (content_sha256, attempt) do nothing returning load_id",
        (name, sha256, attempt),
    ).fetchone()
    return None if inserted is None else int(inserted[0])


def _last_load(connection: psycopg.Connection, sha256: str) -> _EarlierLoad | None:
    """Look up what became of a content when it was landed last."""
    found = connection.execute(
        "select load_id, attempt, lines_accepted, lines_rejected from raw.loads "
        "where content_sha256 = %s order by attempt desc limit 1",
        (sha256,),
    ).fetchone()
    if found is None:
        return None
    load_id, attempt, accepted, rejected = found
    if not accepted:
        return _EarlierLoad(load_id, attempt, rejected, None)
    lines = connection.execute(
        "select line_number from raw.rejected_events where _load_id = %s", (load_id,)
    ).fetchall()
    numbers = frozenset(number for (number,) in lines)
    return _EarlierLoad(load_id, attempt, rejected, numbers if len(lines) == rejected else None)


def _keep_only(
    connection: psycopg.Connection, load_id: int, earlier_id: int, counts: _Counts
) -> _Counts:
    """Take back what an unfinished load wrote of lines that an earlier one has accepted."""

    def deleted(table: str, column: str) -> int:
        statement = sql.SQL(
            "delete from {} where _load_id = %s and {} not in "
            "(select line_number from raw.rejected_events where _load_id = %s)"
        ).format(sql.Identifier("raw", table), sql.Identifier(column))
        return connection.execute(statement, (load_id, earlier_id)).rowcount

    return _Counts(
        rejected=counts.rejected - deleted("rejected_events", "line_number"),
        first_rejection=counts.first_rejection,
        accepted={
            kind: count and count - deleted(kind.table, "_line_number")
            for kind, count in counts.accepted.items()
        },
    )


class _CopyTarget:
    """A table, and the rows that wait for the COPY of its stage."""

    def __init__(self, table: str, columns: tuple[str, ...]) -> None:
        self.table = table
        self.columns = columns
        self.waiting: list[tuple[Any, ...]] = []
        self.row_count = 0

    def prepare(self, connection: psycopg.Connection) -> None:
        """Do what must be done before the rows can be written into the table."""


class _RejectedEvents(_CopyTarget):
    """The lines that did not meet the contract."""

    def __init__(self) -> None:
        super().__init__(
            "rejected_events",
            (
                "_load_id",
                "source_name",
                "line_number",
                "reason",
                "line_sha256",
                "organization_id",
            ),
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

    def add(
        self,
        streams: "_CopyStreams",
        load_id: int,
        line_number: int,
        event: Event,
        values: tuple[Any, ...],
    ) -> None:
        """Write an event, and remember which partition it needs."""
        if self._partitioned is not None:
            moment: dt.datetime = getattr(event, self._time_field)
            if moment.tzinfo is not dt.UTC:
                moment = moment.astimezone(dt.UTC)
            self._months.add((moment.year, moment.month))
        streams.write(self, (load_id, line_number, *values))

    def prepare(self, connection: psycopg.Connection) -> None:
        """Create the partitions that the rows need."""
        if self._partitioned is not None:
            months = [dt.date(year, month, 1) for year, month in self._months]
            # Nearly always all are there, and what makes them takes a connection of its own.
            missing = months_without_partition(connection, months, self._partitioned)
            ensure_month_partitions(missing, self._partitioned)


class _CopyStreams:
    """Writes rows of several tables through one connection, on which one COPY can be open.

    COPY would go past the policies of a table and is refused by it, so each table has a stage.
    """

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        self._cursor = connection.cursor()
        self._open: _CopyTarget | None = None
        self._copy: psycopg.Copy | None = None
        self._context: Any = None
        self._types: dict[str, list[int]] = {}
        self._targets: list[_CopyTarget] = []

    def write(self, target: _CopyTarget, row: tuple[Any, ...]) -> None:
        """Send a row at once if its table's COPY is open, else keep it until many wait."""
        target.row_count += 1
        if target is self._open and self._copy is not None:
            self._copy.write_row(row)
            return
        if target not in self._targets:
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
        """Write all rows into their tables; after an error, give up the open COPY."""
        if error_type is None:
            for target in self._targets:
                if target.waiting:
                    self._switch_to(target)
            self.pause()
            for target in self._targets:
                target.prepare(self._connection)
                self._connection.execute(_for(_FROM_STAGE, target.table, target.columns))
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
        types = self._types_of(target)
        self._context = self._cursor.copy(_for(_INTO_STAGE, target.table, target.columns))
        self._copy = self._context.__enter__()
        self._copy.set_types(types)
        for row in target.waiting:
            self._copy.write_row(row)
        target.waiting.clear()
        self._open = target

    def _types_of(self, target: _CopyTarget) -> list[int]:
        """Return the types of a table's stage, which binary COPY must hit exactly; make it once."""
        if target.table not in self._types:
            by_name = self._columns_of(f"pg_temp.{_stage_of(target.table)}")
            if not by_name:
                by_name = self._columns_of(f"raw.{target.table}")
                missing = [column for column in target.columns if column not in by_name]
                if missing:
                    raise WarehouseError(
                        f"raw.{target.table} has no column {missing[0]}; "
                        "run `warehouse db migrate` with this version of the program"
                    )
                self._connection.execute(_for(_MAKE_STAGE, target.table, target.columns))
            self._types[target.table] = [by_name[column] for column in target.columns]
        return self._types[target.table]

    def _columns_of(self, relation: str) -> dict[str, int]:
        """Return the columns of a table with their types; none where there is no such table."""
        rows = self._connection.execute(
            "select attname, cast(atttypid as bigint) from pg_catalog.pg_attribute "
            "where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped",
            (relation,),
        )
        return {str(name): int(oid) for name, oid in rows}


# Kept as long as the connection: to make it anew for each load takes longer than to land hundreds
# of events.
_MAKE_STAGE: LiteralString = (
    "create temporary table {stage} on commit delete rows as "
    "select {columns} from {table} with no data"
)
_INTO_STAGE: LiteralString = "copy {stage} from stdin (format binary)"
_FROM_STAGE: LiteralString = "insert into {table} ({columns}) select {columns} from {stage}"


@cache
def _for(statement: LiteralString, table: str, columns: tuple[str, ...]) -> bytes:
    """Return a statement with the names of a table, of its columns and of its stage."""
    return (
        sql.SQL(statement)
        .format(
            table=sql.Identifier("raw", table),
            columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
            stage=sql.Identifier("pg_temp", _stage_of(table)),
        )
        .as_string()
        .encode()
    )


def _stage_of(table: str) -> str:
    """Return the name of the temporary table that holds a table's rows until all are read."""
    return f"landing_{table}"


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


def is_outage(error: BaseException | None) -> bool:
    """Return whether the database, not what it was given, is the reason of a failure.

    Args:
        error: What caused the failure.

    Returns:
        Whether it is.
    """
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
