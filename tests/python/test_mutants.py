"""Small mistakes in the SQL of the marts and of the sums below them: nearly all are noticed.

A mistake is noticed when a unit test of the model fails, or when the mart no longer holds what the
oracle computes for random histories and price books. Sums are what marts show; a mistake in them is
noticed when they are no longer what they were. The tables that compare layers are left to
`test_reconciliation.py`, which damages what they compare.
"""

import csv
import json
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlglot import exp
from support.events import adjustment, uuid_of
from support.histories import Changes, History, expected_rows, loads_of
from support.mutants import mistakes_of, mutant_of, parsed, shape_of
from support.oracle import PARTS, Oracle
from support.price_books import (
    RECORDED,
    add_to,
    books,
    drawn,
    drawn_policies,
    events_of,
    rows_of,
    versions_of_organizations,
)
from support.stories import Project, Seeds, Story

pytest_plugins = ["support.stories"]

ONE_IN = 1 if os.environ.get("ALL_MUTANTS") else 4
"""How many of the mutants are tried: `make mutants` tries all, which takes some minutes."""

CAUGHT_PERCENTAGE = 95

LEFT_OUT = ("--exclude", "reconciled_*", "alert_episodes")
"""What other tests damage, and what keeps the rows that `fct_alerts` shows by the same columns."""

PRICE_INPUTS = ("int_price_inputs", "int_price_changes")
"""What decides which executions an increment prices again; only unit tests say what is right."""

MODELS = ("path:models/marts", "path:models/intermediate/days", *PRICE_INPUTS)

SHOWN_IN = {
    "organization_hours": "analytics_hourly",
    **{
        f"{unit}_{period}": mart
        for unit, mart, periods in (
            ("organization", "organization_analytics", ("days", "weeks", "months")),
            ("user", "user_analytics", ("days", "weeks", "months")),
            ("provider", "provider_performance_metrics", ("hours", "days", "weeks", "months")),
        )
        for period in periods
    },
}
"""What the documents' marts put together; the oracle computes those."""

EQUIVALENT = Path(__file__).with_name("equivalent_mutants.csv")
"""Mistakes that are none, and why."""


@dataclass(frozen=True)
class Case:
    """A query that must return certain columns of certain rows.

    Attributes:
        tree: Its syntax.
        columns: The columns that are compared.
        rows: What it returns in them.
        asked: What is asked of it where that is not its rows, with the query for `{}`.
    """

    tree: exp.Expr
    columns: Sequence[str]
    rows: Sequence[Any]
    asked: str = "{}"

    def notices(self, connection: psycopg.Connection, place: int) -> bool:
        """Tell whether the mistake at a place makes a difference."""
        try:
            mutant = self.asked.replace("{}", mutant_of(self.tree, place))
            return rows_of_query(connection, mutant, self.columns) != self.rows
        except psycopg.Error:
            return True


def rows_of_query(connection: psycopg.Connection, query: str, columns: Sequence[str]) -> list[Any]:
    compared = sql.SQL(", ").join(
        sql.SQL("cast({} as text)").format(sql.Identifier(column)) for column in columns
    )
    statement = sql.SQL("select {} from ({}) as answer").format(compared, sql.SQL(query))
    return sorted(map(repr, connection.execute(statement).fetchall()))


def results_of(project: Project, story: Story, *command: str) -> dict[str, dict[str, Any]]:
    """Run a command of dbt and return what it wrote about its nodes, and the manifest's tests."""
    project.run(story.database, *command, writes_results=True)
    target = project.target(story.database)
    results = json.loads((target / "run_results.json").read_text(encoding="utf-8"))["results"]
    manifest = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    return {
        result["unique_id"]: result | manifest["unit_tests"].get(result["unique_id"], {})
        for result in results
    }


def expected_columns(unit_test: Mapping[str, Any]) -> list[str]:
    rows = unit_test["expect"]["rows"]
    if isinstance(rows, str):
        return rows.strip().splitlines()[0].split(",")
    return list(rows[0]) if rows else []


