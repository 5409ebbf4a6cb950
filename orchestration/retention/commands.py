"""The command `warehouse retention`."""

import datetime as dt
from typing import Any

import click

from orchestration.buckets import AnyPath, folder_at, is_url


class _Folder(click.Path):
    """A folder on this machine, which may be missing, or one in a bucket."""

    def convert(
        self,
        value: Any,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Any:
        """Return the folder that was given, as click asks for it."""
        return folder_at(value if is_url(value) else str(super().convert(value, param, ctx)))


archive_option = click.option(
    "--archive",
    "folder",
    type=_Folder(file_okay=False),
    envvar="WAREHOUSE_ARCHIVE",
    metavar="FOLDER",
    help="Where the Parquet files are, also a URL such as s3://bucket/prefix; the folder archive "
    "of the local state when omitted.",
)


def archive_folder(given: AnyPath | None) -> AnyPath:
    """Return the folder of the archives.

    Args:
        given: What `archive_option` was given.

    Returns:
        The folder, that of the local state when none was given.
    """
    from orchestration.project import state_directory

    return given or folder_at(str(state_directory() / "archive"))


@click.command()
@archive_option
@click.option(
    "--now",
    type=click.DateTime(formats=["%Y-%m-%dT%H:%M:%S%z"]),
    help="What counts as now, with an offset; the clock when omitted.",
)
def retention(folder: AnyPath | None, now: dt.datetime | None) -> None:
    """Seal old months, remove what need not stay, and archive landed events.

    A month is sealed when all of it is old enough: its figures are final, and what arrives for it
    later stands in marts.late_corrections. Then executions, decisions and hours that are old enough
    leave the marts, and landed events leave schema raw, into Parquet files that `warehouse land`
    reads. Days, weeks and months stay. Rejected lines, results of checks and Dagster's runs leave
    as well, organizations that have ended are removed on their day, and who asked for it through
    the API is erased. How long everything stays:
    the vars of dbt_project.yml and seeds/retention/raw_retention.csv, as of the last build. Run it
    after `dbt build`; it can be repeated at any time.
    """
    from orchestration.privacy.ended import remove_ended
    from orchestration.privacy.requests import carry_out
    from orchestration.retention.run import run_retention

    archive, moment = archive_folder(folder), now or dt.datetime.now(dt.UTC)
    run_retention(archive, moment, click.echo)
    remove_ended(archive, moment, click.echo)
    carry_out(archive, click.echo)
