"""Where the warehouse keeps files, who stands in them, and how they leave."""

import hashlib
import json
import mmap
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

import psycopg

from orchestration.buckets import AnyPath, BucketPath, is_url
from orchestration.errors import WarehouseError
from orchestration.landing.inbox import landing_folder
from orchestration.landing.reading import Reading, Source, at_hand, find_sources, open_source
from orchestration.landing.records import Record
from orchestration.privacy.event_files import Eraser, rewrite
from orchestration.privacy.rows import is_telling
from orchestration.privacy.tombstones import ID
from orchestration.project import project_root, state_directory
from orchestration.retention.archive import TEMPORARY_ENDING

_ID = re.compile(ID.encode())
_PASSES = 3
_SECRETS = ("privacy.key", "pgpass")


@dataclass(frozen=True)
class Mention:
    """A line of a file that holds an id.

    Attributes:
        path: The file.
        line_number: The line, or the row of a Parquet file.
        content: What it says; of events as JSON.
    """

    path: str
    line_number: int
    content: str


def mentions(connection: psycopg.Connection, archive: AnyPath, eraser: Eraser) -> Iterator[Mention]:
    """Find an id in every file that the warehouse keeps.

    Args:
        connection: To the warehouse's database, which lists the archives.
        archive: The folder of the archives.
        eraser: What is looked for.

    Yields:
        The lines that hold it, file by file.

    Raises:
        WarehouseError: A file cannot be read.
    """
    for source in _event_files(connection, archive):
        with at_hand(source) as local, open_source(local) as file:
            for record in Reading(local, file).records():
                if isinstance(record, Record):
                    content = record.json.decode(errors="replace")
                    if eraser.mentions(content):
                        yield Mention(source.name, record.line_number, content)
    for path in _other_files(connection, archive):
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                content = line.decode(errors="replace").rstrip("\r\n")
                if eraser.mentions(content):
                    yield Mention(str(path), number, content)


def price_files(eraser: Eraser) -> dict[str, int]:
    """Count the lines of the project's own CSV files that hold an id.

    Args:
        eraser: What is looked for.

    Returns:
        The lines by file, without files that have none.
    """
    root = project_root()
    counts = {}
    for path in sorted((root / "seeds").rglob("*.csv")):
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        if count := sum(eraser.mentions(line) for line in lines):
            counts[str(path.relative_to(root))] = count
    return counts


def related_in_archives(
    connection: psycopg.Connection, archive: AnyPath, holders: set[UUID]
) -> set[UUID]:
    """Return the executions of people in the archives, and their decisions.

    Args:
        connection: To the warehouse's database, which lists the archives.
        archive: The folder of the archives.
        holders: The people.

    Returns:
        The ids of both.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    wanted = pa.array([str(holder) for holder in holders], pa.string())
    related: set[UUID] = set()
    for source in _event_files(connection, archive):
        if source.format != "parquet" or not _is_archive(source):
            continue
        with at_hand(source) as local:
            names = ["id", "user_id", "routing_decision_id"]
            file = pq.ParquetFile(local.path)
            if not set(names) <= set(file.schema_arrow.names):
                continue
            for batch in file.iter_batches(columns=names):
                theirs = batch.filter(pc.is_in(batch.column("user_id"), wanted))
                for name in ("id", "routing_decision_id"):
                    related |= {UUID(one) for one in theirs.column(name).to_pylist() if one}
    return related


def erase_files(
    connection: psycopg.Connection, archive: AnyPath, eraser: Eraser, names: list[str]
) -> dict[str, int]:
    """Erase people from every file that the warehouse keeps.

    Each file is replaced by a whole one, or changed in place where the new text is as long as the
    old one; what is interrupted is simply done again.

    Args:
        connection: To the warehouse's database, in autocommit mode.
        archive: The folder of the archives.
        eraser: Who is erased.
        names: Their names.

    Returns:
        How many lines or places changed, by file.

    Raises:
        WarehouseError: A file cannot be read or written. Those before it are done.
    """
    counts: dict[str, int] = {}
    # A file may move on while it is looked for, from the inbox to the archive.
    for _ in range(_PASSES):
        is_settled = True
        for source in _event_files(connection, archive):
            try:
                changed = _erase_event_file(connection, source, eraser)
            except FileNotFoundError:
                changed, is_settled = 0, False
            changed += _rename(source.path, eraser)
            if changed:
                counts[source.name] = counts.get(source.name, 0) + changed
                is_settled = False
        pattern = _names_pattern(names)
        for path in _other_files(connection, archive):
            with suppress(FileNotFoundError):
                if changed := _erase_in_place(path, eraser, pattern) + _rename(path, eraser):
                    counts[str(path)] = counts.get(str(path), 0) + changed
        if is_settled:
            break
    return counts


# --- Which files ----------------------------------------------------------------------------------


def _event_files(connection: psycopg.Connection, archive: AnyPath) -> Iterator[Source]:
    """Yield the files of events: the archives, and what lies in the landing folder."""
    paths: dict[AnyPath, None] = {}
    for (name,) in connection.execute("select distinct file_name from ledger.archives").fetchall():
        path = BucketPath.parse(name) if is_url(name) else Path(name)
        if path.exists():
            paths[path] = None
    for folder in (archive, landing_folder()):
        paths |= dict.fromkeys(folder.files() if isinstance(folder, BucketPath) else _below(folder))
    yield from find_sources(list(paths)).sources


def _below(folder: Path) -> Iterator[Path]:
    """Yield every plain file below a folder, but those of the database server.

    Raises:
        OSError: A folder cannot be read.
    """
    for parent, children, names in os.walk(folder, onerror=_raise_unless_missing):
        if "PG_VERSION" in names:  # which only the server changes
            children.clear()
            continue
        children.sort()
        for name in sorted(names):
            path = Path(parent, name)
            if path.is_file() and not path.is_symlink():
                yield path


def _raise_unless_missing(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def _is_archive(source: Source) -> bool:
    return source.path is not None and source.path.name.startswith("task_executions_")


def _other_files(connection: psycopg.Connection, archive: AnyPath) -> Iterator[Path]:
    """Yield logs, reports and whatever else lies in the warehouse's folders on this machine."""
    seen = {str(source.path) for source in _event_files(connection, archive)}
    root = project_root()
    folders = [
        state_directory(),
        Path(os.environ.get("DAGSTER_HOME") or state_directory() / "dagster"),
        Path(os.environ.get("DBT_TARGET_PATH") or root / "target"),
        Path(os.environ.get("DBT_LOG_PATH") or root / "logs"),
        *(folder for folder in (archive, landing_folder()) if isinstance(folder, Path)),
    ]
    for folder in folders:
        for path in _below(folder):
            if path.name not in _SECRETS and str(path) not in seen:
                seen.add(str(path))
                yield path


