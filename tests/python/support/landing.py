"""Landing files and what came of them."""

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from hypothesis import strategies as st

from orchestration.landing.commands import land as land_command
from orchestration.landing.records import COLUMNS
from support.events import (
    FAMILIES,
    decision,
    execution,
    line_of,
    organization,
    user,
)
from support.servers import Database

TABLES = (
    "task_executions",
    "routing_decisions",
    "organizations",
    "users",
    "adjustments",
    *(f"{kind}s" for kind in FAMILIES),
    "shadow_evaluations",
)


def write(path: Path, events: list[Any]) -> Path:
    """Write events and raw lines as one file of the format that its name says."""
    if ".csv" in path.name:
        content = csv_of(events)
    else:
        lines = [event if isinstance(event, bytes) else line_of(event) for event in events]
        content = b"".join(line + b"\n" for line in lines)
    path.write_bytes(gzip.compress(content) if path.name.endswith(".gz") else content)
    return path


def rows(database: Database, statement: str) -> list[Any]:
    with database.connect() as connection:
        return connection.execute(statement).fetchall()


def counts(database: Database) -> dict[str, int]:
    return {
        table: rows(database, f"select count(*) from raw.{table}")[0][0]  # noqa: S608
        for table in (*TABLES, "rejected_events", "loads")
    }


def run(*arguments: str, given: bytes | None = None) -> Result:
    return CliRunner().invoke(land_command, arguments, input=given)


def csv_of(events: list[dict[str, Any]]) -> bytes:
    """Write events as a CSV file does: one column for every field, blank for absent."""
    columns = sorted(COLUMNS)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    for event in events:
        writer.writerow(
            [
                json.dumps(event[name]) if isinstance(event.get(name), dict | list)
                else event.get(name, "")
                for name in columns
            ]
        )  # fmt: skip
    return out.getvalue().encode()


LINES = [line_of(event) for event in (execution(), decision(), organization(), user())]


@st.composite
def damaged_files(draw: st.DrawFn) -> bytes:
    """Draw valid lines with bytes flipped, cut out, doubled and inserted."""
    content = bytearray(b"\n".join(draw(st.lists(st.sampled_from(LINES), min_size=1, max_size=4))))
    for _ in range(draw(st.integers(0, 8))):
        at = draw(st.integers(0, max(len(content) - 1, 0)))
        what = draw(st.sampled_from(["flip", "cut", "insert"]))
        if what == "flip" and content:
            content[at] = draw(st.integers(0, 255))
        elif what == "cut":
            del content[at : at + draw(st.integers(1, 30))]
        else:
            content[at:at] = draw(st.binary(max_size=4))
    return bytes(content)
