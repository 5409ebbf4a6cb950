"""Reconciliation notices a row that is deleted, doubled or changed, in whatever layer."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb
from support.servers import Database
from support.stories import ROWS, Project, Story, copy_of, sample_lines

from orchestration.database.embedded import EmbeddedServer
from orchestration.sample.generator import SampleSettings

pytest_plugins = ["support.stories"]

SAMPLE = SampleSettings(executions=400, organizations=2, users=8, days=10, seed=5)

MODELS = ("reconciled_loads", "reconciled_days", "reconciled_provider_days")

LOADS, DAYS, PROVIDER_DAYS = MODELS


@dataclass(frozen=True)
class Table:
    """A table with rows of its own.

    Attributes:
        compared_in: The models that must notice what happens to it, one of them at least.
        copy: How a copy of a row gets a key that is not taken.
        rows: Condition for the rows of which every measure is held by another layer as well.
        maps: Columns with a map of numbers that is compared.
    """

    compared_in: tuple[str, ...]
    copy: Mapping[str, str] = field(default_factory=dict)
    rows: str = "true"
    maps: tuple[str, ...] = ()


TABLES: Mapping[str, Table] = {
    "raw.task_executions": Table((LOADS,)),
    "raw.routing_decisions": Table((LOADS,)),
    "raw.organizations": Table((LOADS,)),
    "raw.users": Table((LOADS,)),
    "raw.adjustments": Table((LOADS,)),
    "ledger.landed_totals": Table((LOADS,), {"event_date": "event_date - 400"}),
    # Baseline and routing overhead of what is not compared are part of no total.
    "marts.fct_task_executions": Table(
        (DAYS,), {"execution_id": "gen_random_uuid()"}, "savings_usd is not null"
    ),
    "intermediate.int_organization_hours": Table(
        (DAYS,), {"hour_start": "hour_start + interval '1 second'"}, maps=("durations",)
    ),
    "intermediate.int_organization_days": Table(
        (DAYS,), {"metric_date": "metric_date + 1000"}, maps=("durations",)
    ),
    "intermediate.int_user_days": Table((DAYS,), {"user_id": "gen_random_uuid()"}),
    "intermediate.int_model_usage_days": Table((DAYS,), {"model": "model || 'again'"}),
    "intermediate.int_provider_hours": Table(
        (PROVIDER_DAYS,), {"hour_start": "hour_start + interval '1 second'"}, maps=("durations",)
    ),
    "intermediate.int_provider_days": Table(
        (PROVIDER_DAYS,), {"metric_date": "metric_date + 1000"}, maps=("durations",)
    ),
    "intermediate.int_policy_days": Table((DAYS,), {"policy": "policy || 'again'"}),
}

# Numbers that are no measures: where a row came from, and what follows from other columns of it.
COMPUTED = {"_load_id", "_line_number", "load_id", "savings_percentage"}


class FullCheck:
    """Compares everything, as every night, in a session whose changes are undone."""

    def __init__(self, connection: psycopg.Connection, queries: Mapping[str, str]) -> None:
        self.connection = connection
        self._queries = queries

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Undo what is changed within."""
        with self.connection.transaction(force_rollback=True):
            yield

    def finds_a_difference(self, models: Iterable[str]) -> bool:
        """Return whether a row of one of the models is not equal."""
        return any(
            self.connection.execute(self._queries[model].encode()).fetchone() is not None
            for model in models
        )


