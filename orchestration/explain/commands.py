"""The command `warehouse explain`."""

import click

from orchestration.errors import WarehouseError


@click.command()
@click.argument("identifier", metavar="[ID]", required=False)
@click.option(
    "--organization",
    metavar="ID|NAME",
    help="Explain a total: that of an organization, with --period.",
)
@click.option(
    "--period",
    metavar="YYYY-MM[-DD]",
    help="Its month or day, in the organization's reporting time zone.",
)
@click.option("--provider", metavar="NAME", help="Of the total, only what a provider did.")
@click.option("--model", metavar="NAME", help="Of the total, only what a model did.")
@click.option("--user", metavar="ID|NAME", help="Of the total, only what a user asked for.")
@click.option(
    "--format",
    "output",
    type=click.Choice(("text", "json", "markdown", "html")),
    default="text",
    show_default=True,
    help="json is one exact document; gather.py and adjustments.py in orchestration/explain, and "
    "gather.py in its folder totals, list its keys. markdown and html hold all of its figures.",
)
@click.option("--json", "is_json", is_flag=True, help="The same as --format json.")
def explain(
    identifier: str | None,
    organization: str | None,
    period: str | None,
    provider: str | None,
    model: str | None,
    user: str | None,
    output: str,
    is_json: bool,
) -> None:
    """Show where the figures of one execution, or of a total, come from, and recompute them.

    ID is the id of an execution, of a routing decision, or of an event of either. Shown are the
    arithmetic of its cost and of its baseline with their price rows, savings, the routing
    decision, corrections, and every landed version. The exit code is 1 when a stored figure is not
    what the price row gives. Of an adjustment, its amount, exchange rate and versions are shown.

    Instead of an ID, an organization and a period: the total with its parts by provider, model and
    price row, the executions that cost most, corrections and what has no price. The exit code is 1
    when the parts do not add up to what the marts show.
    """
    import json

    from rich.console import Console

    from orchestration.audit.record import record
    from orchestration.database.connection import connect
    from orchestration.database.migrate import require_migrated
    from orchestration.exact_json import as_json
    from orchestration.explain import adjustments, gather, totals
    from orchestration.explain.page import Page

    if identifier is not None and any((organization, period, provider, model, user)):
        raise click.UsageError("An ID stands alone: totals have no id.")
    with connect(application_name="warehouse explain") as connection:
        require_migrated(connection)
        if identifier is None:
            if organization is None or period is None:
                raise click.UsageError("Give an ID, or an --organization and a --period.")
            question = totals.Question(organization, period, provider, model, user)
            template, document = "total", totals.explain(connection, question)
        elif adjustment := adjustments.explain(connection, identifier):
            template, document = "adjustment", adjustment
        else:
            template, document = "execution", gather.explain(connection, identifier)
        # Nothing is shown that is not recorded.
        if template == "total":
            asked = document["asked"]
            record(
                connection,
                "explain",
                template,
                period,
                organization_id=asked["organization"]["organization_id"],
                provider=provider,
                model=model,
                of_user_id=asked["user"] and asked["user"]["user_id"],
            )
        else:
            connection.read_only = False
            of = document[template]
            record(
                connection,
                "explain",
                template,
                identifier,
                organization_id=of and of["organization_id"],
            )
    if is_json or output == "json":
        click.echo(json.dumps(as_json(document), ensure_ascii=False, indent=2))
    else:
        page = Page(template, document)
        if output == "text":
            page.show(Console(highlight=False, emoji=False))
        else:
            click.echo(page.html if output == "html" else page.markdown())
    if not document["agrees"]:
        raise WarehouseError(
            "\n".join(("The stored figures do not hold.", *document["disagreements"]))
        )
