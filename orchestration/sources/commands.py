"""The commands `warehouse import ...`."""

# The modules that do the work are imported by the command that needs them: `warehouse --help`
# must not wait for a database driver.

import sys
import tempfile
from pathlib import Path

import click

from orchestration.errors import WarehouseError, reason
from orchestration.output import open_output


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
        count = 0
        with open_output(out) as events:
            for count, line in enumerate(convert(file), start=1):  # noqa: B007
                events.write(line)
        click.echo(f"{out}: {count:,} events")
        return

    from orchestration.landing.commands import INTERRUPTED_EXIT_CODE, describe
    from orchestration.landing.loader import land_stream

    try:
        with tempfile.TemporaryFile() as converted:
            converted.writelines(convert(file))
            converted.seek(0)
            landed = land_stream(f"aider:{file}", converted)
    except OSError as error:
        raise WarehouseError(
            f"A temporary file in {tempfile.gettempdir()} cannot be written: {reason(error)}. "
            "TMPDIR names another folder."
        ) from error
    except KeyboardInterrupt:
        click.echo("\nInterrupted. Nothing was landed; run it again.", err=True)
        sys.exit(INTERRUPTED_EXIT_CODE)
    click.echo(describe(landed), err=landed.refusal is not None)
    if landed.lines_rejected:
        click.echo("`warehouse rejects` lists the rejected lines and why.")
    if landed.refusal is not None:
        sys.exit(1)