@pytest.fixture(scope="module")
def full_check(
    embedded_server: EmbeddedServer,
    built_on_nothing: Callable[[EmbeddedServer], Story],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[FullCheck]:
    nothing = built_on_nothing(embedded_server)
    with copy_of(nothing, embedded_server, tmp_path_factory.mktemp("full_check")) as story:
        story.land_lines(sample_lines(SAMPLE))
        story.build(ROWS)
        queries = compiled_for_a_full_check(story.project, story.database)
        with (
            story.database.connect(options="-c timezone=UTC", autocommit=True) as connection,
            connection.transaction(force_rollback=True),
        ):
            # A model that is built anew has no bookmark.
            connection.execute(
                "delete from intermediate.int_bookmarks where model_name = any(%s)",
                (list(MODELS),),
            )
            yield FullCheck(connection, queries)


def compiled_for_a_full_check(project: Project, database: Database) -> dict[str, str]:
    """Return for each model a query that returns a row when anything it compares differs."""
    command = ("compile", "--full-refresh", "--select", *MODELS)
    project.run(database, *command)
    (folder,) = project.target(database).glob("compiled/*/models/marts/quality")
    queries = {name: (folder / f"{name}.sql").read_text(encoding="utf-8") for name in MODELS}
    return {
        name: f"select from (\n{query}\n) as compared where not is_equal limit 1"
        for name, query in queries.items()
    }


def measures_of(full_check: FullCheck, table: str) -> list[str]:
    rows = full_check.connection.execute(
        "select attname from pg_attribute "
        "where attrelid = %s::regclass and attnum > 0 and not attisdropped "
        "and atttypid in ('numeric'::regtype, 'bigint'::regtype, 'integer'::regtype) "
        "order by attnum",
        (table,),
    ).fetchall()
    return [name for (name,) in rows if name not in COMPUTED]


def relation(table: str) -> sql.Identifier:
    return sql.Identifier(*table.split("."))


def first_row_of(full_check: FullCheck, table: str, column: str | None = None) -> tuple[str, int]:
    """Return where a row of a table is that has a value in the column, if any has one."""
    order = sql.SQL("{} is null,").format(sql.Identifier(column)) if column else sql.SQL("")
    row = full_check.connection.execute(
        sql.SQL(
            "select ctid::text, tableoid::bigint from {} where {} order by {} md5(ctid::text)"
        ).format(relation(table), sql.SQL(TABLES[table].rows), order)
    ).fetchone()
    assert row is not None, f"{table} is empty"
    return row


def survivors(
    full_check: FullCheck, table: str, changes: Mapping[str, Callable[[], None]]
) -> list[str]:
    """Return the names of the changes that neither the database nor a comparison notices."""
    unnoticed = []
    for name, change in changes.items():
        try:
            with full_check.undone():
                change()
                if not full_check.finds_a_difference(TABLES[table].compared_in):
                    unnoticed.append(name)
        except psycopg.errors.IntegrityError:
            continue  # a constraint refused it
    return unnoticed


def test_nothing_differs_in_a_warehouse_that_was_left_alone(full_check: FullCheck) -> None:
    assert not full_check.finds_a_difference(MODELS)


@pytest.mark.parametrize("table", TABLES)
def test_a_row_that_is_deleted_or_doubled_is_noticed(full_check: FullCheck, table: str) -> None:
    copy = TABLES[table].copy
    place = first_row_of(full_check, table)
    columns = [
        name
        for (name,) in full_check.connection.execute(
            "select attname from pg_attribute "
            "where attrelid = %s::regclass and attnum > 0 and not attisdropped order by attnum",
            (table,),
        ).fetchall()
    ]

    def delete() -> None:
        full_check.connection.execute(
            sql.SQL("delete from {} where ctid = %s::tid and tableoid = %s").format(
                relation(table)
            ),
            place,
        )

    def double() -> None:
        full_check.connection.execute(
            sql.SQL(
                "insert into {table} ({columns}) select {values} from {table} "
                "where ctid = %s::tid and tableoid = %s"
            ).format(
                table=relation(table),
                columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
                values=sql.SQL(", ").join(
                    sql.SQL(copy[name]) if name in copy else sql.Identifier(name)
                    for name in columns
                ),
            ),
            place,
        )

    assert survivors(full_check, table, {"deleted": delete, "doubled": double}) == []


@pytest.mark.parametrize("table", TABLES)
def test_a_measure_that_is_changed_is_noticed(full_check: FullCheck, table: str) -> None:
    def change_of(column: str) -> Callable[[], None]:
        place = first_row_of(full_check, table, column)

        def change() -> None:
            full_check.connection.execute(
                sql.SQL(
                    "update {table} set {column} = coalesce({column}, 0) + 1 "
                    "where ctid = %s::tid and tableoid = %s"
                ).format(table=relation(table), column=sql.Identifier(column)),
                place,
            )

        return change

    measures = measures_of(full_check, table)
    assert measures or table == "raw.users"
    assert survivors(full_check, table, {name: change_of(name) for name in measures}) == []


@pytest.mark.parametrize("table", [name for name, table in TABLES.items() if table.maps])
@pytest.mark.parametrize("change", ["one_more", "one_less", "another_bucket"])
def test_a_map_that_is_changed_is_noticed(full_check: FullCheck, table: str, change: str) -> None:
    for column in TABLES[table].maps:
        with full_check.undone():
            (found,) = full_check.connection.execute(
                sql.SQL(
                    "select ctid::text, {column} from {table} where {column} <> '{{}}' limit 1"
                ).format(column=sql.Identifier(column), table=relation(table))
            ).fetchall()
            place, buckets = found
            bucket = min(buckets)
            if change == "one_more":
                buckets[bucket] += 1
            else:
                buckets[bucket] -= 1
                if change == "another_bucket":
                    other = str(int(max(buckets, key=int)) + 1)
                    buckets[other] = 1
            changed = full_check.connection.execute(
                sql.SQL("update {table} set {column} = %s where ctid = %s::tid").format(
                    table=relation(table), column=sql.Identifier(column)
                ),
                (Jsonb(buckets), place),
            )
            assert changed.rowcount == 1
            assert full_check.finds_a_difference(TABLES[table].compared_in), column
