"""Finds in every table of the database the rows that hold certain ids, and replaces the ids.

Tables are read off the catalog, so that one that is added later is covered without being named.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources
from uuid import UUID

import psycopg
from psycopg import sql

from orchestration.errors import WarehouseError
from orchestration.privacy.tombstones import ID

_FILES = resources.files(__package__)
_PREPARE = _FILES.joinpath("prepare_erasure.sql").read_bytes()
_COLUMNS = _FILES.joinpath("columns.sql").read_bytes()
_IDS = sql.SQL("select erased_ids.id from pg_temp.erased_ids")


@dataclass(frozen=True)
class Column:
    """A column that can hold an id.

    Attributes:
        name: Its name.
        type_name: Its type, as the database writes it.
        is_required: Whether it takes no NULL.
    """

    name: str
    type_name: str
    is_required: bool


@dataclass(frozen=True)
class Table:
    """A table with columns that can hold an id.

    Attributes:
        schema: Its schema.
        name: Its name.
        columns: Those columns, by name.
    """

    schema: str
    name: str
    columns: dict[str, Column] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return its name in the database."""
        return f"{self.schema}.{self.name}"

    @property
    def relation(self) -> sql.Identifier:
        """Its name in a statement."""
        return sql.Identifier(self.schema, self.name)

    def holder(self, kind: str) -> str | None:
        """Return the column that tells whose a row is.

        Args:
            kind: `user` or `organization`.

        Returns:
            The column; None when rows are nobody's.
        """
        if self.schema == "raw" and self.name == f"{kind}s":
            return "id"
        column = self.columns.get(f"{kind}_id")
        return column.name if column and column.type_name == "uuid" else None

    def mentions(self) -> sql.Composable:
        """Return the condition for rows that hold one of the ids, however it is written."""
        uuids = [column for column in self.columns.values() if column.type_name == "uuid"]
        texts = [column for column in self.columns.values() if column.type_name != "uuid"]
        conditions = [
            sql.SQL("{} in ({})").format(sql.Identifier(column.name), _IDS) for column in uuids
        ]
        if texts:
            text = sql.SQL("concat_ws(' ', {})").format(
                sql.SQL(", ").join(
                    sql.SQL("cast({} as text)").format(sql.Identifier(column.name))
                    for column in texts
                )
            )
            # The pattern is cheap, the function is asked for the few rows that hold any id at all.
            conditions.append(
                sql.SQL(
                    "case when {text} ~* {pattern} then pg_temp.erased({text}) <> {text} "
                    "else false end"
                ).format(text=text, pattern=sql.Literal(ID))
            )
        return sql.SQL("({})").format(sql.SQL(" or ").join(conditions))

    def belongs(self) -> sql.Composable:
        """Return the condition for rows of an execution or a decision of the person."""
        uuids = [column for column in self.columns.values() if column.type_name == "uuid"]
        if not uuids:
            return sql.SQL("false")
        return sql.SQL("({})").format(
            sql.SQL(" or ").join(
                sql.SQL("{} in (select related_ids.id from pg_temp.related_ids)").format(
                    sql.Identifier(column.name)
                )
                for column in uuids
            )
        )


def tables(connection: psycopg.Connection) -> list[Table]:
    """Return every table that can hold an id, also the partitions and copies of others.

    Args:
        connection: To the warehouse's database.

    Returns:
        The tables by name, without the record of erasures itself.
    """
    found: dict[tuple[str, str], Table] = {}
    for schema, name, column, type_name, is_required in connection.execute(_COLUMNS):
        table = found.setdefault((schema, name), Table(schema, name))
        table.columns[column] = Column(column, type_name, is_required)
    return list(found.values())


def prepare(connection: psycopg.Connection, pseudonyms: Mapping[UUID, UUID]) -> None:
    """Give the statements of this transaction the ids that they look for.

    Args:
        connection: In a transaction, at whose end they are forgotten.
        pseudonyms: What stands for each id.
    """
    connection.execute(_PREPARE)
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into pg_temp.erased_ids (id, pseudonym) values (%s, %s)",
            list(pseudonyms.items()),
        )


