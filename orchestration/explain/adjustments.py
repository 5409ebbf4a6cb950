"""Explain an adjustment: its amount, the exchange rate, and its versions.

Keys of the document, which `warehouse explain --json` prints; as in gather.py.

    asked_for               id as given; found_as: adjustment or adjustment_event
    adjustment              the row of fct_adjustments with organization_name and user_name
    exchange_rate           the rate that holds at effective_at; null for USD or without one
    recomputed_amount_usd   amount times rate
    versions                every landed version, in the order in which the source wrote them;
                            state: counts, copy (of the one that counts), superseded or
                            another_organization (which landed the id later: does not count)
    agrees                  whether what is recomputed is what is shown
    disagreements           sentences that say what is not
"""

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from importlib.resources import files
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row
from rich.console import Console
from rich.table import Table
from rich.text import Text

from orchestration.errors import WarehouseError
from orchestration.explain.arithmetic import LARGEST_COST_USD, Row, rounded

_STATES = {
    "counts": "COUNTS",
    "copy": "a copy of the one that counts",
    "superseded": "superseded by another one",
    "another_organization": "of another organization than the one that landed the id first",
}


def explain(connection: psycopg.Connection, text: str) -> dict[str, Any] | None:
    """Gather what is known of an adjustment.

    Args:
        connection: A connection to a migrated database, not in a transaction.
        text: The id of an adjustment or of an event of one.

    Returns:
        The document, with Python's own types; None if the text is no such id.

    Raises:
        WarehouseError: The marts are not built.
    """
    try:
        wanted = UUID(text.strip())
    except ValueError:
        return None
    # A build that commits meanwhile must not mix two states of the rates.
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    try:
        with connection.transaction():
            found = _rows(connection, "lookup_adjustment", id=wanted)
            return _document(connection, text, found[0]) if found else None
    except psycopg.errors.UndefinedTable:
        raise WarehouseError("The marts are not built yet: run `make build`.") from None


def show(document: dict[str, Any], console: Console) -> None:
    """Print an explanation for people.

    Args:
        document: What `explain` returned.
        console: Where to.
    """
    fact, rate = document["adjustment"], document["exchange_rate"]
    if document["asked_for"]["found_as"] == "adjustment_event":
        _say(console, f"{document['asked_for']['id']} is an event of this adjustment.")
    _say(console, f"Adjustment {fact['adjustment_id']}: {fact['reason']}", "bold")
    period = (
        None
        if fact["period_start"] is None and fact["period_end"] is None
        else f"from {_time(fact['period_start'])} until {_time(fact['period_end'])}"
    )
    is_known = fact["amount_usd"] is not None
    _figures(
        console,
        ("Organization", fact["organization_name"], fact["organization_id"]),
        ("User", fact["user_name"], fact["user_id"]),
        ("Provider", fact["provider"]),
        ("Model", fact["model"]),
        ("Reference", fact["reference"]),
        ("Effective", _time(fact["effective_at"])),
        ("Day", f"{fact['metric_date']} in {fact['reporting_timezone']}"),
        ("Pays for", period),
        ("Amount", f"{fact['amount']:,f} {fact['currency']}"),
        (
            "Rate",
            None if rate is None else f"{rate['usd_per_unit']:f} USD for 1 {rate['currency']}",
        ),
        ("In USD", f"{fact['amount_usd']:,f} USD" if is_known else "unknown"),
    )
    if not is_known:
        _say(console, f"Unknown ({fact['amount_status']}): {_meaning(fact)}")
    if document["agrees"]:
        _say(console, "Recomputed from amount and rate: agrees with what is shown.", "green")
    else:
        _say(console, "Recomputed: DOES NOT AGREE with what is shown.", "bold red")
    _say(console, "It stands beside usage: it is in no cost, no spend and no savings.")
    if rate is not None:
        _say(console, "Exchange rate", "bold")
        until = rate["valid_until"]
        _figures(
            console,
            (
                "Holds",
                f"from {_time(rate['valid_from'])} "
                + ("on" if until is None else f"until {_time(until)}"),
            ),
            ("Recorded", _time(rate["recorded_at"])),
            ("Source", rate["source"]),
            ("Rate id", rate["exchange_rate_id"]),
        )
    console.print()
    _say(console, "Landed versions, in the order in which the source wrote them", "bold underline")
    for version in document["versions"]:
        _say(
            console,
            f"{_time(version['updated_at'])}, {version['amount']:,f} {version['currency']}, "
            f"{version['reason']}: {_STATES[version['state']]}",
            "bold" if version["state"] == "counts" else "",
        )
        _say(
            console,
            f"  event {version['event_id']}, load {version['load_id']}, line "
            f"{version['line_number']} of {version['source_name']}",
        )


