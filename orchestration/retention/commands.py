"""The command `warehouse retention`."""

import datetime as dt
from pathlib import Path

import click


@click.command()
@click.option(
    "--archive",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="WAREHOUSE_ARCHIVE",
    help="Where the Parquet files go; the folder archive of the local state when omitted.",
)
@click.option(
    "--now",
    type=click.DateTime(formats=["%Y-%m-%dT%H:%M:%S%z"]),
    help="What counts as now, with an offset; the clock when omitted.",
)
def retention(folder: Path | None, now: dt.datetime | None) -> None:
    """Seal old months, remove details that need not stay, and archive landed events.

    A month is sealed when all of it is old enough: its figures are final, and what arrives for it
    later stands in marts.late_corrections. Then executions, decisions and hours that are old enough
    leave the marts, and landed events leave schema raw, into Parquet files that `warehouse land`
    reads. Days, weeks and months stay. How long everything stays: the vars of dbt_project.yml and
    seeds/retention/raw_retention.csv, as of the last build. Run it after `dbt build`; it can be
    repeated at any time.
    """
    from orchestration.database.connection import connect
    from orchestration.database.migrate import require_migrated
    from orchestration.project import state_directory
    from orchestration.retention.limits import read_limits
    from orchestration.retention.raw_events import archive_events, require_alone, sweep
    from orchestration.retention.sealing import remove_details, seal

    moment = now or dt.datetime.now(dt.UTC)
    place = (folder or state_directory() / "archive").expanduser().absolute()
    with connect(application_name="warehouse retention", autocommit=True) as connection:
        require_migrated(connection)
        require_alone(connection)
        sweep(place)
        limits = read_limits(connection)
        sealing = seal(connection, limits, moment)
        click.echo(
            f"Sealed: everything before {sealing.sealed_before:%Y-%m-%d} (UTC), "
            f"{sealing.executions:,} execution(s) of it now."
        )
        removal = remove_details(connection, limits, moment)
        click.echo(
            f"Left the marts: {removal.executions:,} execution(s), {removal.decisions:,} "
            f"decision(s), {removal.hours:,} row(s) of hours."
        )
        archived = 0
        for month in archive_events(connection, limits, sealing.sealed_before, moment, place):
            archived += month.archive.rows
            left = "the partition was dropped" if month.is_whole else "the others stay"
            click.echo(
                f"Archived: {month.archive.rows:,} event(s) of {month.partition.first_day:%Y-%m} "
                f"in {month.archive.path}, {month.archive.size_bytes / 1e6:,.1f} MB; {left}."
            )
        click.echo(f"Left schema raw: {archived:,} event(s).")
