"""Writes rows of schema raw into Parquet files, which `warehouse land` takes back.

A file appears under its name only when it is whole and on disk; one for a bucket is written on this
machine first, and counts once the bucket has given the same bytes back. Values are kept digit by
digit: what Parquet has no exact type for (uuid, numeric, jsonb) is text. Free texts are scrubbed
again when they land, which now and then takes away more of one than the first time.
"""

import hashlib
import os
import re
import secrets
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import psycopg
from psycopg import sql
from psycopg.rows import tuple_row

from orchestration.buckets import AnyPath, BucketPath
from orchestration.database.partitions import PartitionedTable
from orchestration.database.refusals import said
from orchestration.errors import WarehouseError, reason
from orchestration.landing.contracts import COLUMN_OF, KINDS, EventType

if TYPE_CHECKING:
    from typing import BinaryIO

TEMPORARY_ENDING = ".unfinished"
"""How the name of a file ends that is being written, or whose writing was killed."""

FETCHED_ROWS = 1_000
"""How many rows are fetched at once."""

GROUP_ROWS = 20_000
"""How many rows make a row group, the unit in which Parquet is compressed."""

GROUP_BYTES = 32 * 1024 * 1024
"""A row group ends early at this size in memory."""

_BOOKKEEPING = ("_load_id", "_line_number")


@dataclass(frozen=True)
class Archive:
    """A file of archived rows that is whole and on disk, or in a bucket.

    Attributes:
        path: Where it lies.
        rows: How many rows it holds.
        size_bytes: Its size.
        sha256: Hash of its bytes in hexadecimal, the one that raw.loads knows once it is landed.
        last_load_id: The latest load that a row came from; None when there are no rows.
    """

    path: AnyPath
    rows: int
    size_bytes: int
    sha256: str
    last_load_id: int | None


