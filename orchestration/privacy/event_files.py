"""Rewrites files of events (NDJSON, CSV, gzip of either, Parquet) without those who are erased."""

import csv
import gzip
import io
import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any
from uuid import UUID

import msgspec

from orchestration.errors import WarehouseError
from orchestration.landing.reading import Source
from orchestration.landing.records import MAXIMUM_LINE_BYTES
from orchestration.privacy.tombstones import CLEARED, ERASED, ID

_ID = re.compile(ID)
_ROWS_AT_ONCE = 20_000
_GONE_LINE = '{"event":"erased"}'
"""What stands for a line that is no JSON, so that nobody can tell what else it says."""

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ALTERNATIVES = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])


class Eraser:
    """Knows whose ids are replaced, and which decisions are theirs."""

    def __init__(self, pseudonyms: Mapping[UUID, UUID], related: set[UUID]) -> None:
        """Take whom to look for.

        Args:
            pseudonyms: What stands for each id.
            related: Executions and decisions of these people.
        """
        self._replacements = {one.hex: other for one, other in pseudonyms.items()}
        self._erased = {other.hex for other in pseudonyms.values()}
        self._related = {one.hex for one in related}

    def mentions(self, text: str) -> bool:
        """Return whether a text holds an id that is to be erased, or a decision's of the person.

        Args:
            text: The text.

        Returns:
            Whether it does.
        """
        return any(token in self._replacements or token in self._related for token in _tokens(text))

    def text(self, text: str) -> str:
        """Replace the ids in a text.

        Args:
            text: The text.

        Returns:
            The text with pseudonyms, which are as long.
        """
        return _ID.sub(self._replaced, text)

    def line(self, line: str) -> str:
        """Erase people from a line of JSON.

        Args:
            line: The line without its end.

        Returns:
            The line; the same if it is nobody's.
        """
        tokens = _tokens(line)
        if not any(
            token in self._replacements or token in self._erased or token in self._related
            for token in tokens
        ):
            return line
        replaced = self.text(line)
        try:
            fields = _FIELDS.decode(replaced)
        except (msgspec.DecodeError, UnicodeError):
            return line if replaced == line else _GONE_LINE
        changes = self.changes({name: _plain(value) for name, value in fields.items()})
        for name, value in changes.items():
            if value is None:
                fields.pop(name)
            else:
                is_json = name == "alternative_providers"
                fields[name] = msgspec.Raw(
                    value.encode() if is_json else msgspec.json.encode(value)
                )
        return msgspec.json.encode(fields).decode() if changes else replaced

    def changes(self, event: Mapping[str, str | None]) -> dict[str, str | None]:
        """Return what else of an event has to go, once its ids are replaced.

        Args:
            event: Its fields as texts, those of lists and objects as JSON.

        Returns:
            New values of the fields that change; None clears one.
        """
        kind = event.get("event") or ""
        whose = [
            "organization_id",
            "user_id",
            *(["id"] if kind in ("user", "organization") else []),
        ]
        names_execution = kind in ("routing_decision", "provider_event")
        related = ["id", "task_execution_id"] if names_execution else []
        if not (
            any(_bare(event.get(name)) in self._erased for name in whose)
            or any(_bare(event.get(name)) in self._related for name in related)
        ):
            return {}
        changes: dict[str, str | None] = dict.fromkeys(CLEARED.get(kind, ()))
        if kind in ("user", "organization"):
            changes["name"] = ERASED
        if alternatives := event.get("alternative_providers"):
            changes["alternative_providers"] = _without_reasoning(alternatives)
        return {
            name: value
            for name, value in changes.items()
            if event.get(name) and event[name] != value
        }

    def _replaced(self, found: "re.Match[str]") -> str:
        token = found[0]
        pseudonym = self._replacements.get(token.replace("-", "").lower())
        if pseudonym is None:
            return token
        return str(pseudonym) if "-" in token else pseudonym.hex


def rewrite(source: Source, target: Path, eraser: Eraser) -> int:
    """Write a file of events anew, without those who are erased.

    Args:
        source: The file, on this machine.
        target: The new one, of the same format.
        eraser: Who is erased.

    Returns:
        How many lines or rows changed.

    Raises:
        WarehouseError: The file is damaged, so that nobody can tell what it holds.
    """
    if not isinstance(source.path, Path):
        raise ValueError("only a file of this machine is rewritten")  # noqa: TRY004
    try:
        if source.format == "parquet":
            return _rewrite_parquet(source.path, target, eraser)
        opened: Callable[..., Any] = gzip.open if source.is_compressed else open
        with opened(source.path, "rb") as beginning:
            encoding = _encoding(beginning.read(4))
        options = {"encoding": encoding, "errors": "surrogateescape", "newline": "\n"}
        with (
            opened(source.path, "rt", **options) as given,
            opened(target, "wt", **options) as taken,
        ):
            change = _rewrite_csv if source.format == "csv" else _rewrite_lines
            return change(given, taken, eraser)
    except (EOFError, gzip.BadGzipFile, zlib.error, UnicodeError) as error:
        raise _damaged(source) from error