def _document(connection: psycopg.Connection, text: str, found: Row) -> dict[str, Any]:
    (fact,) = _rows(connection, "adjustment", id=found["id"])
    rate = None
    if fact["exchange_rate_id"] is not None:
        (rate,) = _rows(
            connection,
            "exchange_rate",
            exchange_rate_id=fact["exchange_rate_id"],
            effective_at=fact["effective_at"],
        )
    recomputed = _amount_usd(fact, rate)
    disagreements = (
        []
        if recomputed == fact["amount_usd"]
        else [f"amount_usd is {fact['amount_usd']}, and amount times rate gives {recomputed}."]
    )
    return {
        "asked_for": {"id": text, "found_as": found["found_as"]},
        "adjustment": fact,
        "exchange_rate": rate,
        "recomputed_amount_usd": recomputed,
        "versions": _versions(_rows(connection, "adjustment_versions", id=found["id"]), fact),
        "agrees": not disagreements,
        "disagreements": disagreements,
    }


def _amount_usd(fact: Row, rate: Row | None) -> Decimal | None:
    if rate is None and fact["currency"] != "USD":
        return None
    exact = Fraction(fact["amount"]) * (1 if rate is None else Fraction(rate["usd_per_unit"]))
    return None if abs(exact) > LARGEST_COST_USD else rounded(exact)


def _versions(landed: list[Row], fact: Row) -> list[dict[str, Any]]:
    versions = [dict(row) for row in landed]
    counting: dict[str, Any] = {}
    for version in versions:
        if version["organization_id"] != fact["organization_id"]:
            version["state"] = "another_organization"
        elif version["event_id"] == fact["event_id"]:
            version["state"] = "copy"
            counting = version
        else:
            version["state"] = "superseded"
    # Of copies of one event the last one that landed counts.
    counting["state"] = "counts"
    return versions


def _meaning(fact: Row) -> str:
    if fact["amount_status"] == "no_exchange_rate":
        return (
            f"no rate of {fact['currency']} holds then. Append one to "
            "seeds/pricing/exchange_rates.csv and run `make build`."
        )
    return (
        f"more than {LARGEST_COST_USD:,} USD for one adjustment is taken for a mistake. Check the "
        "amount and the exchange rate."
    )


def _rows(connection: psycopg.Connection, name: str, **parameters: Any) -> list[Row]:
    query = files("orchestration.explain").joinpath(f"{name}.sql").read_bytes()
    with connection.cursor(row_factory=dict_row) as cursor:
        return list(cursor.execute(query, parameters).fetchall())


def _say(console: Console, text: str, style: str = "") -> None:
    console.print(Text(_plain(text), style=style))


def _figures(console: Console, *figures: tuple[str, *tuple[Any, ...]]) -> None:
    """Print labels with what is known of them, without those of which nothing is."""
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for label, *parts in figures:
        known = [str(part) for part in parts if part is not None]
        if known:
            text = known[0] if len(known) == 1 else f"{known[0]} ({known[1]})"
            table.add_row(Text(label), Text(_plain(text)))
    console.print(table)


def _time(moment: datetime | None) -> str:
    if moment is None:
        return "an unknown time"
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(sep=' ')} UTC"


def _plain(text: str) -> str:
    """Return a text from an event without characters that a terminal would act upon."""
    return "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text
    )
