"""Bring schema raw to the newest revision, and refuse to work on an older one."""

import functools
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from orchestration.database.connection import (
    OLDEST_SUPPORTED_VERSION,
    ConnectionSettings,
    connect,
)
from orchestration.database.refusals import refused, said
from orchestration.errors import WarehouseError

if TYPE_CHECKING:
    import sqlalchemy
    from alembic.config import Config

VERSION_SCHEMA = "raw"
VERSION_TABLE = "alembic_version"

_MIGRATIONS = Path(__file__).parent / "migrations"

# Any constant will do, as long as nothing else in the database uses it.
_ADVISORY_LOCK = 4_170_031_521
_WAIT_FOR_OTHER_MIGRATION = "120s"
# Long enough for a statement to end, short enough not to queue up everybody behind the migration.
_WAIT_FOR_TABLES = "10s"

# Not to_regclass(): after a wait for an advisory lock it may answer from the session's cache.
_VERSION_TABLE_EXISTS = """
select true
from pg_catalog.pg_class
inner join pg_catalog.pg_namespace on pg_class.relnamespace = pg_namespace.oid
where pg_namespace.nspname = %s and pg_class.relname = %s
"""


def migrate(settings: ConnectionSettings | None = None) -> tuple[str | None, str | None]:
    """Run the revisions that the database lacks, all in one transaction.

    Safe to run again, by several processes at once, and while the tables are in use.

    Args:
        settings: Which database; the current settings when omitted.

    Returns:
        The revision before and after; before is None on a new database.

    Raises:
        WarehouseError: The server is too old or unreachable, the database is newer than this
            program, or others hold the tables for too long. Nothing was changed then.
    """
    import sqlalchemy
    from sqlalchemy.pool import NullPool

    # psycopg makes the connection, so no password ever stands in a URL.
    engine = sqlalchemy.create_engine(
        "postgresql+psycopg://",
        creator=lambda: connect(settings=settings, application_name="warehouse migrate"),
        poolclass=NullPool,
    )
    try:
        with engine.connect() as connection, connection.begin():
            return _upgrade(connection)
    except (psycopg.Error, sqlalchemy.exc.DBAPIError) as error:
        # SQLAlchemy wraps the driver's errors, but not those of the driver's own cursors.
        cause = error.orig if isinstance(error, sqlalchemy.exc.DBAPIError) else error
        if isinstance(cause, psycopg.errors.LockNotAvailable):
            raise WarehouseError(
                f"Other sessions hold tables of schema {VERSION_SCHEMA}, or another migration "
                "runs. Nothing was changed. Wait for running loads and builds to end and run "
                "`warehouse db migrate` again."
            ) from error
        if isinstance(cause, psycopg.errors.InsufficientPrivilege):
            raise WarehouseError(
                f"The database user may not change schema {VERSION_SCHEMA}: {said(cause)}. "
                "Migrate as the owner of the database."
            ) from error
        raise


def require_migrated(connection: psycopg.Connection) -> None:
    """Make sure that schema raw is at the newest revision.

    Args:
        connection: An open connection; a transaction that this opens is ended again.

    Raises:
        WarehouseError: Schema raw is missing, behind, or newer than this program, or the database
            does not let it be seen.
    """
    was_idle = connection.info.transaction_status is psycopg.pq.TransactionStatus.IDLE
    try:
        revision = current_revision(connection)
    except psycopg.Error as error:
        message = refused(error)
        if message is None:
            raise
        raise message from error
    if was_idle and not connection.autocommit:
        connection.rollback()
    if revision == newest_revision():
        return
    if revision is not None and revision not in _known_revisions():
        raise WarehouseError(_newer_than_program(revision))
    state = "has no tables yet" if revision is None else f"is at revision {revision}"
    raise WarehouseError(
        f"Schema {VERSION_SCHEMA} in database {connection.info.dbname} {state}; this program needs "
        f"revision {newest_revision()}. Run `warehouse db migrate`."
    )


def current_revision(connection: psycopg.Connection) -> str | None:
    """Return the revision that the database is at.

    Args:
        connection: An open connection; it stays in the transaction that this may open.

    Returns:
        The revision, None when the database was never migrated.
    """
    found = connection.execute(_VERSION_TABLE_EXISTS, (VERSION_SCHEMA, VERSION_TABLE)).fetchone()
    if found is None:
        return None
    row = connection.execute("select version_num from raw.alembic_version").fetchone()
    return None if row is None else str(row[0])


@functools.cache
def newest_revision() -> str:
    """Return the newest revision that this program knows.

    Read off the file names: to ask Alembic would cost every landing the time to import it.

    Returns:
        The revision's number as text.
    """
    versions = (_MIGRATIONS / "versions").glob("[0-9]*_*.py")
    return max(path.name.partition("_")[0] for path in versions)


@functools.cache
def _known_revisions() -> frozenset[str]:
    from alembic.script import ScriptDirectory

    revisions = ScriptDirectory.from_config(_config()).walk_revisions()
    return frozenset(script.revision for script in revisions)


def _config() -> "Config":
    from alembic.config import Config

    config = Config()
    location = str(_MIGRATIONS)
    # The configuration is an ini file at heart: a percent sign starts a substitution there.
    config.set_main_option("script_location", location.replace("%", "%%"))
    return config


def _upgrade(connection: "sqlalchemy.Connection") -> tuple[str | None, str | None]:
    from alembic import command

    driver_connection = connection.connection.driver_connection
    assert isinstance(driver_connection, psycopg.Connection)  # noqa: S101 - made by connect()
    server_version = driver_connection.info.server_version // 10000
    if server_version < OLDEST_SUPPORTED_VERSION:
        raise WarehouseError(
            f"The server at {driver_connection.info.host} is PostgreSQL {server_version}; the "
            f"warehouse needs {OLDEST_SUPPORTED_VERSION} or newer."
        )
    _set_lock_timeout(driver_connection, _WAIT_FOR_OTHER_MIGRATION)
    before = current_revision(driver_connection)
    if before == newest_revision():
        return before, before
    driver_connection.execute("select pg_advisory_xact_lock(%s)", (_ADVISORY_LOCK,))
    _set_lock_timeout(driver_connection, _WAIT_FOR_TABLES)
    before = current_revision(driver_connection)  # another migration may just have ended
    if before is not None and before not in _known_revisions():
        raise WarehouseError(_newer_than_program(before))
    driver_connection.execute("create schema if not exists raw")
    config = _config()
    config.attributes["connection"] = connection
    logging.getLogger("alembic").setLevel(logging.WARNING)
    command.upgrade(config, "head")
    return before, current_revision(driver_connection)


def _set_lock_timeout(connection: psycopg.Connection, duration: str) -> None:
    connection.execute("select set_config('lock_timeout', %s, true)", (duration,))


def _newer_than_program(revision: str) -> str:
    return (
        f"The database is at revision {revision}, which this program does not know: a newer "
        "version of it migrated the database. Update the program."
    )
