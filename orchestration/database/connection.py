"""Which PostgreSQL to use, and connections to it.

With `PGHOST` set, libpq's variables decide. Without it, the embedded server is used, and started
when it does not run.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from psycopg.pq import Conninfo

from orchestration.database.embedded import DATABASE, HOST, ROLE, EmbeddedServer
from orchestration.errors import WarehouseError
from orchestration.project import state_directory

OLDEST_SUPPORTED_VERSION = 15

_CONNECT_SECONDS = 10
# What a server says while it starts over because one of its processes crashed.
_NOT_YET = (
    "starting up",
    "recovery mode",
    "not yet accepting",
    "server closed the connection unexpectedly",
)
_RECOVERY_SECONDS = 20
# How values are written, whatever PGOPTIONS, PGTZ, the role or the database ask for: psycopg cannot
# read times of another DateStyle.
_SESSION = b"set datestyle = ISO; set intervalstyle = postgres; set timezone = UTC"


@dataclass(frozen=True)
class ConnectionSettings:
    """Where the database is and who connects; never the password itself.

    Attributes:
        host: Host name, address or socket folder.
        port: TCP port.
        user: Role.
        dbname: Database.
        passfile: Password file in libpq's format, None when libpq's default applies.
        is_embedded: Whether the project's own server is meant.
    """

    host: str
    port: int
    user: str
    dbname: str
    passfile: Path | None
    is_embedded: bool

    def environment(self) -> dict[str, str]:
        """Return the variables with which psql or dbt connects to the same database.

        Merge them over `os.environ` for a child process. There is no password among them: libpq
        reads it from the password file, or the child inherits `PGPASSWORD`.

        Returns:
            `PGHOST`, `PGPORT`, `PGUSER`, `PGDATABASE`, `PGPASSFILE` when there is one; for the
            embedded server also an empty `PGPASSWORD` when one is set, which would win over the
            file.
        """
        variables = {
            "PGHOST": self.host,
            "PGPORT": str(self.port),
            "PGUSER": self.user,
            "PGDATABASE": self.dbname,
        }
        if self.passfile is not None:
            variables["PGPASSFILE"] = str(self.passfile)
        if self.is_embedded and os.environ.get("PGPASSWORD"):
            variables["PGPASSWORD"] = ""
        return variables

    def url(self, *, with_password: bool = False) -> str:
        """Return a URL that psql, psycopg and other users of libpq accept.

        Args:
            with_password: Put the password itself into the URL, for programs that do not read
                the password file.

        Returns:
            The URL, percent-encoded; without a password it names the password file.

        Raises:
            WarehouseError: The password is wanted and not known.
        """
        host = f"[{self.host}]" if ":" in self.host else quote(self.host, safe="")
        address = f"{host}:{self.port}/{quote(self.dbname, safe='')}"
        user = quote(self.user, safe="")
        if with_password:
            return f"postgresql://{user}:{quote(self._password(), safe='')}@{address}"
        url = f"postgresql://{user}@{address}"
        if self.passfile is not None:
            url += f"?passfile={quote(str(self.passfile), safe='/')}"
        return url

    def _password(self) -> str:
        if self.is_embedded:
            return _embedded_password(self)
        password = os.environ.get("PGPASSWORD")
        if not password:
            raise WarehouseError(
                f"The password for {self.user} at {self.host} is not known here: PGPASSWORD is "
                "not set. Set it, or use the URL without a password."
            )
        return password


def current_settings(start: bool = True) -> ConnectionSettings:
    """Return the settings that the environment asks for.

    Args:
        start: Start the embedded server when it is the one to use and does not run.

    Returns:
        Those of libpq's variables when `PGHOST` is set, else those of the embedded server.

    Raises:
        WarehouseError: The variables are wrong, or the embedded server does not start, or it was
            never started and `start` is false.
    """
    if not uses_embedded_server():
        return _libpq_settings()
    server = EmbeddedServer()
    if start:
        server.start()
    return ConnectionSettings(
        host=HOST,
        port=server.port,
        user=ROLE,
        dbname=DATABASE,
        passfile=server.passfile,
        is_embedded=True,
    )


def uses_embedded_server() -> bool:
    """Return whether the environment asks for the embedded server.

    Returns:
        True when `PGHOST` is unset or empty, and when it comes from `warehouse env`: then the
        password file is the embedded server's, which may have stopped or changed its port since.

    Raises:
        WarehouseError: There is no state folder to compare with.
    """
    if not os.environ.get("PGHOST"):
        return True
    passfile = os.environ.get("PGPASSFILE")
    if os.environ["PGHOST"] != HOST or not passfile or os.environ.get("PGDATABASE") != DATABASE:
        return False
    return Path(passfile) == state_directory() / "pgpass"


def connect(
    *,
    settings: ConnectionSettings | None = None,
    autocommit: bool = False,
    application_name: str = "warehouse",
    **options: Any,
) -> psycopg.Connection:
    """Open a connection to the warehouse's database.

    Args:
        settings: Where to; the current settings when omitted.
        autocommit: As in psycopg.
        application_name: Shown in `pg_stat_activity`.
        **options: Anything else that `psycopg.connect` takes.

    Returns:
        An open connection, for the caller to close.

    Raises:
        WarehouseError: The connection fails; the message says where to and what to check.
    """
    target = settings if settings is not None else current_settings()
    parameters: dict[str, Any] = {
        "host": target.host,
        "port": target.port,
        "user": target.user,
        "dbname": target.dbname,
        "connect_timeout": _CONNECT_SECONDS,
    }
    if target.passfile is not None:
        parameters["passfile"] = str(target.passfile)
    if target.is_embedded:
        # Variables meant for some other server must not reach this one.
        parameters |= {
            "hostaddr": HOST,
            "sslmode": "disable",
            "password": _embedded_password(target),
        }
    parameters |= options
    deadline = time.monotonic() + _RECOVERY_SECONDS
    while True:
        try:
            connection = psycopg.connect(
                autocommit=autocommit, application_name=application_name, **parameters
            )
            break
        except psycopg.OperationalError as error:
            reason = str(error).strip()
            if any(words in reason for words in _NOT_YET) and time.monotonic() < deadline:
                time.sleep(0.2)
                continue
            raise WarehouseError(_unreachable(target, reason)) from error
    connection.pgconn.exec_(_SESSION)
    return connection


def _embedded_password(target: ConnectionSettings) -> str:
    home = target.passfile.parent if target.passfile is not None else None
    return EmbeddedServer(home=home).password()


def _libpq_settings() -> ConnectionSettings:
    # libpq itself resolves its variables, a service file and its defaults.
    defaults = {
        option.keyword.decode(): option.val.decode()
        for option in Conninfo.get_defaults()
        if option.val is not None
    }
    port = defaults.get("port", "5432")
    if not port.isdigit():
        raise WarehouseError(f"PGPORT must be one number, not {port!r}.")
    user = defaults.get("user")
    if not user:
        raise WarehouseError("PGUSER is not set, and the system has no name for your account.")
    passfile = os.environ.get("PGPASSFILE")
    return ConnectionSettings(
        host=os.environ["PGHOST"],
        port=int(port),
        user=user,
        dbname=defaults.get("dbname", user),
        passfile=Path(passfile) if passfile else None,
        is_embedded=False,
    )


def _unreachable(target: ConnectionSettings, reason: str) -> str:
    where = f"{target.host} port {target.port}, user {target.user}, database {target.dbname}"
    if target.is_embedded:
        advice = "Run `warehouse db status`, and `warehouse db start` when it does not run."
    else:
        advice = (
            "Check that the server runs and accepts connections from here, and that PGHOST, "
            "PGPORT, PGUSER, PGPASSWORD (or PGPASSFILE) and PGDATABASE are right; without PGHOST "
            "the embedded server is used."
        )
    return f"No connection to PostgreSQL at {where}:\n{reason}\n{advice}"
