"""The command `warehouse verify`."""

import datetime as dt
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

if TYPE_CHECKING:
    from orchestration.proofs.verify import Verification


class _Hash(click.ParamType[str]):
    """A SHA-256 in hexadecimal."""

    name = "hash"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the hash as it is stored, as click asks for it."""
        text = str(value).strip().lower()
        if len(text) != 64 or set(text) - set("0123456789abcdef"):
            self.fail(f"{value!r} is no SHA-256: 64 digits and letters a to f.", param, ctx)
        return text


@click.command()
@click.option(
    "--organization",
    "organization_id",
    type=click.UUID,
    metavar="ID",
    help="Only this organization, without the archive; all when omitted.",
)
@click.option(
    "--month",
    type=click.DateTime(formats=["%Y-%m"]),
    metavar="YYYY-MM",
    help="Only this month, in the organizations' reporting time zones.",
)
@click.option(
    "--expect",
    "expected",
    type=_Hash(),
    metavar="HASH",
    help="A hash that an earlier run showed: the chain must still hold it.",
)
@click.option(
    "--format",
    "output",
    type=click.Choice(("text", "json")),
    default="text",
    show_default=True,
    help="json is one document; the classes in orchestration/proofs/verify.py list its keys.",
)
def verify(
    organization_id: UUID | None, month: dt.datetime | None, expected: str | None, output: str
) -> None:
    """Compute the hashes of sealed months again, and name what is not as it was sealed.

    Sealing a month writes a hash of every row of its facts, of the prices that they used and of its
    rollups, and links it to the month before it. Shown are the months of each organization, its
    newest hash, which is worth keeping elsewhere, and each difference with relation, day and row.
    Files of the archive are compared when they can be read. The exit code is 1 when something
    differs. docs/proofs.md shows how to do the same with psql alone.
    """
    import json

    from orchestration.database.connection import connect
    from orchestration.database.migrate import require_migrated
    from orchestration.proofs.verify import verify as verify_months

    with connect(application_name="warehouse verify", autocommit=True) as connection:
        require_migrated(connection)
        found = verify_months(
            connection, organization_id, month.date() if month else None, expected=expected
        )
    if output == "json":
        document = {"is_right": not found.differences} | asdict(found)
        click.echo(json.dumps(document, default=str, indent=2))
    else:
        _show(found)
    found.require_right()


def _show(found: "Verification") -> None:
    """Print what was found."""
    if not found.organizations:
        click.echo("Nothing is sealed yet.")
    for organization in found.organizations:
        click.echo(f"Organization {organization.organization_id}")
        for month in organization.months:
            proof = f"{month.row_count:,} row(s), {month.sha256}" if month.sha256 else "no proof"
            click.echo(f"  {month.month:%Y-%m}: {proof}")
            for note in month.notes:
                click.echo(f"    {note}")
        if organization.newest_sha256:
            click.echo(f"  Newest hash, to keep elsewhere: {organization.newest_sha256}")
    if found.right_archives:
        click.echo(f"Archive: {found.right_archives:,} file(s) are as they were written.")
    for unread in found.unread_archives:
        click.echo(f"Archive: not compared, {unread}")
    for difference in found.differences:
        click.echo(f"Different: {difference}")
