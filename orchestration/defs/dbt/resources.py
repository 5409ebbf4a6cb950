"""The dbt project, and the dbt that Dagster runs on it.

Loading this module needs no database: dbt only reads files then. Which database to use is asked
when a run begins.
"""

import functools
import json
import os
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource, DbtProject
from dagster_dbt.compat import DBT_PYTHON_VERSION

from orchestration.database.connection import current_settings
from orchestration.dbt.built_project import READ_BY_DBT, checksum
from orchestration.dbt.environment import environment_with, settings_for_reading
from orchestration.prices.encryption import price_key_environment
from orchestration.project import project_root

# The environment need not be activated, so dbt need not be on the PATH.
_PROGRAMS = Path(sys.executable).parent
# Not dbt's own target/: a run and a dbt command in a terminal must not overwrite each other.
_TARGET_PATH = Path("target", "dagster")


@functools.cache
def dbt_project() -> DbtProject:
    """Return the dbt project, with a manifest.

    Where `dagster dev` loads the definitions, it is read anew when files or the database changed.
    Elsewhere a manifest that is there is used as it is.

    Returns:
        The project; its manifest exists.
    """
    project = DbtProject(
        project_dir=project_root(),
        profiles_dir=project_root() / "profiles",
        target_path=Path(os.environ.get("DBT_TARGET_PATH", _TARGET_PATH)),
    )
    settings = settings_for_reading()
    variables = settings | {
        "DBT_TARGET_PATH": os.fspath(project.target_path),
        "PATH": os.pathsep.join([os.fspath(_PROGRAMS), os.environ.get("PATH", os.defpath)]),
    }
    with environment_with(variables):
        prepare(project, settings)
    return project


def prepare(project: DbtProject, settings: Mapping[str, str]) -> None:
    """Let dbt read the project, unless it has.

    Each run of `dagster dev` is a process that loads the definitions, and reading takes seconds.

    Args:
        project: The project.
        settings: Which database its manifest names; no password.
    """
    is_there = project.manifest_path.exists()
    if is_there and not project.preparer.using_dagster_dev():
        return
    read = project.manifest_path.with_name("manifest_made_of.json")
    made_of = json.dumps(
        [
            checksum(Path(project.project_dir), READ_BY_DBT),
            *sorted(settings.items()),
            os.environ.get("WAREHOUSE_SCHEMA"),
            str(DBT_PYTHON_VERSION),
        ]
    )
    if not is_there or not read.exists() or read.read_text("utf-8") != made_of:
        project.preparer.prepare(project)
        read.write_text(made_of, encoding="utf-8")


class WarehouseDbt(DbtCliResource):
    """dbt on the database that the environment asks for; the embedded one is started if needed."""

    @contextmanager
    def yield_for_execution(
        self, context: dg.InitResourceContext
    ) -> Generator["WarehouseDbt", None, None]:
        """Point this process to the database for as long as a run uses the resource.

        The child process alone would not do: Dagster reads the columns over a connection of its
        own, for which libpq looks up the password file here.

        Args:
            context: The run's context.

        Yields:
            The resource.
        """
        variables = current_settings().environment() | price_key_environment()
        variables["DBT_TARGET_PATH"] = os.fspath(dbt_project().target_path)
        with environment_with(variables), super().yield_for_execution(context):
            yield self

    def open_adapter(self, arguments: Sequence[str]) -> Any:
        """Let dbt connect to the database in this process too, which takes seconds.

        Args:
            arguments: The dbt command's.

        Returns:
            dbt's adapter, which `fetch_row_counts` asks of an invocation.
        """
        return super()._initialize_dbt_core_adapter(arguments)

    def _initialize_dbt_core_adapter(self, args: Sequence[str]) -> Any:
        """Open none before each command, as dagster-dbt would: only counting rows needs it."""

    @property
    def _cli_version(self) -> Any:
        """Ask the package: `dbt --version` starts dbt, which asks the package index for updates."""
        return DBT_PYTHON_VERSION


warehouse_dbt = WarehouseDbt(
    project_dir=os.fspath(dbt_project().project_dir),
    profiles_dir=os.fspath(dbt_project().profiles_dir),
    dbt_executable=os.fspath(_PROGRAMS / "dbt"),
    # The messages are shown on web pages and kept in Dagster's log.
    global_config_flags=["--no-use-colors"],
)
