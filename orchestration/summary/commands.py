"""The command `warehouse summary`."""

from datetime import date
from decimal import Decimal
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import click

from orchestration.errors import WarehouseError
from orchestration.selection import days_of_month, organization_called

if TYPE_CHECKING:
    import psycopg
    from rich.console import Console


@click.command()
@click.option(
    "--organization",
    metavar="ID|NAME",
    help="Only one organization, by its id or its name.",
)
@click.option(
    "--month",
    metavar="YYYY-MM",
    help="Only one month, in each organization's reporting time zone.",
)
@click.option("--json", "is_json", is_flag=True, help="One exact JSON document.")
def summary(organization: str | None, month: str | None, is_json: bool) -> None:
    """Show what has landed, spend, baseline, savings, adjustments and spend by provider.

    With an organization or a month, what has landed is left out: a load may hold events of many.
    """
    import json

    from rich.console import Console

    from orchestration.database.connection import connect
    from orchestration.database.migrate import require_migrated
    from orchestration.exact_json import as_json

    first_day, day_after = days_of_month(month) if month else (None, None)
    with connect(application_name="warehouse summary") as connection:
        require_migrated(connection)
        document = _gather(connection, organization, first_day, day_after)
    if is_json:
        click.echo(json.dumps(as_json(document), ensure_ascii=False, indent=2))
    else:
        _show(document, Console())


def _gather(
    connection: "psycopg.Connection",
    organization: str | None,
    first_day: date | None,
    day_after: date | None,
) -> dict[str, Any]:
    """Return the figures by part.

    Raises:
        WarehouseError: The marts are not built, or the organization is not known or not the only
            one of its name.
    """
    import psycopg
    from psycopg.rows import dict_row

    period: dict[str, Any] = {
        "organization_id": None,
        "first_day": first_day or "-infinity",
        "day_after": day_after or "infinity",
    }

    def rows(name: str) -> list[dict[str, Any]]:
        query = files("orchestration.summary").joinpath(f"{name}.sql").read_bytes()
        with connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query, period).fetchall()

    try:
        found = organization_called(connection, organization) if organization else None
        period["organization_id"] = found and found["organization_id"]
        is_all = found is None and first_day is None
        return {
            "organization": found,
            "month": f"{first_day:%Y-%m}" if first_day else None,
            "landed": rows("landed")[0] if is_all else None,
            "totals": rows("totals")[0],
            "measured": rows("measured")[0],
            "unpriced": rows("unpriced"),
            "adjustments": rows("adjustments")[0],
            "providers": rows("providers"),
        }
    except psycopg.errors.UndefinedTable:
        raise WarehouseError("The marts are not built yet: run `make build`.") from None


def _show(document: dict[str, Any], console: "Console") -> None:
    from rich.table import Table

    totals, measured = document["totals"], document["measured"]
    landed, adjustments = document["landed"], document["adjustments"]
    if not totals["total_tasks"]:
        console.print(
            "No executions yet: land events with `warehouse land`, then `make build`."
            if landed
            else "No executions of that organization or month."
        )
        if adjustments["adjustments"]:
            console.print(f"Adjustments: {_beside_usage(adjustments)}")
        return

    reasons = ", ".join(
        f"{row['total_tasks']:,} {row['pricing_status']}" for row in document["unpriced"]
    )
    unknown_overhead = totals["unknown_overhead_tasks"]
    figures = Table(show_header=False, box=None, pad_edge=False)
    figures.add_column(style="bold")
    figures.add_column()
    for label, text in (
        (
            "Landed",
            f"{landed['lines_read']:,} events in {landed['loads']:,} loads, "
            f"{landed['lines_rejected']:,} rejected"
            if landed
            else "",
        ),
        (
            "Executions",
            f"{totals['total_tasks']:,} of {totals['organizations']:,} organizations, "
            f"{totals['first_day']} to {totals['last_day']}: "
            f"{totals['successful_tasks']:,} completed, {totals['failed_tasks']:,} failed, "
            f"{totals['timed_out_tasks']:,} timed out",
        ),
        (
            "Spend",
            f"{_usd(totals['total_spend_usd'])}, of it {_usd(totals['failed_cost_usd'])} "
            "for failed executions",
        ),
        (
            "Baseline",
            f"{_usd(totals['total_baseline_cost_usd'])} for {totals['compared_tasks']:,} "
            f"comparable executions that cost {_usd(totals['compared_cost_usd'])}",
        ),
        (
            "Savings",
            f"{_usd(totals['total_savings_usd'])}{_percentage(totals['savings_percentage'])}, "
            f"{_usd(totals['total_net_savings_usd'])} after routing overhead"
            + (f" ({unknown_overhead:,} of unknown overhead left out)" if unknown_overhead else ""),
        ),
        (
            "Estimate",
            f"{measured['measured_tasks']:,} executions were also run on their baseline: estimated "
            f"{_usd(measured['estimated_baseline_cost_usd'])}, measured "
            f"{_usd(measured['measured_baseline_cost_usd'])}"
            + _percentage(measured["bias_percentage"], sign="+")
            if measured["measured_tasks"]
            else "no execution was also run on its baseline: how far it is off is not known",
        ),
        (
            "Unpriced",
            f"{totals['unpriced_tasks']:,} executions, "
            f"{100 * totals['unpriced_tasks'] / totals['total_tasks']:.1f} %"
            + (f": {reasons}" if reasons else ""),
        ),
        ("Adjustments", _beside_usage(adjustments)),
    ):
        if text:
            figures.add_row(label, text)
    console.print(figures)

    table = Table(title="Spend by provider", title_justify="left", title_style="bold")
    table.add_column("provider")
    for heading in ("executions", "failed", "unpriced", "spend", "savings"):
        table.add_column(heading, justify="right")
    for row in document["providers"]:
        table.add_row(
            row["provider"],
            f"{row['total_tasks']:,}",
            f"{row['failed_tasks']:,}",
            f"{row['unpriced_tasks']:,}",
            _usd(row["total_spend_usd"]),
            _usd(row["total_savings_usd"]),
        )
    console.print()
    console.print(table)


def _beside_usage(adjustments: dict[str, Any]) -> str:
    """Say what adjustments come to; nothing where there are none."""
    count, unknown = adjustments["adjustments"], adjustments["unknown_adjustments"]
    if not count:
        return ""
    text = f"{count:,} beside usage, {_usd(adjustments['adjustments_usd'])} in all"
    return text + (f" ({unknown:,} of an unknown amount in USD left out)" if unknown else "")


def _usd(amount: Decimal | None) -> str:
    """Write an amount for people, to the cent; a dash where there is nothing to show."""
    if amount is None:
        return "-"
    return f"-${-amount:,.2f}" if amount < 0 else f"${amount:,.2f}"


def _percentage(value: Decimal | None, sign: str = "-") -> str:
    return "" if value is None else f" ({value:{sign}} %)"
