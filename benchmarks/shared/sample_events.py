"""The sample that is landed: the bundled one, with as many executions as a benchmark needs."""

from collections.abc import Iterator
from pathlib import Path

import click

from benchmarks.shared.dbt_runs import Dbt
from benchmarks.shared.throwaway import require_free_space
from orchestration.dbt.arguments import dbt_arguments
from orchestration.landing.loader import land
from orchestration.sample.commands import write_lines
from orchestration.sample.generator import SampleSettings, generate

ACTIVITY_EVENTS = (b'{"event":"task_execution"', b'{"event":"routing_decision"')
"""How lines begin that are not about organizations or users."""

_ORGANIZATIONS = 8
_USERS = 120
_DAYS = 60
# The file, the built warehouse and the write-ahead log.
_BYTES_PER_EXECUTION = 7_000
_DISK_RESERVE_BYTES = 5_000_000_000


def sample_settings(executions: int, days: int = _DAYS) -> SampleSettings:
    """Return the settings of the bundled sample for another size.

    Args:
        executions: Number of distinct executions.
        days: Length of the period, which always ends on the same day.

    Returns:
        Settings with the bundled sample's organizations, users and seed.
    """
    return SampleSettings(executions, _ORGANIZATIONS, _USERS, days, seed=1)


def require_space_for(folder: Path, executions: int, option: str) -> None:
    """Refuse a sample that the disk cannot hold together with its warehouse.

    Args:
        folder: Where everything is written.
        executions: Number of distinct executions.
        option: The option that makes it smaller.

    Raises:
        ClickException: There is less space.
    """
    require_free_space(
        folder,
        executions * _BYTES_PER_EXECUTION + _DISK_RESERVE_BYTES,
        f"{executions:,} executions and their warehouse",
        option,
    )


def build_sample(place: Path, environment: dict[str, str], settings: SampleSettings) -> str:
    """Land a sample into the current database, and build it.

    Args:
        place: For the sample's file and what dbt writes.
        environment: Leads to the database.
        settings: What the sample holds.

    Returns:
        Why the build failed; empty if it did not.

    Raises:
        ClickException: The sample could not be landed.
    """
    land_events(place / "sample.ndjson", generate(settings))
    dbt = Dbt(place, environment)
    return dbt.failure_note(dbt.run(*dbt_arguments()), "the build")


def land_events(file: Path, lines: Iterator[bytes]) -> None:
    """Land events through a file that is deleted afterwards.

    Args:
        file: Where they are written meanwhile.
        lines: Encoded events, each with its line end.

    Raises:
        ClickException: They could not be landed.
    """
    write_lines(lines, str(file))
    land_file(file)
    file.unlink()


def land_file(file: Path) -> None:
    """Land one file into the current database.

    Args:
        file: Encoded events, one in each line.

    Raises:
        ClickException: It could not be landed.
    """
    for _, reason in land([file]).failures:
        raise click.ClickException(reason)
