"""The command `warehouse sample`: writes a believable file of events."""

import gzip
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import IO

import click
from click.core import ParameterSource
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from orchestration.output import open_output
from orchestration.sample.generator import (
    DEFAULT_UNTIL,
    SampleSettings,
    generate,
    generate_parts,
)

_LINES_PER_WRITE = 1000
# Level 1 already shrinks such lines to about a sixth; more costs time and gains little.
_GZIP_LEVEL = 1


def _moment(_context: click.Context, _option: click.Parameter, text: str | None) -> datetime | None:
    if text is None:
        return None
    if text == "now":
        return datetime.now(UTC)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is neither 'now' nor a time like 2026-11-20T15:30:00Z."
        ) from None


@click.command(context_settings={"show_default": True})
@click.option(
    "--executions",
    type=click.IntRange(min=1),
    default=20_000,
    help="Number of distinct executions, exactly.",
)
@click.option(
    "--organizations",
    type=click.IntRange(min=1),
    default=8,
    help="Number of organizations.",
)
@click.option(
    "--users",
    type=click.IntRange(min=1),
    default=120,
    help="Number of users over all organizations, at least one for each.",
)
@click.option(
    "--days",
    type=click.IntRange(min=1),
    default=60,
    help="Length of the period, in days.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=1,
    help="Same arguments, same bytes; another seed shares no identifier.",
)
@click.option(
    "--until",
    type=click.DateTime(formats=["%Y-%m-%d"]),
    default=DEFAULT_UNTIL.isoformat(),
    help="The day after the last one, in UTC.",
)
@click.option(
    "--now",
    metavar="MOMENT",
    callback=_moment,
    help="End at this moment instead, a time with an offset or 'now', after so many days and a "
    "part of one. A budget burns then, a provider has a bad day, and there is more to find.",
)
@click.option(
    "--out",
    "destination",
    required=True,
    metavar="FILE",
    help="Where to write; compressed if it ends in .gz, standard output if it is '-'.",
)
@click.option(
    "--last-day",
    metavar="FILE",
    help="With --now: where to write what arrives in the last 24 hours, which is then left out of "
    "the other file.",
)
def sample(
    executions: int,
    organizations: int,
    users: int,
    days: int,
    seed: int,
    until: datetime,
    now: datetime | None,
    destination: str,
    last_day: str | None,
) -> None:
    """Write a sample of events in the order of their arrival.

    Organizations, users, executions and routing decisions with everything that happens to real
    ones: retries, failures, corrections, late and repeated events; and money beside usage.
    `warehouse land` takes the file.
    """
    if users < organizations:
        raise click.UsageError("--users must be at least --organizations.")
    source = click.get_current_context().get_parameter_source("until")
    if now and source is not ParameterSource.DEFAULT:
        raise click.UsageError("--now and --until exclude each other.")
    if last_day and not now:
        raise click.UsageError("--last-day needs --now.")
    try:
        settings = SampleSettings(executions, organizations, users, days, seed, until.date(), now)
    except ValueError as error:
        raise click.UsageError(f"{error}.") from error
    console = Console(stderr=True)
    with _progress(console, executions) as on_progress:
        if last_day:
            history, rest = generate_parts(settings, on_progress)
            # The other file appears first: whoever finds this one has both.
            with _opened(last_day) as second, _opened(destination) as first:
                lines = _copy(history, first) + _copy(rest, second)
        else:
            lines = write_lines(generate(settings, on_progress), destination)
    places = [place for place in (destination, last_day) if place and place != "-"]
    console.print(
        f"{lines:,} events of {executions:,} executions written"
        + (f" to {' and '.join(places)}." if places else "."),
        highlight=False,
        markup=False,
        soft_wrap=True,
    )


def write_lines(lines: Iterator[bytes], destination: str) -> int:
    """Writes the lines and returns their number; a file appears whole or not at all.

    Args:
        lines: Encoded lines, each with its line end.
        destination: A path (compressed if it ends in `.gz`) or `-` for standard output.

    Raises:
        WarehouseError: The path cannot be written.
    """
    with _opened(destination) as file:
        return _copy(lines, file)


@contextmanager
def _opened(destination: str) -> Iterator[IO[bytes] | gzip.GzipFile]:
    if destination == "-":
        stdout = click.get_binary_stream("stdout")
        yield stdout
        stdout.flush()
        return
    path = Path(destination)
    with open_output(path) as file:
        if path.suffix != ".gz":
            yield file
            return
        # No name and no time in the header: the same lines give the same file.
        with gzip.GzipFile("", "wb", _GZIP_LEVEL, file, mtime=0) as compressed:
            yield compressed


def _copy(lines: Iterator[bytes], file: IO[bytes] | gzip.GzipFile) -> int:
    count = 0
    # In blocks, because a call of GzipFile.write costs more than the line it writes.
    while block := list(islice(lines, _LINES_PER_WRITE)):
        file.write(b"".join(block))
        count += len(block)
    return count


@contextmanager
def _progress(console: Console, executions: int) -> Iterator[Callable[[int], object] | None]:
    """Shows a progress bar on a terminal, and nothing elsewhere."""
    if not console.is_terminal:
        yield None
        return
    with Progress(
        TextColumn("Generating executions"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    ) as progress:
        task = progress.add_task("", total=executions)
        yield lambda done: progress.update(task, completed=done)
