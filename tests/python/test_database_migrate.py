"""Migrations: repeatable, safe together, safe beside running work, clear when they cannot run."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from psycopg import sql
from support.servers import Database

from orchestration.database import migrate as migrate_module
from orchestration.database.migrate import migrate, newest_revision, require_migrated
from orchestration.errors import WarehouseError

VERSIONS = Path(migrate_module.__file__).parent / "migrations" / "versions"


def catalogue(connection: psycopg.Connection) -> list[tuple[object, ...]]:
    return connection.execute(
        "select relname, relkind, oid from pg_class where relnamespace = to_regnamespace('raw') "
        "order by relname"
    ).fetchall()


def test_migrating_twice_changes_nothing_the_second_time(empty_database: Database) -> None:
    assert migrate() == (None, newest_revision())
    with empty_database.connect() as connection:
        first = catalogue(connection)
    assert {"loads", "task_executions", "routing_decisions", "alembic_version"} <= {
        row[0] for row in first
    }
    assert migrate() == (newest_revision(), newest_revision())
    with empty_database.connect() as connection:
        assert catalogue(connection) == first


def test_migrations_at_once_run_once(empty_database: Database) -> None:
    barrier = threading.Barrier(4)

    def run() -> tuple[str | None, str | None]:
        barrier.wait()
        return migrate(empty_database.settings)

    with ThreadPoolExecutor(4) as pool:
        results = [future.result() for future in [pool.submit(run) for _ in range(4)]]
    head = newest_revision()
    assert sorted(results, key=str) == [*[(head, head)] * 3, (None, head)]
    with empty_database.connect() as connection:
        rows = connection.execute("select version_num from raw.alembic_version").fetchall()
    assert rows == [(head,)]


def test_migrating_beside_a_load_in_progress(database: Database) -> None:
    with database.connect() as load:
        load.execute(
            "insert into raw.loads (source_name, content_sha256) values ('a', repeat('0', 64))"
        )
        load.execute("lock table raw.task_executions in access exclusive mode")
        assert migrate() == (newest_revision(), newest_revision())
    with database.connect() as connection:
        assert connection.execute("select count(*) from raw.loads").fetchone() == (1,)


def test_a_failing_migration_leaves_nothing(
    empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "upgrade", _upgrade_and_fail(command.upgrade))
    with pytest.raises(ZeroDivisionError):
        migrate()
    with empty_database.connect() as connection:
        assert connection.execute("select to_regnamespace('raw')").fetchone() == (None,)
    monkeypatch.undo()
    assert migrate(empty_database.settings) == (None, newest_revision())


def test_a_lock_held_too_long_is_explained(
    empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate_module, "_WAIT_FOR_OTHER_MIGRATION", "200ms")
    with empty_database.connect() as other:
        other.execute("select pg_advisory_xact_lock(%s)", (migrate_module._ADVISORY_LOCK,))
        with pytest.raises(WarehouseError, match="run `warehouse db migrate` again"):
            migrate()
    assert migrate() == (None, newest_revision())


def test_a_user_without_rights_is_told_so(
    empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    guest = sql.Identifier(f"guest_{empty_database.settings.dbname}")
    with empty_database.connect(autocommit=True) as connection:
        connection.execute(sql.SQL("create role {}").format(guest))
    try:
        monkeypatch.setenv("PGOPTIONS", f"-c role=guest_{empty_database.settings.dbname}")
        with pytest.raises(WarehouseError, match="may not change schema raw"):
            migrate()
    finally:
        monkeypatch.delenv("PGOPTIONS")
        with empty_database.connect(autocommit=True) as connection:
            connection.execute(sql.SQL("drop role {}").format(guest))


def transaction_status(connection: psycopg.Connection) -> str:
    return connection.info.transaction_status.name


def test_require_migrated(empty_database: Database) -> None:
    with empty_database.connect() as connection:
        with pytest.raises(WarehouseError, match=r"no tables yet.*Run `warehouse db migrate`"):
            require_migrated(connection)
        migrate()
        require_migrated(connection)
        assert transaction_status(connection) == "IDLE", "leaves no transaction open"

        connection.execute("create table mine ()")
        require_migrated(connection)
        assert transaction_status(connection) == "INTRANS", "does not end the caller's"
        connection.rollback()

        connection.execute("update raw.alembic_version set version_num = '9999'")
        connection.commit()
        with pytest.raises(WarehouseError, match=r"9999.*Update the program"):
            require_migrated(connection)
        with pytest.raises(WarehouseError, match=r"9999.*Update the program"):
            migrate()


def test_an_old_server_is_refused(
    empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate_module, "OLDEST_SUPPORTED_VERSION", 19)
    with pytest.raises(WarehouseError, match="the warehouse needs 19 or newer"):
        migrate()
    with empty_database.connect() as connection:
        assert connection.execute("select to_regnamespace('raw')").fetchone() == (None,)


def test_migrations_say_nothing(
    empty_database: Database,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level("INFO")
    migrate(empty_database.settings)
    assert caplog.text == ""
    assert capfd.readouterr() == ("", "")


def test_percent_and_colon_are_plain_sql_in_a_revision(
    database_18: Database,
    tmp_path: Path,
) -> None:
    import sqlalchemy
    from alembic.migration import MigrationContext
    from alembic.operations import Operations

    from orchestration.database.migrations.sql_file import run_sql_file_of

    (tmp_path / "0002.sql").write_text("create table odd as select 7 % 4 || ':name %s' as text;")
    engine = sqlalchemy.create_engine("postgresql+psycopg://", creator=database_18.connect)
    with (
        engine.begin() as connection,
        Operations.context(MigrationContext.configure(connection)),
    ):
        run_sql_file_of(str(tmp_path / "0002.py"))
    with database_18.connect() as reader:
        assert reader.execute("select text from odd").fetchone() == ("3:name %s",)
    engine.dispose()


def test_every_revision_has_its_sql_beside_it() -> None:
    modules = {path.stem for path in VERSIONS.glob("[0-9]*.py")}
    assert modules
    assert modules == {path.stem for path in VERSIONS.glob("*.sql")}


def _upgrade_and_fail(upgrade: Callable[..., None]) -> Callable[..., None]:
    def run(config: Config, revision: str) -> None:
        upgrade(config, revision)
        raise ZeroDivisionError

    return run


def test_the_newest_revision_by_file_name_is_the_head_of_the_migrations() -> None:
    config = Config()
    config.set_main_option("script_location", str(VERSIONS.parent))
    assert ScriptDirectory.from_config(config).get_heads() == [newest_revision()]
