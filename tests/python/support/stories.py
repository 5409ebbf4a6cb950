"""Builds of the real dbt project on a real PostgreSQL, for tests that tell a story.

dbt runs in this process, because starting it takes longer than building a small warehouse, and
keeps what it has read of the project. What makes it read anew (another database name, other
schemas, changed files) is kept the same over the stories: each story gets the one database name,
and copies of databases that were built before.

PYTEST_DONT_REWRITE: the tests import this module before pytest takes its fixtures from it.
"""

import contextlib
import csv
import gc
import json
import os
import random
import secrets
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import set_json_loads

from orchestration.database.embedded import EmbeddedServer
from orchestration.dbt.arguments import left_standing
from orchestration.dbt.built_project import (
    NOTHING_STANDS,
    ProjectChecksums,
    current_checksums,
    unchanged_since,
)
from orchestration.landing.loader import land
from orchestration.project import project_root
from orchestration.sample.generator import SampleSettings, generate
from support.oracle import Event, Oracle, Row, parse
from support.servers import STORY_DATABASE, Database, settings_of

NOW = "2026-10-31T23:30:00Z"
"""What counts as now in every build unless a story is about the clock."""

RECORDED_LATER = "2026-11-28T01:00:00Z"
"""A moment after everything in the shipped price files was recorded."""

ROWS = "config.materialized:incremental"
"""All models that hold rows. While project and clock stay, building the views again is idle."""

SAMPLE = SampleSettings(executions=3_000, organizations=5, users=40, days=30, seed=11)

DECIMALS = json.JSONDecoder(parse_float=Decimal)

MODEL = ("provider", "model", "task_type")

# The keys by which the marts find each row, and the oracle's name for the same table.
KEYS: Mapping[str, tuple[str, ...]] = {
    "fct_task_executions": ("execution_id",),
    "fct_routing_decisions": ("routing_decision_id",),
    "organization_analytics": ("organization_id", "aggregation_period", "metric_date"),
    "user_analytics": ("organization_id", "user_id", "aggregation_period", "metric_date"),
    "provider_performance_metrics": (*MODEL, "aggregation_period", "period_start"),
    "analytics_hourly": ("organization_id", "metric_date", "timestamp", "provider", "task_type"),
    "daily_savings": ("organization_id", "metric_date", "provider", "task_type"),
    "organization_days": ("organization_id", "metric_date"),
    "provider_days": (*MODEL, "metric_date"),
    "analytics_aggregations": ("organization_id", "period_type", "metric_date"),
    "organization_current_month": ("organization_id",),
    "fct_savings_by_policy": ("organization_id", "metric_date", "policy"),
    "fct_measured_savings": ("execution_id",),
    "fct_adjustments": ("adjustment_id",),
    "organization_bills": ("organization_id", "metric_date"),
    "dim_organizations": ("organization_id",),
    "dim_users": ("organization_id", "user_id"),
    "dim_providers": ("provider",),
}


SUMS = (
    "int_model_usage_days",
    "int_organization_days",
    "int_organization_hours",
    "int_policy_days",
    "int_provider_days",
    "int_provider_hours",
    "int_user_days",
)
"""The tables that add up what changed, on which rollups stand as views."""

AUDITS = (
    "alert_episodes",
    "disputed_versions",
    "reconciled_days",
    "reconciled_loads",
    "reconciled_provider_days",
    "status_transition_violations",
)
"""The tables of schema quality that models are; the others hold what tests and rules found."""


SEARCH_PATH = "marts,documents,quality"
"""Where a name without a schema is looked up: no two of these schemas hold the same one."""


