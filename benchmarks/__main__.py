"""`python -m benchmarks`: measure, print a table, write every repetition to a file."""

import dataclasses
import json
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any, get_args

import click
from rich.console import Console
from rich.table import Table

from benchmarks import access, build, landing, orchestration, serving, sources, streams
from benchmarks.history import histories, report
from benchmarks.history.events import Lateness
from benchmarks.prices import corrections, pricing
from benchmarks.serving.report import measure_serving
from benchmarks.shared.machine import machine_facts
from benchmarks.shared.measures import Measure, written
from benchmarks.shared.throwaway import temporary_folder
from orchestration.project import state_directory

INTERRUPTED_EXIT_CODE = 130
_FEWEST_EXECUTIONS = 100
# Figures on these say nothing about a disk.
_MEMORY_FILE_SYSTEMS = ("tmpfs", "ramfs")
_PARTS = (
    landing.PART, sources.PART, streams.PART, build.PART, pricing.PART, orchestration.PART,
    access.PART, serving.PART, histories.PART,
)  # fmt: skip


def _sizes(_context: click.Context, _parameter: click.Parameter, text: str) -> tuple[int, ...]:
    """Read numbers of executions with commas between them; ascending, each once."""
    try:
        sizes = tuple(sorted({int(size) for size in text.split(",")}))
    except ValueError:
        raise click.BadParameter("give whole numbers with commas between them") from None
    if sizes[0] < _FEWEST_EXECUTIONS:
        raise click.BadParameter(f"each must be at least {_FEWEST_EXECUTIONS:,}")
    return sizes


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option(
    "--part",
    "parts",
    type=click.Choice(_PARTS),
    multiple=True,
    default=_PARTS,
    help="What to measure; may be given several times.",
)
@click.option(
    "--events",
    type=click.IntRange(min=1000),
    default=300_000,
    help="Events in the file that is landed over and over.",
)
@click.option(
    "--big-file-mb",
    type=click.IntRange(min=0),
    default=2000,
    help="Size of the file whose landing's memory is measured; 0 skips it.",
)
@click.option(
    "--source-records",
    type=click.IntRange(min=0),
    default=100_000,
    help="Spans that are received and rows of LiteLLM; 0 skips them.",
)
@click.option(
    "--stream-messages",
    type=click.IntRange(min=0),
    default=100_000,
    help="Messages that wait in a Kafka and in a Redis, the former at most a million; 0 skips "
    "them.",
)
@click.option(
    "--fact-executions",
    type=click.IntRange(min=0),
    default=100_000,
    help="Executions on which the fact model alone is measured; 0 skips it.",
)
@click.option(
    "--priced-executions",
    type=click.IntRange(min=0),
    default=1_000_000,
    help="Executions that are priced over and over; 0 skips it.",
)
@click.option(
    "--history-executions",
    type=click.IntRange(min=0),
    default=1_000_000,
    help="Executions in the longer history in which a price is corrected; 0 skips it.",
)
@click.option(
    "--access-executions",
    type=click.IntRange(min=0),
    default=100_000,
    help="Executions in the warehouse that is read with and without policies; 0 skips it.",
)
@click.option(
    "--random-reads",
    type=click.IntRange(min=0),
    default=1_000_000,
    help="Random reads of two tenants in it; 0 skips them.",
)
@click.option(
    "--serving-executions",
    type=click.IntRange(min=0),
    default=1_000_000,
    help="Executions in the warehouse that the application shows; 0 skips it.",
)
@click.option(
    "--random-requests",
    type=click.IntRange(min=0),
    default=1_000_000,
    help="Random requests of two tenants to it; 0 skips them.",
)
@click.option(
    "--history-sizes",
    callback=_sizes,
    default="1000000,3000000",
    metavar="N,N,...",
    help="Executions in each of the long histories, roughly 20 minutes for each million; ten "
    "million are for a night.",
)
@click.option(
    "--organizations",
    type=click.IntRange(min=1),
    default=1000,
    help="Organizations in the long histories, with 15 users each in the mean.",
)
@click.option(
    "--delta-sizes",
    callback=_sizes,
    default="10000,100000",
    metavar="N,N,...",
    help="Executions that arrive on a day after a long history; the largest also gets a floor.",
)
@click.option(
    "--lateness",
    type=click.Choice(get_args(Lateness)),
    default="sample",
    help="How the late ones among them are spread: as in the sample, or evenly over 90 days.",
)
@click.option(
    "--repetitions",
    type=click.IntRange(min=1),
    default=3,
    help="How often each figure is measured, the big file excepted.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write the results as JSON.  [default: benchmarks.json in the state folder]",
)
def main(
    parts: tuple[str, ...],
    events: int,
    big_file_mb: int,
    source_records: int,
    stream_messages: int,
    fact_executions: int,
    priced_executions: int,
    history_executions: int,
    access_executions: int,
    random_reads: int,
    serving_executions: int,
    random_requests: int,
    history_sizes: tuple[int, ...],
    organizations: int,
    delta_sizes: tuple[int, ...],
    lateness: Lateness,
    repetitions: int,
    output: Path | None,
) -> None:
    """Measure everything from landing to the application, on throw-away databases.

    Nothing is asserted: the targets stand beside the figures, and the exit code is 0.
    """
    destination = output or state_directory() / "benchmarks.json"
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    progress = Console(stderr=True)

    def tell(text: str) -> None:
        progress.print(text, style="dim", highlight=False, markup=False, soft_wrap=True)

    measures: list[Measure] = []
    try:
        with temporary_folder() as folder:
            facts = machine_facts(folder)
            if facts["file_system"] in _MEMORY_FILE_SYSTEMS:
                tell("The temporary folder lies in memory, not on a disk; TMPDIR names another.")
            if landing.PART in parts:
                shape = landing.probe_shape()
                facts["events"] = dataclasses.asdict(shape)
                measures += landing.measure_landing(
                    folder,
                    events=events,
                    big_file_mb=big_file_mb,
                    repetitions=repetitions,
                    shape=shape,
                    tell=tell,
                )
            if sources.PART in parts and source_records:
                measures += sources.measure_sources(
                    folder, records=source_records, repetitions=repetitions, tell=tell
                )
            if streams.PART in parts and stream_messages:
                measures += streams.measure_streams(
                    folder, messages=stream_messages, repetitions=repetitions, tell=tell
                )
            if build.PART in parts:
                measures += build.measure_build(
                    folder, repetitions=repetitions, fact_executions=fact_executions, tell=tell
                )
            if pricing.PART in parts and priced_executions:
                measures += pricing.measure_pricing(
                    folder, executions=priced_executions, repetitions=repetitions, tell=tell
                )
            if pricing.PART in parts and history_executions:
                measures += corrections.measure_corrections(
                    folder, executions=history_executions, repetitions=repetitions, tell=tell
                )
            if orchestration.PART in parts:
                measures += orchestration.measure_orchestration(
                    folder, repetitions=repetitions, tell=tell
                )
            if access.PART in parts and access_executions:
                measures += access.measure_access(
                    folder,
                    executions=access_executions,
                    reads=random_reads,
                    repetitions=repetitions,
                    tell=tell,
                )
            if serving.PART in parts and serving_executions:
                measures += measure_serving(
                    folder,
                    executions=serving_executions,
                    requests=random_requests,
                    repetitions=repetitions,
                    tell=tell,
                )
            if histories.PART in parts:
                measures += report.measure_history(
                    folder,
                    plan=histories.HistoryPlan(
                        history_sizes, organizations, delta_sizes, lateness, repetitions
                    ),
                    tell=tell,
                )
    except KeyboardInterrupt:
        click.echo("\nInterrupted. The database and the files are deleted.", err=True)
        sys.exit(INTERRUPTED_EXIT_CODE)
    _write(destination, facts, measures)
    console = Console()
    console.print(_table(measures))
    for measure in measures:
        if measure.note:
            console.print(f"{measure.name}: {measure.note}", highlight=False, markup=False)
    console.print(
        f"{facts['cores']} cores, PostgreSQL {facts['postgresql']}, Python {facts['python']}, "
        f"load {facts['load_average']} at the start. All repetitions: {destination}",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )


def _table(measures: list[Measure]) -> Table:
    table = Table(title="Benchmarks")
    table.add_column("Measure")
    table.add_column("Median", justify="right")
    table.add_column("Range", justify="right")
    table.add_column("Unit")
    table.add_column("Target")
    for previous, measure in zip([None, *measures], measures, strict=False):
        if previous is not None and previous.part != measure.part:
            table.add_section()
        table.add_row(
            measure.name,
            "none" if measure.median is None else written(measure.median),
            _range(measure.repetitions),
            measure.unit,
            "" if measure.target is None else measure.target.described(),
        )
    return table


def _range(repetitions: tuple[float, ...]) -> str:
    if len(repetitions) < 2:
        return ""
    return f"{written(min(repetitions))} to {written(max(repetitions))}"


def _write(destination: Path, facts: dict[str, Any], measures: list[Measure]) -> None:
    document = {"machine": facts, "measures": [measure.as_json() for measure in measures]}
    destination.parent.mkdir(parents=True, exist_ok=True)
    fresh = destination.with_name(f"{destination.name}.new")
    fresh.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    fresh.replace(destination)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main(prog_name="python -m benchmarks")