def pinned_by_the_oracle(story: Story, seeds: Seeds) -> tuple[dict[str, list[str]], Oracle]:
    """Build random histories and price books; return the columns that the oracle computes of them.

    Some more events land after the build: what waits for the next one shows in the live views. The
    oracle that is returned knows nothing of them.
    """
    built, waiting = (
        loads_of(History(number) for number in numbers) for numbers in (range(100), range(100, 150))
    )
    random_books = dict(enumerate(drawn(books(), 60)))
    changes = Changes(seeds)
    changes.before(0)
    changes.before(2)
    lists = {
        "provider_pricing": "prices",
        "usage_prices": "usage_prices",
        "price_factors": "factors",
        "model_aliases": "aliases",
    }
    add_to(seeds, {name: rows_of(random_books, rows) for name, rows in lists.items()})
    add_to(seeds, {"baseline_policies": drawn_policies(RECORDED, 60)})
    story.land(
        *versions_of_organizations(),
        *(event for item in random_books.items() for event in events_of(*item)),
    )
    story.land(
        adjustment(1),
        adjustment(1, event_id=uuid_of(2), amount=40, updated_at="2026-03-03T00:00:00Z"),
        adjustment(1, event_id=uuid_of(3), organization_id=uuid_of(77), amount=99),
        adjustment(2, currency="EUR"),
        adjustment(3, amount=700_000_000, provider="openai"),
    )
    for lines in built:
        story.land_lines(lines)
    story.build()
    expected, oracle = story.expected(), story.oracle()
    story.assert_marts_hold(expected)
    for lines in waiting:
        story.land_lines(lines)
    expected |= expected_rows(story.oracle())
    assert all(expected.values()), "what has no rows shows no mistake"
    return {name: list(next(iter(rows.values()))) for name, rows in expected.items()}, oracle


def compiled_models(project: Project, story: Story) -> dict[str, exp.Expr]:
    """Return the queries of the models as a full refresh runs them."""
    command = ("compile", "--full-refresh", "--select", *MODELS)
    return {
        name.split(".")[-1]: parsed(result["compiled_code"])
        for name, result in results_of(project, story, *command, *LEFT_OUT).items()
        if name.startswith("model.")
    }


def without_bookmark(model: str, tree: exp.Expr) -> exp.Expr:
    """Return the query of a sum as it adds up all facts: under a name that has no bookmark."""
    return tree.transform(
        lambda node: exp.Literal.string("nobody") if node.is_string and node.name == model else node
    )


def cases_of_parts(
    connection: psycopg.Connection,
    models: Mapping[str, exp.Expr],
    pinned: Mapping[str, Sequence[str]],
) -> Iterator[tuple[str, Case]]:
    """Return models with the rows that they have, which marts show that are as the oracle says.

    Sums are asked for all columns, what stands between them and such a mart for those that both
    have.
    """
    for model, query in models.items():
        if model in PRICE_INPUTS:
            continue
        if model.startswith("int_"):
            table, tree = f"intermediate.{model}", without_bookmark(model, query)
        elif model in SHOWN_IN:
            table, tree = f"marts.{model}", query
        else:
            continue
        statement = f"select * from {table}"  # noqa: S608
        names = [column.name for column in connection.execute(statement.encode()).description or ()]
        columns = [name for name in names if name in pinned.get(SHOWN_IN.get(model, ""), names)]
        case = Case(tree, columns, rows_of_query(connection, statement, columns))
        assert case.rows
        assert rows_of_query(connection, tree.sql("postgres"), columns) == case.rows, model
        yield model, case


