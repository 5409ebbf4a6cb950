"""The commands `warehouse db ...` and `warehouse env`."""

# The modules that do the work are imported by the command that needs them: `warehouse --help`
# must not wait for a database driver.

import os
import shlex
import shutil
import sys
from typing import TYPE_CHECKING

import click

from orchestration.errors import WarehouseError
from orchestration.project import project_root

if TYPE_CHECKING:
    from orchestration.database.connection import ConnectionSettings

NOT_RUNNING_EXIT_CODE = 3


@click.group()
def db() -> None:
    """The database: start and stop the embedded server, migrate, show how to connect.

    With PGHOST set, that server is used instead of the embedded one.
    """


@db.command()
def start() -> None:
    """Start the embedded PostgreSQL server, unless it runs."""
    from orchestration.database.connection import connect, current_settings, uses_embedded_server
    from orchestration.database.embedded import EmbeddedServer

    if not uses_embedded_server():
        settings = current_settings()
        with connect(settings=settings):
            click.echo(f"PGHOST is set: using the server at {settings.host}:{settings.port}.")
        return
    server = EmbeddedServer()
    was_started = server.start()
    click.echo(
        f"PostgreSQL {'started' if was_started else 'is running'} on 127.0.0.1:{server.port}."
    )


@db.command()
@click.option(
    "--delete-data",
    is_flag=True,
    help="Also delete the embedded server's database, password and log. Asks for nothing.",
)
def stop(delete_data: bool) -> None:
    """Stop the embedded PostgreSQL server; open sessions are disconnected."""
    from orchestration.database.embedded import EmbeddedServer

    server = EmbeddedServer()
    was_running = server.stop(delete_data=delete_data)
    message = "The embedded server was stopped." if was_running else "It was not running."
    if delete_data:
        message += " Its data was deleted."
    click.echo(message)


@db.command()
def status() -> None:
    """Show the server's version, port, data folder and revision; exit code 3 when it is down."""
    from orchestration.database.connection import current_settings, uses_embedded_server
    from orchestration.database.embedded import EmbeddedServer

    if uses_embedded_server():
        found = EmbeddedServer().status()
        click.echo(f"server:   embedded, {'running' if found.is_running else 'not running'}")
        click.echo(f"data:     {found.data_directory}")
        if not found.is_running:
            sys.exit(NOT_RUNNING_EXIT_CODE)
        _show_database(current_settings(start=False))
        return
    settings = current_settings()
    click.echo("server:   set by PGHOST")
    try:
        _show_database(settings)
    except WarehouseError as error:
        click.echo(f"Error: {error.message}", err=True)
        sys.exit(NOT_RUNNING_EXIT_CODE)


@db.command()
@click.option("--with-password", is_flag=True, help="Put the password itself into the URL.")
def url(with_password: bool) -> None:
    """Print the database's URL, for psql and other clients."""
    from orchestration.database.connection import current_settings

    click.echo(current_settings().url(with_password=with_password))


@db.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def psql(arguments: tuple[str, ...]) -> None:
    """Open psql on the database: the one on the PATH, else the embedded server's own.

    ARGUMENTS are handed to psql, for example: -c "select * from marts.dim_providers".
    """
    from orchestration.database.connection import current_settings
    from orchestration.database.embedded import embedded_bin_directory

    variables = os.environ | current_settings().environment()
    program = shutil.which("psql") or os.fspath(embedded_bin_directory() / "psql")
    # psql takes over this process, so that Ctrl-C reaches it and its exit code is this command's.
    os.execve(program, [program, *arguments], variables)  # noqa: S606


@db.command()
def migrate() -> None:
    """Create or update schemas raw and ledger, starting the embedded server if needed."""
    from orchestration.database.migrate import migrate as run_migrations

    before, after = run_migrations()
    if before == after:
        click.echo(f"Schema raw is up to date (revision {after}).")
    else:
        click.echo(f"Schema raw migrated from {before or 'nothing'} to revision {after}.")


@click.command()
@click.option(
    "--dagster",
    "for_dagster",
    is_flag=True,
    help="Also what dagster, dagster-webserver and dagster-daemon need; prepares DAGSTER_HOME.",
)
def env(for_dagster: bool) -> None:
    """Print shell commands that point psql and dbt to the database: eval "$(warehouse env)"."""
    from orchestration.database.connection import current_settings
    from orchestration.instance.home import instance_environment
    from orchestration.prices.encryption import KEY, price_key_environment

    variables = instance_environment() if for_dagster else current_settings().environment()
    variables["DBT_PROFILES_DIR"] = os.fspath(project_root() / "profiles")
    for name, value in variables.items():
        click.echo(f"export {name}={shlex.quote(value)}")
    if price_key_environment():
        # The shell puts the key in, so that it is never shown.
        key = f"${KEY}" if os.environ.get(KEY) else f'$(cat "${KEY}_FILE")'
        click.echo(f'export PGOPTIONS="${{PGOPTIONS:-}} -c app.price_key={key}"')


def _show_database(settings: "ConnectionSettings") -> None:
    from orchestration.database.connection import connect
    from orchestration.database.migrate import current_revision

    with connect(settings=settings) as connection:
        version = connection.info.parameter_status("server_version")
        revision = current_revision(connection)
    click.echo(f"version:  PostgreSQL {version}")
    click.echo(f"address:  {settings.host}:{settings.port}")
    click.echo(f"database: {settings.dbname}, user {settings.user}")
    click.echo(f"revision: {revision or 'not migrated: run `warehouse db migrate`'}")
