"""A database that exists for one measurement only, and never the user's own."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from orchestration.database.connection import connect, current_settings
from orchestration.database.embedded import EmbeddedServer
from orchestration.database.migrate import migrate

# These lead to a database or change what a build does; the number of threads is left to the user.
_FOREIGN_PREFIXES = ("PG", "DBT_", "WAREHOUSE_", "DAGSTER_")
_KEPT = "DBT_THREADS"
_ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Make a folder for everything that is written, and delete it whatever happens.

    Yields:
        The folder, on the file system that `TMPDIR` names.
    """
    folder = Path(tempfile.mkdtemp(prefix="warehouse-benchmarks-")).resolve()
    try:
        if os.geteuid() == 0:
            # The account that runs the server for root must pass through to its data.
            folder.chmod(0o711)
        yield folder
    finally:
        with _undisturbed():
            shutil.rmtree(folder, ignore_errors=True)


def new_folder(folder: Path, name: str) -> Path:
    """Make a folder for one measurement and its database.

    Args:
        folder: Where it is made.
        name: What to call it.

    Returns:
        The folder.
    """
    place = folder / name
    place.mkdir(mode=0o755)
    return place


def require_free_space(folder: Path, needed: int, what: str, option: str) -> None:
    """Refuse to begin what the disk cannot hold.

    Args:
        folder: Where everything is written.
        needed: How much that will be at its largest, bytes.
        what: Names what needs it.
        option: The option that makes it smaller.

    Raises:
        ClickException: There is less space.
    """
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise click.ClickException(
            f"{what} need about {needed / 1e9:.0f} GB in the temporary folder; {free / 1e9:.0f} GB "
            f"are free. Set TMPDIR to another folder, or choose a smaller {option}."
        )


@contextmanager
def throwaway_database(folder: Path) -> Iterator[dict[str, str]]:
    """Start an embedded server with an empty, migrated database; delete it at the end.

    Within the block, this process and the children that get the environment use that database.

    Args:
        folder: Where the server's folder is made.

    Yields:
        The environment for child processes.

    Raises:
        WarehouseError: The server does not start.
    """
    home = folder / "server"
    own_environment = dict(os.environ)
    for name in own_environment:
        if name.startswith(_FOREIGN_PREFIXES) and name != _KEPT:
            del os.environ[name]
    os.environ["WAREHOUSE_HOME"] = str(home)
    try:
        server = EmbeddedServer(home=home)
        try:
            settings = current_settings()
            migrate(settings)
            yield {**os.environ, **settings.environment()}
        finally:
            with _undisturbed():
                server.stop(delete_data=True)
    finally:
        os.environ.clear()
        os.environ.update(own_environment)


def settle() -> None:
    """Let the server write out what is pending, so that it does not do so during a measurement."""
    with connect(autocommit=True) as connection:
        connection.execute("checkpoint")


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Let no second Ctrl-C cut the cleaning up short."""
    handlers = {number: signal.signal(number, signal.SIG_IGN) for number in _ENDING_SIGNALS}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