@dataclass(frozen=True)
class Project:
    """A copy of the dbt project, so that a story may edit its seeds and leaves nothing behind.

    Attributes:
        root: The folder of dbt_project.yml.
        state: Where dbt writes its targets and logs.
        read: What dbt has read of the project: its files' checksum and manifest, by target.
    """

    root: Path
    state: Path
    read: dict[Path, tuple[ProjectChecksums, Any]] = field(default_factory=dict)

    @property
    def prices(self) -> Path:
        return self.root / "seeds" / "pricing"

    def target(self, database: Database, now: str | None = NOW, as_of: str | None = None) -> Path:
        """Return where dbt writes; `now` None leaves the clock alone, `as_of` None the present."""
        # One folder for what dbt's saved parse holds: server, database, schemas and variables.
        settings, schema = database.settings, os.environ.get("WAREHOUSE_SCHEMA")
        name = f"target_{settings.port}_{settings.dbname}_{schema}_{now}_{as_of is not None}"
        return self.state / name

    def arguments(
        self,
        database: Database,
        command: Iterable[str],
        now: str | None,
        as_of: str | None = None,
        *,
        writes_results: bool = False,
    ) -> list[str]:
        """Return dbt's arguments; `now` None leaves the clock alone, `as_of` None the present."""
        variables = {"now": now, "as_of": as_of}
        given = {name: value for name, value in variables.items() if value}
        return [
            *command,
            "--quiet",
            # Few read the manifest and the results, and every run would write them anew.
            *(() if writes_results else ("--no-write-json",)),
            *(("--vars", json.dumps(given)) if given else ()),
            *("--project-dir", str(self.root)),
            *("--profiles-dir", str(self.root / "profiles")),
            *("--target-path", str(self.target(database, now, as_of))),
            *("--log-path", str(self.state)),
            *("--log-level-file", "none"),
        ]

    def run(
        self,
        database: Database,
        *command: str,
        now: str | None = NOW,
        as_of: str | None = None,
        writes_results: bool = False,
    ) -> Any:
        """Run a dbt command in this process, and return what dbt returns.

        Raises:
            AssertionError: It did not succeed; the message says which nodes failed and why.
        """
        arguments = self.arguments(database, command, now, as_of, writes_results=writes_results)
        # dbt writes down only what it has read itself.
        manifest = None if writes_results else self.manifest(database, as_of)
        outcome = self._invoke(database, arguments, manifest)
        if not outcome.success:
            results = getattr(outcome.result, "results", ())
            failed = [
                f"{result.node.name}: {result.status}: {result.message}"
                for result in results
                if result.status not in ("success", "pass", "warn", "skipped")
            ]
            raise AssertionError("\n".join(["dbt failed", *failed, str(outcome.exception or "")]))
        return outcome.result

    def manifest(self, database: Database, as_of: str | None = None) -> Any:
        """Return dbt's manifest, read anew when files have changed.

        Raises:
            AssertionError: The project cannot be read.
        """
        # Nothing that dbt reads depends on the clock.
        target, files = self.target(database, as_of=as_of), current_checksums(self.root)
        if target not in self.read or self.read[target][0] != files:
            parsed = self._invoke(database, self.arguments(database, ["parse"], NOW, as_of))
            if not parsed.success:
                raise AssertionError(f"dbt failed\n{parsed.exception}")
            self.read[target] = files, parsed.result
        return self.read[target][1]

    @staticmethod
    def _invoke(database: Database, arguments: list[str], manifest: Any = None) -> Any:
        # Imported here because it takes two seconds that other tests need not wait for.
        from dbt.cli.main import dbtRunner

        from support.fast_dbt import make_dbt_fast

        make_dbt_fast()
        # In a thread of its own, because dbt walks the whole call stack at every start, and
        # pytest's is long.
        with environment_of(database), ThreadPoolExecutor(max_workers=1) as thread:
            return thread.submit(dbtRunner(manifest).invoke, arguments).result()


