"""The command `warehouse explain`."""

import click

from orchestration.errors import WarehouseError


@click.command()
@click.argument("identifier", metavar="ID")
@click.option(
    "--json",
    "is_json",
    is_flag=True,
    help="One exact JSON document; gather.py and adjustments.py in orchestration/explain list its "
    "keys.",
)
def explain(identifier: str, is_json: bool) -> None:
    """Show where the figures of one execution come from, and recompute them.

    ID is the id of an execution, of a routing decision, or of an event of either. Shown are the
    arithmetic of its cost and of its baseline with their price rows, savings, the routing
    decision, corrections, and every landed version. The exit code is 1 when a stored figure is not
    what the price row gives. Of an adjustment, its amount, exchange rate and versions are shown.
    """
    import json

    from rich.console import Console

    from orchestration.database.connection import connect
    from orchestration.database.migrate import require_migrated
    from orchestration.exact_json import as_json
    from orchestration.explain import adjustments, gather, screen

    with connect(application_name="warehouse explain") as connection:
        require_migrated(connection)
        adjustment = adjustments.explain(connection, identifier)
        document = adjustment or gather.explain(connection, identifier)
    if is_json:
        click.echo(json.dumps(as_json(document), ensure_ascii=False, indent=2))
    elif adjustment:
        adjustments.show(document, Console(highlight=False, emoji=False))
    else:
        screen.show(document, Console(highlight=False, emoji=False))
    if not document["agrees"]:
        raise WarehouseError(
            "\n".join(("The stored figures do not hold.", *document["disagreements"]))
        )
