"""The commands `warehouse land` and `warehouse rejects`."""

# The modules that do the work are imported by the command that needs them: `warehouse --help`
# must not wait for a database driver.

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestration.errors import WarehouseError

if TYPE_CHECKING:
    from orchestration.landing.loader import LandedFile, Report

INTERRUPTED_EXIT_CODE = 130


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option(
    "--format",
    "stdin_format",
    type=click.Choice(["ndjson", "csv"]),
    default="ndjson",
    show_default=True,
    help="Format of standard input; files say theirs by their ending.",
)
def land(paths: tuple[str, ...], stdin_format: str) -> None:
    """Land event files in schema raw, each in one transaction.

    PATH is a file (.ndjson, .jsonl or .csv, also .gz, or .parquet), a folder with such files, the
    URL of either in a bucket (s3://bucket/prefix), or - for standard input. A line that does not
    meet the contract is rejected and does not stop its file; see `warehouse rejects`. Of a file
    whose content was landed before, only the lines that were rejected get another chance; one
    without such lines is skipped.
    """
    from orchestration.landing.loader import land as land_files

    try:
        with _ProgressBar() as progress:
            report = land_files(
                paths,
                stdin_format="csv" if stdin_format == "csv" else "ndjson",
                observer=progress.observer,
            )
    except KeyboardInterrupt:
        click.echo(
            "\nInterrupted. Nothing of the file in progress was landed; run it again.", err=True
        )
        sys.exit(INTERRUPTED_EXIT_CODE)
    _show_report(report)
    if report.failures or any(file.refusal for file in report.files):
        sys.exit(1)


@click.command()
@click.option("--load", "load_id", type=int, help="Only the lines of this load.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=50, show_default=True, help="How many at most."
)
@click.option("--summary", is_flag=True, help="Count the lines by reason instead of listing them.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
def rejects(load_id: int | None, limit: int, summary: bool, as_json: bool) -> None:
    """List the lines that were rejected, the latest first, and why.

    What a rejected line said is not kept. Its hash (SHA-256 of the line in UTF-8 without its line
    ending, or of the JSON made from a row of Parquet) tells whether a line at hand is the one.
    Lines that were accepted later, when their file was landed again, stay listed.
    """
    rows = _rejected_by_reason(load_id, limit) if summary else _rejected(load_id, limit)
    if as_json:
        for row in rows:
            click.echo(json.dumps(row, ensure_ascii=False))
        return
    if not rows:
        click.echo("No line was rejected." if load_id is None else "That load rejected no line.")
        return
    if summary:
        for row in rows:
            click.echo(f"{row['lines']:>10,}  {row['reason']}")
        return
    for row in rows:
        click.echo(
            f"{row['rejected_at']}  load {row['load_id']}  "
            f"{row['source_name']}:{row['line_number']}  {row['reason']}"
        )
    if len(rows) == limit:
        click.echo(f"The first {limit}; --limit shows more, --summary counts by reason.")


def _show_report(report: "Report") -> None:
    """Print what became of each file, and the totals."""
    for note in report.notes:
        click.echo(note)
    for file in report.files:
        click.echo(describe(file), err=file.refusal is not None)
    for name, reason in report.failures:
        # Most messages name the file themselves, as a sentence needs it.
        click.echo(f"Error: {reason if name in reason else f'{name}: {reason}'}", err=True)
    for name in [file.name for file in report.files if file.refusal] + [
        name for name, _ in report.failures
    ]:
        _show_source_of(name)
    refused = sum(file.refusal is not None for file in report.files)
    skipped = sum(file.is_skipped and file.refusal is None for file in report.files)
    rejected = sum(file.lines_rejected for file in report.files)
    click.echo(
        f"Total: {len(report.files) - refused - skipped} landed, {skipped} skipped, "
        f"{len(report.failures) + refused} failed; "
        f"{sum(file.lines_read for file in report.files):,} lines read = "
        f"{sum(file.lines_accepted for file in report.files):,} accepted + {rejected:,} rejected"
    )
    if rejected:
        click.echo("`warehouse rejects` lists the rejected lines and why.")


def _show_source_of(name: str) -> None:
    """Name the system that wrote a file of which nothing landed, and the command that reads it."""
    from orchestration.sources.registry import source_of

    path = Path(name)
    try:
        source = source_of(path) if path.is_file() else None
    except WarehouseError:
        return  # Why it cannot be read was said already.
    if source is not None:
        click.echo(
            f"{name} looks like {source.title}: "
            f"`warehouse import {source.name} {shlex.quote(name)} --organization NAME` lands it.",
            err=True,
        )


def describe(file: "LandedFile") -> str:
    """Say in one line what became of a file.

    Args:
        file: The file.

    Returns:
        The line, without a line ending.
    """
    if file.refusal is not None:
        return f"Error: {file.name}: {file.refusal}; nothing of it landed, it can be landed again"
    if file.is_skipped:
        left = f"; {file.lines_rejected:,} lines stay rejected" if file.lines_rejected else ""
        return f"{file.name}: skipped, {file.skipped_because}{left}"
    return (
        f"{file.name}: load {file.load_id}, {file.lines_read:,} lines read = "
        f"{file.lines_accepted:,} accepted + {file.lines_rejected:,} rejected"
    )


def _rejected(load_id: int | None, limit: int) -> list[dict[str, Any]]:
    """Return the latest rejected lines."""
    return _query(
        "select _load_id as load_id, source_name, line_number, reason, line_sha256, "
        "to_char(rejected_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') as rejected_at "
        "from raw.rejected_events "
        "where _load_id = %(load_id)s or cast(%(load_id)s as bigint) is null "
        "order by _load_id desc, line_number limit %(limit)s",
        {"load_id": load_id, "limit": limit},
    )


def _rejected_by_reason(load_id: int | None, limit: int) -> list[dict[str, Any]]:
    """Return how many lines were rejected for each reason, the most frequent first."""
    return _query(
        "select reason, count(*) as lines from raw.rejected_events "
        "where _load_id = %(load_id)s or cast(%(load_id)s as bigint) is null "
        "group by reason order by count(*) desc, reason limit %(limit)s",
        {"load_id": load_id, "limit": limit},
    )


def _query(statement: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    """Run one query on a migrated database."""
    from psycopg.rows import dict_row

    from orchestration.database.connection import connect
    from orchestration.database.migrate import require_migrated

    with connect(application_name="warehouse rejects") as connection:
        require_migrated(connection)
        with connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(statement, parameters).fetchall()


class _ProgressBar:
    """A progress bar by bytes, on a terminal only."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        from orchestration.landing.loader import Observer

        console = Console(stderr=True)
        progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )

        class Bar(Observer):
            task: Any = None

            def begin(self, name: str, size_bytes: int | None) -> None:
                if self.task is not None:
                    progress.remove_task(self.task)
                self.task = progress.add_task(Path(name).name, total=size_bytes)

            def advance(self, size_bytes: int) -> None:
                progress.advance(self.task, size_bytes)

        self._progress = progress
        self.observer: Observer = Bar()

    def __enter__(self) -> "_ProgressBar":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()