@dataclass
class Seeds:
    """The price files of the project's copy, to be edited by a story.

    Attributes:
        folder: Where they lie.
    """

    folder: Path
    _before: dict[Path, bytes] = field(default_factory=dict)

    def read(self, name: str) -> list[dict[str, str]]:
        with (self.folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def write(self, name: str, rows: list[dict[str, str]]) -> None:
        path = self.folder / f"{name}.csv"
        self._before.setdefault(path, path.read_bytes())
        header = self._before[path].decode().splitlines()[0].split(",")
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, header, restval="", lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)

    def add(self, name: str, *rows: dict[str, str]) -> None:
        self.write(name, [*self.read(name), *rows])

    def restore(self) -> None:
        for path, content in self._before.items():
            path.write_bytes(content)


def price(provider: str, model: str, **cells: Any) -> dict[str, str]:
    row = {
        "provider": provider,
        "model": model,
        "input_usd_per_mtok": "7",
        "output_usd_per_mtok": "21",
        "effective_from": "2026-01-01T00:00:00Z",
        "recorded_at": RECORDED_LATER,
        "source": "a story",
    } | cells
    return {name: str(cell) for name, cell in row.items() if cell is not None}


@dataclass
class Story:
    """One warehouse over time: what landed, and builds of it.

    Attributes:
        project: The dbt project.
        database: Where it is built.
        folder: Where event files are written.
        events: Everything that was landed, repetitions included.
        stands: The files and the clock from which everything was built; None when the views may
            differ from each other.
    """

    project: Project
    database: Database
    folder: Path
    events: list[Event] = field(default_factory=list)
    stands: tuple[ProjectChecksums, str | None] | None = None

    def land(self, *events: Mapping[str, Any]) -> None:
        """Land events as one load."""
        self.land_lines([json.dumps(event).encode() + b"\n" for event in events])

    def land_lines(self, lines: list[bytes]) -> None:
        """Land encoded events as one load."""
        path = self.folder / f"{secrets.token_hex(6)}.ndjson"
        path.write_bytes(b"".join(lines))
        with environment_of(self.database):
            report = land([path])
        (landed,) = report.files
        assert (landed.is_skipped, landed.lines_rejected) == (False, 0), report
        self.events += parse(lines)

    def build(
        self,
        *selection: str,
        now: str | None = NOW,
        with_tests: bool = False,
        full_refresh: bool = False,
        as_of: str | None = None,
    ) -> None:
        """Build what is named, or everything but what stands already as it would be made."""
        left_out = ["unit_test"] if with_tests else ["unit_test", "test"]
        files = current_checksums(self.project.root)
        is_whole = not (selection or as_of)
        left = []
        if is_whole and self.stands and not (full_refresh or with_tests):
            built, clock = self.stands
            stands = unchanged_since(built, files) if clock == now else NOTHING_STANDS
            left = left_standing(views=stands.views, seeds=stands.seeds)
        # The past has schemas of its own. A build that fails may have come to some of the views.
        if not (left or as_of or selection == (ROWS,)):
            self.stands = None
        self.project.run(
            self.database,
            "build",
            *(("--select", *selection) if selection else ()),
            *(("--exclude", *left) if left else ()),
            *("--exclude-resource-type", *left_out),
            *(("--full-refresh",) if full_refresh else ()),
            *("--threads", "2"),
            now=now,
            as_of=as_of,
        )
        if is_whole:
            self.stands = files, now

    def rows(self, statement: str, *parameters: Any) -> list[Row]:
        """Return the rows of a query, UUIDs as text, JSON with exact numbers."""
        options = f"-c timezone=UTC -c search_path={SEARCH_PATH}"
        with self.database.connect(options=options) as connection:
            set_json_loads(lambda text: DECIMALS.decode(_text(text)), connection)
            cursor = connection.cursor(row_factory=dict_row)
            found = cursor.execute(statement.encode(), parameters).fetchall()
        return [
            {name: str(value) if isinstance(value, UUID) else value for name, value in row.items()}
            for row in found
        ]

    def row(self, statement: str, *parameters: Any) -> Row:
        (found,) = self.rows(statement, *parameters)
        return found

    def fact(self, execution_id: str) -> Row:
        return self.row(
            "select * from marts.fct_task_executions where execution_id = %s", execution_id
        )

    def days(self, organization_id: str) -> dict[str, Row]:
        """Return an organization's days by their date as text."""
        found = self.rows(
            "select * from marts.organization_days where organization_id = %s",
            organization_id,
        )
        return {str(row["metric_date"]): row for row in found}

    def mart(self, name: str) -> dict[Any, Row]:
        """Return a mart by key."""
        found = self.rows(f"select * from {name}")  # noqa: S608
        keys = KEYS[name]
        if len(keys) == 1:
            return {row[keys[0]]: row for row in found}
        return {tuple(row[key] for key in keys): row for row in found}

    def marts(self, schema: str = "marts") -> dict[str, Counter[str]]:
        """Return all of every table that marts are or stand on, and that shows a state.

        Ledgers of loads, comparisons and alerts show how the state came about: they differ between
        two ways that lead to the same one.
        """
        with self.database.connect(options="-c timezone=UTC") as connection:
            tables = {
                table: sql.Identifier(schema, table) for table in tables_of(connection, schema)
            } | {
                table: sql.Identifier(schema.replace("marts", other), table)
                for other, others in (("intermediate", SUMS), ("quality", AUDITS))
                for table in others
                if table not in ("alert_episodes", "reconciled_days", "reconciled_loads")
            }
            return {
                table: Counter(
                    text
                    for (text,) in connection.execute(
                        sql.SQL("select t::text from {} as t").format(relation)
                    )
                )
                for table, relation in tables.items()
            }

    def assert_reconciles(self) -> None:
        """Fail unless every comparison of two layers that builds made found the same on both."""
        found = self.rows("select * from quality.reconciliation where status = 'different'")
        assert not found, found[:5]

    def identities(self) -> dict[str, str]:
        """Return a fingerprint of which version of its rows each table keeps, and where."""
        with self.database.connect() as connection:
            return {
                f"{schema}.{table}": str(
                    connection.execute(
                        sql.SQL(
                            "select md5(string_agg(xmin::text || ctid::text, ',' order by ctid)) "
                            "from {}"
                        ).format(sql.Identifier(schema, table))
                    ).fetchone()
                )
                for schema, tables in (
                    ("marts", tables_of(connection, "marts")),
                    ("intermediate", tables_of(connection, "intermediate")),
                    ("quality", AUDITS),
                )
                for table in tables
            }

    def rows_written(self) -> int:
        """Return how many rows of marts, intermediate and quality were ever written or deleted."""
        row = self.row(
            "select sum(n_tup_ins + n_tup_upd + n_tup_del) as rows "
            "from pg_catalog.pg_stat_user_tables "
            "where schemaname in ('marts', 'intermediate') "
            "or schemaname = 'quality' and relname = any(%s)",
            list(AUDITS),
        )
        return int(row["rows"])

    def assert_equals(self, expected: dict[str, Counter[str]]) -> None:
        """Fail unless every mart holds exactly these rows."""
        actual = self.marts()
        assert actual.keys() == expected.keys()
        differences = [
            f"{table}: {len(rest)} rows {what}, such as {next(iter(rest))}"
            for table in expected
            for what, rest in (
                ("missing", expected[table] - actual[table]),
                ("too many", actual[table] - expected[table]),
            )
            if rest
        ]
        assert not differences, "\n".join(differences)

    def assert_equals_full_refresh(self, now: str = NOW) -> None:
        """Fail unless a full refresh of the same raw events changes no row of any mart."""
        incremental = self.marts()
        self.build(ROWS, full_refresh=True, now=now)
        refreshed = self.marts()
        differences = [
            f"{table}: {len(rest)} rows only {what}, such as {next(iter(rest))}"
            for table in refreshed
            for what, rest in (
                ("after a full refresh", refreshed[table] - incremental[table]),
                ("before it", incremental[table] - refreshed[table]),
            )
            if rest
        ]
        assert not differences, "\n".join(differences)
        self.assert_reconciles()

    def oracle(self, now: str = NOW) -> Oracle:
        return Oracle(self.events, self.project.prices, now)

    def expected(self, now: str = NOW) -> dict[str, Mapping[Any, Row]]:
        """Return what the oracle computes of facts, rollups and dimensions, each by its key."""
        oracle = self.oracle(now)
        return {
            "fct_task_executions": oracle.task_executions,
            "fct_routing_decisions": oracle.routing_decisions,
            "fct_savings_by_policy": oracle.savings_by_policy,
            "fct_measured_savings": oracle.measured_savings,
            "fct_adjustments": oracle.adjustments,
            "organization_bills": oracle.organization_bills,
            "dim_organizations": oracle.organizations,
            "dim_users": oracle.users,
            "dim_providers": oracle.providers,
            **oracle.rollups,
        }

    def assert_equals_oracle(self, now: str = NOW) -> None:
        """Fail unless facts, rollups and dimensions are what the oracle computes."""
        self.assert_marts_hold(self.expected(now))

    def assert_marts_hold(self, expected: Mapping[str, Mapping[Any, Row]]) -> None:
        """Fail unless these marts hold these rows, each by its key, and all layers reconcile."""
        found = [
            f"{name}: {difference}"
            for name, rows in expected.items()
            for difference in differences_between(rows, self.mart(name))
        ]
        assert not found, "\n".join(found[:20])
        self.assert_reconciles()


