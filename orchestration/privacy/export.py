"""Hands out everything that is held about a person or an organization, and where it lies."""

import csv
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg import sql

from orchestration.audit.record import record
from orchestration.buckets import AnyPath
from orchestration.database.connection import connect
from orchestration.database.migrate import require_migrated
from orchestration.errors import WarehouseError, reason
from orchestration.privacy import holdings
from orchestration.privacy.event_files import Eraser
from orchestration.privacy.files import mentions, price_files, related_in_archives

_FETCHED_ROWS = 1_000


@dataclass(frozen=True)
class Exported:
    """What was handed out.

    Attributes:
        rows: How many rows, by table.
        lines: How many lines, by file.
    """

    rows: dict[str, int]
    lines: dict[str, int]


def export(kind: str, subject: UUID, archive: AnyPath, folder: Path) -> Exported:
    """Write everything that is held into a new folder, as one JSON document and as CSV files.

    Args:
        kind: `user` or `organization`.
        subject: The id.
        archive: The folder of the archives.
        folder: The new folder; it appears whole or not at all.

    Returns:
        What was written.

    Raises:
        WarehouseError: The id is unknown, or the folder exists or cannot be written.
    """
    with connect(application_name="warehouse privacy", autocommit=True) as connection:
        require_migrated(connection)
        holdings.require_known(connection, kind, subject)
        record(
            connection,
            "export_data",
            kind,
            subject,
            organization_id=subject if kind == "organization" else None,
        )
        # One state of the database, however long it takes.
        with _new_folder(folder) as partial, connection.transaction(force_rollback=True):
            connection.execute("set transaction isolation level repeatable read")
            subjects = {subject, *holdings.visitors_of(connection, kind, subject)}
            holdings.prepare(connection, {one: uuid4() for one in subjects})
            related: set[UUID] = set()
            if kind == "user":
                holdings.collect_related(connection, [subject])
                related = related_in_archives(connection, archive, {subject})
                connection.cursor().executemany(
                    "insert into pg_temp.related_ids values (%s) on conflict do nothing",
                    [(one,) for one in related],
                )
                related |= {
                    one for (one,) in connection.execute("select id from pg_temp.related_ids")
                }
            eraser = Eraser({one: one for one in subjects}, related)
            with (partial / "held.json").open("w", encoding="utf-8") as document:
                document.write(json.dumps({"kind": kind, "id": str(subject)})[:-1])
                rows = _write_rows(connection, partial, document)
                lines = _write_lines(connection, archive, eraser, partial, document)
                document.write("\n}\n")
    return Exported(rows, lines)


def _write_rows(connection: psycopg.Connection, folder: Path, document: Any) -> dict[str, int]:
    """Write the rows of each table into the document and into a CSV file of their own."""
    counts: dict[str, int] = {}
    (folder / "tables").mkdir()
    document.write(',\n"tables": {')
    for table in holdings.tables(connection):
        condition = sql.SQL("({} or {})").format(table.mentions(), table.belongs())
        statement = sql.SQL("select to_jsonb(held)::text from {} as held where {}").format(
            table.relation, condition
        )
        with connection.cursor(name="held") as cursor:
            cursor.itersize = _FETCHED_ROWS
            cursor.execute(statement)
            first = cursor.fetchone()
            if first is None:
                continue
            document.write(("," if counts else "") + f"\n{json.dumps(str(table))}: [\n{first[0]}")
            counts[str(table)] = 1
            for (row,) in cursor:
                document.write(f",\n{row}")
                counts[str(table)] += 1
            document.write("]")
        copy = sql.SQL("copy (select * from {} where {}) to stdout (format csv, header)")
        with (
            (folder / "tables" / f"{table}.csv").open("wb") as file,
            connection.cursor() as copying,
            copying.copy(copy.format(table.relation, condition)) as blocks,
        ):
            for block in blocks:
                file.write(block)
    document.write("}")
    return counts


def _write_lines(
    connection: psycopg.Connection, archive: AnyPath, eraser: Eraser, folder: Path, document: Any
) -> dict[str, int]:
    """Write the lines of each file into the document and into one CSV file."""
    counts: dict[str, int] = {}
    document.write(',\n"files": [')
    with (folder / "files.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("file", "line_number", "content"))
        for mention in mentions(connection, archive, eraser):
            line = (mention.path, mention.line_number, mention.content)
            writer.writerow(line)
            document.write(("," if counts else "") + "\n" + json.dumps(vars(mention)))
            counts[mention.path] = counts.get(mention.path, 0) + 1
    document.write("]")
    prices = price_files(eraser)
    document.write(f',\n"project_files": {json.dumps(prices)}')
    return counts | prices


@contextmanager
def _new_folder(folder: Path) -> Iterator[Path]:
    """Yield a folder that gets its name when all of it is written.

    Raises:
        WarehouseError: There is something of that name, or the disk does not go along.
    """
    if os.path.lexists(folder):
        raise WarehouseError(f"{folder} exists already; name a new folder.")
    partial = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    try:
        # For its owner alone: nothing is more personal than this.
        partial.mkdir(mode=0o700)
        yield partial
        partial.rename(folder)
    except OSError as error:
        raise WarehouseError(
            f"{folder} cannot be written: {reason(error)}. Nothing was left there."
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
