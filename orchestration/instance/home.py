"""The home of the Dagster instance, and where it keeps runs and events."""

import os
from importlib import resources
from pathlib import Path

from orchestration.database.connection import ConnectionSettings, connect, current_settings
from orchestration.errors import WarehouseError, reason
from orchestration.project import state_directory

SCHEMA = "dagster"
"""Holds runs, events and the state of schedules."""

_SEEN_BEFORE = """
select
    to_regclass('dagster.runs') is not null,
    to_regclass('marts.fct_task_executions') is not null
"""


def instance_environment() -> dict[str, str]:
    """Prepare the instance and return the variables with which Dagster's programs find it.

    Returns:
        Those of the database, `DAGSTER_HOME` and `WAREHOUSE_DAGSTER_URL`; no password.

    Raises:
        WarehouseError: The database cannot be reached, or the home cannot be written.
    """
    settings = current_settings()
    home = prepare_home()
    with connect(settings=settings, autocommit=True) as connection:
        connection.execute("create schema if not exists dagster")
    return settings.environment() | {
        "DAGSTER_HOME": os.fspath(home),
        "WAREHOUSE_DAGSTER_URL": storage_url(settings),
    }


def storage_url(settings: ConnectionSettings) -> str:
    """Return the address under which Dagster keeps its tables in a schema of their own.

    Args:
        settings: The warehouse's database.

    Returns:
        A URL for SQLAlchemy, without a password.
    """
    # Without a driver's name SQLAlchemy takes psycopg 3, which does not know what Dagster does.
    url = settings.url().replace("postgresql:", "postgresql+psycopg2:", 1)
    return f"{url}{'&' if '?' in url else '?'}options=-csearch_path%3D{SCHEMA}"


def prepare_home() -> Path:
    """Create the folder that is Dagster's home, unless it is there.

    Returns:
        `DAGSTER_HOME` when it is set, else a folder in the one for local state; it holds a
        `dagster.yaml`.

    Raises:
        WarehouseError: The folder cannot be written.
    """
    override = os.environ.get("DAGSTER_HOME")
    home = Path(override).expanduser().resolve() if override else state_directory() / "dagster"
    try:
        home.mkdir(parents=True, exist_ok=True)
        settings = home / "dagster.yaml"
        if not settings.exists():
            text = resources.files(__package__).joinpath("dagster.yaml").read_text("utf-8")
            settings.write_text(text, encoding="utf-8")
    except OSError as error:
        raise WarehouseError(
            f"Cannot write {home}: {reason(error)}. Choose another state folder with "
            "WAREHOUSE_HOME."
        ) from error
    return home


def is_new_to_built_warehouse() -> bool:
    """Return whether the marts are built and Dagster never ran on them.

    Returns:
        Whether there is something to look at that Dagster does not know.
    """
    with connect() as connection:
        row = connection.execute(_SEEN_BEFORE).fetchone()
        has_runs, has_marts = row or (False, False)
        if not has_marts:
            return False
        if not has_runs:
            return True
        return connection.execute("select 1 from dagster.runs limit 1").fetchone() is None
