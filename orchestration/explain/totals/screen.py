"""A total for people: its parts as tables, each with its query."""

from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.syntax import Syntax
from rich.table import Table

from orchestration.explain.totals.gather import Document

_TITLES = {
    "by_provider": "By provider",
    "by_model": "By model",
    "by_price": "By price row",
    "largest": "The executions that cost most",
    "corrections": "Corrections of published figures",
    "unpriced": "Without a price, by reason",
}

# What a screen has no room for stands in the JSON.
_LEFT_OUT = (
    "unpriced_tasks",
    "total_cost_usd",
    "total_baseline_cost_usd",
    "user_id",
    "first_corrected_at",
    "last_corrected_at",
)

_HEADINGS = {
    "total_tasks": "executions",
    "total_spend_usd": "spend",
    "total_savings_usd": "savings",
    "cost_usd": "cost",
    "cost_delta_usd": "change of cost",
    "savings_delta_usd": "change of savings",
}


def show(document: Document, console: Console) -> None:
    """Print what a total consists of.

    Args:
        document: What `gather.explain` returned.
        console: Where to.
    """
    asked, (total,) = document["asked"], document["total"]["rows"]
    of = [
        asked["organization"]["organization_name"] or str(asked["organization"]["organization_id"]),
        *(asked[name] for name in ("provider", "model") if asked[name]),
        *([asked["user"]["user_name"] or str(asked["user"]["user_id"])] if asked["user"] else []),
    ]
    console.print(
        f"{', '.join(of)}, from {asked['first_day']} until before {asked['day_after']}: "
        f"{total['total_tasks']:,} executions, {_cell(total['total_spend_usd'])} USD spent, "
        f"{_cell(total['total_savings_usd'])} USD saved, {total['unpriced_tasks']:,} unpriced."
    )
    if not total["total_tasks"]:
        return
    published = document["published"]
    if published:
        console.print(f"The mart shows {_cell(published['rows'][0]['total_spend_usd'])} USD:")
        console.print(_query(published["sql"]))
    for name, title in _TITLES.items():
        part = document[name]
        if part["rows"]:
            console.print()
            console.print(_table(title, part["rows"]))
            console.print(_query(part["sql"]))
    if not document["by_price"]["is_complete"]:
        console.print(
            "Of some executions only the sums are left: those by price row and those that cost "
            "most are not complete."
        )


def _table(title: str, rows: list[dict[str, Any]]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    shown = [{name: row[name] for name in row if name not in _LEFT_OUT} for row in rows]
    for name, value in shown[0].items():
        is_number = isinstance(value, int | Decimal)
        table.add_column(
            _HEADINGS.get(name, name.replace("_", " ")),
            justify="right" if is_number else "left",
            overflow="fold",
            no_wrap=name in ("price_id", "execution_id"),
        )
    for row in shown:
        table.add_row(*(_cell(value) for value in row.values()))
    return table


def _query(text: str) -> Syntax:
    return Syntax(text, "sql", background_color="default", word_wrap=True)


def _cell(value: Any) -> str:
    """Write a value: amounts in full, because they are to be added up."""
    if value is None:
        return "-"
    if isinstance(value, Decimal):
        whole = f"{value:,f}"
        return whole.rstrip("0").rstrip(".") if "." in whole else whole
    return f"{value:,}" if isinstance(value, int) else str(value)
