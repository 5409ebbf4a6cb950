"""What the price lists say otherwise than the book."""

import csv
import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from importlib.resources import files

from orchestration.prices.book import Book
from orchestration.prices.lists import PriceList
from orchestration.prices.rates import Rate

TOLERANCE = Decimal("0.01")
"""Share by which two prices may differ that are taken as the same."""


@dataclass(frozen=True)
class Difference:
    """A price of a list that the book has otherwise or not at all.

    Attributes:
        provider: The provider.
        model: The model's name in the book.
        rate: What is charged for.
        price_list: The list's name.
        book: What the book says, None when it has no such price.
        listed: What the list says, None for a price that the book has no place for.
        reason: Why that is right on our side, None when nothing says so.
    """

    provider: str
    model: str
    rate: Rate
    price_list: str
    book: Decimal | None
    listed: Decimal | None
    reason: str | None = None

    @property
    def percentage(self) -> Decimal | None:
        """By how much the book is above the list, None when there is no such figure."""
        if self.book is None or not self.listed:
            return None
        return ((self.book - self.listed) / self.listed * 100).quantize(Decimal("0.1"))


@dataclass(frozen=True)
class KnownDifference:
    """A line of known_differences.csv: blank columns mean any.

    Attributes:
        columns: Its columns but the reason.
        reason: Why the book is right, or cannot say it.
    """

    columns: dict[str, str]
    reason: str

    def explains(self, difference: Difference) -> bool:
        """Tell whether the line is about a difference."""
        actual = {
            "provider": difference.provider,
            "model": difference.model,
            "service_tier": difference.rate.service_tier,
            "context_over_tokens": str(difference.rate.context_over_tokens),
            "kind": difference.rate.kind,
            "price_list": difference.price_list,
        }
        return all(not cell or cell == actual[name] for name, cell in self.columns.items())


@dataclass
class Comparison:
    """The outcome of a comparison.

    Attributes:
        differences: What differs, explained or not.
        models: Number of models of the book that a list knows too.
        unknown: Models of the book that no list knows.
    """

    differences: list[Difference]
    models: int
    unknown: list[tuple[str, str]]

    def unexplained(self) -> list[Difference]:
        """Return the differences that nothing explains."""
        return [difference for difference in self.differences if difference.reason is None]


def is_same(price: Decimal, listed: Decimal) -> bool:
    """Tell whether two prices differ by no more than the tolerance."""
    return abs(price - listed) <= TOLERANCE * listed


def compare(
    book: Book,
    lists: Sequence[PriceList],
    moment: dt.datetime,
    known: Sequence[KnownDifference] | None = None,
) -> Comparison:
    """Compare the prices in force at a moment with price lists.

    Args:
        book: The price book.
        lists: The lists.
        moment: The moment.
        known: Differences that are known; those of known_differences.csv when omitted.

    Returns:
        Every price of a list that is not within the tolerance of the book's.
    """
    known = known_differences() if known is None else known
    differences: list[Difference] = []
    unknown = []
    models = book.models(moment)
    for provider, model in models:
        names = book.names(provider, model)
        is_listed = False
        for price_list in lists:
            listed = price_list.find(provider, names, moment)
            if listed is None:
                continue
            is_listed = True
            thresholds = listed.thresholds() | book.thresholds(provider, model, moment)
            prices = listed.quote(thresholds)
            ours = book.quote(provider, model, moment, prices)
            differences += [
                Difference(provider, model, rate, price_list.name, ours.get(rate), price)
                for rate, price in sorted(prices.items())
                if rate not in ours or not is_same(ours[rate], price)
            ]
            differences += [
                Difference(provider, model, Rate("", 0, key), price_list.name, None, None)
                for key in listed.unread
            ]
        if not is_listed:
            unknown.append((provider, model))
    explained = [_explained(difference, known) for difference in differences]
    return Comparison(explained, len(models) - len(unknown), unknown)


def known_differences() -> list[KnownDifference]:
    """Return the lines of known_differences.csv."""
    text = files("orchestration.prices").joinpath("known_differences.csv").read_text("utf-8")
    rows = csv.DictReader(text.splitlines())
    return [
        KnownDifference({k: v for k, v in row.items() if k != "reason"}, row["reason"])
        for row in rows
    ]


def _explained(difference: Difference, known: Iterable[KnownDifference]) -> Difference:
    for line in known:
        if line.explains(difference):
            return Difference(
                difference.provider,
                difference.model,
                difference.rate,
                difference.price_list,
                difference.book,
                difference.listed,
                line.reason,
            )
    return difference
