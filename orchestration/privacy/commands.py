"""The commands `warehouse privacy ...`."""

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
