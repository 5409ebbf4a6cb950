"""Which PostgreSQL to use, and connections to it.

With `PGHOST` set, libpq's variables decide, for dbt as well. Without it, the embedded server is
used, and started when it does not run. The variables that `warehouse env` prints for it mean it as
long as nobody changes one.
"""

import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

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


# Also in profiles/profiles.yml, for dbt.
_LOOPBACK = re.compile(r"localhost|::1|127(\.[0-9]+){3}|[/@].*")

VERIFIED = "verify-full"
"""libpq's `sslmode` that encrypts and knows the server by its certificate."""

# Variables for some other server that libpq would follow although host and port are given, and
# the values with which they mean nothing to the embedded one.
_WITHOUT_MEANING = {"PGHOSTADDR": "", "PGPASSWORD": "", "PGSSLMODE": "disable"}


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

    @property
    def demands_tls(self) -> bool:
        """Whether passwords and data would leave this machine without it."""
        return not (self.is_embedded or _is_here(self.host))

    def environment(self) -> dict[str, str]:
        """Return the variables with which psql or dbt connects to the same database.

        Merge them over `os.environ` for a child process. There is no password among them: libpq
        reads it from the password file, or the child inherits `PGPASSWORD`.

        Returns:
            `PGHOST`, `PGPORT`, `PGUSER`, `PGDATABASE`, `PGPASSFILE` when there is one, `PGSSLMODE`
            when the server is elsewhere; for the embedded server also those that are set for
            another one, without their meaning.
        """
        variables = {
            "PGHOST": self.host,
            "PGPORT": str(self.port),
            "PGUSER": self.user,
            "PGDATABASE": self.dbname,
        }
        if self.passfile is not None:
            variables["PGPASSFILE"] = str(self.passfile)
        if self.demands_tls:
            variables["PGSSLMODE"] = VERIFIED
        if self.is_embedded:
            variables |= {
                name: value for name, value in _WITHOUT_MEANING.items() if os.environ.get(name)
            }
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
        user = quote(self.user, safe="")
        options = {"sslmode": VERIFIED} if self.demands_tls else {}
        if with_password:
            user += f":{quote(self.password(), safe='')}"
        elif self.passfile is not None:
            options["passfile"] = str(self.passfile)
        url = f"postgresql://{user}@{host}:{self.port}/{quote(self.dbname, safe='')}"
        return f"{url}?{urlencode(options, safe='/', quote_via=quote)}" if options else url

    def password(self) -> str:
        """Return the password itself.

        Returns:
            That of the embedded server, or what PGPASSWORD holds.

        Raises:
            WarehouseError: It is not known.
        """
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
    port_of_shell = os.environ.get("PGPORT", "") if os.environ.get("PGHOST") else ""
    if start:
        server.start(int(port_of_shell) if port_of_shell.isdecimal() else None)
    if port_of_shell and port_of_shell != str(server.port):
        raise WarehouseError(
            f"The embedded server listens on port {server.port} now, and PGPORT is still "
            f'{port_of_shell}. Run: unset PGHOST; eval "$(warehouse env)"'
        )
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
        True when `PGHOST` is unset or empty, and when all variables are as `warehouse env` prints
        them for the embedded server, which may have stopped since.

    Raises:
        WarehouseError: There is no state folder to compare with, or `PGSERVICE` is set without
            `PGHOST`, which dbt needs.
    """
    service = os.environ.get("PGSERVICE")
    if not os.environ.get("PGHOST"):
        if service:
            raise WarehouseError(
                "PGSERVICE is set, and PGHOST is not. Set PGHOST, PGPORT, PGUSER and PGDATABASE to "
                "use that server, or unset PGSERVICE to use the embedded one."
            )
        return True
    meant = {"PGHOST": HOST, "PGUSER": ROLE, "PGDATABASE": DATABASE}
    meant |= {name: value for name, value in _WITHOUT_MEANING.items() if os.environ.get(name)}
    if service or any(os.environ.get(name) != value for name, value in meant.items()):
        return False
    passfile = os.environ.get("PGPASSFILE")
    if not passfile or Path(passfile) != state_directory() / "pgpass":
        return False
    server = EmbeddedServer()
    # One that was deleted since has no port; it is made again on the one that the shell knows.
    return not server.passfile.exists() or os.environ.get("PGPORT") == str(server.port)


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
        WarehouseError: The connection fails; the message says where to and what to check. Or the
            database is not one of UTF-8.
    """
    target = settings if settings is not None else current_settings()
    parameters: dict[str, Any] = {
        "host": target.host,
        "port": target.port,
        "user": target.user,
        "dbname": target.dbname,
        "connect_timeout": _CONNECT_SECONDS,
        "client_encoding": "utf8",
    }
    if target.passfile is not None:
        parameters["passfile"] = str(target.passfile)
    if target.demands_tls:
        parameters["sslmode"] = VERIFIED
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
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        connection.close()
        raise WarehouseError(
            f"Database {target.dbname} has the encoding {encoding}, which cannot hold every "
            "text. The warehouse needs UTF-8: create database ... encoding 'UTF8' template "
            "template0."
        )
    connection.pgconn.exec_(_SESSION)
    return connection


