"""Connections to LiteLLM's own database, which are only for reading, and what its tables have.

Nothing here says the URL or a part of it: it holds a password.
"""

import contextlib
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from importlib import resources
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from orchestration.database.connection import VERIFIED, ConnectionSettings
from orchestration.database.refusals import said
from orchestration.errors import WarehouseError

VARIABLE = "LITELLM_DATABASE_URL"
"""The environment variable with the URL; it is nowhere else."""

LOGS = "LiteLLM_SpendLogs"
ATTEMPTS = "LiteLLM_ShadowEvalAttempt"
JOBS = "LiteLLM_ShadowEvalJob"

_FILES = resources.files(__package__)
_UNLESS_SAID = {"application_name": "warehouse import litellm", "connect_timeout": "10"}
# What LiteLLM's own driver reads in a URL and libpq refuses.
_OF_PRISMA = frozenset(
    {
        "connection_limit",
        "pgbouncer",
        "pool_timeout",
        "schema",
        "socket_timeout",
        "sslaccept",
        "statement_cache_size",
    }
)
# What libpq would take from variables, which are those of the warehouse's own database.
_OF_THE_WAREHOUSE = {"port": "5432", "hostaddr": "", "password": "", "options": ""}
_REPEATABLE = (
    "set transaction isolation level repeatable read, read only; "
    "set local timezone = UTC; set local datestyle = ISO; set local extra_float_digits = 1; "
    # To compile the query takes longer than to run it for a few thousand rows.
    "set local jit = off"
)
# The columns that are read and their types: older schemas lack some, and nothing else is named.
_COLUMNS: Mapping[str, str] = {
    "request_id": "text",
    "call_type": "text",
    "spend": "double precision",
    "prompt_tokens": "integer",
    "completion_tokens": "integer",
    "startTime": "timestamp",
    "endTime": "timestamp",
    "completionStartTime": "timestamp",
    "model": "text",
    "custom_llm_provider": "text",
    "user": "text",
    "end_user": "text",
    "team_id": "text",
    "organization_id": "text",
    "session_id": "text",
    "litellm_call_id": "text",
    "agent_id": "text",
    "status": "text",
    "cache_hit": "text",
    "metadata": "jsonb",
    "request_tags": "jsonb",
}
_ALWAYS_THERE = ("request_id", "call_type", "spend", "startTime", "endTime", "model", "metadata")
# What says whose a call is, of the columns of the log.
_OF_AN_OWNER = ("request_id", "organization_id", "metadata")
_OF_AN_ATTEMPT: Mapping[str, str] = {
    "id": "text",
    "job_id": "text",
    "request_id": "text",
    "outcome": "text",
    "router_name": "text",
    "tier": "text",
    "real_model": "text",
    "shadow_model": "text",
    "confidence": "double precision",
    "judge_cost": "double precision",
    "shadow_cost": "double precision",
    "real_cost": "double precision",
    "real_classifier_cost": "double precision",
    "shadow_classifier_cost": "double precision",
    "real_cache_hit": "boolean",
    "created_at": "timestamp",
}
_OF_A_JOB: Mapping[str, str] = dict.fromkeys(
    ("id", "direction", "router_name", "judge_model"), "text"
)
_ALWAYS_OF_AN_ATTEMPT = frozenset({"id", "job_id", "request_id", "outcome", "created_at"})
_NAMES = {"user": "user_name"}
_CHANGED_AT = "updated_at"


@contextmanager
def opened() -> Iterator[psycopg.Connection]:
    """Yield a connection to LiteLLM's database, in a transaction that sees one moment of it.

    Yields:
        The connection.

    Raises:
        WarehouseError: There is no URL, it is none, or the database cannot be read.
    """
    parameters, schema = _parameters()
    with contextlib.closing(_connect(parameters)) as connection:
        with readable():
            connection.execute(_REPEATABLE.encode())
            if schema:
                connection.execute("select set_config('search_path', %s, true)", (schema,))
        yield connection


@contextmanager
def readable() -> Iterator[None]:
    """Turn an error of LiteLLM's database into one sentence for the user.

    Raises:
        WarehouseError: It could not be read.
    """
    try:
        yield
    except psycopg.Error as error:
        raise WarehouseError(
            f"LiteLLM's database could not be read ({said(error)}). What has landed stays, and the "
            "next import goes on from there."
        ) from error


def columns_of(connection: psycopg.Connection, table: str) -> frozenset[str]:
    """Return the columns of a table that this login may read.

    Args:
        connection: To LiteLLM's database.
        table: The table.

    Returns:
        Their names; none where there is no such table.
    """
    rows = connection.execute(
        "select column_name from information_schema.columns "
        "where table_schema = any(current_schemas(false)) and table_name = %s",
        (table,),
    ).fetchall()
    return frozenset(str(name) for (name,) in rows)


def query(name: str) -> sql.SQL:
    """Return a query of this package.

    Args:
        name: Its file, without the ending.

    Returns:
        The query.
    """
    text = _FILES.joinpath(f"{name}.sql").read_text(encoding="utf-8")
    return sql.SQL(text)


