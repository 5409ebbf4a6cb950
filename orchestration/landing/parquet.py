"""Reads the rows of Parquet files as the lines of JSON that the same NDJSON would hold.

Imported only when there is such a file to read: the library behind it takes a while to load.
"""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any, BinaryIO
from uuid import UUID

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.errors import WarehouseError
from orchestration.landing.contracts import (
    BOOLEANS,
    INTEGERS,
    TEXT_COLUMNS_OF_JSON,
    YES_OR_NO,
)
from orchestration.landing.records import (
    MAXIMUM_LINE_BYTES,
    NOT_JSON,
    NOT_UTF8,
    TOO_LONG,
    Record,
    Refusal,
    check_columns,
    number_of,
    sha256_of,
)

MAXIMUM_BATCH_ROWS = 1_000
"""How many rows are in memory at once, at most."""

BATCH_BYTES = 1024 * 1024
"""About how much memory those rows may take; wide rows come in smaller batches."""

_BUFFER_BYTES = 64 * 1024  # for each column
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PER_MICROSECOND = {"s": (1_000_000, 1), "ms": (1_000, 1), "us": (1, 1), "ns": (1, 1_000)}

_Refused = dict[int, str]
# Turns a column of a batch into what JSON holds for it, and notes the rows that it must refuse.
_Converter = Callable[[Any, _Refused], list[Any]]


def parquet_records(
    file: BinaryIO, name: str, on_rows: Callable[[int, int], None]
) -> Iterator[Record | Refusal]:
    """Yield every row of a Parquet file, the unreadable ones as refusals.

    At most one batch of rows and, of each column, one page as the file holds it are in memory.

    Args:
        file: The file, which must be able to seek.
        name: What it is called in messages.
        on_rows: Called after each batch with the rows read so far and those of the whole file.

    Yields:
        The rows in order, numbered from 1.

    Raises:
        WarehouseError: The file is damaged, no Parquet, or has columns that cannot be landed.
    """
    try:
        parquet = pq.ParquetFile(
            file, buffer_size=_BUFFER_BYTES, pre_buffer=False, page_checksum_verification=True
        )
        converters = _converters(parquet.schema_arrow, name)
        total = max(int(parquet.metadata.num_rows), 1)
        row_number = 0
        for batch in parquet.iter_batches(
            batch_size=_batch_rows(parquet.metadata), columns=list(converters), use_threads=False
        ):
            yield from _batch_records(batch, converters, row_number + 1)
            row_number += batch.num_rows
            on_rows(min(row_number, total), total)
        if row_number != parquet.metadata.num_rows:
            raise pa.ArrowInvalid("the file announces another number of rows than it holds")
    except pa.ArrowNotImplementedError as error:
        raise WarehouseError(
            f"{name} is written in a way that this program cannot read; nothing of it was landed"
        ) from error
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        # Errors of the disk have a number, what the library finds wrong in the file has none.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise WarehouseError(
            f"{name} is damaged, incomplete or not Parquet; nothing of it was landed"
        ) from error


