"""The command `warehouse ui`: the Dagster web interface on the warehouse's database."""

# Dagster and the database driver are imported late: `warehouse --help` must not wait for them.

import fcntl
import os
import socket
import subprocess
import sys
from pathlib import Path

import click

from orchestration.errors import WarehouseError, reason
from orchestration.project import project_root

_HOST = "127.0.0.1"  # The interface asks for no password, so only this machine may reach it.
_DEFINITIONS = ("-m", "orchestration.definitions")


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
    Runs and events lie in schema dagster of the same database. When the marts are built and Dagster
    has never run, it builds and checks everything once, to have something to show.
    """
    from orchestration.instance.home import instance_environment, is_new_to_built_warehouse

    program = Path(sys.executable).with_name("dagster")
    if not program.is_file():
        raise WarehouseError(f"Dagster is not installed beside {sys.executable}. Run `make setup`.")
    _require_free(port)
    environment = os.environ | instance_environment()
    _claim(Path(environment["DAGSTER_HOME"]) / "ui.lock", f"http://{_HOST}:{port}")
    # dbt and Dagster look for the project in the current folder.
    os.chdir(project_root())
    if is_new_to_built_warehouse():
        click.echo("Dagster has not seen this warehouse yet: the job full_check waits to show it.")
        _launch(program, "full_check", environment)
    click.echo(f"Dagster starts on http://{_HOST}:{port} (Ctrl-C ends it).")
    arguments = ["dev", *_DEFINITIONS, "--host", _HOST, "--port", str(port)]
    # Dagster takes over this process, so that Ctrl-C and signals reach it.
    os.execve(program, [os.fspath(program), *arguments], environment)  # noqa: S606


def _require_free(port: int) -> None:
    """Refuse a port at which something listens, before Dagster's daemon starts beside it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError as error:
            raise WarehouseError(
                f"Port {port} cannot be used: {reason(error)}. If that is `warehouse ui`, open "
                f"http://{_HOST}:{port}; another port is chosen with --port."
            ) from None


def _claim(file: Path, address: str) -> None:
    """Hold a file until this process ends, which Dagster takes over: one daemon for a warehouse."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise WarehouseError(
            f"Dagster already runs on this warehouse: {file.read_text('utf-8')}. To start it anew, "
            "end it first with Ctrl-C where it was started."
        ) from None
    os.truncate(descriptor, 0)
    os.write(descriptor, address.encode())
    os.set_inheritable(descriptor, True)


def _launch(program: Path, job: str, environment: dict[str, str]) -> None:
    """Put a run into the queue; Dagster begins it when it is up."""
    done = subprocess.run(  # noqa: S603
        [os.fspath(program), "job", "launch", *_DEFINITIONS, "--job", job],
        env=environment,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise WarehouseError(f"The job {job} could not be launched:\n{done.stderr.strip()}")