def collect_related(connection: psycopg.Connection, of: Iterable[UUID]) -> None:
    """Note which executions and decisions are those of people, in this transaction.

    Args:
        connection: In a transaction that was prepared.
        of: The people.
    """
    holders = list(of)
    for table in tables(connection):
        if table.holder("user") != "user_id":
            continue
        for column in ("id", "execution_id", "routing_decision_id", "adjustment_id"):
            if column in table.columns and table.columns[column].type_name == "uuid":
                connection.execute(
                    sql.SQL(
                        "insert into pg_temp.related_ids (id) select distinct {column} from "
                        "{table} where user_id = any(%s) and {column} is not null "
                        "on conflict do nothing"
                    ).format(column=sql.Identifier(column), table=table.relation),
                    (holders,),
                )


def require_known(connection: psycopg.Connection, kind: str, subject: UUID) -> None:
    """Refuse an id that nothing is held about.

    Args:
        connection: To the warehouse's database.
        kind: `user` or `organization`.
        subject: The id.

    Raises:
        WarehouseError: Nothing is held about it.
    """
    for table in tables(connection):
        holder = table.holder(kind)
        if holder is None:
            continue
        found = connection.execute(
            sql.SQL("select 1 from {} where {} = %s limit 1").format(
                table.relation, sql.Identifier(holder)
            ),
            (subject,),
        ).fetchone()
        if found:
            return
    raise WarehouseError(f"No {kind} {subject} is known here.")


def people_of(connection: psycopg.Connection, organization: UUID) -> tuple[set[UUID], set[UUID]]:
    """Return the people of an organization.

    Args:
        connection: To the warehouse's database.
        organization: The organization.

    Returns:
        Those that no other organization knows, and those that another one knows as well.
    """
    here: set[UUID] = set()
    elsewhere: set[UUID] = set()
    for user, holder in _memberships(connection):
        (here if holder == organization else elsewhere).add(user)
    return here - elsewhere, here & elsewhere


def visitors_of(connection: psycopg.Connection, kind: str, subject: UUID) -> set[UUID]:
    """Return the ids that a website gave to browsers of a person, or to those of an organization.

    Args:
        connection: To the warehouse's database.
        kind: `user` or `organization`.
        subject: The id.

    Returns:
        The ids, which stand also where the website did not know whom it saw.
    """
    visitors: set[UUID] = set()
    for table in tables(connection):
        holder = table.holder(kind)
        if holder is not None and "visitor_id" in table.columns:
            statement = sql.SQL(
                "select distinct visitor_id from {} where {} = %s and visitor_id is not null"
            ).format(table.relation, sql.Identifier(holder))
            visitors |= {one for (one,) in connection.execute(statement, (subject,))}
    return visitors


def _memberships(connection: psycopg.Connection) -> Iterator[tuple[UUID, UUID]]:
    """Yield who is known in which organization, each several times."""
    for table in tables(connection):
        user, organization = table.holder("user"), table.columns.get("organization_id")
        if user is None or organization is None:
            continue
        yield from connection.execute(
            sql.SQL(
                "select distinct {user}, organization_id from {table} "
                "where {user} is not null and organization_id is not null"
            ).format(user=sql.Identifier(user), table=table.relation)
        )


def count(connection: psycopg.Connection) -> dict[str, int]:
    """Count the rows that hold one of the ids.

    Args:
        connection: In a transaction that was prepared.

    Returns:
        How many there are, by table; no table without any.
    """
    counts = {}
    for table in tables(connection):
        row = connection.execute(
            sql.SQL("select count(*) from {} where {}").format(table.relation, table.mentions())
        ).fetchone()
        if row and row[0]:
            counts[str(table)] = int(row[0])
    return counts