def _damaged(source: Source) -> WarehouseError:
    return WarehouseError(
        f"{source.name} is damaged, so what it holds cannot be searched. Delete it, or put a whole "
        "one in its place, and run `warehouse privacy erase` again."
    )


def _rewrite_lines(given: IO[str], taken: IO[str], eraser: Eraser) -> int:
    changed = 0
    for line in given:
        content = line.rstrip("\r\n")
        erased = eraser.line(content)
        changed += erased != content
        taken.write(erased + line[len(content) :])
    return changed


def _rewrite_csv(given: IO[str], taken: IO[str], eraser: Eraser) -> int:
    csv.field_size_limit(2 * MAXIMUM_LINE_BYTES)
    header = given.readline()
    delimiter = max(",;\t|", key=header.count)
    names = [name.strip() for name in next(csv.reader([header], delimiter=delimiter), [])]
    taken.write(header)
    changed = 0
    lines = _Remembered(given)
    for row in csv.reader(lines, delimiter=delimiter):
        before = lines.taken()
        cells = [eraser.text(cell) for cell in row]
        fields: dict[str, str | None] = dict(zip(names, cells, strict=False))
        changes = eraser.changes(fields)
        if cells == row and not changes:
            taken.write(before)
            continue
        changed += 1
        cells = [changes.get(name, cell) or "" for name, cell in zip(names, cells, strict=False)]
        out = io.StringIO()
        end = "\r\n" if before.endswith("\r\n") else "\n"
        csv.writer(out, delimiter=delimiter, lineterminator=end).writerow(cells)
        taken.write(out.getvalue())
    return changed


class _Remembered:
    """Hands lines on and remembers those of the current row."""

    def __init__(self, lines: IO[str]) -> None:
        self._lines = lines
        self._taken: list[str] = []

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self._taken.append(line)
            yield line

    def taken(self) -> str:
        """Return what was handed on since this was asked last."""
        text = "".join(self._taken)
        self._taken.clear()
        return text


def _rewrite_parquet(path: Path, target: Path, eraser: Eraser) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with path.open("rb") as file:
            parquet = pq.ParquetFile(file)
            schema = parquet.schema_arrow
            changed = 0
            with pq.ParquetWriter(
                target, schema, compression="zstd", write_page_checksum=True
            ) as writer:
                for batch in parquet.iter_batches(_ROWS_AT_ONCE, use_threads=False):
                    columns = {
                        name: batch.column(name).to_pylist()
                        for name in schema.names
                        if _holds_ids(schema.field(name).type)
                    }
                    changed += _change_rows(columns, batch.num_rows, eraser)
                    arrays = [
                        pa.array(columns[name], schema.field(name).type)
                        if name in columns
                        else batch.column(name)
                        for name in schema.names
                    ]
                    writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            return changed
    except pa.ArrowException as error:
        raise _damaged(Source(str(path), path, "parquet")) from error


def _holds_ids(data_type: Any) -> bool:
    """Return whether a column of this type is text, or the bytes of ids."""
    import pyarrow as pa

    if pa.types.is_dictionary(data_type):
        data_type = data_type.value_type
    return bool(
        pa.types.is_string(data_type)
        or pa.types.is_large_string(data_type)
        or pa.types.is_string_view(data_type)
        or (pa.types.is_fixed_size_binary(data_type) and data_type.byte_width == 16)
    )


def _change_rows(columns: dict[str, list[Any]], rows: int, eraser: Eraser) -> int:
    """Change the values of columns in place; return in how many rows."""
    changed = 0
    for place in range(rows):
        before = {name: values[place] for name, values in columns.items()}
        after: dict[str, Any] = {
            name: UUID(eraser.text(UUID(bytes=value).hex)).bytes
            if isinstance(value, bytes)
            else value and eraser.text(value)
            for name, value in before.items()
        }
        texts = {
            name: UUID(bytes=value).hex if isinstance(value, bytes) else value
            for name, value in after.items()
        }
        after |= eraser.changes(texts)
        if after != before:
            changed += 1
            for name, value in after.items():
                columns[name][place] = value
    return changed


# --- Texts ----------------------------------------------------------------------------------------


def _tokens(text: str) -> set[str]:
    return {token.replace("-", "").lower() for token in _ID.findall(text)}


def _bare(value: str | None) -> str:
    return (value or "").strip().replace("-", "").lower()


def _plain(value: msgspec.Raw) -> str:
    """Return a value of JSON as text, a text without its quotes."""
    text = bytes(value)
    return str(msgspec.json.decode(text)) if text.startswith(b'"') else text.decode()


def _without_reasoning(text: str) -> str:
    """Leave out of the alternatives of a decision why they were none."""
    try:
        alternatives: Sequence[dict[str, msgspec.Raw]] = _ALTERNATIVES.decode(text)
    except msgspec.DecodeError:
        return "[]"
    if not any("reasoning" in entry for entry in alternatives):
        return text
    return msgspec.json.encode(
        [{name: value for name, value in entry.items() if name != "reasoning"}
         for entry in alternatives]
    ).decode()  # fmt: skip


def _encoding(beginning: bytes) -> str:
    if beginning.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    return "utf-8-sig" if beginning.startswith(b"\xef\xbb\xbf") else "utf-8"