def _batch_rows(metadata: Any) -> int:
    """Return how many rows to read at once, fewer where the file says that they are wide."""
    groups = (metadata.row_group(number) for number in range(metadata.num_row_groups))
    widest = max(
        (group.total_byte_size // max(group.num_rows, 1) for group in groups),
        default=0,
    )
    return max(1, min(MAXIMUM_BATCH_ROWS, BATCH_BYTES // max(widest, 1)))


def _batch_records(
    batch: Any, converters: dict[str, _Converter], first_row: int
) -> Iterator[Record | Refusal]:
    """Turn the rows of a batch into lines of JSON."""
    refused: _Refused = {}
    names: list[str] = []
    columns: list[list[Any]] = []
    for column, convert in converters.items():
        values = batch.column(column)
        if values.null_count < len(values):
            names.append(column)
            columns.append(convert(values, refused))
    rows: Iterator[tuple[Any, ...]] = (
        zip(*columns, strict=True) if columns else iter([()] * batch.num_rows)
    )
    encode = msgspec.json.Encoder().encode
    for place, row in enumerate(rows):
        line = encode({n: v for n, v in zip(names, row, strict=True) if v is not None})
        if len(line) > MAXIMUM_LINE_BYTES:
            yield Refusal(first_row + place, TOO_LONG, sha256_of(line))
        elif place in refused:
            yield Refusal(first_row + place, refused[place], sha256_of(line))
        else:
            yield Record(first_row + place, line, line)


# --- Columns --------------------------------------------------------------------------------------


def _converters(schema: Any, name: str) -> dict[str, _Converter]:
    """Hold the columns of a file to the contract.

    Returns:
        How to read each column that is an event's; those of the archive's bookkeeping are not.

    Raises:
        WarehouseError: Columns are unknown, double, missing, or of a type that cannot be landed.
    """
    fields = [field for field in schema if not field.name.startswith("_")]
    check_columns([field.name for field in fields], name, "it")
    return {field.name: _converter(field.name, field.type, name) for field in fields}


def _converter(column: str, data_type: Any, name: str) -> _Converter:
    """Return how to read a column of a certain type."""
    if isinstance(data_type, pa.BaseExtensionType):
        convert = _converter(column, data_type.storage_type, name)
        return lambda values, refused: convert(values.storage, refused)
    if pa.types.is_dictionary(data_type):
        convert = _converter(column, data_type.value_type, name)
        return lambda values, refused: convert(values.dictionary_decode(), refused)
    if _is_text(data_type):
        if column in TEXT_COLUMNS_OF_JSON:
            return _json_texts
        if column in YES_OR_NO:
            return _boolean_texts
        return _number_texts if column in INTEGERS else _texts
    if pa.types.is_timestamp(data_type):
        if data_type.tz is None:
            raise WarehouseError(
                f"{name}: the times in column {column} have no time zone, so they mean no moment; "
                "write them as timestamps in UTC, or as text with an offset"
            )
        numerator, denominator = _PER_MICROSECOND[data_type.unit]
        return lambda values, _: _moments(values, numerator, denominator)
    if pa.types.is_float64(data_type):
        return _whole_floats if column in INTEGERS else _floats
    if pa.types.is_fixed_size_binary(data_type) and data_type.byte_width == 16:
        return _uuids
    if (
        pa.types.is_integer(data_type)
        or pa.types.is_boolean(data_type)
        or pa.types.is_decimal(data_type)
        or pa.types.is_null(data_type)
    ):
        return lambda values, _: list(values.to_pylist())
    wanted = "text that holds JSON" if column in TEXT_COLUMNS_OF_JSON else "text"
    # The name alone: the rest can hold names of the file's own.
    type_name = re.split(r"[^a-z0-9_]", str(data_type))[0]
    raise WarehouseError(
        f"{name}: column {column} has the type {type_name}, which cannot be landed; "
        f"write it as {wanted}"
    )


def _is_text(data_type: Any) -> bool:
    return bool(
        pa.types.is_string(data_type)
        or pa.types.is_large_string(data_type)
        or pa.types.is_string_view(data_type)
    )


def _texts(values: Any, refused: _Refused) -> list[Any]:
    try:
        return list(values.to_pylist())
    except UnicodeDecodeError:
        pass
    # Somewhere in this batch is a text that is none; find out where.
    texts: list[str | None] = []
    for place, value in enumerate(values.cast(pa.large_binary()).to_pylist()):
        try:
            texts.append(None if value is None else value.decode())
        except UnicodeDecodeError:
            refused[place] = NOT_UTF8
            texts.append(value.decode(errors="replace"))
    return texts


def _number_texts(values: Any, refused: _Refused) -> list[Any]:
    """Read whole numbers that are written as text, as in CSV."""
    return [text if text is None else number_of(text) for text in _texts(values, refused)]


def _boolean_texts(values: Any, refused: _Refused) -> list[Any]:
    """Read yes and no where they are written as text, as in CSV."""
    return [
        text if text is None else BOOLEANS.get(text.strip().lower(), text)
        for text in _texts(values, refused)
    ]


def _json_texts(values: Any, refused: _Refused) -> list[Any]:
    """Read objects and lists that are written as text, as in CSV."""
    cells: list[Any] = []
    for place, text in enumerate(_texts(values, refused)):
        if text is None or place in refused:
            cells.append(text)
            continue
        try:
            msgspec.json.decode(text)  # one whole value, or it could smuggle in other fields
        except (msgspec.DecodeError, RecursionError):
            refused[place] = NOT_JSON
            cells.append(text)
        else:
            cells.append(msgspec.Raw(text.encode()))
    return cells


def _moments(values: Any, numerator: int, denominator: int) -> list[Any]:
    """Read moments, which the file holds as whole numbers since 1970 in UTC."""
    # Not as Python's times: those would be looked up in the file's time zone, and the years that
    # they do not know would end the file instead of the row.
    moments: list[Any] = []
    for number in values.cast(pa.int64()).to_pylist():
        if number is None:
            moments.append(None)
            continue
        # Half a microsecond rounds up, as when the contract reads a text with more digits.
        microseconds = (number * numerator + denominator // 2) // denominator
        try:
            moments.append(_EPOCH + timedelta(microseconds=microseconds))
        except OverflowError:
            moments.append("beyond every calendar")  # so the contract refuses it
    return moments


def _floats(values: Any, _: _Refused) -> list[Any]:
    """Read floats by their shortest decimals; what JSON has no number for becomes text."""
    return [
        number if number is None or isfinite(number) else str(number)
        for number in values.to_pylist()
    ]


def _whole_floats(values: Any, refused: _Refused) -> list[Any]:
    """Read whole numbers in a column that data frames turn into floats where some are missing."""
    return [
        int(number) if isinstance(number, float) and number.is_integer() else number
        for number in _floats(values, refused)
    ]


def _uuids(values: Any, _: _Refused) -> list[Any]:
    return [value if value is None else str(UUID(bytes=value)) for value in values.to_pylist()]
