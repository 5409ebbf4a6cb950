"""The commands `warehouse import ...`."""

# The modules that do the work are imported by the command that needs them: `warehouse --help`
# must not wait for a database driver.

import os
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import click

from orchestration.errors import WarehouseError


@click.group("import")
def import_source() -> None:
    """Convert the logs of other tools into events, and land them."""


@import_source.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the events to this NDJSON file instead of landing them.",
)
def aider(file: Path, out: Path | None) -> None:
    """Import aider's published call log (llm_calls.csv).

    The events are the same at every import, so a second one of the same file is skipped.
    """
    from orchestration.sources.aider import convert

    if out is not None:
        click.echo(f"{out}: {_write(convert(file), out):,} events")
        return

    from orchestration.landing.commands import INTERRUPTED_EXIT_CODE, describe
    from orchestration.landing.loader import land_stream

    try:
        with tempfile.TemporaryFile() as converted:
            converted.writelines(convert(file))
            converted.seek(0)
            landed = land_stream(f"aider:{file}", converted)
    except KeyboardInterrupt:
        click.echo("\nInterrupted. Nothing was landed; run it again.", err=True)
        sys.exit(INTERRUPTED_EXIT_CODE)
    click.echo(describe(landed), err=landed.refusal is not None)
    if landed.lines_rejected:
        click.echo("`warehouse rejects` lists the rejected lines and why.")
    if landed.refusal is not None:
        sys.exit(1)


def _write(lines: Iterable[bytes], out: Path) -> int:
    """Write a file that appears only when it is complete, and return its number of lines."""
    count = 0
    unfinished = out.with_name(f"{out.name}.{os.getpid()}.tmp")
    try:
        with unfinished.open("wb") as file:
            for line in lines:
                file.write(line)
                count += 1
        unfinished.replace(out)
    except OSError as error:
        raise WarehouseError(f"{out} cannot be written: {error.strerror}") from error
    finally:
        unfinished.unlink(missing_ok=True)
    return count
