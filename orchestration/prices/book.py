"""The price book as files: what a model costs at a moment, and rows added at the end.

The warehouse reads the same files through dbt; here they are read without a database, by the same
rules: of rows that claim one moment the one recorded last counts, and the more specific scope wins.
Only prices for every organization and task type are looked at.
"""

import csv
import datetime as dt
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from orchestration.errors import WarehouseError
from orchestration.prices.rates import PRICE_KINDS, STANDARD, TOKEN_KINDS, Quote, Rate

Row = dict[str, str]

PRICING, USAGES, FACTORS, ALIASES = (
    "provider_pricing",
    "usage_prices",
    "price_factors",
    "model_aliases",
)
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_HOURS = re.compile(r"(?:(\w{3})(?:-(\w{3}))? )?(\d\d:\d\d)-(\d\d:\d\d)")
_NO_END = dt.datetime.max.replace(tzinfo=dt.UTC)


@dataclass(frozen=True)
class Book:
    """The files of a price book.

    Attributes:
        folder: Where they lie.
        files: By name, their rows in the order of the file.
    """

    folder: Path
    files: dict[str, list[Row]]
    _held: dict[tuple[str, dt.datetime, int], list[Row]] = field(default_factory=dict, repr=False)

    @classmethod
    def read(cls, folder: Path) -> "Book":
        """Read a price book.

        Args:
            folder: The folder of the files, `seeds/pricing` of the project.

        Returns:
            The book.

        Raises:
            WarehouseError: A file cannot be read, or a moment or number in it cannot.
        """
        book = cls(folder, {name: _read(folder, name) for name in (PRICING, USAGES, FACTORS)})
        book.files[ALIASES] = _read(folder, ALIASES)
        for name, rows in book.files.items():
            for number, row in enumerate(rows, start=2):
                _require_readable(folder / f"{name}.csv", number, row)
        return book

    def models(self, moment: dt.datetime) -> list[tuple[str, str]]:
        """Return the models, as provider and name, that have a price of their own at a moment."""
        return sorted(
            {
                (row["provider"], row["model"])
                for row in self._in_force(PRICING, moment)
                if row["model"]
            }
        )

    def names(self, provider: str, model: str) -> list[str]:
        """Return a model's name and its other names."""
        last = {
            row["alias"]: row["model"]
            for row in sorted(self.files[ALIASES], key=lambda row: moment_of(row["recorded_at"]))
            if row["provider"] == provider
        }
        return [model, *(alias for alias, name in last.items() if name == model)]

    def thresholds(self, provider: str, model: str, moment: dt.datetime) -> set[int]:
        """Return the numbers of input tokens above which a model has other prices, 0 included."""
        return {
            int(row["context_over_tokens"] or 0)
            for name in (PRICING, USAGES)
            for row in self._in_force(name, moment)
            if row["provider"] == provider and row["model"] in ("", model)
        } | {0}

    def quote(self, provider: str, model: str, moment: dt.datetime, rates: Iterable[Rate]) -> Quote:
        """Return what the book charges.

        Args:
            provider: The provider.
            model: The model's name in the book.
            moment: When it is used.
            rates: What to look up.

        Returns:
            The price for each of the rates that the book knows.
        """
        found = {rate: self._price(provider, model, moment, rate) for rate in rates}
        return {rate: price for rate, price in found.items() if price is not None}

    def next_start(self, name: str, row: Row, moment: dt.datetime) -> dt.datetime | None:
        """Return when the next price of a row's scope begins after a moment, None when none does.

        A row that is added without an end would also win over that one, being recorded later.
        """
        starts = [
            moment_of(other["effective_from"])
            for other in self.files[name]
            if _scope(other) == _scope(row)
        ]
        return min((start for start in starts if start > moment), default=None)

    def append(self, name: str, rows: Sequence[Row]) -> None:
        """Add rows at the end of a file; what stands in it stays as it is.

        Args:
            name: The file's name without its ending.
            rows: The rows; columns that they leave out stay blank.

        Raises:
            WarehouseError: The file cannot be written.
        """
        path = self.folder / f"{name}.csv"
        try:
            with path.open("r+", encoding="utf-8", newline="") as file:
                header = next(csv.reader(file))
                text = path.read_bytes()
                file.seek(0, 2)
                if not text.endswith(b"\n"):
                    file.write("\n")
                csv.DictWriter(file, header, restval="", lineterminator="\n").writerows(rows)
        except OSError as error:
            raise WarehouseError(f"{path} cannot be written: {error.strerror or error}") from None
        self.files[name].extend({column: row.get(column, "") for column in header} for row in rows)

    def _price(self, provider: str, model: str, moment: dt.datetime, rate: Rate) -> Decimal | None:
        is_price = rate.kind in PRICE_KINDS
        candidates = [
            row
            for row in self._in_force(PRICING if is_price else USAGES, moment)
            if row["provider"] == provider
            and row["model"] in ("", model)
            and row["service_tier"] in ("", rate.service_tier)
            and int(row["context_over_tokens"] or 0) <= rate.context_over_tokens
            and (is_price or row["usage"] == rate.kind)
        ]
        if not candidates:
            return None
        row = max(
            candidates,
            key=lambda row: (
                row["model"] != "",
                row["service_tier"] != "",
                int(row["context_over_tokens"] or 0),
            ),
        )
        if is_price:
            cell = row[f"{rate.kind}_usd_per_mtok"]
            if not cell and rate.kind != "output":
                cell = row["input_usd_per_mtok"]
        else:
            cell = row["usd_per_mtok"] or row["usd_per_unit"]
        if not cell:
            return None
        price = Decimal(cell)
        if rate.kind not in TOKEN_KINDS:
            return price
        for kind in ("service_tier", "hours"):
            if kind == "service_tier" and (rate.service_tier == STANDARD or row["service_tier"]):
                continue
            factor = self._factor(kind, provider, model, rate.service_tier, moment)
            if factor is not None:
                price *= factor
            elif kind == "service_tier":
                return None
        return price

    def _factor(
        self, kind: str, provider: str, model: str, service_tier: str, moment: dt.datetime
    ) -> Decimal | None:
        candidates = [
            row
            for row in self._in_force(FACTORS, moment)
            if (row["kind"], row["provider"]) == (kind, provider)
            and row["model"] in ("", model)
            and not row["region"]
            and (
                row["service_tier"] == service_tier
                if kind == "service_tier"
                else not row["service_tier"] and is_within(row["hours"], moment)
            )
        ]
        best = max(candidates, key=lambda row: row["model"] != "", default=None)
        return Decimal(best["factor"]) if best else None

    def _in_force(self, name: str, moment: dt.datetime) -> list[Row]:
        """Return the rows for all organizations and task types that hold at a moment."""
        rows = self.files[name]
        # Rows are only added: their number tells whether the answer still holds.
        key = name, moment, len(rows)
        if key not in self._held:
            last: dict[tuple[str, ...], Row] = {}
            for row in sorted(rows, key=lambda row: moment_of(row["recorded_at"])):
                until = row["effective_until"]
                if (
                    not row["organization_id"]
                    and not row.get("task_type")
                    and moment_of(row["effective_from"]) <= moment
                    and (not until or moment < moment_of(until))
                ):
                    last[_scope(row)] = row
            self._held[key] = list(last.values())
        return self._held[key]


