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

# What a warehouse at revision 0009 records of its own work, one row a table at least.
RECORDS_AT_0009 = """
insert into raw.loads (source_name, content_sha256, lines_read, lines_accepted, user_count)
values ('people.ndjson', repeat('a', 64), 1, 1, 1);
insert into raw.users (
    _load_id, _line_number, event_id, id, organization_id, name, role, updated_at
)
select load_id, 1, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'Ada', 'member', now()
from raw.loads;
insert into raw.landed_totals select * from raw.event_totals;
insert into raw.running_builds (target_schema, invocation_id) values ('public', 'killed');
insert into raw.finished_builds
values
('first', 'public', 'build', '2026-07-01', '2026-07-02', 120, 0),
('second', 'public', 'build', '2026-07-03', '2026-07-04', 120, 1);
insert into raw.built_projects values ('public', 'code', 'seeds');
insert into raw.seals (sealed_before, organization_count, execution_count)
values ('2026-06-01', 0, 0), ('2026-07-01', 1, 1);
insert into raw.sealed_organizations (organization_id, sealed_until)
select organization_id, '2026-07-01' from raw.users;
insert into raw.sealed_executions (
    execution_id, organization_id, metric_date, event_id, updated_at, status, pricing_status,
    cost_usd
)
select
    gen_random_uuid(), organization_id, '2026-06-30', gen_random_uuid(), '2026-06-30', 'completed',
    'priced', 0.000000000001
from raw.users;
insert into raw.archives (
    table_name, month, file_name, content_sha256, content_bytes, event_count, is_whole_month
)
values ('task_executions', '2026-06-01', 'june.parquet', repeat('b', 64), 7919, 1, true);
"""
RECORDS = [
    "archives",
    "built_projects",
    "finished_builds",
    "landed_totals",
    "running_builds",
    "sealed_executions",
    "sealed_organizations",
    "seals",
]


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


def migrate_to_0009(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as older:
        upgrade = command.upgrade
        older.setattr(command, "upgrade", lambda config, _: upgrade(config, "0009"))
        assert migrate() == (None, "0009")


def records_of(connection: psycopg.Connection, schema: str) -> dict[str, tuple[object, ...]]:
    """Return for each table its oid, rows, columns, indexes and constraints.

    But the one that lists the kinds of events, which later revisions make longer.
    """
    found: dict[str, tuple[object, ...]] = {}
    for table in RECORDS:
        name = sql.Identifier(schema, table)
        rows = connection.execute(
            sql.SQL("select to_jsonb(records) from {} as records order by 1").format(name)
        ).fetchall()
        assert rows, table
        known = connection.execute(
            "select oid, obj_description(oid), array(select attname::text from pg_attribute "
            "where attrelid = pg_class.oid and attnum > 0 order by attnum), "
            "array(select indexrelid from pg_index where indrelid = pg_class.oid order by 1), "
            "array(select conname || ' ' || pg_get_constraintdef(oid) from pg_constraint "
            "where conrelid = pg_class.oid and conname <> 'landed_totals_event_kind_check' "
            "order by 1) from pg_class where oid = to_regclass(%s)",
            (f"{schema}.{table}",),
        ).fetchone()
        assert known, table
        found[table] = (rows, *known)
    return found


def test_records_move_to_schema_ledger_with_all_that_they_have(
    empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate_to_0009(monkeypatch)
    reader = sql.Identifier(f"reader_{empty_database.settings.dbname}")
    with empty_database.connect(autocommit=True) as connection:
        connection.execute(RECORDS_AT_0009)
        connection.execute("create view public.sealings as select sealed_before from raw.seals")
        before = records_of(connection, "raw")
        connection.execute(
            sql.SQL(
                "create role {0}; grant usage on schema raw to {0}; "
                "grant select on raw.seals to {0}"
            ).format(reader)
        )
        try:
            assert migrate() == ("0009", newest_revision())
            assert records_of(connection, "ledger") == before
            # What reads a table by name, and who may, goes on; which rows, policies say by now.
            assert connection.execute("select count(*) from public.sealings").fetchone() == (2,)
            connection.execute(sql.SQL("set role {}").format(reader))
            assert connection.execute("select count(*) from ledger.seals").fetchone() == (0,)
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("select from ledger.archives")
        finally:
            connection.execute("reset role")
            connection.execute(sql.SQL("drop owned by {0}; drop role {0}").format(reader))
        # Numbers go on where they were.
        assert connection.execute(
            "insert into ledger.seals (sealed_before) values ('2026-08-01') returning seal_id"
        ).fetchone() == (3,)
        left = {str(name) for name, kind, _ in catalogue(connection) if str(kind) in "rpvS"}
        assert left == {
            "adjustments", "agent_events", "alembic_version", "billing_events", "customer_events",
            "event_totals", "loads", "loads_load_id_seq", "organizations", "provider_events",
            "rejected_events", "routing_decisions", "shadow_evaluations", "support_events",
            "task_executions", "users", "web_events",
        }  # fmt: skip


def test_records_do_not_move_under_a_load_in_progress(
    empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate_to_0009(monkeypatch)
    monkeypatch.setattr(migrate_module, "_WAIT_FOR_TABLES", "200ms")
    with empty_database.connect() as load:
        load.execute(
            "insert into raw.loads (source_name, content_sha256) values ('a', repeat('0', 64))"
        )
        with pytest.raises(WarehouseError, match="Wait for running loads"):
            migrate()
        load.execute("insert into raw.landed_totals select * from raw.event_totals")
    assert migrate() == ("0009", newest_revision())


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
