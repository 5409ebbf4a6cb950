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

from decimal import Decimal
from fractions import Fraction
from importlib.resources import files
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from orchestration.errors import WarehouseError
from orchestration.explain.arithmetic import LARGEST_COST_USD, Row, rounded


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


def _rows(connection: psycopg.Connection, name: str, **parameters: Any) -> list[Row]:
    query = files("orchestration.explain").joinpath(f"{name}.sql").read_bytes()
    with connection.cursor(row_factory=dict_row) as cursor:
        return list(cursor.execute(query, parameters).fetchall())
