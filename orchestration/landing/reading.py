"""Reads event files line by line in bounded memory, whatever they hold.

All formats end in the same thing, a line of JSON for the contract: a row of CSV or Parquet is
turned into the object that the same NDJSON line would hold, so that one set of rules decides over
all of them.
"""

import codecs
import csv
import gzip
import hashlib
import io
import itertools
import os
import stat
import tempfile
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple

import msgspec

from orchestration.buckets import AnyPath, BucketPath, is_url
from orchestration.errors import WarehouseError
from orchestration.landing.contracts import (
    BOOLEANS,
    INTEGERS,
    MOMENTS,
    TEXT_COLUMNS_OF_JSON,
    YES_OR_NO,
)
from orchestration.landing.records import (
    BLANK,
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

BLOCK_BYTES = 1024 * 1024
"""How much is read at once."""

Format = Literal["ndjson", "csv", "parquet"]

StreamFormat = Literal["ndjson", "csv"]
"""What standard input can be: Parquet is read from its end."""

STANDARD_INPUT = "-"

NOT_REGULAR = "not a regular file; pipe what it holds into `warehouse land -`"

_STREAM_FORMATS: dict[str, Format] = {".ndjson": "ndjson", ".jsonl": "ndjson", ".csv": "csv"}
# Parquet compresses itself.
_FORMATS: dict[str, Format] = {**_STREAM_FORMATS, ".parquet": "parquet"}
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_UTF32_MARKS = (b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")


@dataclass(frozen=True)
class Source:
    """One file to land.

    Attributes:
        name: What it is called in messages and in the ledger of loads.
        path: Where it lies; None is standard input.
        format: How its lines are written.
        is_compressed: Whether it is gzip.
    """

    name: str
    path: AnyPath | None
    format: Format
    is_compressed: bool = False


@dataclass
class Found:
    """What a list of paths stands for.

    Attributes:
        sources: The files to land, in order.
        notes: What was left out and why.
        failures: Paths that cannot be landed, with the reason.
    """

    sources: list[Source] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)


def find_sources(paths: Sequence[str | AnyPath], stdin_format: StreamFormat = "ndjson") -> Found:
    """Turn paths into the files to land.

    Args:
        paths: Files, folders (taken with everything below them, sorted), URLs of either, or "-" for
            standard input. A `BucketPath` is one file, whatever else is in the bucket.
        stdin_format: The format of standard input.

    Returns:
        The files, the notes on skipped ones, and the paths that cannot be used.
    """
    found = Found()
    for given in paths:
        if not str(given):
            found.failures.append(
                ("", "an empty path stands for no file; for the current folder, give a dot")
            )
            continue
        if str(given) == STANDARD_INPUT:
            found.sources.append(Source("standard input", None, stdin_format))
            continue
        try:
            if isinstance(given, BucketPath):
                _find_file(given, found)
            elif isinstance(given, str) and is_url(given):
                _find_in_bucket(BucketPath.parse(given), found)
            else:
                _find_at(Path(given), found)
        except OSError as error:
            found.failures.append((displayable(given), f"cannot be read: {error.strerror}"))
        except WarehouseError as error:
            # Without the URL, which may hold credentials; the message has what it can tell.
            found.failures.append(("", error.message))
    return found


def _find_at(path: Path, found: Found) -> None:
    """Add the event file, or those of the folder, at a path."""
    if path.is_dir():
        _find_in_folder(path, found)
        return
    if _source_of(path) is None and path.exists() and not path.is_file():
        found.failures.append((displayable(path), f"is {NOT_REGULAR}"))
    else:
        _find_file(path, found)


def _find_file(path: AnyPath, found: Found) -> None:
    """Add a file if its ending is that of an event file."""
    source = _source_of(path)
    if source is not None:
        found.sources.append(source)
    else:
        found.failures.append(
            (displayable(path), f"has none of the endings {_endings()} and is not a folder")
        )


def _find_in_bucket(path: BucketPath, found: Found) -> None:
    """Add the event file, or those of the folder, that a URL names."""
    files = path.files()
    if path in files:
        _find_file(path, found)
    else:
        _add_files(path, [(file, str(file.relative_to(path))) for file in files], found)


def _find_in_folder(folder: Path, found: Found) -> None:
    """Add the event files below a folder."""
    files: list[tuple[Path, str]] = []
    unreadable: list[OSError] = []
    for parent, folders, names in os.walk(folder, onerror=unreadable.append):
        folders.sort()
        for name in names:
            path = Path(parent, name)
            files.append((path, str(path.relative_to(folder))))
    found.failures.extend(
        (displayable(error.filename), f"cannot be read: {error.strerror}") for error in unreadable
    )
    _add_files(folder, files, found, is_complete=not unreadable)


def _add_files(
    folder: AnyPath,
    files: Iterable[tuple[AnyPath, str]],
    found: Found,
    *,
    is_complete: bool = True,
) -> None:
    """Add the event files of a folder, given with their names in it, and note the others."""
    sources: list[Source] = []
    others: list[str] = []
    for path, name in files:
        source = _source_of(path)
        if source is None:
            others.append(displayable(name))
        else:
            sources.append(source)
    if others:
        others.sort()
        shown = ", ".join(others[:5]) + (", ..." if len(others) > 5 else "")
        found.notes.append(f"{displayable(folder)}: skipped {len(others)} other file(s): {shown}")
    if not sources and is_complete:
        found.failures.append(
            (displayable(folder), f"holds no file with one of the endings {_endings()}")
        )
    found.sources.extend(sorted(sources, key=lambda source: str(source.path)))


def _source_of(path: AnyPath) -> Source | None:
    """Recognize an event file by its ending."""
    name = path.name.lower()
    is_compressed = name.endswith(".gz")
    ending = Path(name.removesuffix(".gz")).suffix
    if ending not in (_STREAM_FORMATS if is_compressed else _FORMATS):
        return None
    return Source(displayable(path), path, _FORMATS[ending], is_compressed)


def displayable(name: str | AnyPath) -> str:
    """Return a file name that can be printed on one line and stored, whatever it is made of.

    Args:
        name: The name as the system gave it; it may hold line breaks and bytes that are no text.

    Returns:
        The name with a question mark for each such character.
    """
    return "".join(letter if letter.isprintable() else "?" for letter in str(name))


def _endings() -> str:
    return ", ".join(_STREAM_FORMATS) + " (also .gz), .parquet"


@contextmanager
def at_hand(source: Source) -> Iterator[Source]:
    """Yield a source as one on this machine.

    Args:
        source: The source.

    Yields:
        The source itself; for a file in a bucket a copy under its name, deleted afterwards. A
        process that is killed leaves the copy in the folder for temporary files.

    Raises:
        BucketError: The file cannot be read, or the copy cannot be written.
    """
    if not isinstance(source.path, BucketPath):
        yield source
        return
    with tempfile.TemporaryDirectory(prefix="warehouse-") as folder:
        copy = Path(folder, "copy")
        source.path.fetch(copy)
        yield replace(source, path=copy)


def open_source(source: Source) -> BinaryIO:
    """Open a file for reading, unbuffered.

    Args:
        source: A source with a path on this machine.

    Returns:
        The file's bytes.

    Raises:
        WarehouseError: There is no such file, it cannot be read or it is not a regular file.
    """
    if not isinstance(source.path, Path):
        raise ValueError("only a file of this machine is opened by name")  # noqa: TRY004
    try:
        # Opening alone wakes what writes into a pipe, and does more to some devices.
        if not stat.S_ISREG(source.path.stat().st_mode):
            raise WarehouseError(f"{source.name} is {NOT_REGULAR}")
        # It may have become a named pipe since, which would wait for a writer.
        descriptor = os.open(source.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise WarehouseError(f"{source.name} is {NOT_REGULAR}")
        return os.fdopen(descriptor, "rb", buffering=0)
    except OSError as error:
        raise WarehouseError(f"{source.name} cannot be read: {error.strerror}") from error


def fingerprint(source: Source) -> tuple[str, int]:
    """Hash a file's bytes as they are on disk.

    Args:
        source: A source with a path on this machine.

    Returns:
        The SHA-256 in hexadecimal and the size in bytes.

    Raises:
        WarehouseError: The file cannot be read.
    """
    with open_source(source) as file:
        try:
            digest = hashlib.file_digest(file, hashlib.sha256)  # type: ignore[arg-type]
            return digest.hexdigest(), file.tell()
        except OSError as error:
            raise WarehouseError(f"{source.name} cannot be read: {error.strerror}") from error


class _HashingFile(io.RawIOBase):
    """Passes bytes through and keeps their hash, so that no second pass is needed."""

    def __init__(self, file: BinaryIO, on_bytes: Callable[[int], None] | None) -> None:
        super().__init__()
        self._file = file
        self._on_bytes = on_bytes
        self.digest = hashlib.sha256()
        self.size = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview[int]") -> int:  # type: ignore[override]
        count: int = self._file.readinto(buffer) or 0  # type: ignore[attr-defined]
        if count:
            self.digest.update(buffer[:count])
            self.size += count
            if self._on_bytes is not None:
                self._on_bytes(count)
        return count


@dataclass
class Reading:
    """One pass over a file.

    Attributes:
        source: What is read.
        sha256: Hash of the file's bytes, known once `records` is exhausted.
        size: Bytes read so far, compressed ones if the file is compressed.
        has_columns: Whether it says what its columns are, so that it may well hold no row.
    """

    source: Source
    file: BinaryIO
    on_bytes: Callable[[int], None] | None = None
    sha256: str = ""
    size: int = 0
    has_columns: bool = False

    def records(self) -> Iterator[Record | Refusal]:
        """Yield every line of the file, the unreadable ones as refusals.

        Yields:
            The lines in order; their number is what counts as lines read.

        Raises:
            WarehouseError: The file as a whole is damaged, vanished or has a wrong header.
        """
        if self.source.format == "parquet":
            yield from self._parquet_records()
            return
        hashing = _HashingFile(self.file, self.on_bytes)
        buffered = io.BufferedReader(hashing, BLOCK_BYTES)
        stream: io.BufferedIOBase = buffered
        if self.source.is_compressed:
            stream = gzip.GzipFile(fileobj=buffered, mode="rb")
        try:
            blocks = _utf8_blocks(stream.read, self.source.name)
            lines = _lines(lambda: next(blocks, b""))
            if self.source.format == "csv":
                delimiter, lines = _delimiter_of(lines)
                if delimiter is not None:
                    yield from _csv_records(delimiter, lines, self.source.name)
                    self.has_columns = True
            else:
                yield from _json_records(lines)
            while buffered.read(BLOCK_BYTES):  # what follows the end of the compressed data
                pass
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise WarehouseError(
                f"{self.source.name} is damaged or incomplete gzip; nothing of it was landed"
            ) from error
        except OSError as error:
            raise WarehouseError(
                f"{self.source.name} cannot be read: {error.strerror}; nothing of it was landed"
            ) from error
        finally:
            self.size = hashing.size
        self.sha256 = hashing.digest.hexdigest()

    def _parquet_records(self) -> Iterator[Record | Refusal]:
        """Yield every row of a Parquet file, then hash the file in a pass of its own.

        Parquet is read from its end and here and there, so the bytes cannot be hashed on the way.
        """
        from orchestration.landing.parquet import parquet_records

        told = 0

        def tell(rows: int, of_rows: int) -> None:
            nonlocal told
            if self.on_bytes is not None:
                reached = self.size * rows // of_rows
                self.on_bytes(reached - told)
                told = reached

        try:
            self.size = self.file.seek(0, os.SEEK_END)
            yield from parquet_records(self.file, self.source.name, tell)
            self.has_columns = True
            self.file.seek(0)
            hashing = _HashingFile(self.file, None)
            while hashing.read(BLOCK_BYTES):
                pass
        except OSError as error:
            raise WarehouseError(
                f"{self.source.name} cannot be read: {error.strerror}; nothing of it was landed"
            ) from error
        self.size = hashing.size
        self.sha256 = hashing.digest.hexdigest()


class _LongLine(NamedTuple):
    """A line that was hashed and thrown away because it is too long."""

    sha256: str


def _utf8_blocks(read: Callable[[int], bytes], name: str) -> Iterator[bytes]:
    """Yield a stream block by block as UTF-8, without the mark that some programs begin it with.

    Raises:
        WarehouseError: It is text of another kind.
    """
    block = read(BLOCK_BYTES)
    if block.startswith(_UTF32_MARKS) or _lacks_its_mark(block):
        raise WarehouseError(
            f"{name} looks like UTF-16 or UTF-32 that does not begin with the mark of UTF-16; "
            "save it as UTF-8"
        )
    blocks = iter(lambda: read(BLOCK_BYTES), b"")
    if block[:2] not in _UTF16_MARKS:
        yield block.removeprefix(_BYTE_ORDER_MARK)
        yield from blocks
        return
    decoder = codecs.getincrementaldecoder(_UTF16_MARKS[block[:2]])("surrogatepass")
    try:
        for encoded in itertools.chain((block[2:],), blocks):
            if text := decoder.decode(encoded):
                # Half of a pair is no text; the line that has it is refused.
                yield text.encode("utf-8", "surrogatepass")
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise WarehouseError(
            f"{name} is damaged UTF-16; nothing of it was landed. Save it as UTF-8"
        ) from error


def _lacks_its_mark(block: bytes) -> bool:
    """Return whether every second byte of a beginning is 0, as in UTF-16 of plain letters."""
    halves = (block[0:16:2], block[1:16:2])
    return len(block) >= 16 and any(
        not any(zeros) and all(letters) for zeros, letters in (halves, halves[::-1])
    )


def _lines(read: Callable[[], bytes]) -> Iterator[bytes | _LongLine]:
    """Split a stream at line feeds, holding at most one block and one line."""
    rest = b""
    while block := read():
        if len(rest) > MAXIMUM_LINE_BYTES:
            # The line is already too long: only its hash and its end matter.
            digest = hashlib.sha256(rest)
            while block and (end := block.find(b"\n")) < 0:
                digest.update(block)
                block = read()
            if block:
                digest.update(block[:end])
            yield _LongLine(digest.hexdigest())
            rest = b""
            block = block[end + 1 :]
        lines = (rest + block).split(b"\n")
        rest = lines.pop()
        for line in lines:
            if len(line) > MAXIMUM_LINE_BYTES:
                yield _LongLine(sha256_of(line))
            else:
                yield line
    if len(rest) > MAXIMUM_LINE_BYTES:
        yield _LongLine(sha256_of(rest))
    elif rest:
        yield rest


def _json_records(lines: Iterator[bytes | _LongLine]) -> Iterator[Record | Refusal]:
    """Number the lines of an NDJSON file."""
    for line_number, line in enumerate(lines, start=1):
        if isinstance(line, _LongLine):
            yield Refusal(line_number, TOO_LONG, line.sha256)
        elif not line or line.isspace():
            yield Refusal(line_number, BLANK, sha256_of(line))
        else:
            yield Record(line_number, line, line)


# --- CSV ----------------------------------------------------------------------------------------

_DELIMITERS = ",;\t|"
_MISSING = frozenset({"", "NaN", "nan", "NaT", "<NA>"})
"""The cells that data frames write for what is not there."""


class _RecordTooLongError(Exception):
    """A CSV row goes on over more lines than may be kept."""


class _Feed:
    """Hands lines to the CSV parser and remembers those of the current row.

    A quote that is never closed makes the parser swallow what follows. When a row turns out
    wrong, only its first line is given up and the others are put back and read anew.
    """

    def __init__(self, lines: Iterator[bytes | _LongLine]) -> None:
        self._lines = lines
        self._returned: deque[tuple[int, bytes | _LongLine]] = deque()
        self._next_number = 1
        self._taken_bytes = 0
        self.taken: list[tuple[int, bytes | _LongLine]] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._returned:
            number, line = self._returned.popleft()
        else:
            line = next(self._lines)
            number = self._next_number
            self._next_number += 1
        self.taken.append((number, line))
        if isinstance(line, _LongLine):
            raise _RecordTooLongError
        self._taken_bytes += len(line)
        if self._taken_bytes > MAXIMUM_LINE_BYTES:
            raise _RecordTooLongError
        # Bytes that are not UTF-8 survive as surrogates, which are looked for in the whole row.
        return line.decode("utf-8", "surrogateescape") + "\n"

    def begin(self) -> None:
        """Forget the lines of the previous row."""
        self.taken.clear()
        self._taken_bytes = 0

    def keep_only_first(self) -> None:
        """Put all lines of the current row but the first back, to be read again."""
        self._returned.extendleft(reversed(self.taken[1:]))
        del self.taken[1:]

    def raw(self) -> bytes:
        """Return the bytes of the current row."""
        return b"\n".join(line for _, line in self.taken if isinstance(line, bytes))

    def refusal(self, reason: str) -> Refusal:
        """Refuse the first line of the current row; the others get another chance."""
        self.keep_only_first()
        number, line = self.taken[0]
        if isinstance(line, _LongLine):
            return Refusal(number, TOO_LONG, line.sha256)
        return Refusal(number, reason, sha256_of(line))


def _delimiter_of(
    lines: Iterator[bytes | _LongLine],
) -> tuple[str | None, Iterator[bytes | _LongLine]]:
    """Return the delimiter that the first line uses, None when there is no line, and all lines."""
    first = next(lines, None)
    if first is None:
        return None, lines
    delimiter = ","
    if isinstance(first, bytes):
        for other in _DELIMITERS:
            names = next(csv.reader([first.decode("utf-8", "replace")], delimiter=other), [])
            if "event" in map(str.strip, names):
                delimiter = other
                break
    return delimiter, itertools.chain((first,), lines)


def _csv_records(
    delimiter: str, lines: Iterator[bytes | _LongLine], name: str
) -> Iterator[Record | Refusal]:
    """Turn the rows of a CSV file into lines of JSON."""
    # The whole row is held to the limit for lines; this one only must not be hit before it.
    csv.field_size_limit(2 * MAXIMUM_LINE_BYTES)
    feed = _Feed(lines)
    # The parser starts afresh after an error, so one serves the whole file.
    parser = csv.reader(feed, strict=True, delimiter=delimiter)
    try:
        header = next(parser)
    except StopIteration:
        return
    except (csv.Error, _RecordTooLongError) as error:
        raise WarehouseError(f"{name}: the first line is not a CSV header") from error
    columns = _checked_header(header, name)
    while True:
        feed.begin()
        try:
            cells = next(parser)
        except StopIteration:
            return
        except csv.Error:
            yield feed.refusal("unbalanced quotes or a stray line break")
            continue
        except _RecordTooLongError:
            yield feed.refusal(
                TOO_LONG if len(feed.taken) == 1 else "a quote that is not closed within 1 MiB"
            )
            continue
        if not cells or (len(feed.taken) == 1 and feed.raw().isspace()):
            yield feed.refusal(BLANK)
        elif len(cells) != len(columns):
            yield feed.refusal(f"expected {len(columns)} cells, got {len(cells)}")
        else:
            raw = feed.raw()
            try:
                yield Record(feed.taken[0][0], _json_of(columns, cells), raw)
            except UnicodeEncodeError:
                yield feed.refusal(NOT_UTF8)
            except (msgspec.DecodeError, RecursionError):
                yield Refusal(feed.taken[0][0], NOT_JSON, sha256_of(raw))


def _checked_header(header: list[str], name: str) -> list[str]:
    """Hold a header to the columns of the contract."""
    columns = [cell.strip() for cell in header]
    check_columns(columns, name, "the header")
    return columns


def _json_of(columns: list[str], cells: list[str]) -> bytes:
    """Write a row as the JSON object that the same NDJSON line would hold."""
    values: dict[str, str | bool | msgspec.Raw] = {}
    for column, cell in zip(columns, cells, strict=True):
        if cell in _MISSING:
            continue
        if column in INTEGERS or column in MOMENTS:
            values[column] = number_of(cell)
        elif column in YES_OR_NO:
            values[column] = BOOLEANS.get(cell.strip().lower(), cell)
        elif column in TEXT_COLUMNS_OF_JSON:
            msgspec.json.decode(cell)  # one whole value, or it could smuggle in other fields
            values[column] = msgspec.Raw(cell.encode())
        else:
            values[column] = cell
    return msgspec.json.encode(values)
