"""The command `warehouse ui`: the Dagster web interface on the warehouse's database."""

# Dagster and the database driver are imported late: `warehouse --help` must not wait for them.

import os
import sys
from pathlib import Path

import click

from orchestration.errors import WarehouseError
from orchestration.project import project_root, state_directory

_HOST = "127.0.0.1"  # The interface asks for no password, so only this machine may reach it.
_INSTANCE_SETTINGS = """\
# Settings of the local Dagster instance; `warehouse ui` wrote them once and does not change them.
telemetry:
  enabled: false
nux:
  enabled: false
"""


@click.command()
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=3000,
    show_default=True,
    help="Port of the web interface, on this machine only.",
)
def ui(port: int) -> None:
    """Open Dagster on the warehouse: lineage, runs, results of the checks, schedules.

    Runs in the foreground until Ctrl-C. The embedded PostgreSQL is started if it is the one to use.
    """
    from orchestration.database.connection import current_settings

    program = Path(sys.executable).with_name("dagster")
    if not program.is_file():
        raise WarehouseError(f"Dagster is not installed beside {sys.executable}. Run `make setup`.")
    variables = current_settings().environment()
    variables["DAGSTER_HOME"] = os.fspath(prepare_dagster_home())
    click.echo(f"Dagster starts on http://{_HOST}:{port} (Ctrl-C ends it).")
    # dbt and Dagster look for the project in the current folder.
    os.chdir(project_root())
    arguments = ["dev", "-m", "orchestration.definitions", "--host", _HOST, "--port", str(port)]
    # Dagster takes over this process, so that Ctrl-C and signals reach it.
    os.execve(program, [os.fspath(program), *arguments], os.environ | variables)  # noqa: S606


def prepare_dagster_home() -> Path:
    """Create the folder where Dagster keeps its runs and events, unless it is there.

    Returns:
        The folder, in the state folder; it holds a `dagster.yaml`.

    Raises:
        WarehouseError: The folder cannot be written.
    """
    home = state_directory() / "dagster"
    try:
        home.mkdir(parents=True, exist_ok=True)
        settings = home / "dagster.yaml"
        if not settings.exists():
            settings.write_text(_INSTANCE_SETTINGS, encoding="utf-8")
    except OSError as error:
        raise WarehouseError(
            f"Cannot write {home}: {error.strerror}. Choose another state folder with "
            "WAREHOUSE_HOME."
        ) from error
    return home
