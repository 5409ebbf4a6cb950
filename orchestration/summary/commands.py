"""The command `warehouse summary`."""

from decimal import Decimal
from importlib.resources import files
from typing import Any

import click

from orchestration.errors import WarehouseError


@click.command()
def summary() -> None:
    """Show what has landed, spend, baseline, savings, adjustments and spend by provider."""
    import psycopg
    from psycopg.rows import dict_row
    from rich.console import Console
    from rich.table import Table

    from orchestration.database.connection import connect
    from orchestration.database.migrate import require_migrated

    def rows(name: str) -> list[dict[str, Any]]:
        query = files("orchestration.summary").joinpath(f"{name}.sql").read_bytes()
        with connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query).fetchall()

    with connect() as connection:
        require_migrated(connection)
        try:
            landed, totals = rows("landed")[0], rows("totals")[0]
            providers, unpriced = rows("providers"), rows("unpriced")
            measured, adjustments = rows("measured")[0], rows("adjustments")[0]
        except psycopg.errors.UndefinedTable:
            raise WarehouseError("The marts are not built yet: run `make build`.") from None

    console = Console()
    if not totals["total_tasks"]:
        console.print("No executions yet: land events with `warehouse land`, then `make build`.")
        if adjustments["adjustments"]:
            console.print(f"Adjustments: {_beside_usage(adjustments)}")
        return

    reasons = ", ".join(f"{row['total_tasks']:,} {row['pricing_status']}" for row in unpriced)
    unknown_overhead = totals["unknown_overhead_tasks"]
    figures = Table(show_header=False, box=None, pad_edge=False)
    figures.add_column(style="bold")
    figures.add_column()
    for label, text in (
        (
            "Landed",
            f"{landed['lines_read']:,} events in {landed['loads']:,} loads, "
            f"{landed['lines_rejected']:,} rejected",
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
    for row in providers:
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
