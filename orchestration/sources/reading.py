"""Reads files of other systems: lines of JSON, documents of JSON and tables, also compressed."""

import csv
import gzip
import io
import json
import os
import stat
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from orchestration.errors import WarehouseError, reason
from orchestration.sources.mapping import Record

LARGEST_DOCUMENT_BYTES = 512 * 1024 * 1024
"""A document is read as a whole; larger ones come as lines, or in pages."""

_GZIP = b"\x1f\x8b"


class Line(NamedTuple):
    """One line of a file.

    Attributes:
        number: Counted from 1.
        record: The object of JSON that it holds; None where it holds none.
        raw: Its bytes.
    """

    number: int
    record: Record | None
    raw: bytes


def files_in(path: Path, endings: Sequence[str]) -> list[Path]:
    """Return the files to read.

    Args:
        path: A file, or a folder with everything below it.
        endings: How the names of the files of a folder end, also with `.gz` after it.

    Returns:
        The files in order; none where a folder has none of them.

    Raises:
        WarehouseError: There is no such file or folder.
    """
    if not path.exists():
        raise WarehouseError(f"{path} does not exist")
    if not path.is_dir():
        return [path]
    wanted = tuple(ending + more for ending in endings for more in ("", ".gz"))
    found = (Path(folder, name) for folder, _, names in os.walk(path) for name in names)
    return sorted(file for file in found if file.name.endswith(wanted))


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Yield the bytes of a file or a pipe, uncompressed.

    Args:
        path: The file.

    Yields:
        The stream.

    Raises:
        WarehouseError: It cannot be read, or is damaged.
    """
    try:
        # Opening a named pipe would otherwise wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        mode = os.fstat(descriptor).st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode) or stat.S_ISDIR(mode)):
            os.close(descriptor)
            raise WarehouseError(f"{path} is neither a file nor a pipe")
        os.set_blocking(descriptor, True)
        with os.fdopen(descriptor, "rb") as file:
            if file.peek(2)[:2] == _GZIP:
                with gzip.GzipFile(fileobj=file, mode="rb") as uncompressed:
                    yield io.BufferedReader(uncompressed)
            else:
                yield file
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise WarehouseError(f"{path} is damaged or incomplete gzip") from error
    except OSError as error:
        raise WarehouseError(f"{path} cannot be read: {reason(error)}") from error


def lines_of(path: Path) -> Iterator[Line]:
    """Yield the lines of a file that are not blank.

    Args:
        path: A file with one object of JSON a line. A last line without its end that holds no
            whole object is left out: somebody is still writing it.

    Yields:
        The lines.

    Raises:
        WarehouseError: It cannot be read.
    """
    with opened(path) as file:
        for number, raw in enumerate(file, start=1):
            if raw.isspace():
                continue
            record = object_of(raw.removeprefix(b"\xef\xbb\xbf"))
            if record is not None or raw.endswith(b"\n"):
                yield Line(number, record, raw)


def objects_of(path: Path) -> Iterator[Line]:
    """Yield the objects of a file that stand one after the other.

    Args:
        path: A file with one object of JSON a line, or with objects over several lines that begin
            and end at the left margin. A last one that is not whole is left out, as in `lines_of`.

    Yields:
        The objects, each with the number of its first line; what is none on a line of its own.

    Raises:
        WarehouseError: It cannot be read.
    """
    with opened(path) as file:
        begun, lines = 0, list[bytes]()
        for number, written in enumerate(file, start=1):
            raw = written.removeprefix(b"\xef\xbb\xbf")
            if not raw.strip():
                continue
            if lines and raw.startswith(b"{"):
                # The writer of the one before was interrupted.
                yield _part(begun, lines)
                lines = []
            begun = begun if lines else number
            lines.append(raw)
            is_opened = len(lines) == 1 and raw.strip() == b"{"
            if raw.startswith(b"}") or (len(lines) == 1 and not is_opened and raw.endswith(b"\n")):
                yield _part(begun, lines)
                lines = []
        if lines and (last := _part(begun, lines)).record is not None:
            yield last


def _part(number: int, lines: Sequence[bytes]) -> Line:
    text = b" ".join(line.strip() for line in lines)
    return Line(number, object_of(text), text)


def object_of(text: bytes) -> Record | None:
    """Return the object of JSON that a text holds.

    Args:
        text: The text.

    Returns:
        The object, with decimals for numbers with places; None where it holds none.
    """
    try:
        value = json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def documents_of(path: Path) -> Iterator[Any]:
    """Yield the documents of a file.

    Args:
        path: A file that holds one document of JSON, such as a page, or several, one a line.

    Yields:
        The documents.

    Raises:
        WarehouseError: It cannot be read, is too large or is no JSON.
    """
    with opened(path) as file:
        text = file.read(LARGEST_DOCUMENT_BYTES + 1)
    if len(text) > LARGEST_DOCUMENT_BYTES:
        raise WarehouseError(f"{path} is larger than 512 MiB; split it")
    lines = [text]
    if object_of(text.partition(b"\n")[0]) is not None:
        lines = [line for line in text.splitlines() if line.strip()]
    for number, line in enumerate(lines, start=1):
        try:
            document = json.loads(line, parse_float=Decimal)
        except (ValueError, RecursionError) as error:
            where = f", line {number}" if len(lines) > 1 else ""
            raise WarehouseError(f"{path}{where} is not valid JSON") from error
        yield document


def rows_of(path: Path, columns: Sequence[str], title: str) -> Iterator[tuple[int, Record]]:
    """Yield the rows of a CSV file.

    Args:
        path: The file.
        columns: Columns without which it is something else.
        title: What the file is expected to be, for messages.

    Yields:
        The number of a row's last line, and its cells by the name of their column.

    Raises:
        WarehouseError: It cannot be read, lacks a column, or a row has another number of cells.
    """
    # Exports hold prompts, which may be longer than what the reader takes otherwise.
    csv.field_size_limit(LARGEST_DOCUMENT_BYTES)
    with opened(path) as file:
        text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
        try:
            rows = csv.DictReader(text, strict=True)
            if rows.fieldnames is None:
                raise WarehouseError(f"{path} is empty")
            missing = [name for name in columns if name not in rows.fieldnames]
            if missing:
                raise WarehouseError(
                    f"{path} is not {title}: its header lacks {', '.join(missing)}"
                )
            for row in rows:
                if None in row or None in row.values():
                    raise WarehouseError(f"{path}, line {rows.line_num}: wrong number of cells")
                yield rows.line_num, row
        except UnicodeDecodeError as error:
            raise WarehouseError(f"{path} is not valid UTF-8") from error
        except csv.Error as error:
            raise WarehouseError(f"{path} is not valid CSV: {error}") from error


def items_of(document: Any, *names: str) -> list[Any]:
    """Return the records that a document lists.

    Args:
        document: A list of records, one record, or an object that lists them under a name.
        *names: The names under which pages of the source list them.

    Returns:
        The records, those of pages in a list of pages as well.
    """
    if isinstance(document, list):
        return [item for part in document for item in items_of(part, *names)]
    if isinstance(document, dict):
        for name in names:
            if isinstance(document.get(name), list):
                return list(document[name])
    return [document]


def entries_of(path: Path, columns: Sequence[str], title: str, *names: str) -> Iterator[Line]:
    """Yield the records of an export, in whichever of the usual forms it is.

    Args:
        path: A table as CSV, a document of JSON that lists records, or one record or page a line.
        columns: As in `rows_of`.
        title: As in `rows_of`.
        *names: As in `items_of`.

    Yields:
        The records, each with the number of its line, or 1 where a document is a whole.

    Raises:
        WarehouseError: As in `rows_of` and `documents_of`.
    """
    with opened(path) as file:
        beginning = file.readline(LARGEST_DOCUMENT_BYTES).removeprefix(b"\xef\xbb\xbf")
    if object_of(beginning) is not None:
        lines = lines_of(path)
    elif beginning.lstrip()[:1] in (b"{", b"["):
        lines = (Line(1, {"": document}, b"") for document in documents_of(path))
    else:
        yield from (Line(number, row, b"") for number, row in rows_of(path, columns, title))
        return
    for line in lines:
        if line.record is None:
            yield line
            continue
        for item in items_of(line.record.get("", line.record), *names):
            if isinstance(item, dict):
                yield Line(line.number, item, line.raw)


def first_record(path: Path) -> Record | None:
    """Return the first record of a file, whatever wrote it.

    Args:
        path: The file.

    Returns:
        Its first object of JSON, or the names of its columns as one; None where there is neither.

    Raises:
        WarehouseError: It cannot be read.
    """
    with opened(path) as file:
        beginning = file.readline(LARGEST_DOCUMENT_BYTES)
    record = object_of(beginning.removeprefix(b"\xef\xbb\xbf"))
    if record is not None:
        return record
    if beginning.lstrip()[:1] in (b"{", b"["):
        try:
            items = items_of(next(documents_of(path)))
        except WarehouseError:
            return next((part.record for part in objects_of(path)), None)
        return items[0] if items and isinstance(items[0], dict) else None
    try:
        names = next(csv.reader([beginning.decode("utf-8-sig")]), [])
    except (UnicodeDecodeError, csv.Error):
        return None
    return dict.fromkeys(names, "") if len(names) > 1 else None
