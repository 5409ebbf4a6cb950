"""Queries of requests, each in a transaction as its tenant; PostgreSQL makes the JSON."""

import re
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib import resources
from textwrap import indent
from typing import Any, Union

import asyncpg
from psycopg import sql

from orchestration.serving.principal import Principal

_QUERIES = resources.files(__package__) / "queries"
_PARAMETER = re.compile(r"%\((\w+)\)s")
_INCLUDED = re.compile(r"^( *)\{\{ (\w+) \}\}", re.MULTILINE)
_MART = re.compile(r"\bmarts\.\w+")
_ROWS_AT_A_TIME = 500
# Most parts of a document add up the same rows.
_USAGE_OF_DOCUMENT = "select * from usage_of_document"

PARAMETERS = {
    "organization_id": "uuid",
    "user_id": "uuid",
    "subject_id": "uuid",
    "execution_id": "uuid",
    "start_date": "date",
    "end_date": "date",
    "since_date": "date",
    "period": "text",
    "by": "text",
    "provider": "text",
    "task_type": "text",
    "status": "text",
    "is_open": "boolean",
    "figure": "text",
    "sql": "text",
    "sources": "text []",
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


class NothingFoundError(Exception):
    """What was asked for does not exist, or is not for who asks: nothing tells these apart."""


@dataclass(frozen=True)
class Answer:
    """What a document consists of: queries of the folder `queries`, by the name of their file.

    Attributes:
        main: The query whose only row is the document itself; None where it has only parts.
        rows: Parts of one row each, by name; an answer where they have parts themselves.
        lists: Parts of any number of rows, by name.
    """

    main: str | None = None
    rows: Mapping[str, Union[str, "Answer"]] = field(default_factory=dict)
    lists: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def key(self) -> str:
        """The same for equal answers."""
        return repr(self)

    def queries(self) -> Iterator[str]:
        """Yield the names of all queries in it."""
        if self.main is not None:
            yield self.main
        yield from self.lists.values()
        for part in self.rows.values():
            yield from Answer(part).queries() if isinstance(part, str) else part.queries()


class Database:
    """The warehouse as a login sees it that may speak for everybody and by itself sees nothing."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        """Take a pool.

        Args:
            pool: Connections of that login.
        """
        self.pool = pool
        self._columns: dict[tuple[str, str], dict[str, str]] = {}
        self._statements: dict[tuple[str, ...], tuple[str, tuple[str, ...]]] = {}

    @asynccontextmanager
    async def speaking_for(self, principal: Principal) -> AsyncIterator[asyncpg.Connection]:
        """Yield a connection that sees what a principal may see, in one transaction.

        Args:
            principal: For whom.

        Yields:
            The connection.
        """
        async with self.pool.acquire() as connection, connection.transaction():
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
            NothingFoundError: The main query has no row.
            asyncpg.PostgresError: The database refuses.
        """
        async with self.speaking_for(principal) as connection:
            statement, names = await self._statement(connection, principal, answer)
            found = await connection.fetchval(statement, *(parameters[name] for name in names))
        if found is None:
            raise NothingFoundError
        return str(found)

    async def documents(
        self,
        connection: asyncpg.Connection,
        principal: Principal,
        query: str,
        parameters: Mapping[str, Any],
    ) -> AsyncIterator[str]:
        """Yield the rows of one query as JSON documents, few of them in memory at a time.

        Args:
            connection: Of `speaking_for`.
            principal: For whom.
            query: The query's name.
            parameters: As in `answer`.

        Yields:
            JSON.
        """
        rows = await self._rows(connection, principal, query)
        document = f"select row_to_json(document) from ({rows}) as document"  # noqa: S608
        statement, names = _statement_of(document, principal)
        given = (parameters[name] for name in names)
        async for (document,) in connection.cursor(statement, *given, prefetch=_ROWS_AT_A_TIME):
            yield document

    async def change(
        self, principal: Principal, query: str, parameters: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        """Run a query that writes.

        Args:
            principal: For whom.
            query: The query's name.
            parameters: As in `answer`.

        Returns:
            The row that it returns, None where it returns none.

        Raises:
            asyncpg.PostgresError: The database refuses.
        """
        async with self.speaking_for(principal) as connection:
            statement, names = _numbered(text_of(query, principal))
            found = await connection.fetchrow(statement, *(parameters[name] for name in names))
        return None if found is None else dict(found)

    async def _statement(
        self, connection: asyncpg.Connection, principal: Principal, answer: Answer
    ) -> tuple[str, tuple[str, ...]]:
        """Return the one statement of a document, and the names of its parameters in order."""
        key = (principal.scope, answer.key)
        if key not in self._statements:
            document = await self._document(connection, principal, answer)
            self._statements[key] = _statement_of(document, principal)
        return self._statements[key]

    async def _document(
        self, connection: asyncpg.Connection, principal: Principal, answer: Answer
    ) -> str:
        """Return a query for a document: one row of one value, or none where `main` has none."""
        columns = []
        for name, part in answer.rows.items():
            nested = Answer(part) if isinstance(part, str) else part
            document = await self._document(connection, principal, nested)
            columns.append(f'({document}) as "{name}"')
        for name, query in answer.lists.items():
            rows = await self._rows(connection, principal, query)
            every = f"select json_agg(document) from ({rows}) as document"  # noqa: S608
            columns.append(f"coalesce(({every}), '[]') as \"{name}\"")
        if answer.main is None:
            rows = f"select {', '.join(columns)}"
        else:
            rows = await self._rows(connection, principal, answer.main, columns)
        return f"select row_to_json(document) from ({rows}) as document"  # noqa: S608

    async def _rows(
        self,
        connection: asyncpg.Connection,
        principal: Principal,
        query: str,
        more: Iterable[str] = (),
    ) -> str:
        """Return a query whose rows are those of another one as documents have them."""
        text = _text_of(query, principal.scope, _USAGE_OF_DOCUMENT)
        key = (principal.scope, query)
        if key not in self._columns:
            part = f"select * from (\n{text}\n) as part"  # noqa: S608
            prepared = await connection.prepare(_statement_of(part, principal)[0])
            self._columns[key] = {
                column.name: column.type.name for column in prepared.get_attributes()
            }
        own = (column_of(name, kind) for name, kind in self._columns[key].items())
        return f"select {', '.join([*own, *more])} from (\n{text}\n) as part"  # noqa: S608


def column_of(column: str, kind: str) -> str:
    """Return how a column stands in a JSON document.

    Args:
        column: Its name; one that ends with `_usd` is money.
        kind: Its type.

    Returns:
        Columns of a row. Money stands twice: under its name as a string with all digits, and
        without `_usd` as a number, rounded to cents, below a dollar to six places.
    """
    if column.endswith("_usd") and kind == "numeric":
        money = f'part."{column}"'
        rounded = f"round({money}, case when abs({money}) < 1 then 6 else 2 end)"
        return f'{rounded} as "{column.removesuffix("_usd")}", cast({money} as text) as "{column}"'
    return f'part."{column}"'


def text_of(query: str, principal: Principal) -> str:
    """Return a query as it is asked for a principal.

    Args:
        query: Its name.
        principal: For whom.

    Returns:
        The text of its file: where there is a folder of its name, of the one in it for what the
        principal sees. `{{ name }}` in it stands for another query, such as `{{ usage }}`.
    """
    return _text_of(query, principal.scope)


@cache
def _text_of(query: str, scope: str, usage: str | None = None) -> str:
    """Return a query's text, with something else in the place of `{{ usage }}` if that is given."""
    names = (f"{query}/{scope}", query, f"fragments/{query}")
    files = (_QUERIES / f"{name}.sql" for name in names)

    def included(found: re.Match[str]) -> str:
        if usage and found[2] == "usage":
            return found[1] + usage
        return indent(_text_of(found[2], scope, usage).rstrip(), found[1])

    return _INCLUDED.sub(
        included, next(file for file in files if file.is_file()).read_text("utf-8")
    )


def _statement_of(document: str, principal: Principal) -> tuple[str, tuple[str, ...]]:
    """Return a document's statement, in which usage is read once, and its parameters' names."""
    if _USAGE_OF_DOCUMENT in document:
        usage = text_of("usage", principal)
        document = f"with usage_of_document as (\n{usage}\n)\n{document}"
    return _numbered(document)


def runnable(query: str, principal: Principal, parameters: Mapping[str, Any]) -> str:
    """Return a query with its parameters in it, as somebody can run it elsewhere.

    Args:
        query: Its name.
        principal: For whom.
        parameters: As in `Database.answer`.

    Returns:
        SQL.
    """
    return _PARAMETER.sub(
        lambda found: (
            "cast("
            + sql.Literal(_plain(parameters[found[1]])).as_string(None)
            + f" as {PARAMETERS[found[1]]})"
        ),
        text_of(query, principal),
    ).strip()


def sources_of(answer: Answer, principal: Principal) -> list[str]:
    """Return the marts that an answer is read from.

    Args:
        answer: What it consists of.
        principal: For whom.

    Returns:
        Their names with the schema, in order.
    """
    texts = (text_of(query, principal) for query in answer.queries())
    return sorted({name for text in texts for name in _MART.findall(text)})


def _plain(value: Any) -> str | None:
    return None if value is None else str(value)


def _numbered(text: str) -> tuple[str, tuple[str, ...]]:
    """Return a query with numbered parameters of known types, and their names in that order."""
    names = tuple(dict.fromkeys(_PARAMETER.findall(text)))
    return (
        _PARAMETER.sub(
            lambda found: f"cast(${names.index(found[1]) + 1} as {PARAMETERS[found[1]]})", text
        ),
        names,
    )
