"""The command `warehouse prices`."""

import datetime as dt
import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.table import Table

    from orchestration.prices.book import Book, Row
    from orchestration.prices.compare import Difference
    from orchestration.prices.encryption import PriceCipher
    from orchestration.prices.lists import PriceList
    from orchestration.prices.refresh import Refresh

_MOMENT = click.DateTime(formats=["%Y-%m-%dT%H:%M:%S%z"])
_ONE_LIST = (
    "The package litellm is not installed (requirements-prices.lock has it): one list only, "
    "genai-prices."
)


@click.group()
def prices() -> None:
    """Compare the price book with price lists, bring it up to date, and encrypt negotiated prices.

    The lists are data of installed packages: genai-prices, which the warehouse installs, and
    litellm, which requirements-prices.lock adds. Nothing is fetched.
    """


@prices.command()
@click.option("--at", "moment", type=_MOMENT, help="The moment, with an offset; now when omitted.")
@click.option("--all", "show_all", is_flag=True, help="Also show differences with a known reason.")
@click.option("--json", "as_json", is_flag=True, help="Write every difference as JSON.")
def check(moment: dt.datetime | None, show_all: bool, as_json: bool) -> None:
    """Show where the price book in force differs from the lists by more than 1 %.

    The book is read from seeds/pricing, not from a database. A difference that has its reason in
    orchestration/prices/known_differences.csv is counted and not shown. The exit code is 1 when a
    difference has none.
    """
    from rich.console import Console

    from orchestration.prices.compare import compare

    book, lists = _read()
    outcome = compare(book, lists, moment or dt.datetime.now(dt.UTC))
    unexplained = outcome.unexplained()
    if as_json:
        click.echo(json.dumps([_as_json(each) for each in outcome.differences], indent=2))
    else:
        console = Console(width=None if Console().is_terminal else 160)
        shown = outcome.differences if show_all else unexplained
        if shown:
            console.print(_differences(shown, "Differences"))
        console.print(
            f"{outcome.models:,} models compared with "
            f"{' and '.join(f'{each.name} {each.version}' for each in lists)}: "
            f"{len(unexplained):,} differences to look at, "
            f"{len(outcome.differences) - len(unexplained):,} with a known reason; "
            f"{len(outcome.unknown):,} models that no list knows."
        )
    if unexplained:
        raise SystemExit(1)


@prices.command()
@click.option("--dry-run", is_flag=True, help="Show what would be appended and restated; no more.")
@click.option(
    "--recorded-at",
    type=_MOMENT,
    help="When the rows are recorded, with an offset: after every row of the book and not in the "
    "future; now when omitted.",
)
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="PROVIDER/MODEL",
    help="A model that the book does not have yet; repeatable.",
)
def refresh(dry_run: bool, recorded_at: dt.datetime | None, models: tuple[str, ...]) -> None:
    """Append the prices that both lists agree on within 1 % to the price book.

    Rows are appended to the files in seeds/pricing and never edited; `dbt build` then prices with
    them. What the lists do not agree on, or only one of them says, is shown for a person to enter.
    """
    from rich.console import Console

    from orchestration.errors import WarehouseError
    from orchestration.prices.refresh import propose

    now = dt.datetime.now(dt.UTC)
    recorded_at = (recorded_at or now).replace(microsecond=0)
    if recorded_at > now:
        raise WarehouseError("--recorded-at lies in the future: such rows would win until then.")
    added = [tuple(model.split("/", 1)) for model in models]
    if any(len(each) != 2 for each in added):
        raise WarehouseError("Name a model as provider/model, for example openai/gpt-5.5.")
    book, lists = _read()
    found = propose(book, lists, recorded_at, [(each[0], each[1]) for each in added])
    console = Console(width=None if Console().is_terminal else 160)
    if found.rows:
        console.print(_rows(found))
    if found.left:
        console.print(_differences(found.left, "For a person: what the lists do not agree on"))
    count = sum(map(len, found.rows.values()))
    if dry_run:
        console.print(f"{count:,} rows would be appended. {_restated(book, found)}".rstrip())
        return
    for name, rows in found.rows.items():
        book.append(name, rows)
    console.print(f"{count:,} rows appended." + (" Run `dbt build`." if count else ""))


@prices.command()
def encrypt() -> None:
    """Encrypt the numbers of negotiated prices in the price book and in the database's history.

    The key is in WAREHOUSE_PRICE_KEY, or in the file that WAREHOUSE_PRICE_KEY_FILE names. Rows that
    are encrypted already stay as they are.
    """
    from orchestration.prices.encryption import PriceCipher

    _encrypt_everywhere(PriceCipher.encrypt)


@prices.command()
def rotate() -> None:
    """Encrypt with WAREHOUSE_PRICE_KEY what WAREHOUSE_PRICE_KEY_OLD has encrypted.

    In the price book, and in the history of the database that the environment names: run it once
    for each database. What was interrupted goes on when it is run again. Each key may also stand in
    a file, which the variable with _FILE at its end names.
    """
    from orchestration.prices.encryption import PriceCipher

    _encrypt_everywhere(PriceCipher.rotate)


