"""What the rows of a build take at least: without dbt, tests, records and copies."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from graphlib import TopologicalSorter

import psycopg

from benchmarks.shared.dbt_runs import Dbt
from benchmarks.shared.throwaway import settle
from orchestration.database.connection import connect, current_settings

FACT = "fct_task_executions"

_STORED = ("marts", "quality")
_FLOOR = "floor"
# Rows that a delta has added or changed, and the keys of those that it took away or changed.
_FRESH, _GONE = "floor_fresh", "floor_gone"
# Threads of a build unless told otherwise, as in the project's profile.
_THREADS = 4
# What a full refresh sets for its queries, and a hand would as well.
_HASHING = "set local enable_nestloop = off; set local work_mem = '128MB'; set local jit = off"

# Some queries ask which loads their model has yet to process: on the floor all that the facts have.
# Others add what changed since their bookmark: on the floor there is none, so that they read all.
_INPUTS, _BOOKMARKS = "int_processed_loads", "int_bookmarks"
_NOTHING_READ = f"""
create table {_FLOOR}.{_INPUTS} as
select * from intermediate.{_INPUTS};
create table {_FLOOR}.{_BOOKMARKS} (like intermediate.{_BOOKMARKS})
"""  # noqa: S608

_LIST_ALL = """
insert into intermediate.int_execution_batch (execution_id, reason)
select distinct execution_id, 'floor' from staging.stg_platform__task_executions
"""

_LIST_FRESH = """
insert into intermediate.int_execution_batch (execution_id, reason)
select execution_id, 'floor' from floor_fresh.fct_task_executions
"""

_INDEXES = """
select
    coalesce(pg_get_constraintdef(constraints.oid), ''),
    pg_get_indexdef(indexes.indexrelid)
from pg_catalog.pg_index as indexes
left join pg_catalog.pg_constraint as constraints
    on indexes.indexrelid = constraints.conindid and constraints.contype in ('p', 'u')
where indexes.indrelid = %s::regclass
order by indexes.indisprimary desc
"""

_KEY = """
select
    attributes.attname,
    attributes.attnotnull
from pg_catalog.pg_index as indexes
inner join pg_catalog.pg_attribute as attributes
    on indexes.indrelid = attributes.attrelid and attributes.attnum = any(indexes.indkey)
