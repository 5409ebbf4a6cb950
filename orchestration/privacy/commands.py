"""The commands `warehouse privacy ...`."""

import datetime as dt
from pathlib import Path
from uuid import UUID

import click

from orchestration.buckets import AnyPath
from orchestration.retention.commands import archive_option


@click.group()
def privacy() -> None:
    """What is held about a person or an organization: hand it out, or erase it for good."""


_user = click.option("--user", type=click.UUID, metavar="UUID", help="A person, by user_id.")
_organization = click.option(
    "--organization", type=click.UUID, metavar="UUID", help="An organization, by its id."
)


@privacy.command()
@_user
@_organization
@archive_option
@click.option(
    "--out",
    "out",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FOLDER",
    help="A new folder: held.json has everything; tables/*.csv and files.csv the same for "
    "spreadsheets.",
)
def export(user: UUID | None, organization: UUID | None, folder: AnyPath | None, out: Path) -> None:
    """Write down everything that is held, and where it lies: tables, archives, landed files, logs.

    Of a person also what belongs to their executions and decisions. Names in texts that do not
    hold the id are not looked for.
    """
    from orchestration.privacy.export import export as run_export
    from orchestration.retention.commands import archive_folder

    kind, subject = _subject(user, organization)
    exported = run_export(kind, subject, archive_folder(folder), out.expanduser().absolute())
    for place, count in (exported.rows | exported.lines).items():
        click.echo(f"{place}: {count:,}")
    click.echo(f"Written to {out}.")


@privacy.command()
@_user
@_organization
@archive_option
@click.option("--dry-run", is_flag=True, help="Only say what would go; change nothing.")
def erase(
    user: UUID | None, organization: UUID | None, folder: AnyPath | None, dry_run: bool
) -> None:
    """Put pseudonyms in the place of ids, and clear names and free texts, everywhere.

    Sums stay as they are. What lands later of somebody who was erased gets the same pseudonym. It
    waits for a build that is at work. An erasure that was interrupted is finished first, also
    without an id. It cannot be taken back. docs/privacy.md says what stays, and why.
    """
    from orchestration.privacy.erase import erase as run_erase
    from orchestration.retention.commands import archive_folder

    if user is None and organization is None and not dry_run:
        run_erase(None, None, archive_folder(folder), click.echo)
        return
    kind, subject = _subject(user, organization)
    run_erase(kind, subject, archive_folder(folder), click.echo, dry_run=dry_run)


_ended = click.option(
    "--organization",
    type=click.UUID,
    metavar="UUID",
    required=True,
    help="The organization, by its id.",
)


@privacy.command()
@_ended
@archive_option
@click.option(
    "--on",
    "remove_on",
    type=click.DateTime(formats=["%Y-%m-%d"]),
    metavar="DATE",
    help="The day of the removal, in UTC; when omitted, as many days from now as its landed "
    "events stay.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be removed, and when.")
def end(
    organization: UUID, folder: AnyPath | None, remove_on: dt.datetime | None, dry_run: bool
) -> None:
    """Record that an organization has ended: on a day it is erased, until then it can be restored.

    Its rows stay readable until then, and what lands of it still counts. From that day on the next
    `warehouse retention` does what `warehouse privacy erase` does.
    """
    from orchestration.privacy.ended import end as run_end
    from orchestration.retention.commands import archive_folder

    run_end(
        organization,
        remove_on.date() if remove_on else None,
        archive_folder(folder),
        click.echo,
        dry_run=dry_run,
    )


@privacy.command()
@_ended
def restore(organization: UUID) -> None:
    """Take back that an organization has ended, as long as it was not removed."""
    from orchestration.privacy.ended import restore as run_restore

    run_restore(organization)
    click.echo(f"Restored: {organization} stays.")


@privacy.command("ended")
def list_ended() -> None:
    """List the organizations that have ended, and on which day each is removed."""
    from orchestration.database.connection import connect
    from orchestration.database.migrate import require_migrated
    from orchestration.privacy.ended import ended

    with connect(application_name="warehouse privacy") as connection:
        require_migrated(connection)
        found = ended(connection)
    for one in found:
        click.echo(
            f"{one.organization_id} {one.name or '(no name)'}: ended "
            f"{one.ended_at.astimezone(dt.UTC):%Y-%m-%d} by {one.ended_by}, removed on "
            f"{one.remove_on}; {one.events_since:,} event(s) landed since."
        )
    if not found:
        click.echo("No organization has ended.")


@privacy.command("requests")
def list_requests() -> None:
    """List who asked through the API to be erased, which the next `warehouse retention` does."""
    from orchestration.database.connection import connect
    from orchestration.database.migrate import require_migrated
    from orchestration.privacy.requests import waiting

    with connect(application_name="warehouse privacy") as connection:
        require_migrated(connection)
        found = waiting(connection)
    for one in found:
        click.echo(
            f"{one.user_id} of {one.organization_id}: asked for on "
            f"{one.requested_at.astimezone(dt.UTC):%Y-%m-%d} by {one.requested_by}, to be carried "
            f"out by {one.carry_out_by}"
            + (
                "; another organization knows the person as well: erase it by hand."
                if one.is_known_elsewhere and not one.is_erased
                else "."
            )
        )
    if not found:
        click.echo("Nobody who asked to be erased waits.")


def _subject(user: UUID | None, organization: UUID | None) -> tuple[str, UUID]:
    """Return the one that was named.

    Raises:
        UsageError: None was, or both.
    """
    if user is not None and organization is None:
        return "user", user
    if organization is not None and user is None:
        return "organization", organization
    raise click.UsageError("Give either --user or --organization.")