def differences_between(expected: Mapping[Any, Row], actual: Mapping[Any, Row]) -> list[str]:
    """Say where rows differ, in the columns that the expected ones have."""
    found = [f"{key} is missing" for key in expected.keys() - actual.keys()]
    found += [f"{key} is too many" for key in actual.keys() - expected.keys()]
    for key in expected.keys() & actual.keys():
        for column, value in expected[key].items():
            if actual[key][column] != value:
                found.append(f"{key}: {column} is {actual[key][column]!r} and not {value!r}")
    return found


def shuffled_in_parts(lines: list[bytes], parts: int, seed: int) -> list[list[bytes]]:
    """Return the lines in an order of no meaning, cut into parts."""
    order = random.Random(seed)  # noqa: S311 - a shuffle that can be repeated
    mixed = list(lines)
    order.shuffle(mixed)
    return [mixed[part::parts] for part in range(parts)]


def sample_lines(settings: SampleSettings = SAMPLE) -> list[bytes]:
    return list(generate(settings))


def tables_of(connection: psycopg.Connection, schema: str) -> list[str]:
    found = connection.execute(
        "select tablename from pg_catalog.pg_tables where schemaname = %s order by tablename",
        (schema,),
    )
    return [str(table) for (table,) in found]


@contextlib.contextmanager
def environment_of(database: Database) -> Iterator[None]:
    """Point libpq, and so dbt and the loader, at a database for a while."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in database.environment.items():
            patch.setenv(name, value)
        yield


@contextlib.contextmanager
def story_database(server: EmbeddedServer, template: str) -> Iterator[Database]:
    """Yield the database that stories are built in, a copy of another one."""
    administer(server, "drop database if exists {} with (force)", STORY_DATABASE)
    administer(server, "create database {} template {}", STORY_DATABASE, template)
    # No story is about a server that crashes, and a build commits some hundred times.
    administer(server, "alter database {} set synchronous_commit = off", STORY_DATABASE)
    try:
        settings = settings_of(server, STORY_DATABASE)
        yield Database(settings, settings.environment())
    finally:
        administer(server, "drop database if exists {} with (force)", STORY_DATABASE)


def keep_as(story: Story, server: EmbeddedServer, name: str) -> Story:
    """Keep a story's database under another name, to read it and for copies."""
    administer(server, "alter database {} rename to {}", STORY_DATABASE, name)
    settings = settings_of(server, name)
    return replace(story, database=Database(settings, settings.environment()))