where indexes.indrelid = %s::regclass and indexes.indisunique
"""

_COLUMNS = """
select attname
from pg_catalog.pg_attribute
where attrelid = %s::regclass and attnum > 0 and not attisdropped
order by attnum
"""


@dataclass(frozen=True)
class FloorTable:
    """One table of marts, or that marts show, which builds write.

    Attributes:
        name: Its name.
        schema: The schema in which it stands.
        query: The query of its model in a full refresh, reading the floor's own tables.
        reads: Which of the other tables it reads.
    """

    name: str
    schema: str
    query: str
    reads: frozenset[str]

    @property
    def original(self) -> str:
        """Where the warehouse holds it."""
        return f"{self.schema}.{self.name}"

    @property
    def target(self) -> str:
        """Where the floor holds it."""
        return f"{_FLOOR}.{self.name}"


@dataclass
class FloorRun:
    """What writing the same rows took.

    Attributes:
        seconds: From start to end.
        by_table: Seconds of each table; several are written at the same time.
        rows: Rows inserted.
        differing: Rows that are otherwise in the warehouse, by table; there should be none.
    """

    seconds: float = 0.0
    by_table: dict[str, float] = field(default_factory=dict)
    rows: int = 0
    differing: dict[str, int] = field(default_factory=dict)


Job = Callable[[psycopg.Connection], int]


def floor_tables(dbt: Dbt) -> list[FloorTable]:
    """Take the queries of a full refresh as dbt has compiled them.

    Args:
        dbt: Its latest command was a build with `--full-refresh`.

    Returns:
        All tables of marts, of audits and of the sums below them, that are built incrementally
        otherwise.
    """
    nodes = dbt.manifest()["nodes"]
    models = {
        result["unique_id"]: result["compiled_code"]
        for result in dbt.results()
        if result["unique_id"].startswith("model.")
        and nodes[result["unique_id"]]["config"]["materialized"] == "incremental"
        and (
            nodes[result["unique_id"]]["schema"] in _STORED
            or nodes[result["unique_id"]]["config"]["incremental_strategy"] == "add"
        )
    }
    names = {key: (nodes[key]["schema"], nodes[key]["name"]) for key in models}
    database = dbt.environment["PGDATABASE"]
    tables = []
    for key, compiled in models.items():
        query = compiled
        for record in (_INPUTS, _BOOKMARKS):
            query = query.replace(
                f'"{database}"."intermediate"."{record}"', f'"{_FLOOR}"."{record}"'
            )
        reads = set()
        for schema, other in names.values():
            relation = f'"{database}"."{schema}"."{other}"'
            if relation in query:
                reads.add(other)
                query = query.replace(relation, f'"{_FLOOR}"."{other}"')
        schema, name = names[key]
        tables.append(FloorTable(name, schema, query, frozenset(reads)))
    return tables


def write_everything(tables: list[FloorTable]) -> FloorRun:
    """Write the rows of a full build into tables of their own, and leave them there.

    Each table is made, filled from the query of its model and indexed in one transaction, which is
    how PostgreSQL writes a new table fastest; indexes and constraints are those of the warehouse.
    The executions to price are listed beforehand.

    Args:
        tables: All of them.

    Returns:
        The seconds, and whether the rows are those of the warehouse.
    """
    _create_schemas(_FLOOR)
    with connect() as connection:
        connection.execute(_NOTHING_READ.encode())
    with _listed_for_pricing(_LIST_ALL):
        settle()
        run = _run_in_order(
            {table.name: _creation(table) for table in tables},
            {table.name: table.reads for table in tables},
        )
    run.differing = _count_differing(tables)
    return run


def write_delta(tables: list[FloorTable]) -> FloorRun:
    """Write into the same tables the rows that a delta changed in the warehouse.

    The executions are priced anew from the landed events. What changed in the other tables has been
    found beforehand: it is deleted by key and inserted.

    Args:
        tables: As they stood before the delta.

    Returns:
        The seconds, and whether the rows are those of the warehouse.
    """
    _create_schemas(_FRESH, _GONE)
    for table in tables:
        _collect_difference(table)
    with _listed_for_pricing(_LIST_FRESH):
        settle()
        run = _run_in_order(
            {table.name: _replacement(table) for table in tables},
            {table.name: frozenset() for table in tables},
        )
    run.differing = _count_differing(tables)
    return run


def drop_floor() -> None:
    """Give the disk back."""
    with connect() as connection:
        for schema in (_FLOOR, _FRESH, _GONE):
            connection.execute(f"drop schema if exists {schema} cascade".encode())


def _create_schemas(*schemas: str) -> None:
    with connect() as connection:
        for schema in schemas:
            connection.execute(f"create schema {schema}".encode())


@contextmanager
def _listed_for_pricing(statement: str) -> Iterator[None]:
    """Fill the list of executions to price, and empty it at the end."""
    with connect(autocommit=True) as connection:
        connection.execute(statement.encode())
        connection.execute("vacuum analyze intermediate.int_execution_batch")
    yield
    with connect() as connection:
        connection.execute("delete from intermediate.int_execution_batch")


def _creation(table: FloorTable) -> Job:
    """Return what makes, fills and indexes a table of the floor."""
    original, target = table.original, table.target

    def create(connection: psycopg.Connection) -> int:
        columns = _names(connection, _COLUMNS, original)
        indexes = connection.execute(_INDEXES, (original,)).fetchall()
        _execute(connection, f"create table {target} (like {original} including constraints)")
        connection.execute(_HASHING)
        rows = _insert(connection, target, columns, table.query)
        for constraint, index in indexes:
            if constraint:
                _execute(connection, f"alter table {target} add {constraint}")
            else:
                _execute(connection, index.replace(f" ON {original} ", f" ON {target} ", 1))
        _execute(connection, f"analyze {target}")
        return rows

    return create


def _replacement(table: FloorTable) -> Job:
    """Return what writes the changed rows of a table of the floor."""
    target = table.target

    def replace(connection: psycopg.Connection) -> int:
        columns = _names(connection, _COLUMNS, target)
        _execute(
            connection,
            f"delete from {target} as here using {_GONE}.{table.name} as there "  # noqa: S608
            f"where {_same_key(connection, target)}",
        )
        fresh = f"select * from {_FRESH}.{table.name}"  # noqa: S608
        return _insert(connection, target, columns, table.query if table.name == FACT else fresh)

    return replace


def _insert(connection: psycopg.Connection, target: str, columns: str, query: str) -> int:
    return _execute(
        connection,
        f"insert into {target} ({columns}) select {columns} from (\n{query}\n) as computed",  # noqa: S608
    )


def _collect_difference(table: FloorTable) -> None:
    """Keep what the warehouse holds otherwise than the floor: whole rows, and keys that must go."""
    with connect() as connection:
        same_key = _same_key(connection, table.original)
        for schema, here, there in (
            (_FRESH, table.original, table.target),
            (_GONE, table.target, table.original),
        ):
            _execute(
                connection,
                f"create table {schema}.{table.name} as select here.* from {here} as here "  # noqa: S608
                f"left join {there} as there on {same_key} where here is distinct from there",
            )
            _execute(connection, f"analyze {schema}.{table.name}")


def _count_differing(tables: list[FloorTable]) -> dict[str, int]:
    """Return how many rows of the warehouse and of the floor have no equal, where there are any."""
    counts = {}
    with connect() as connection:
        for table in tables:
            row = connection.execute(
                f"select count(*) from {table.original} as here "  # noqa: S608
                f"full join {table.target} as there on {_same_key(connection, table.original)} "
                "where here is distinct from there".encode()
            ).fetchone()
            if row and row[0]:
                counts[table.name] = int(row[0])
    return counts


def _names(connection: psycopg.Connection, query: str, table: str) -> str:
    """Return names of columns, quoted and with commas between them."""
    rows = connection.execute(query.encode(), (table,)).fetchall()
    return ", ".join(f'"{name}"' for (name,) in rows)


def _same_key(connection: psycopg.Connection, table: str) -> str:
    """Return the condition that `here` and `there` have the same key, in which NULL equals NULL."""
    rows = connection.execute(_KEY.encode(), (table,)).fetchall()
    return " and ".join(
        f'here."{name}" = there."{name}"'
        if is_required
        else f"coalesce(cast(here.\"{name}\" as text), '') = "
        f"coalesce(cast(there.\"{name}\" as text), '')"
        for name, is_required in rows
    )


def _execute(connection: psycopg.Connection, statement: str) -> int:
    return connection.execute(statement.encode()).rowcount


def _run_in_order(jobs: Mapping[str, Job], needs: Mapping[str, frozenset[str]]) -> FloorRun:
    """Run every job in a transaction of its own, as many at once as a build does.

    Args:
        jobs: What to do, by name.
        needs: Which others must have ended before.

    Returns:
        What it took.
    """
    run = FloorRun()
    threads = int(os.environ.get("DBT_THREADS", _THREADS))
    settings = current_settings()
    sorter = TopologicalSorter(needs)
    sorter.prepare()

    def work(name: str, connection: psycopg.Connection) -> tuple[int, float]:
        begun = time.perf_counter()
        rows = jobs[name](connection)
        connection.commit()
        return rows, time.perf_counter() - begun

    with ExitStack() as stack:
        connections = [
            stack.enter_context(closing(connect(settings=settings))) for _ in range(threads)
        ]
        pool = stack.enter_context(ThreadPoolExecutor(threads))
        begun = time.perf_counter()
        running: dict[Future[tuple[int, float]], tuple[str, psycopg.Connection]] = {}
        idle, ready = list(connections), list(sorter.get_ready())
        try:
            while running or ready:
                while idle and ready:
                    name, connection = ready.pop(0), idle.pop()
                    running[pool.submit(work, name, connection)] = (name, connection)
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    name, connection = running.pop(future)
                    rows, run.by_table[name] = future.result()
                    run.rows += rows
                    idle.append(connection)
                    sorter.done(name)
                ready += sorter.get_ready()
        except BaseException:
            # The threads must not go on: an interruption ends only when they do.
            for connection in connections:
                connection.cancel()
            raise
        run.seconds = time.perf_counter() - begun
    return run