def cases_beside_the_oracle(
    oracle: Oracle, models: Mapping[str, exp.Expr]
) -> Iterator[tuple[str, Case]]:
    """Return models of which something follows from the oracle's facts or the landed events.

    The lines of an execution add up to its cost, each kind of line to its part, and each is its
    quantity times its rate, as far as those are shown: rounded to 12 and 24 places. A version that
    another organization sends than the one whose version of the id landed first does not count.
    """
    parts = [
        repr((fact["execution_id"], part, f"{fact[part]:.12f}"))
        for fact in oracle.task_executions.values()
        if fact["cost_usd"] is not None
        for part in PARTS
        if fact[part]
    ]
    lines = models["fct_cost_lines"]
    of_parts = ", ".join(f"'{part.removesuffix('_cost_usd')}'" for part in PARTS[:-1])
    yield (
        "fct_cost_lines",
        Case(
            lines,
            ("execution_id", "name", "usd"),
            sorted(parts),
            "select execution_id, cast(sum(cost_usd) as numeric(20, 12)) as usd, "  # noqa: S608
            "case when part = 'unsplit_tokens' then 'uncached_input_cost_usd' "
            f"when part in ({of_parts}) then part || '_cost_usd' else 'other_cost_usd' end as name "
            "from ({}) as lines group by 1, 3 having sum(cost_usd) <> 0",
        ),
    )
    yield (
        "fct_cost_lines",
        Case(
            lines,
            ("wrong",),
            ["('0',)"],
            "select count(*) filter (where abs(quantity * usd_per_unit - cost_usd) "
            "> 2e-12 + 5e-13 * usd_per_unit + 5e-25 * quantity) as wrong from ({}) as lines",
        ),
    )
    owners: dict[tuple[str, str], str] = {}
    foreign = []
    for event in oracle.events:
        if event["event"] in ("task_execution", "routing_decision"):
            about = (event["event"], event["id"])
            owner = owners.setdefault(about, event["organization_id"])
            if owner != event["organization_id"]:
                foreign.append(repr((*about, event["event_id"], owner)))
    yield (
        "disputed_versions",
        Case(
            models["disputed_versions"],
            ("event_kind", "entity_id", "event_id", "owner_organization_id"),
            sorted(foreign),
            "select * from ({}) as disputes where reason = 'other_organization'",
        ),
    )


def cases_of_unit_tests(
    project: Project,
    story: Story,
    connection: psycopg.Connection,
    models: Mapping[str, exp.Expr],
) -> Iterator[tuple[str, Case]]:
    """Return models with what their unit tests expect of the same query as in a full refresh."""
    command = ("test", "--select", "test_type:unit")
    for name, result in results_of(project, story, *command, *LEFT_OUT).items():
        kind, _, model = name.split(".")[:3]
        if kind != "unit_test" or model not in models:
            continue
        tree, columns = parsed(result["compiled_code"]), expected_columns(result)
        # What a build with a past does otherwise has another shape.
        if columns and shape_of(tree) == shape_of(models[model]):
            case = Case(tree, columns, rows_of_query(connection, result["compiled_code"], columns))
            assert rows_of_query(connection, tree.sql("postgres"), columns) == case.rows, name
            yield model, case


def test_nearly_every_mistake_is_noticed(
    project: Project, story: Story, seeds: Seeds, capsys: pytest.CaptureFixture[str]
) -> None:
    pinned, oracle = pinned_by_the_oracle(story, seeds)
    models = compiled_models(project, story)
    with EQUIVALENT.open(encoding="utf-8", newline="") as file:
        equivalent = {(row["model"], row["mistake"]) for row in csv.DictReader(file)}
    tried, unnoticed, made = 0, [], set()
    with story.database.connect(options="-c timezone=UTC", autocommit=True) as connection:
        connection.execute("set statement_timeout = '30s'")
        connection.execute("set jit = off")
        cases = defaultdict(list)
        for model, case in cases_of_unit_tests(project, story, connection, models):
            cases[model].append(case)
        for model, columns in pinned.items():
            rows = rows_of_query(connection, models[model].sql("postgres"), columns)
            cases[model].append(Case(models[model], columns, rows))
        for model, case in cases_of_parts(connection, models, pinned):
            cases[model].append(case)
        for model, case in cases_beside_the_oracle(oracle, models):
            asked = case.asked.replace("{}", case.tree.sql("postgres"))
            assert rows_of_query(connection, asked, case.columns) == case.rows, model
            cases[model].append(case)
        for model, query in sorted(models.items()):
            for place, mistake in enumerate(mistakes_of(query)):
                made.add((model, mistake))
                if place % ONE_IN or (model, mistake) in equivalent:
                    continue
                tried += 1
                if not any(case.notices(connection, place) for case in cases[model]):
                    unnoticed.append(f"{model}: {mistake}")
    with capsys.disabled():
        print(f"\n{tried - len(unnoticed)} of {tried} mistakes were noticed, these were not:")
        print("\n".join(unnoticed))
    assert not equivalent - made, "no such mistakes can be made any more"
    assert tried >= 100
    assert 100 * (tried - len(unnoticed)) >= CAUGHT_PERCENTAGE * tried
