"""The command `warehouse audit`."""

import datetime as dt
from uuid import UUID

import click


@click.command()
@click.option("--action", metavar="WORD", help="Only this action, such as export_data.")
@click.option(
    "--organization", "organization_id", type=click.UUID, metavar="UUID", help="Only of this one."
)
@click.option("--denied", "is_denied", is_flag=True, help="Only what was refused.")
@click.option(
    "--since",
    type=click.DateTime(formats=["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="Only from this day on, in UTC.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=50,
    show_default=True,
    help="How many, the latest first.",
)
@click.option("--json", "is_json", is_flag=True, help="One JSON object a line.")
def audit(
    action: str | None,
    organization_id: UUID | None,
    is_denied: bool,
    since: dt.datetime | None,
    limit: int,
    is_json: bool,
) -> None:
    """Show who did what to the data, and who tried; the latest first."""
    import json
    from importlib import resources

    from psycopg.rows import dict_row

    from orchestration.database.connection import connect
    from orchestration.database.migrate import require_migrated
    from orchestration.exact_json import as_json

    query = resources.files(__package__).joinpath("deeds.sql").read_bytes()
    with connect(application_name="warehouse audit") as connection:
        require_migrated(connection)
        deeds = (
            connection.cursor(row_factory=dict_row)
            .execute(
                query,
                {
                    "action": action,
                    "organization_id": organization_id,
                    "is_denied": is_denied,
                    "since": since and since.replace(tzinfo=dt.UTC),
                    "limit": limit,
                },
            )
            .fetchall()
        )
    for deed in deeds:
        if is_json:
            click.echo(json.dumps(as_json(deed), ensure_ascii=False))
            continue
        what = " ".join(
            str(part)
            for part in (deed["action"], deed["resource_type"], deed["resource_id"])
            if part is not None
        )
        who = f"{deed['login']}" + (f" for user {deed['user_id']}" if deed["user_id"] else "")
        of = f", organization {deed['organization_id']}" if deed["organization_id"] else ""
        click.echo(
            f"{deed['created_at']:%Y-%m-%d %H:%M:%S} {who}: "
            f"{'REFUSED ' if deed['is_denied'] else ''}{what}{of}"
        )
    if not deeds:
        click.echo("Nothing of that kind is recorded.", err=True)