def write_archive(
    connection: psycopg.Connection,
    table: PartitionedTable,
    relation: sql.Composable,
    where: sql.Composable | None,
    path: AnyPath,
) -> Archive:
    """Write the rows of a raw table, partition or detached partition into a new Parquet file.

    The rows are those of one snapshot, in the order in which they were landed. Memory is bounded
    by a row group. When this fails, is interrupted or killed, there is never half a file under that
    name; a killed process leaves one with TEMPORARY_ENDING beside it.

    Args:
        connection: Where the rows are. A transaction in progress stays in progress.
        table: Which kind of rows: `task_executions` or `routing_decisions`.
        relation: Where they are read from, such as `raw.task_executions_y2026m01`.
        where: Which rows are meant, a condition over the table's columns; None means all.
        path: The file; folders that are missing are made, open to their owner only. Who can read
            it in a bucket, the bucket decides.

    Returns:
        What was written.

    Raises:
        WarehouseError: The file exists, the disk, the bucket or the database does not go along, or
            the table has columns that an archive could not give back.
    """
    if isinstance(path, BucketPath):
        return _write_to_bucket(connection, table, relation, where, path)
    kind = next(kind for kind in KINDS if kind.table == table)
    with _readable_errors(path):
        if os.path.lexists(path):
            raise WarehouseError(f"{path} exists already; an archive is never overwritten")
        _make_folder(path.parent)
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}{TEMPORARY_ENDING}")
        try:
            with _new_file(temporary) as file:
                rows, last_load_id = _write_rows(connection, kind, relation, where, file)
                file.flush()
                os.fsync(file.fileno())
            with temporary.open("rb") as written:
                _check_row_count(written, rows, path)
                digest = hashlib.file_digest(written, hashlib.sha256)
                size_bytes = written.seek(0, os.SEEK_END)
            _rename(temporary, path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
    return Archive(path, rows, size_bytes, digest.hexdigest(), last_load_id)


def _write_to_bucket(
    connection: psycopg.Connection,
    table: PartitionedTable,
    relation: sql.Composable,
    where: sql.Composable | None,
    path: BucketPath,
) -> Archive:
    """Write an archive in a folder for temporary files, put it into the bucket and read it back."""
    if path.exists():
        raise WarehouseError(f"{path} exists already; an archive is never overwritten")
    with tempfile.TemporaryDirectory(prefix="warehouse-") as folder:
        archive = write_archive(connection, table, relation, where, Path(folder, path.name))
        path.put(Path(folder, path.name))
        copy = Path(folder, "copy")
        path.fetch(copy)
        with copy.open("rb") as file:
            if hashlib.file_digest(file, hashlib.sha256).hexdigest() != archive.sha256:
                raise WarehouseError(f"{path} was not written: the bucket gives other bytes back")
    return replace(archive, path=path)


# --- Rows -----------------------------------------------------------------------------------------


class _Column(NamedTuple):
    """How a column of a raw table gets into the file.

    Attributes:
        name: Its name, in the table and in the file.
        selected: What is selected for it.
        data_type: The type in the file, as pyarrow has it.
        is_repetitive: Whether the same values come again and again.
        is_flat_json: Whether it holds JSON objects without objects in them.
    """

    name: str
    selected: sql.Composable
    data_type: Any
    is_repetitive: bool = False
    is_flat_json: bool = False


def _write_rows(
    connection: psycopg.Connection,
    kind: EventType,
    relation: sql.Composable,
    where: sql.Composable | None,
    file: "BinaryIO",
) -> tuple[int, int | None]:
    """Write the rows; return how many they were and the last one's load."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    # Also begins a transaction where there is none, without which there is no such cursor.
    with connection.transaction():
        columns = _columns(connection, kind, relation)
        schema = pa.schema(
            [pa.field("event", pa.string(), nullable=False)]
            + [pa.field(column.name, column.data_type) for column in columns]
        )
        statement = sql.SQL("select {} from {} where {} order by _load_id, _line_number").format(
            sql.SQL(", ").join(column.selected for column in columns),
            relation,
            where if where is not None else sql.SQL("true"),
        )
        row_count = 0
        last_load_id: int | None = None
        with (
            connection.cursor(
                name=f"archive_{secrets.token_hex(8)}", row_factory=tuple_row
            ) as cursor,
            pq.ParquetWriter(
                file,
                schema,
                compression="zstd",
                use_dictionary=[
                    "event",
                    *(column.name for column in columns if column.is_repetitive),
                ],
                write_page_checksum=True,
            ) as writer,
        ):
            cursor.execute(statement, binary=True)
            waiting = _RowGroup(writer, schema)
            while rows := cursor.fetchmany(FETCHED_ROWS):
                waiting.add(_batch(rows, kind, columns, schema))
                row_count += len(rows)
                last_load_id = int(rows[-1][0])
            waiting.write()
    return row_count, last_load_id


class _RowGroup:
    """Batches that wait until they are enough for a row group."""

    def __init__(self, writer: Any, schema: Any) -> None:
        self._writer = writer
        self._schema = schema
        self._batches: list[Any] = []

    def add(self, batch: Any) -> None:
        """Take a batch, and write the group when it is large enough."""
        self._batches.append(batch)
        if (
            sum(waiting.num_rows for waiting in self._batches) >= GROUP_ROWS
            or sum(waiting.nbytes for waiting in self._batches) >= GROUP_BYTES
        ):
            self.write()

    def write(self) -> None:
        """Write what waits as one row group."""
        import pyarrow as pa

        if self._batches:
            group = pa.Table.from_batches(self._batches, self._schema)
            self._writer.write_table(group, row_group_size=group.num_rows)
            self._batches.clear()


def _batch(
    rows: list[tuple[Any, ...]], kind: EventType, columns: list[_Column], schema: Any
) -> Any:
    """Turn fetched rows into columns."""
    import pyarrow as pa

    arrays = [pa.array([kind.__struct_config__.tag] * len(rows), pa.string())]
    for column, values in zip(columns, zip(*rows, strict=True), strict=True):
        if pa.types.is_timestamp(column.data_type):
            arrays.append(pa.array(values, pa.int64()).cast(column.data_type))
        elif column.is_flat_json:
            arrays.append(pa.array([_landable(text) for text in values], column.data_type))
        else:
            arrays.append(pa.array(values, column.data_type))
    return pa.record_batch(arrays, schema)


def _columns(
    connection: psycopg.Connection, kind: EventType, relation: sql.Composable
) -> list[_Column]:
    """Return the columns of a table: bookkeeping, then the fields of the contract.

    Raises:
        WarehouseError: The table has others, which would be lost, or lacks some.
    """
    import pyarrow as pa

    cursor = connection.execute(sql.SQL("select * from {} limit 0").format(relation))
    types = {column.name: column.type_code for column in cursor.description or ()}
    names = (*_BOOKKEEPING, *kind.__struct_fields__)
    # The value of a field that has moved stands in its old column in older rows.
    moved = {name: column for name, column in COLUMN_OF.items() if name in names}
    if different := sorted(types.keys() ^ {*names, *moved.values()}):
        raise WarehouseError(
            f"The columns of the table to archive are not those of raw.{kind.table}: "
            f"{', '.join(different)}. Run `warehouse db migrate` with this version of the program."
        )
    # Text for what Parquet cannot hold exactly; moments as the whole numbers that Parquet holds,
    # which no setting of the session and no calendar of Python can change.
    text = sql.SQL("cast({} as text)")
    as_is = sql.SQL("{}")
    moment = sql.SQL("cast(extract(epoch from {}) * 1000000 as bigint)")
    known = {
        "uuid": (text, pa.string()),
        "numeric": (text, pa.string()),
        "jsonb": (text, pa.string()),
        "text": (as_is, pa.string()),
        "int8": (as_is, pa.int64()),
        "bool": (as_is, pa.bool_()),
        "timestamptz": (moment, pa.timestamp("us", "UTC")),
    }
    by_oid = {psycopg.adapters.types[name].oid: name for name in known}
    columns = []
    for name in names:
        column = moved.get(name, name)
        type_name = by_oid.get(types[column])
        if type_name is None:
            raise WarehouseError(
                f"Column {column} of raw.{kind.table} has a type that an archive cannot hold; "
                "archive it with a later version of the program"
            )
        selected, data_type = known[type_name]
        value: sql.Composable = sql.Identifier(column)
        if column != name:
            value = sql.SQL("coalesce({}, {})").format(value, sql.Identifier(name))
        columns.append(
            _Column(
                name,
                selected.format(value),
                data_type,
                # Identifiers and most amounts differ from row to row; moments hardly repeat.
                is_repetitive=type_name in ("text", "jsonb")
                or name in ("_load_id", "organization_id", "user_id"),
                is_flat_json=type_name == "jsonb" and name in ("metadata", "decision_factors"),
            )
        )
    return columns


_MANY_DIGITS = re.compile("[0-9]{19}")
_LARGEST = 2**63 - 1
_LARGEST_FLOAT = int(sys.float_info.max)


def _landable(text: str | None) -> str | None:
    """Return the text of a jsonb object of single values so that the contract takes it back.

    The contract takes whole numbers of 64 bits and floats. A large float, such as 1e300, comes
    back from jsonb as a whole number of many digits, so it is made a float again.
    """
    if text is None or not _MANY_DIGITS.search(text):
        return text
    try:
        values = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text  # numbers that no landing has written
    changed = {
        key: float(value)
        for key, value in values.items()
        # Only if it was one: what jsonb holds are the digits that a float is written with.
        if isinstance(value, int)
        and _LARGEST < abs(value) <= _LARGEST_FLOAT
        and Decimal(repr(float(value))) == value
    }
    return msgspec.json.encode(values | changed).decode() if changed else text


# --- Files ----------------------------------------------------------------------------------------


@contextmanager
def _readable_errors(path: Path) -> Iterator[None]:
    """Turn an error of the disk or the database into one sentence without any content."""
    try:
        yield
    except OSError as error:
        raise WarehouseError(f"{path} cannot be written: {reason(error)}") from error
    except psycopg.Error as error:
        raise WarehouseError(
            f"{path} was not written: the database did not give the rows ({said(error)})"
        ) from error


def _make_folder(folder: Path) -> None:
    """Make a folder and those above it that are missing, all open to their owner only."""
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for made in reversed(missing):
        made.mkdir(mode=stat.S_IRWXU, exist_ok=True)


@contextmanager
def _new_file(path: Path) -> Iterator["BinaryIO"]:
    """Yield a new file that only its owner can read."""
    descriptor = os.open(
        path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, stat.S_IRUSR | stat.S_IWUSR
    )
    with os.fdopen(descriptor, "wb") as file:
        yield file


def _check_row_count(file: "BinaryIO", rows: int, path: Path) -> None:
    """Hold a file to the number of rows that were written into it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        found = pq.read_metadata(file).num_rows
    except pa.ArrowException as error:
        raise WarehouseError(f"{path} was not written: it cannot be read back") from error
    if found != rows:
        raise WarehouseError(
            f"{path} was not written: {found:,} of {rows:,} rows could be read back"
        )
    file.seek(0)


def _rename(temporary: Path, path: Path) -> None:
    """Give a file its name for good, unless something has that name by now."""
    try:
        # Unlike a rename, a second name never replaces a file.
        os.link(temporary, path)
    except FileExistsError:
        raise WarehouseError(f"{path} exists already; an archive is never overwritten") from None
    except OSError:
        # File systems without second names.
        if os.path.lexists(path):
            raise WarehouseError(
                f"{path} exists already; an archive is never overwritten"
            ) from None
        temporary.rename(path)
    else:
        temporary.unlink()
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