def is_number(column: str) -> bool:
    """Tell whether a column of the book holds a rate or a factor."""
    return "usd_per_" in column or column == "factor"


def moment_of(text: str) -> dt.datetime:
    """Return a moment that a file of the book writes as ISO 8601 with an offset.

    Raises:
        ValueError: It is none.
    """
    moment = dt.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment


def is_within(hours: str, moment: dt.datetime) -> bool:
    """Tell whether a moment lies in recurring hours such as `Mon-Fri 00:30-08:30`, in UTC.

    Raises:
        ValueError: The hours cannot be read.
    """
    match = _HOURS.fullmatch(hours)
    if match is None:
        raise ValueError(hours)
    first, last, start, end = match.groups()
    moment = moment.astimezone(dt.UTC)
    if first:
        days = range(_DAYS.index(first), _DAYS.index(last or first) + 1)
        if moment.weekday() not in days:
            return False
    clock = f"{moment:%H:%M}"
    return start <= clock < end if start < end else clock >= start or clock < end


def _scope(row: Row) -> tuple[str, ...]:
    """Return what a row is a price of: rows of one scope follow or correct each other."""
    columns = (
        "kind",
        "provider",
        "model",
        "usage",
        "task_type",
        "service_tier",
        "region",
        "organization_id",
        "context_over_tokens",
        "hours",
    )
    return tuple(row.get(column, "") for column in columns)


def _read(folder: Path, name: str) -> list[Row]:
    path = folder / f"{name}.csv"
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file, restval=""))
    except (OSError, UnicodeDecodeError) as error:
        raise WarehouseError(f"{path} cannot be read: {error}") from None


def _require_readable(path: Path, number: int, row: Row) -> None:
    for column, cell in row.items():
        try:
            if column in ("effective_from", "recorded_at") or (
                column == "effective_until" and cell
            ):
                moment_of(cell)
            elif column == "hours" and cell:
                is_within(cell, _NO_END)
            elif cell and is_number(column):
                int(Decimal(cell))
        except (ArithmeticError, ValueError):
            # A number that is none, or infinite, has no whole part.
            raise WarehouseError(
                f"{path}, line {number}, {column}: {cell!r} cannot be read."
            ) from None
