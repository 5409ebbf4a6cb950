"""The price book of a copy of the project, and prices to add to it."""

import csv
import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from itertools import count, islice
from pathlib import Path

from orchestration.sample.generator import DEFAULT_UNTIL

SOURCE = "a benchmark"

_SEED = Path("seeds", "pricing", "provider_pricing.csv")
_CHANGES = 3
_CHANGE_DAYS = 20
# Among the models every third also has a price for the batch tier, at half the rates.
_BATCH_EVERY = 3
_RATES = (
    "input_usd_per_mtok",
    "cached_input_usd_per_mtok",
    "cache_write_usd_per_mtok",
    "output_usd_per_mtok",
    "usd_per_request",
    "usd_per_minute",
    "usd_per_compute_unit",
)
# A row that leaves these blank is the model's price for everything, until further notice.
_BLANK_IN_A_LIST_PRICE = (
    "task_type",
    "service_tier",
    "organization_id",
    "context_over_tokens",
    "effective_until",
)

Row = dict[str, str]


def read_prices(project: Path) -> list[Row]:
    """Return the rows of a project's price book.

    Args:
        project: The folder of its dbt_project.yml.

    Returns:
        Its rows in their order; every cell as it is written.
    """
    with (project / _SEED).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def add_prices(project: Path, rows: list[Row]) -> None:
    """Add rows to the price book of a copy; each is recorded later than all before it.

    Args:
        project: The folder of the copy's dbt_project.yml.
        rows: The rows; cells that are missing stay blank.
    """
    book = read_prices(project)
    recorded_at = _moment(max(row["recorded_at"] for row in book)) + dt.timedelta(minutes=1)
    with (project / _SEED).open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(book[0]), restval="", lineterminator="\n")
        writer.writerows(
            {**row, "recorded_at": _written(recorded_at), "source": SOURCE} for row in rows
        )


def further_prices(book: list[Row], rows: int) -> list[Row]:
    """Make up prices: changes over the sample's period, of the book's models and of further ones.

    Args:
        book: The rows that exist.
        rows: How many to make.

    Returns:
        Valid rows to add. The book's own models come first: the sample meets changed prices.
    """
    begin = dt.datetime.combine(DEFAULT_UNTIL, dt.time(), dt.UTC) - dt.timedelta(
        days=_CHANGES * _CHANGE_DAYS
    )
    bases = {
        (row["provider"], row["model"]): row
        for row in book
        if row["model"]
        and not any(row[name] for name in _BLANK_IN_A_LIST_PRICE)
        and _moment(row["effective_from"]) < begin
    }
    return list(islice(_changed_prices(list(bases.values()), begin), rows))


def _changed_prices(bases: list[Row], begin: dt.datetime) -> Iterator[Row]:
    """Yield consecutive prices of every model, then of another model like it, and so on."""
    for generation in count():
        for number, base in enumerate(bases):
            model = base["model"] + (f"-variant-{generation}" if generation else "")
            for change in range(_CHANGES):
                since = begin + dt.timedelta(days=change * _CHANGE_DAYS)
                row = base | {
                    "model": model,
                    "effective_from": _written(since),
                    "effective_until": _written(since + dt.timedelta(days=_CHANGE_DAYS)),
                    "notes": "",
                }
                yield row | _scaled(base, Decimal(100 + change) / 100)
                if number % _BATCH_EVERY == 0:
                    yield row | {"service_tier": "batch"} | _scaled(base, Decimal(1) / 2)


def _scaled(row: Row, factor: Decimal) -> Row:
    return {name: f"{Decimal(row[name]) * factor:f}" for name in _RATES if row[name]}


def _moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def _written(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