@contextlib.contextmanager
def copy_of(kept: Story, server: EmbeddedServer, folder: Path) -> Iterator[Story]:
    """Yield a copy of a story that was kept, to go on with."""
    with story_database(server, kept.database.settings.dbname) as database:
        yield replace(kept, database=database, folder=folder, events=list(kept.events))


def administer(server: EmbeddedServer, statement: str, *names: str) -> None:
    settings = settings_of(server, "postgres")
    with psycopg.connect(
        host=settings.host,
        port=settings.port,
        user=settings.user,
        dbname=settings.dbname,
        passfile=str(settings.passfile),
        autocommit=True,
    ) as connection:
        connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def _text(document: str | bytes) -> str:
    return document if isinstance(document, str) else document.decode()


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a copy of the project that lives as long as the test run."""
    folder = tmp_path_factory.mktemp("project")
    root = folder / "warehouse"
    root.mkdir()
    source = project_root()
    for name in ("models", "macros", "seeds", "snapshots", "tests", "profiles"):
        shutil.copytree(source / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("dbt_project.yml", "selectors.yml"):
        if (source / name).exists():
            shutil.copy(source / name, root / name)
    return Project(root, folder / "state")


@pytest.fixture
def seeds(project: Project) -> Iterator[Seeds]:
    files = Seeds(project.prices)
    yield files
    files.restore()


@pytest.fixture(scope="session")
def built_on_nothing(
    project: Project, migrated_template: Callable[[EmbeddedServer], str]
) -> Callable[[EmbeddedServer], Story]:
    """Return a function that returns a warehouse that was built before anything landed.

    Every story starts from a copy of it, so that a first build without data comes before all.
    """
    built: dict[Path, Story] = {}

    def template(server: EmbeddedServer) -> Story:
        if server.home not in built:
            with story_database(server, migrated_template(server)) as database:
                first = Story(project, database, project.state)
                first.build()
                built[server.home] = keep_as(first, server, f"{STORY_DATABASE}_on_nothing")
            # What dbt has read of the project stays: no collection of garbage needs to look at it.
            gc.freeze()
        return built[server.home]

    return template


@pytest.fixture
def story(
    embedded_server: EmbeddedServer,
    built_on_nothing: Callable[[EmbeddedServer], Story],
    tmp_path: Path,
) -> Iterator[Story]:
    """Yield a warehouse on PostgreSQL 18 in which nothing has landed yet."""
    with copy_of(built_on_nothing(embedded_server), embedded_server, tmp_path) as made:
        yield made


@pytest.fixture
def story_15(
    debian_server: EmbeddedServer,
    built_on_nothing: Callable[[EmbeddedServer], Story],
    tmp_path: Path,
) -> Iterator[Story]:
    """Yield a warehouse on PostgreSQL 15 in which nothing has landed yet."""
    with copy_of(built_on_nothing(debian_server), debian_server, tmp_path) as made:
        yield made


@pytest.fixture(scope="session")
def sample(
    project: Project,
    embedded_server: EmbeddedServer,
    migrated_template: Callable[[EmbeddedServer], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Story:
    """Return the sample in a warehouse that was built once, for tests that only read."""
    with story_database(embedded_server, migrated_template(embedded_server)) as database:
        first = Story(project, database, tmp_path_factory.mktemp("sample"))
        first.land_lines(sample_lines())
        first.build(with_tests=True)
        return keep_as(first, embedded_server, f"{STORY_DATABASE}_sample")


@pytest.fixture
def story_of_sample(
    sample: Story, embedded_server: EmbeddedServer, tmp_path: Path
) -> Iterator[Story]:
    """Yield a copy of the built sample, to go on with."""
    with copy_of(sample, embedded_server, tmp_path) as made:
        yield made
