"""Rows for the price book that both price lists agree on."""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from orchestration.errors import WarehouseError
from orchestration.prices.book import FACTORS, PRICING, USAGES, Book, Row, moment_of
from orchestration.prices.compare import Difference, compare, is_same
from orchestration.prices.lists import PriceList
from orchestration.prices.rates import PRICE_KINDS, STANDARD, TOKEN_KINDS, TOKEN_USAGES, Quote, Rate

if TYPE_CHECKING:
    import psycopg

_RESTATED = """
select count(*), array_agg(distinct cast(organization_id as text))
from marts.fct_task_executions
where
    provider = %s
    and model = any(%s)
    and start_time >= %s
    and start_time < coalesce(%s, cast('infinity' as timestamptz))
"""


@dataclass
class Refresh:
    """What a refresh adds, and what it leaves to a person.

    Attributes:
        rows: By file, the rows to append.
        left: Differences that the rows do not mend and nothing explains.
    """

    rows: dict[str, list[Row]] = field(default_factory=dict)
    left: list[Difference] = field(default_factory=list)

    def each_row(self) -> Iterator[tuple[str, Row]]:
        """Yield each row with the name of its file."""
        for name, rows in self.rows.items():
            for row in rows:
                yield name, row


def propose(
    book: Book,
    lists: Sequence[PriceList],
    recorded_at: dt.datetime,
    added: Iterable[tuple[str, str]] = (),
) -> Refresh:
    """Work out the rows that bring the book in line with what the lists agree on.

    A row says what both lists say within the tolerance, as the first of them writes it. It begins
    on the day on which that list dates the price, where this is later than the price in force, else
    at `recorded_at`, and ends where a later price of the book begins.

    Args:
        book: The price book; left as it is.
        lists: The lists; with fewer than two of them nothing is agreed on.
        recorded_at: When the rows are recorded.
        added: Models, as provider and name, that are looked up although the book has no price.

    Returns:
        The rows, and what differs and is left to a person.

    Raises:
        WarehouseError: The book has rows that were recorded then or later, which would win.
    """
    last = max(moment_of(row["recorded_at"]) for rows in book.files.values() for row in rows)
    if recorded_at <= last:
        raise WarehouseError(
            f"Rows recorded at {utc(recorded_at)} would not win over those that the book recorded "
            f"at {utc(last)}: take a later moment."
        )
    found = Refresh()
    copy = Book(book.folder, {name: list(rows) for name, rows in book.files.items()})
    source = " and ".join(f"{each.name} {each.version}" for each in lists)
    if len(lists) > 1:
        for provider, model in sorted({*book.models(recorded_at), *added}):
            for name, row in _model_rows(copy, lists, provider, model, recorded_at):
                row |= {"source": source, "recorded_at": utc(recorded_at)}
                row["effective_until"] = utc(
                    book.next_start(name, row, moment_of(row["effective_from"]))
                )
                found.rows.setdefault(name, []).append(row)
                copy.files[name].append(dict.fromkeys(_COLUMNS, "") | row)
    found.left = compare(copy, lists, recorded_at).unexplained()
    return found


def restated(
    connection: "psycopg.Connection", book: Book, rows: Iterable[Row]
) -> tuple[int, set[str]]:
    """Count what was already priced in the time of new rows and may change.

    Args:
        connection: An open connection to a built warehouse.
        book: The price book, for the models' other names.
        rows: The new rows.

    Returns:
        The number of executions, and the ids of their organizations.
    """
    executions = 0
    organizations: set[str] = set()
    times: dict[tuple[str, str], tuple[str, str]] = {}
    for row in rows:
        key = row["provider"], row["model"]
        begin, end = times.get(key, (row["effective_from"], row["effective_until"]))
        times[key] = (
            min(begin, row["effective_from"]),
            "" if "" in (end, row["effective_until"]) else max(end, row["effective_until"]),
        )
    for (provider, model), (begin, end) in times.items():
        found = connection.execute(
            _RESTATED, (provider, book.names(provider, model), begin, end or None)
        ).fetchone()
        assert found is not None  # noqa: S101
        executions += found[0]
        organizations.update(found[1] or ())
    return executions, organizations


def utc(moment: dt.datetime | None) -> str:
    """Write a moment as the files of the book do; blank for none."""
    return "" if moment is None else f"{moment.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"


