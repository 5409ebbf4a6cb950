"""Queries of requests, each in a transaction as its tenant; PostgreSQL makes the JSON."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib import resources
from textwrap import indent
from typing import Any

import asyncpg

from orchestration.serving.principal import Principal

_QUERIES = resources.files(__package__) / "queries"
_PARAMETER = re.compile(r"%\((\w+)\)s")
_INCLUDED = re.compile(r"^( *)\{\{ (\w+) \}\}", re.MULTILINE)

PARAMETERS = {
    "organization_id": "uuid",
    "user_id": "uuid",
    "execution_id": "uuid",
    "start_date": "date",
    "end_date": "date",
    "period": "text",
    "provider": "text",
    "task_type": "text",
    "after_time": "timestamptz",
    "after_id": "text",
    "row_count": "bigint",
    "monthly_tasks": "numeric",
    "developers": "bigint",
    "hourly_rate_usd": "numeric",
    "minutes_saved_per_task": "numeric",
    "hours_saved_per_task": "numeric",
    "monthly_platform_cost_usd": "numeric",
    "implementation_cost_usd": "numeric",
}
"""What a query may ask for, with its type in PostgreSQL."""

# For the length of the transaction: a plain `set` would stay with the pool's connection.
_SPEAK_FOR = """
select
    set_config('role', $1, true),
    set_config('app.current_organization', $2, true),
    set_config('app.current_user', $3, true)
"""


@dataclass(frozen=True)
class Answer:
    """What a document consists of: queries of the folder `queries`, by the name of their file.

    Attributes:
        main: The query whose only row is the document itself; None where it has only parts.
        rows: Parts of one row each, by name.
        lists: Parts of any number of rows, by name.
    """

    main: str | None = None
    rows: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, str] = field(default_factory=dict)


class Database:
    """The warehouse as a login sees it that may speak for everybody and by itself sees nothing."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        """Take a pool.

        Args:
            pool: Connections of that login.
        """
        self._pool = pool
        self._columns: dict[str, dict[str, str]] = {}
        self._statements: dict[tuple[str, ...], tuple[str, tuple[str, ...]]] = {}

    @asynccontextmanager
    async def speaking_for(self, principal: Principal) -> AsyncIterator[asyncpg.Connection]:
        """Yield a connection that sees what a principal may see, in one transaction.

        Args:
            principal: For whom.

        Yields:
            The connection.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(
                _SPEAK_FOR,
                principal.role,
                str(principal.organization_id or ""),
                str(principal.user_id or ""),
            )
            yield connection

    async def answer(
        self, principal: Principal, answer: Answer, parameters: Mapping[str, Any]
    ) -> str:
        """Return a document.

        Args:
            principal: For whom.
            answer: What it consists of.
            parameters: What its queries ask for, by name; others are left alone.

        Returns:
            The JSON document that PostgreSQL made, in one statement, so that its parts agree.

        Raises:
            asyncpg.PostgresError: The database refuses.
        """
        async with self.speaking_for(principal) as connection:
            statement, names = await self._statement(connection, principal, answer)
            return str(await connection.fetchval(statement, *(parameters[name] for name in names)))

    async def table(
        self, principal: Principal, query: str, parameters: Mapping[str, Any]
    ) -> tuple[list[str], list[list[Any]]]:
        """Return the rows of one query, for a CSV file.

        Args:
            principal: For whom.
            query: The query's name.
            parameters: As in `answer`.

        Returns:
            The names of the columns, and the rows.

        Raises:
            asyncpg.PostgresError: The database refuses.
        """
        async with self.speaking_for(principal) as connection:
            statement, names = _numbered(text_of(query, principal))
            prepared = await connection.prepare(statement)
            rows = await prepared.fetch(*(parameters[name] for name in names))
            return [column.name for column in prepared.get_attributes()], [
                list(row) for row in rows
            ]

    async def _statement(
        self, connection: asyncpg.Connection, principal: Principal, answer: Answer
    ) -> tuple[str, tuple[str, ...]]:
        """Return the one statement of a document, and the names of its parameters in order."""
        key = (principal.scope, repr(answer))
        if key not in self._statements:
            members = []
            for name, query in answer.rows.items():
                text, row = await self._part(connection, principal, query)
                members.append(f"'{name}', (select {row} from (\n{text}\n) as part)")  # noqa: S608
            for name, query in answer.lists.items():
                text, row = await self._part(connection, principal, query)
                rows = f"select json_agg({row}) from (\n{text}\n) as part"  # noqa: S608
                members.append(f"'{name}', coalesce(({rows}), '[]')")
            document = f"json_build_object({', '.join(members)})"
            if answer.main is None:
                statement = f"select {document}"
            else:
                text, row = await self._part(connection, principal, answer.main)
                own = row.removeprefix("json_build_object(").removesuffix(")")
                document = f"json_build_object({', '.join([own, *members])})"
                statement = f"select {document} from (\n{text}\n) as part"  # noqa: S608
            self._statements[key] = _numbered(statement)
        return self._statements[key]

    async def _part(
        self, connection: asyncpg.Connection, principal: Principal, query: str
    ) -> tuple[str, str]:
        """Return a query, and the expression that makes a JSON object of one of its rows."""
        text = text_of(query, principal)
        if text not in self._columns:
            prepared = await connection.prepare(_numbered(text)[0])
            self._columns[text] = {
                column.name: column.type.name for column in prepared.get_attributes()
            }
        members = [member_of(name, kind) for name, kind in self._columns[text].items()]
        return text, f"json_build_object({', '.join(members)})"


def member_of(column: str, kind: str) -> str:
    """Return how a column stands in a JSON document.

    Args:
        column: Its name; one that ends with `_usd` is money.
        kind: Its type.

    Returns:
        Members of `json_build_object`. Money stands twice: under its name as a string with all
        digits, and without `_usd` as a number, rounded to cents, below a dollar to six places.
    """
    if column.endswith("_usd") and kind == "numeric":
        money = f'part."{column}"'
        rounded = f"round({money}, case when abs({money}) < 1 then 6 else 2 end)"
        return f"'{column.removesuffix('_usd')}', {rounded}, '{column}', cast({money} as text)"
    return f"'{column}', part.\"{column}\""


def text_of(query: str, principal: Principal) -> str:
    """Return a query as it is asked for a principal.

    Args:
        query: Its name.
        principal: For whom.

    Returns:
        The text of its file: where there is a folder of its name, of the one in it for what the
        principal sees. `{{ name }}` in it stands for another query, such as `{{ usage }}`.
    """
    names = (f"{query}/{principal.scope}", query, f"fragments/{query}")
    files = (_QUERIES / f"{name}.sql" for name in names)
    return _INCLUDED.sub(
        lambda found: indent(text_of(found[2], principal).rstrip(), found[1]),
        next(file for file in files if file.is_file()).read_text("utf-8"),
    )


def _numbered(text: str) -> tuple[str, tuple[str, ...]]:
    """Return a query with numbered parameters of known types, and their names in that order."""
    names = tuple(dict.fromkeys(_PARAMETER.findall(text)))
    return (
        _PARAMETER.sub(
            lambda found: f"cast(${names.index(found[1]) + 1} as {PARAMETERS[found[1]]})", text
        ),
        names,
    )
