"""How the application is set up: by the environment, and by itself on the embedded server."""

import hashlib
import hmac
import os
import ssl
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

import psycopg
from psycopg import sql

from orchestration.access.roles import allow, apply_roles
from orchestration.database.connection import ConnectionSettings, connect, current_settings
from orchestration.database.migrate import require_migrated
from orchestration.errors import WarehouseError
from orchestration.serving.brand import Brand
from orchestration.serving.principal import ROLES, Keys

LOGIN = "app"
"""The login of the application on the embedded server."""

_POWERS = resources.files(__package__) / "powers.sql"
# From the catalog, which a login may read that by itself may read nothing else.
_BUILT = (
    "select from pg_class inner join pg_namespace on pg_class.relnamespace = pg_namespace.oid "
    "where nspname = 'marts' and relname = 'live_freshness'"
)
_REQUESTS_PER_MINUTE = 100
_CONNECT_SECONDS = 5
_STATEMENT_SECONDS = 10
# Each keeps plans of all documents, up to 200 MB, and a core works for no more than three.
_CONNECTIONS = 6


@dataclass(frozen=True)
class Settings:
    """How the application is set up.

    Attributes:
        keys: What tokens are verified with.
        database: What `asyncpg.create_pool` takes: a login that may speak for everybody, and by
            itself sees nothing.
        is_local: Whether it is for this machine alone: whoever can reach it needs no token.
        cors_origins: Other sites whose pages may ask; none unless they are named.
        requests_per_minute: How much a tenant may ask.
        redis_url: The Redis that several processes share, None where there is one process.
        metrics_token: What Prometheus shows from another machine; None where it may not ask.
        brand: Under whose name and colours the pages appear.
    """

    keys: Keys
    database: dict[str, Any]
    is_local: bool = False
    cors_origins: tuple[str, ...] = ()
    requests_per_minute: int = _REQUESTS_PER_MINUTE
    redis_url: str | None = None
    metrics_token: str | None = None
    brand: Brand = field(default_factory=Brand)

    @classmethod
    def from_environment(cls) -> "Settings":
        """Return what the environment asks for; the embedded server gets a login if it has none.

        Returns:
            The settings.

        Raises:
            WarehouseError: Keys are missing, a number is none, or the login may see too much.
        """
        found = current_settings()
        local_secret = _derived(found, "tokens") if found.is_embedded else None
        with connect(application_name="warehouse app", autocommit=True) as connection:
            if connection.execute(_BUILT).fetchone() is None:
                raise WarehouseError("The marts are not built yet. Run `dbt build` first.")
            if found.is_embedded:
                require_migrated(connection)
                found_database = _of_embedded_server(connection, found)
            else:
                refuse_unfit_login(connection)
                found_database = _of_own_server(found)
        origins = os.environ.get("WAREHOUSE_CORS_ORIGINS", "").split(",")
        return cls(
            Keys.from_environment(local_secret),
            found_database,
            found.is_embedded,
            tuple(origin.strip() for origin in origins if origin.strip()),
            _whole_number("WAREHOUSE_REQUESTS_PER_MINUTE", _REQUESTS_PER_MINUTE),
            os.environ.get("REDIS_URL") or None,
            os.environ.get("WAREHOUSE_METRICS_TOKEN") or None,
            Brand.from_environment(),
        )


def local_keys() -> Keys:
    """Return the keys of `Settings.from_environment`, without a look at the database.

    Returns:
        The keys.

    Raises:
        WarehouseError: There are none.
    """
    found = current_settings()
    return Keys.from_environment(_derived(found, "tokens") if found.is_embedded else None)


def refuse_unfit_login(connection: psycopg.Connection) -> None:
    """Refuse a login that row-level security does not hold, or that may not speak for tenants.

    Args:
        connection: As this login.

    Raises:
        WarehouseError: It is a superuser, passes policies by, owns marts, or is in too few roles.
    """
    row = connection.execute(_POWERS.read_bytes(), {"roles": list(ROLES)}).fetchone()
    if row is None:
        raise WarehouseError("The database does not say who this login is.")
    login, is_powerful, missing, speaks_for_everybody = row
    if is_powerful:
        raise WarehouseError(
            f"{login} owns the warehouse or passes row-level security by: tenants would see each "
            "other. Connect as a login of its own; docs/access.md says how to make one."
        )
    if missing or not speaks_for_everybody:
        role = (missing or ROLES)[0]
        raise WarehouseError(
            f"{login} may not speak for every tenant as {role}. As the owner: "
            f"`warehouse roles allow {login} --role {role} --every-organization`."
        )


def _of_embedded_server(
    connection: psycopg.Connection, settings: ConnectionSettings
) -> dict[str, Any]:
    """Return how to connect to the embedded server; a login is made when it is missing."""
    password = _derived(settings, LOGIN)
    name = sql.Identifier(LOGIN)
    if not connection.execute("select 1 from pg_roles where rolname = %s", (LOGIN,)).fetchone():
        apply_roles(connection)
        connection.execute(sql.SQL("create role {} login noinherit").format(name))
        for role in ROLES:
            allow(connection, LOGIN, role, None)
    # As the server keeps it: what could be read in its log opens nothing.
    kept = connection.pgconn.encrypt_password(
        password.encode(), LOGIN.encode(), b"scram-sha-256"
    ).decode()
    connection.execute(sql.SQL("alter role {} password {}").format(name, sql.Literal(kept)))
    return {
        "host": settings.host,
        "port": settings.port,
        "user": LOGIN,
        "password": password,
        "database": settings.dbname,
        **pool_options(),
    }


def _of_own_server(settings: ConnectionSettings) -> dict[str, Any]:
    """Return how to connect to a server of one's own, as libpq's variables say."""
    options: dict[str, Any] = {
        "host": settings.host,
        "port": settings.port,
        "user": settings.user,
        "database": settings.dbname,
        **pool_options(),
    }
    if settings.passfile is not None:
        options["passfile"] = str(settings.passfile)
    if settings.demands_tls:
        # asyncpg reads PGSSLROOTCERT only with a mode; verify-full is the default of this context.
        options["ssl"] = ssl.create_default_context(cafile=os.environ.get("PGSSLROOTCERT") or None)
    return options


def pool_options() -> dict[str, Any]:
    """Return what every pool of the application has, whichever server it connects to."""
    return {
        "min_size": 1,
        "max_size": _CONNECTIONS,
        "timeout": _CONNECT_SECONDS,
        "command_timeout": _STATEMENT_SECONDS,
        # A document is one statement, of any length; its plan is kept as long as the connection.
        "max_cacheable_statement_size": 0,
        "max_cached_statement_lifetime": 0,
        "server_settings": {
            "application_name": "warehouse app",
            "timezone": "UTC",
            # Live views take PostgreSQL fifty times as long to plan as to read.
            "plan_cache_mode": "force_generic_plan",
            "statement_timeout": f"{_STATEMENT_SECONDS}s",
        },
    }


def _derived(settings: ConnectionSettings, purpose: str) -> str:
    """Return a secret that whoever may read the embedded server's password can compute again."""
    return hmac.new(settings.password().encode(), purpose.encode(), hashlib.sha256).hexdigest()


def _whole_number(variable: str, otherwise: int) -> int:
    text = os.environ.get(variable) or str(otherwise)
    if not text.isdecimal() or int(text) < 1:
        raise WarehouseError(f"{variable} is {text!r}: it has to be a whole number, 1 or more.")
    return int(text)
