"""Whether anything waits for a scheduled build: one query, so that an idle tick costs no build."""

import datetime as dt
from importlib import resources

import psycopg

from orchestration.database.connection import connect
from orchestration.defs.dbt.assets import read_manifest, relations
from orchestration.defs.dbt.built_project import current_checksums, project_variable
from orchestration.defs.landing.inbox import landing_folder, waiting_files
from orchestration.errors import WarehouseError

LONGEST_REST = dt.timedelta(hours=1)
"""Nothing waits: a build comes after this time all the same, for what depends on the clock."""

_WAITING_WORK = resources.files(__package__).joinpath("waiting_work.sql").read_text("utf-8")


def waiting_work() -> list[str]:
    """Return why a scheduled build is needed.

    Returns:
        A few words about each kind of work that waits; none when nothing does. A database or an
        inbox that cannot be asked is a reason as well: the run tells what is wrong with it.
    """
    try:
        reasons = ["a file is in the inbox"] if waiting_files(landing_folder()) else []
    except WarehouseError as error:
        reasons = [f"the inbox could not be listed ({type(error).__name__})"]
    try:
        checksums = current_checksums()
        with connect(application_name="warehouse schedule") as connection:
            rows = connection.execute(
                _WAITING_WORK,
                {
                    "code": checksums.code,
                    "seeds": checksums.seeds,
                    "longest_rest": LONGEST_REST,
                    "relations": relations(),
                    "followers": followers(),
                    "timeout_minutes": project_variable("timeout_minutes"),
                },
            ).fetchall()
    except (psycopg.errors.UndefinedTable, WarehouseError) as error:
        return [*reasons, f"the database could not be asked ({type(error).__name__})"]
    return [*reasons, *(reason for (reason,) in rows)]


def followers() -> list[str]:
    """Return the models that follow the facts.

    Returns:
        The names under which they keep their bookmarks.
    """
    return [
        node["name"]
        for node in read_manifest()["nodes"].values()
        if any("close_changes" in hook["sql"] for hook in node["config"].get("post-hook", ()))
    ]