def query_of_logs(connection: psycopg.Connection) -> sql.Composed:
    """Return the query that makes events of calls, for the columns that are there.

    Args:
        connection: To LiteLLM's database.

    Returns:
        The query.

    Raises:
        WarehouseError: The database is none of LiteLLM's, or this login may not read it.
    """
    there = columns_of(connection, LOGS)
    missing = [name for name in _ALWAYS_THERE if name not in there]
    if missing:
        raise WarehouseError(
            f"The database in {VARIABLE} has no {LOGS} with the column(s) {', '.join(missing)} "
            "that this login may read."
        )
    changed_at = sql.Identifier(_CHANGED_AT if _CHANGED_AT in there else "endTime")
    columns = sql.SQL("{}, {} as changed_at").format(_selected(_COLUMNS, there), changed_at)
    return query("spend_logs").format(columns=columns, changed_at=changed_at)


def query_of_evaluations(connection: psycopg.Connection) -> sql.Composed | None:
    """Return the query that makes events of shadow evaluations, for the columns that are there.

    Args:
        connection: To LiteLLM's database.

    Returns:
        The query; None where this LiteLLM has no such tables yet, or this login may not read them.
    """
    attempts, jobs = columns_of(connection, ATTEMPTS), columns_of(connection, JOBS)
    if not (attempts >= _ALWAYS_OF_AN_ATTEMPT and jobs >= _OF_A_JOB.keys()):
        return None
    of_an_owner = {name: _COLUMNS[name] for name in _OF_AN_OWNER}
    return query("evaluations").format(
        attempts=_selected(_OF_AN_ATTEMPT, attempts),
        jobs=_selected(_OF_A_JOB, jobs),
        logs=_selected(of_an_owner, columns_of(connection, LOGS)),
    )


def _selected(columns: Mapping[str, str], there: Collection[str]) -> sql.Composed:
    """Return columns as a select names them, each NULL that is not there."""
    return sql.SQL(", ").join(
        sql.SQL("{} as {}").format(
            sql.Identifier(name)
            if name in there
            else sql.SQL("cast(null as {})").format(sql.SQL(kind)),
            sql.Identifier(_NAMES.get(name, name)),
        )
        for name, kind in columns.items()
    )


def _connect(parameters: dict[str, str]) -> psycopg.Connection:
    try:
        return psycopg.connect(
            make_conninfo(**(_UNLESS_SAID | parameters | {"client_encoding": "utf8"})),
            # Poolers give the statements of one session to several.
            prepare_threshold=None,
        )
    except psycopg.Error as error:
        # What the driver says names the host and the login.
        raise WarehouseError(
            f"No connection to the database in {VARIABLE}. Check that its host, port, login, "
            "password and database are right and that it accepts connections from here. A server "
            "elsewhere must show a certificate for its name, signed by a known authority "
            "(sslrootcert=system in the URL) or by the one in sslrootcert."
        ) from error


def _parameters() -> tuple[dict[str, str], str | None]:
    """Return what libpq connects with, and the schema of the tables.

    Raises:
        WarehouseError: There is no URL, or it is none of PostgreSQL's, names no host, or would send
            data in clear.
    """
    url = os.environ.get(VARIABLE)
    if not url:
        raise WarehouseError(
            f"{VARIABLE} is not set. It holds the URL of LiteLLM's database, such as "
            "postgresql://USER:PASSWORD@HOST:5432/DATABASE, for a login that may read it."
        )
    try:
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query))
        kept = {name: value for name, value in options.items() if name not in _OF_PRISMA}
        plain = urlunsplit(parts._replace(query=urlencode(kept)))
        said_parameters = conninfo_to_dict(plain)
    except (ValueError, psycopg.Error):
        raise WarehouseError(f"{VARIABLE} is not a URL of PostgreSQL.") from None
    named = {name: str(value) for name, value in said_parameters.items() if value is not None}
    if parts.scheme not in ("postgresql", "postgres") or not named.get("host"):
        raise WarehouseError(
            f"{VARIABLE} is not a URL of PostgreSQL with a host: postgresql://HOST/DATABASE."
        )
    named.setdefault("user", "postgres")
    named.setdefault("dbname", named["user"])
    named = _OF_THE_WAREHOUSE | named
    hosts = ",".join(filter(None, (named["host"], named["hostaddr"])))
    is_elsewhere = ConnectionSettings(
        hosts, 0, named["user"], named["dbname"], None, is_embedded=False
    ).demands_tls
    mode = named.setdefault("sslmode", VERIFIED if is_elsewhere else "prefer")
    if is_elsewhere and mode != VERIFIED:
        raise WarehouseError(
            f"The sslmode in {VARIABLE} would let passwords and data be read or changed on their "
            f"way. Leave it out or set it to {VERIFIED}, and sslrootcert to the certificate of who "
            "signed the server's."
        )
    return named, options.get("schema")
