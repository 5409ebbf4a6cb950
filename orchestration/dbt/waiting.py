"""What waits for a build. It is asked in one query, so that an idle tick costs no build."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

import psycopg

from orchestration.database.connection import connect
from orchestration.dbt.built_project import current_checksums, project_variable
from orchestration.dbt.manifest import followers, relations
from orchestration.errors import WarehouseError
from orchestration.landing.inbox import landing_folder, waiting_files
from orchestration.project import project_root

LONGEST_REST = dt.timedelta(hours=1)
"""Nothing waits: a build comes after this time all the same, for what depends on the clock."""

_WAITING_LOADS = resources.files(__package__).joinpath("waiting_loads.sql").read_text("utf-8")
_WAITING_WORK = resources.files(__package__).joinpath("waiting_work.sql").read_text("utf-8")


@dataclass(frozen=True)
class WaitingLoads:
    """Loads that the facts have not processed.

    Attributes:
        count: How many there are.
        since: When the first of them landed; None when there are none.
    """

    count: int
    since: dt.datetime | None


def waiting_work(manifest: Mapping[str, Any]) -> list[str]:
    """Return why a scheduled build is needed.

    Args:
        manifest: dbt's manifest.

    Returns:
        A few words about each kind of work that waits; none when nothing does. A database or an
        inbox that cannot be asked is a reason as well: the run tells what is wrong with it.
    """
    try:
        reasons = ["a file is in the inbox"] if waiting_files(landing_folder()) else []
    except WarehouseError as error:
        reasons = [f"the inbox could not be listed ({type(error).__name__})"]
    try:
        checksums = current_checksums(project_root())
        with connect(application_name="warehouse schedule") as connection:
            rows = connection.execute(
                _WAITING_WORK,
                {
                    "code": checksums.code,
                    "seeds": checksums.seeds,
                    "longest_rest": LONGEST_REST,
                    "relations": relations(manifest),
                    "followers": followers(manifest),
                    "timeout_minutes": project_variable("timeout_minutes"),
                },
            ).fetchall()
    except (psycopg.errors.UndefinedTable, WarehouseError) as error:
        return [*reasons, f"the database could not be asked ({type(error).__name__})"]
    return [*reasons, *(reason for (reason,) in rows)]


def waiting_loads(connection: psycopg.Connection) -> WaitingLoads:
    """Return what has landed and is not in the facts.

    Args:
        connection: To the warehouse's database.

    Returns:
        The loads.

    Raises:
        UndefinedTable: Nothing was built yet.
    """
    ((count, since),) = connection.execute(_WAITING_LOADS).fetchall()
    return WaitingLoads(count, since)