@prices.command()
def decrypt() -> None:
    """Write the numbers of negotiated prices into the price book again, for everybody to read."""
    from orchestration.audit.record import record
    from orchestration.prices.encryption import open_cipher, rewrite_book

    with open_cipher() as cipher:
        # Before anybody can read them.
        record(cipher.connection, "decrypt_prices", "price_key", cipher.key_id)
        _tell(rewrite_book(_folder(), cipher.decrypt), "decrypted")


def _encrypt_everywhere(change: "Callable[[PriceCipher, Row], Row]") -> None:
    """Change the rows of the price book, then those of the database's history, and record it."""
    from orchestration.audit.record import record
    from orchestration.prices.encryption import open_cipher, rewrite_book, rewrite_history

    with open_cipher() as cipher:
        files = rewrite_book(_folder(), partial(change, cipher))
        remembered = rewrite_history(cipher.connection, partial(change, cipher))
        record(cipher.connection, "encrypt_prices", "price_key", cipher.key_id, rows=files)
    _tell(files, f"encrypted with key {cipher.key_id}", remembered)


def _folder() -> Path:
    from orchestration.project import project_root

    return project_root() / "seeds" / "pricing"


def _tell(files: int, done: str, remembered: int | None = None) -> None:
    history = "" if remembered is None else f", and {remembered:,} in the database's history"
    click.echo(
        f"{files:,} rows of the price book {done}{history}.{' Run `dbt build`.' * (files > 0)}"
    )


def _read() -> "tuple[Book, list[PriceList]]":
    """Return the project's book and the lists that are installed."""
    from orchestration.prices.book import Book
    from orchestration.prices.lists import genai_prices, litellm

    lists: list[PriceList] = [genai_prices()]
    second = litellm()
    if second is None:
        click.echo(_ONE_LIST, err=True)
    else:
        lists.append(second)
    return Book.read(_folder()), lists


def _restated(book: "Book", found: "Refresh") -> str:
    """Say what the rows would restate, or that no database can tell."""
    import psycopg

    from orchestration.database.connection import connect, current_settings
    from orchestration.errors import WarehouseError
    from orchestration.prices.refresh import restated

    try:
        # A server that does not run has nothing to tell and need not be started.
        settings = current_settings(start=False)
        with connect(settings=settings, application_name="warehouse prices") as connection:
            executions, organizations = restated(
                connection, book, [row for _, row in found.each_row()]
            )
    except (WarehouseError, psycopg.Error):
        return "What that would restate is not known: no built warehouse can be reached."
    text = f"Up to {executions:,} executions of {len(organizations):,} organizations in their time"
    return f"{text} would be priced again{': ' if organizations else ''}" + (
        ", ".join(sorted(organizations)) + "."
    )


def _as_json(difference: "Difference") -> dict[str, object]:
    def number(value: object) -> str | None:
        return None if value is None else f"{value:f}"

    return {
        "provider": difference.provider,
        "model": difference.model,
        "service_tier": difference.rate.service_tier,
        "context_over_tokens": difference.rate.context_over_tokens,
        "kind": difference.rate.kind,
        "price_list": difference.price_list,
        "book": number(difference.book),
        "listed": number(difference.listed),
        "percentage": number(difference.percentage),
        "reason": difference.reason,
    }


def _differences(differences: "list[Difference]", title: str) -> "Table":
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold")
    for heading in ("provider", "model", "tier", "above tokens", "kind", "list"):
        table.add_column(heading, overflow="fold")
    for heading in ("book", "listed", "%"):
        table.add_column(heading, justify="right")
    table.add_column("reason")
    for each in differences:
        table.add_row(
            each.provider,
            each.model,
            each.rate.service_tier,
            f"{each.rate.context_over_tokens or ''}",
            each.rate.kind,
            each.price_list,
            *(
                "-" if value is None else f"{value.normalize():f}"
                for value in (each.book, each.listed)
            ),
            "" if each.percentage is None else f"{each.percentage:+}",
            each.reason or "",
        )
    return table


def _rows(found: "Refresh") -> "Table":
    from rich.table import Table

    from orchestration.prices.book import is_number

    table = Table(title="Rows", title_justify="left", title_style="bold")
    for heading in ("file", "provider", "model", "tier", "above tokens", "says", "from", "until"):
        table.add_column(heading, overflow="fold")
    for name, row in found.each_row():
        says = [
            f"{row.get('usage') or column.removesuffix('_usd_per_mtok')} {cell}"
            for column, cell in row.items()
            if cell and is_number(column)
        ]
        table.add_row(
            name,
            row["provider"],
            row["model"],
            row["service_tier"],
            row.get("context_over_tokens", ""),
            ", ".join(says),
            row["effective_from"],
            row["effective_until"],
        )
    return table
