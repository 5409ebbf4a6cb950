"""What a server works on: its data folder, settings, role and database, made and put right."""

import os
import shutil
from importlib import resources
from pathlib import Path

from orchestration.database.embedded.account import Account
from orchestration.database.embedded.address import DATABASE, HOST, ROLE
from orchestration.database.embedded.folder import INITIALIZING, last_lines
from orchestration.database.embedded.programs import major_version
from orchestration.errors import WarehouseError

_SETTINGS_FILE = "warehouse.conf"


def is_initialized(data_directory: Path) -> bool:
    """Return whether a folder holds a server's data.

    Args:
        data_directory: The folder.

    Returns:
        Whether it was made by PostgreSQL.
    """
    return (data_directory / "PG_VERSION").is_file()


def initialize(data_directory: Path, programs: Path, account: Account, password: str) -> None:
    """Create the data folder aside and move it in place, so a crash leaves no half of one.

    Args:
        data_directory: Where it shall be.
        programs: PostgreSQL's programs.
        account: The account that runs the server.
        password: That of the role.

    Raises:
        WarehouseError: Something else is there, or PostgreSQL could not create it.
    """
    workplace = data_directory.with_name(INITIALIZING)
    if workplace.exists():
        shutil.rmtree(workplace)
    if data_directory.exists() and any(data_directory.iterdir()):
        raise WarehouseError(
            f"{data_directory} holds something else than a database. Move it away, or set "
            "WAREHOUSE_HOME to another folder."
        )
    workplace.mkdir(mode=0o700)
    password_file = workplace / "password"
    descriptor = os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(f"{password}\n")
    if account.process_options:
        os.chown(password_file, account.uid, -1)
        os.chown(workplace, account.uid, -1)
    # Sorting by code point is the same on every machine and after every system upgrade; the
    # builtin provider adds upper and lower case beyond ASCII.
    locale = ["--locale=C"]
    if major_version(programs) >= 17:
        locale += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    finished = account.run(
        [
            str(programs / "initdb"),
            f"--pgdata={workplace / 'data'}",
            f"--username={ROLE}",
            "--auth=scram-sha-256",
            f"--pwfile={password_file}",
            "--encoding=UTF8",
            "--data-checksums",
            *locale,
        ]
    )
    password_file.unlink()
    if finished.returncode != 0:
        shutil.rmtree(workplace)
        raise WarehouseError(
            "PostgreSQL could not create its data folder (initdb):\n"
            f"{last_lines(finished.stdout)}\nPut right what it names (often disk space) and "
            "try again; or set PGHOST to use a server of your own."
        )
    with (workplace / "data" / "postgresql.conf").open("a", encoding="utf-8") as stream:
        stream.write(f"\ninclude_if_exists = '{_SETTINGS_FILE}'\n")
    (workplace / "data").rename(data_directory)
    workplace.rmdir()


def refuse_other_version(data_directory: Path, programs: Path) -> None:
    """Refuse data that another major version of PostgreSQL has made.

    Args:
        data_directory: The data folder.
        programs: PostgreSQL's programs.

    Raises:
        WarehouseError: The versions differ.
    """
    made_by = (data_directory / "PG_VERSION").read_text(encoding="utf-8").strip()
    major = major_version(programs)
    if made_by != str(major):
        raise WarehouseError(
            f"{data_directory} was created by PostgreSQL {made_by}, the installed one is "
            f"{major}. Install the older one, or delete the data with "
            "`warehouse db stop --delete-data` and land the files again."
        )


def install_settings(data_directory: Path, account: Account) -> None:
    """Put the settings of this version of the project into the data folder.

    Args:
        data_directory: The data folder.
        account: The account that runs the server.

    Raises:
        OSError: They cannot be written.
    """
    settings = resources.files(__package__).joinpath(_SETTINGS_FILE)
    target = data_directory / _SETTINGS_FILE
    fresh = target.with_name(f"{_SETTINGS_FILE}.new")
    fresh.write_text(settings.read_text(encoding="utf-8"), encoding="utf-8")
    fresh.chmod(0o600)
    if account.process_options:
        os.chown(fresh, account.uid, -1)
    fresh.replace(target)


def reset_password(
    data_directory: Path, programs: Path, account: Account, password: str, passfile: Path
) -> None:
    """Give the role a new password when the file that held it is lost.

    Args:
        data_directory: The data folder of a stopped server.
        programs: PostgreSQL's programs.
        account: The account that runs the server.
        password: The new one: letters, digits, "-" and "_", so there is nothing to quote.
        passfile: The lost file, for the message.

    Raises:
        WarehouseError: PostgreSQL did not take it.
    """
    finished = account.run(
        [str(programs / "postgres"), "--single", "-D", str(data_directory), "postgres"],
        standard_input=f"alter role {ROLE} password '{password}';\n",
    )
    if finished.returncode != 0:
        raise WarehouseError(
            f"{passfile} is lost and no new password could be set:\n{last_lines(finished.stdout)}"
        )


def create_database(port: int, password: str, passfile: Path) -> None:
    """Create the warehouse's database on the running server if it is not there.

    Args:
        port: The server's port.
        password: That of the role.
        passfile: The file that holds it, for the message.

    Raises:
        WarehouseError: The server refuses the connection.
    """
    import psycopg
    from psycopg import sql

    try:
        with psycopg.connect(
            host=HOST,
            hostaddr=HOST,
            port=port,
            user=ROLE,
            dbname="postgres",
            password=password,
            sslmode="disable",
            autocommit=True,
            connect_timeout=10,
        ) as connection:
            found = connection.execute(
                "select 1 from pg_database where datname = %s", (DATABASE,)
            ).fetchone()
            if found is None:
                connection.execute(sql.SQL("create database {}").format(sql.Identifier(DATABASE)))
    except psycopg.OperationalError as error:
        raise WarehouseError(
            f"The embedded server runs on port {port} but refuses the connection: "
            f"{str(error).strip()}\nWas {passfile} changed? Delete that file and run "
            "`warehouse db start` to set a new password."
        ) from error