def _embedded_password(target: ConnectionSettings) -> str:
    home = target.passfile.parent if target.passfile is not None else None
    return EmbeddedServer(home=home).password()


def _libpq_settings() -> ConnectionSettings:
    # What no variable says libpq knows: the account's name, or a service. dbt is told by
    # `warehouse env`.
    defaults = {
        option.keyword.decode(): option.val.decode()
        for option in Conninfo.get_defaults()
        if option.val is not None
    }
    port = os.environ.get("PGPORT") or "5432"
    if not port.isdigit():
        raise WarehouseError(f"PGPORT must be one number, not {port!r}.")
    user = os.environ.get("PGUSER") or defaults.get("user")
    if not user:
        raise WarehouseError("PGUSER is not set, and the system has no name for your account.")
    passfile = os.environ.get("PGPASSFILE")
    settings = ConnectionSettings(
        host=os.environ["PGHOST"],
        port=int(port),
        user=user,
        dbname=os.environ.get("PGDATABASE") or defaults.get("dbname") or user,
        passfile=Path(passfile) if passfile else None,
        is_embedded=False,
    )
    mode = os.environ.get("PGSSLMODE") or VERIFIED
    if settings.demands_tls and mode != VERIFIED:
        raise WarehouseError(
            f"PGSSLMODE is {mode}: passwords and data on their way to {settings.host} could be "
            f"read or changed. Unset it or set it to {VERIFIED}, and PGSSLROOTCERT to the "
            "certificate of who signed the server's."
        )
    return settings


def _is_here(host: str) -> bool:
    """Return whether nothing that is sent to a host leaves this machine."""
    hosts = [*host.split(","), *os.environ.get("PGHOSTADDR", "").split(",")]
    return all(_LOOPBACK.fullmatch(name) for name in hosts if name)


def _unreachable(target: ConnectionSettings, reason: str) -> str:
    where = f"{target.host} port {target.port}, user {target.user}, database {target.dbname}"
    if target.is_embedded:
        advice = "Run `warehouse db status`, and `warehouse db start` when it does not run."
    else:
        advice = (
            "Check that the server runs and accepts connections from here, and that PGHOST, "
            "PGPORT, PGUSER, PGPASSWORD (or PGPASSFILE) and PGDATABASE are right. The embedded "
            'server is used after: unset PGHOST; eval "$(warehouse env)"'
        )
        if target.demands_tls:
            advice += (
                "\nA server elsewhere must show a certificate for the name in PGHOST, signed by "
                "the one in PGSSLROOTCERT, or by a known authority with PGSSLROOTCERT=system."
            )
    return f"No connection to PostgreSQL at {where}:\n{reason}\n{advice}"