_COLUMNS = (
    *("kind", "provider", "model", "usage", "task_type", "service_tier", "region"),
    *("organization_id", "context_over_tokens", "hours", "usd_per_mtok", "usd_per_unit", "factor"),
    *(f"{kind}_usd_per_mtok" for kind in PRICE_KINDS),
    *("effective_from", "effective_until", "recorded_at", "source", "notes"),
)


def _model_rows(
    book: Book, lists: Sequence[PriceList], provider: str, model: str, recorded_at: dt.datetime
) -> list[tuple[str, Row]]:
    """Return the rows for one model, by file, without source and end."""
    listed = [each.find(provider, book.names(provider, model), recorded_at) for each in lists]
    known = [each for each in listed if each is not None]
    # A price by the time of day is a factor with hours, which no list states in those terms.
    if len(known) < len(lists) or any(each.hours for each in known):
        return []
    thresholds = book.thresholds(provider, model, recorded_at).union(
        *(each.thresholds() for each in known)
    )
    quotes = [each.quote(thresholds) for each in known]
    agreed = {
        rate: price
        for rate, price in quotes[0].items()
        if all(rate in quote and is_same(quote[rate], price) for quote in quotes[1:])
    }
    disputed = {rate for quote in quotes for rate in quote} - agreed.keys()
    ours = book.quote(provider, model, recorded_at, agreed)
    wrong = {
        rate for rate, price in agreed.items() if rate not in ours or not is_same(ours[rate], price)
    }
    start = _start(book, provider, model, recorded_at, known[0].started)
    rows: list[tuple[str, Row]] = []
    for tier in sorted(
        {rate.service_tier for rate in wrong}, key=lambda name: (name != STANDARD, name)
    ):
        of_tier = {rate: price for rate, price in agreed.items() if rate.service_tier == tier}
        factor = None if tier == STANDARD else _factor(of_tier, agreed)
        common = {"provider": provider, "model": model}
        # The lists date when they first saw a tier's price, if anything.
        common |= (
            {"service_tier": "", "effective_from": start}
            if tier == STANDARD
            else {"service_tier": tier, "effective_from": utc(recorded_at)}
        )
        if factor is not None:
            if not any(rate.service_tier == tier for rate in disputed):
                rows.append((FACTORS, common | {"kind": "service_tier", "factor": text(factor)}))
            continue
        for over in sorted({rate.context_over_tokens for rate in of_tier}):
            band = common | {"context_over_tokens": str(over or "")}
            kinds = [Rate(tier, over, kind) for kind in PRICE_KINDS]
            if (tier != STANDARD or wrong.intersection(kinds)) and not disputed.intersection(kinds):
                rates = {
                    f"{rate.kind}_usd_per_mtok": text(agreed[rate])
                    for rate in kinds
                    if rate in agreed
                }
                if {"input_usd_per_mtok", "output_usd_per_mtok"} <= rates.keys():
                    rows.append((PRICING, band | rates))
            for rate in sorted(wrong):
                if rate[:2] == (tier, over) and rate.kind not in PRICE_KINDS:
                    unit = "usd_per_mtok" if rate.kind in TOKEN_USAGES else "usd_per_unit"
                    rows.append((USAGES, band | {"usage": rate.kind, unit: text(agreed[rate])}))
    return rows


def _start(
    book: Book, provider: str, model: str, recorded_at: dt.datetime, started: str | None
) -> str:
    in_force = [
        moment_of(row["effective_from"])
        for row in book.files[PRICING]
        if (row["provider"], row["model"]) == (provider, model)
        and moment_of(row["effective_from"]) <= recorded_at
    ]
    if (
        started
        and moment_of(started) <= recorded_at
        and moment_of(started) > max(in_force, default=moment_of("0001-01-01T00:00:00Z"))
    ):
        return started
    return utc(recorded_at)


def _factor(of_tier: Quote, agreed: Quote) -> Decimal | None:
    """Return what turns every standard price into the tier's, None when no one factor does."""
    factors = set()
    for rate, price in of_tier.items():
        standard = agreed.get(rate._replace(service_tier=STANDARD))
        if standard is None or rate.kind not in TOKEN_KINDS:
            continue
        if not standard:
            return None
        factors.add(price / standard)
    (factor,) = factors if len(factors) == 1 else (None,)
    return factor if factor is not None and factor == round(factor, 6) else None


def text(number: Decimal) -> str:
    """Write a number without exponent and trailing zeros."""
    written = f"{number:f}"
    return written.rstrip("0").rstrip(".") if "." in written else written
