"""Queries of a request, in one transaction as its tenant."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import cache
from importlib import resources
from typing import Any

import asyncpg

from orchestration.serving.principal import Principal

_QUERIES = resources.files(__package__) / "queries"
_PARAMETER = re.compile(r"%\((\w+)\)s")

# For the length of the transaction: a plain `set` would stay with the pool's connection.
_SPEAK_FOR = """
select
    set_config('role', $1, true),
    set_config('app.current_organization', $2, true),
    set_config('app.current_user', $3, true)
"""


@asynccontextmanager
async def speaking_for(
    pool: asyncpg.Pool, principal: Principal
) -> AsyncIterator[asyncpg.Connection]:
    """Yield a connection that sees what a principal may see, in one transaction.

    Args:
        pool: Connections of a login that may speak for everybody and by itself sees nothing.
        principal: For whom.

    Yields:
        The connection.
    """
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read"):
        await connection.execute(
            _SPEAK_FOR,
            principal.role,
            str(principal.organization_id or ""),
            str(principal.user_id or ""),
        )
        yield connection


async def answer(connection: asyncpg.Connection, name: str, parameters: Mapping[str, Any]) -> str:
    """Return what a query of the folder `queries` says, as JSON.

    Args:
        connection: Of `speaking_for`.
        name: The query's file, without its ending.
        parameters: What the query asks for, by name; others are left alone.

    Returns:
        The JSON document that PostgreSQL made.
    """
    statement, names = _prepared(name)
    return str(await connection.fetchval(statement, *(parameters[name] for name in names)))


@cache
def _prepared(name: str) -> tuple[str, tuple[str, ...]]:
    """Return a query with numbered parameters, and their names in that order."""
    text = (_QUERIES / f"{name}.sql").read_text("utf-8")
    names = tuple(dict.fromkeys(_PARAMETER.findall(text)))
    return _PARAMETER.sub(lambda found: f"${names.index(found[1]) + 1}", text), names
