"""Real PostgreSQL servers and fresh databases for the tests."""

import contextlib
import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest
from psycopg import sql
from support.servers import (
    DEBIAN_BIN_DIRECTORY,
    STORY_DATABASE,
    TEMPLATE_DATABASE,
    Database,
    connect_to,
    settings_of,
)

from orchestration.access.roles import ROLES
from orchestration.database.embedded import ROLE, EmbeddedServer, embedded_bin_directory
from orchestration.database.migrate import migrate

LONGEST_FILES = {
    "test_build_arrival",
    "test_build_histories",
    "test_build_interruptions",
    "test_dagster_jobs",
    "test_dagster_outages",
    "test_live_views",
    "test_mutants",
    "test_retention",
    "test_ui",
}
"""They begin first: each stays on one core, and the other cores would wait for one at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first."""
    items.sort(key=lambda item: item.path.stem not in LONGEST_FILES)


def pytest_configure() -> None:
    """Let programs that tests start end on Ctrl-C, also when the suite runs in the background.

    A shell lets what it runs there ignore the signal, and so do all children.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _no_foreign_database(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep tests away from the developer's own database, embedded or not."""
    for name in list(os.environ):
        if name.startswith("PG"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("WAREHOUSE_HOME", str(tmp_path / "warehouse home"))


@pytest.fixture(scope="session")
def make_server() -> Iterator[Callable[..., EmbeddedServer]]:
    """Return a maker of servers, not yet started, in new folders that are deleted at the end."""
    # A test run that is told to end still cleans up, as after Ctrl-C.
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    servers: list[EmbeddedServer] = []
    folders: list[Path] = []

    def make(bin_directory: Path | None = None, home: Path | None = None) -> EmbeddedServer:
        if home is None:
            # pytest's own folders are closed to the account that runs the server for root.
            folder = Path(tempfile.mkdtemp(prefix="warehouse test "))
            folder.chmod(0o755)
            folders.append(folder)
            home = folder / "home"
        server = EmbeddedServer(bin_directory or embedded_bin_directory(), home)
        servers.append(server)
        return server

    try:
        yield make
    finally:
        with contextlib.ExitStack() as cleanup:
            for folder in folders:
                cleanup.callback(shutil.rmtree, folder, ignore_errors=True)
            for server in servers:
                cleanup.callback(server.stop, delete_data=True)
        signal.signal(signal.SIGTERM, previous)


@pytest.fixture(scope="session")
def embedded_server(make_server: Callable[..., EmbeddedServer]) -> EmbeddedServer:
    """Return the embedded PostgreSQL 18, running, one for all tests."""
    server = make_server()
    server.start()
    with connect_to(settings_of(server, "postgres"), autocommit=True) as connection:
        # dbt connects anew for every model, and proving the password takes most of it.
        connection.execute("set scram_iterations = 1")
        connection.execute(
            sql.SQL("alter role {} password {}").format(
                sql.Identifier(ROLE), sql.Literal(server.password())
            )
        )
    _create_roles(server)
    return server


@pytest.fixture(scope="session")
def debian_server(make_server: Callable[..., EmbeddedServer]) -> EmbeddedServer:
    """Return the oldest supported PostgreSQL, as Debian packages it, one for all tests."""
    if not DEBIAN_BIN_DIRECTORY.is_dir():
        pytest.skip(f"PostgreSQL 15 is not at {DEBIAN_BIN_DIRECTORY}: install postgresql-15")
    server = make_server(DEBIAN_BIN_DIRECTORY)
    server.start()
    _create_roles(server)
    return server


@pytest.fixture(scope="session", params=["postgresql-18", "postgresql-15"])
def server(request: pytest.FixtureRequest) -> EmbeddedServer:
    """Return a running server; the test runs once on each supported version."""
    fixture = {"postgresql-18": "embedded_server", "postgresql-15": "debian_server"}
    found = request.getfixturevalue(fixture[request.param])
    assert isinstance(found, EmbeddedServer)
    return found


@pytest.fixture(scope="session")
def migrated_template() -> Callable[[EmbeddedServer], str]:
    """Return a function that names a migrated database to copy, made once for each server."""
    made: set[Path] = set()

    def template(server: EmbeddedServer) -> str:
        if server.home not in made:
            _create_database(server, TEMPLATE_DATABASE, "template1")
            migrate(settings_of(server, TEMPLATE_DATABASE))
            made.add(server.home)
        return TEMPLATE_DATABASE

    return template


@pytest.fixture
def database(
    server: EmbeddedServer,
    migrated_template: Callable[[EmbeddedServer], str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Database]:
    """Yield a fresh migrated database, on each supported version in turn."""
    with _new_database(server, migrated_template(server), monkeypatch) as made:
        yield made


@pytest.fixture
def database_18(
    embedded_server: EmbeddedServer,
    migrated_template: Callable[[EmbeddedServer], str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Database]:
    """Yield a fresh migrated database on the embedded PostgreSQL 18 only."""
    with _new_database(embedded_server, migrated_template(embedded_server), monkeypatch) as made:
        yield made


@pytest.fixture
def empty_database(server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """Yield a fresh database without any table, on each supported version in turn."""
    with _new_database(server, "template1", monkeypatch) as made:
        yield made


@contextlib.contextmanager
def _new_database(
    server: EmbeddedServer, template: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Database]:
    name = f"test_{secrets.token_hex(6)}"
    _create_database(server, name, template)
    with connect_to(settings_of(server, "postgres"), autocommit=True) as connection:
        # None of these tests is about a server that crashes.
        connection.execute(
            sql.SQL("alter database {} set synchronous_commit = off").format(sql.Identifier(name))
        )
    try:
        settings = settings_of(server, name)
        environment = settings.environment()
        for variable, value in environment.items():
            monkeypatch.setenv(variable, value)
        yield Database(settings, environment)
    finally:
        with connect_to(settings_of(server, "postgres"), autocommit=True) as connection:
            connection.execute(
                sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name))
            )


def _create_roles(server: EmbeddedServer) -> None:
    """Create the roles, which all databases of a server share.

    A build gives relations new policies when it finds roles that were created since the last one,
    and waits for readers then: no test shall do that to others.
    """
    with connect_to(settings_of(server, "postgres"), autocommit=True) as connection:
        for name in ROLES:
            connection.execute(sql.SQL("create role {} nologin").format(sql.Identifier(name)))


def _create_database(server: EmbeddedServer, name: str, template: str) -> None:
    with connect_to(settings_of(server, "postgres"), autocommit=True) as connection:
        connection.execute(
            sql.SQL("create database {} template {}").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )


@pytest.fixture(scope="session")
def definitions(
    embedded_server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory
) -> dg.Definitions:
    """Return Dagster's definitions; which database they work on is asked when a run begins.

    A process reads the project once, so no test imports what reads it by itself.
    """
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("DBT_TARGET_PATH", str(tmp_path_factory.mktemp("target")))
        # dbt's manifest names the database in which tables are counted. With another server, every
        # run would read the whole project anew.
        for name, value in settings_of(embedded_server, STORY_DATABASE).environment().items():
            patched.setenv(name, value)
        from orchestration.definitions import defs
    return defs