# --- Changing one ---------------------------------------------------------------------------------


def _erase_event_file(connection: psycopg.Connection, source: Source, eraser: Eraser) -> int:
    """Put a file without those who are erased in the place of one; return how much changed."""
    path = source.path
    if isinstance(path, BucketPath):
        with at_hand(source) as local, tempfile.TemporaryDirectory(prefix="warehouse-") as folder:
            rewritten = Path(folder, "rewritten")
            if changed := rewrite(local, rewritten, eraser):
                _record(connection, source, rewritten)
                path.overwrite(rewritten)
            return changed
    if not isinstance(path, Path):
        return 0
    rewritten = path.with_name(f".{path.name}{TEMPORARY_ENDING}")
    try:
        changed = rewrite(replace(source, path=path), rewritten, eraser)
        if changed:
            shutil.copymode(path, rewritten)
            with rewritten.open("rb") as file:
                os.fsync(file.fileno())
            _record(connection, source, rewritten)
            rewritten.replace(path)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise WarehouseError(
            f"{path} cannot be rewritten: {error.strerror or error}. The erasure is not finished: "
            "make room and run `warehouse privacy erase` again."
        ) from error
    finally:
        rewritten.unlink(missing_ok=True)
    return changed


def _rename(path: AnyPath | None, eraser: Eraser) -> int:
    """Replace ids in the name of a file; return whether there were any."""
    if path is None or (name := eraser.text(path.name)) == path.name or not path.exists():
        return 0
    if isinstance(path, BucketPath):
        path.move(path.with_name(name))
    else:
        path.rename(path.with_name(name))
    return 1


def _record(connection: psycopg.Connection, source: Source, rewritten: Path) -> None:
    """Note what an archive will be, before it is: killed in between it is rewritten again."""
    with rewritten.open("rb") as file:
        digest = hashlib.file_digest(file, hashlib.sha256).hexdigest()
    connection.execute(
        "update ledger.archives set content_sha256 = %s, content_bytes = %s where file_name = %s",
        (digest, rewritten.stat().st_size, str(source.path)),
    )


def _erase_in_place(path: Path, eraser: Eraser, names: "re.Pattern[bytes] | None") -> int:
    """Overwrite ids and names with as many bytes, also in files that a program keeps open."""
    if not path.stat().st_size:
        return 0
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        places = [
            (found.start(), replaced)
            for found in _ID.finditer(content)
            if (replaced := eraser.text(found[0].decode()).encode()) != found[0]
        ]
        if names is not None:
            places += [(found.start(), b"*" * len(found[0])) for found in names.finditer(content)]
    if places:
        with path.open("r+b") as changing:
            for place, text in places:
                changing.seek(place)
                changing.write(text)
    return len(places)


def _names_pattern(names: list[str]) -> "re.Pattern[bytes] | None":
    """Return what finds names as whole words, also as JSON spells them."""
    spelled = {
        text for name in names if is_telling(name) for text in (name, json.dumps(name)[1:-1])
    }
    if not spelled:
        return None
    choices = b"|".join(re.escape(text.encode()) for text in sorted(spelled))
    return re.compile(rb"(?<![0-9A-Za-z_])(?:" + choices + rb")(?![0-9A-Za-z_])")
