"""How fast executions are priced, set-based, once it is known what they used."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.prices.book import add_prices, further_prices, read_prices
from benchmarks.shared.dbt_runs import Dbt, copy_of_project
from benchmarks.shared.measures import Measure, Target
from benchmarks.shared.sample_events import land_events, require_space_for, sample_settings
from benchmarks.shared.throwaway import new_folder, settle, throwaway_database
from orchestration.database.connection import connect
from orchestration.sample.generator import generate

PART = "prices"
PRICE_BOOK_ROWS = 2_000
PRICING = "int_executions_priced"

_USAGES = '"intermediate"."int_execution_usages"'
_KEPT_USAGES = "benchmark.usages"
_PLANS = {
    "all cores": "set jit = off",
    "one core": "set jit = off; set max_parallel_workers_per_gather = 0",
}

# As the facts do before a full refresh: everything that ever arrived is to be computed.
_LIST_ALL = """
insert into intermediate.int_execution_batch (execution_id, reason)
select execution_id, min(reason) from intermediate.int_arrived_executions group by execution_id
"""

_TOTALS = """
select
    count(*), sum(cost_usd), sum(baseline_cost_usd), sum(savings_usd), sum(net_savings_usd)
from (
{pricing}
) as priced
"""


def measure_pricing(
    folder: Path, *, executions: int, repetitions: int, tell: Callable[[str], None]
) -> list[Measure]:
    """Price the same usages over and over, with all cores and with one in turn.

    Args:
        folder: For the files and the database; what is left there is of no use.
        executions: Number of executions that are priced.
        repetitions: How often each is measured.
        tell: Told what happens.

    Returns:
        The measures, executions per second.

    Raises:
        ClickException: The disk is too small.
    """
    require_space_for(folder, executions, "--priced-executions")
    place = new_folder(folder, "pricing")
    project = copy_of_project(place)
    book = read_prices(project)
    add_prices(project, further_prices(book, PRICE_BOOK_ROWS - len(book)))
    note = ""
    usages: tuple[float, ...] = ()
    figures: dict[str, list[float]] = {plan: [] for plan in _PLANS}
    totals: set[tuple[Any, ...]] = set()
    with throwaway_database(place) as environment:
        dbt = Dbt(place, environment, project)
        tell(f"pricing: landing {executions:,} executions and building what pricing reads")
        land_events(place / "sample.ndjson", generate(sample_settings(executions)))
        for arguments in (("seed",), ("run", "--select", f"+{PRICING}")):
            note = note or dbt.failure_note(dbt.run(*arguments), f"dbt {arguments[0]}")
        if not note:
            tell("pricing: keeping what was used in a table")
            usages = (_keep_usages(),)
            statement = _pricing_statement(dbt)
            for number in range(repetitions):
                tell(f"pricing: repetition {number + 1} of {repetitions}")
                # Whichever comes second finds warmer caches: the order changes every time.
                for plan in list(_PLANS)[:: 1 if number % 2 == 0 else -1]:
                    seconds, row = _price(statement, _PLANS[plan])
                    figures[plan].append(row[0] / seconds)
                    totals.add(row)
    if len(totals) > 1:
        note = "the sums differ: " + "; ".join(", ".join(map(str, row)) for row in sorted(totals))
    return [
        Measure(
            PART,
            f"pricing {executions:,} executions, {plan}",
            "executions/s",
            tuple(figures[plan]),
            Target("at least", 250_000) if plan == "all cores" else None,
            note if plan == "all cores" else "",
        )
        for plan in _PLANS
    ] + [Measure(PART, "finding out what they used", "executions/s", usages)]


def _keep_usages() -> float:
    """Write the usages of all executions to a table; return executions per second."""
    with connect() as connection:
        connection.execute(_LIST_ALL)
        connection.execute("analyze intermediate.int_execution_batch")
        connection.execute("create schema benchmark")
        begun = time.perf_counter()
        count = connection.execute(
            f"create table {_KEPT_USAGES} as select * from {_USAGES}"  # noqa: S608
        ).rowcount
        seconds = time.perf_counter() - begun
        connection.execute("delete from intermediate.int_execution_batch")
        connection.commit()
    with connect(autocommit=True) as connection:
        connection.execute("vacuum analyze")
    settle()
    return count / seconds


def _pricing_statement(dbt: Dbt) -> bytes:
    """Return the compiled model as a query of its totals, reading the kept usages."""
    (compiled,) = (dbt.folder / "target" / "compiled").rglob(f"{PRICING}.sql")
    pricing = compiled.read_text(encoding="utf-8")
    database = dbt.environment["PGDATABASE"]
    relation = f'"{database}".{_USAGES}'
    if pricing.count(relation) != 1:
        raise ValueError(f"{PRICING} does not read {relation} exactly once")
    return _TOTALS.format(pricing=pricing.replace(relation, _KEPT_USAGES)).encode()


def _price(statement: bytes, settings: str) -> tuple[float, tuple[Any, ...]]:
    """Return the seconds that pricing took, and the totals with the number of executions first."""
    with connect(autocommit=True) as connection:
        connection.execute(settings.encode())
        begun = time.perf_counter()
        row = connection.execute(statement).fetchone()
        seconds = time.perf_counter() - begun
    return seconds, row or (0,)
