"""Erases people and organizations from the tables, in the transaction of the caller."""

import json
import re
from collections.abc import Iterable

import psycopg
from psycopg import sql

from orchestration.landing.contracts import KINDS
from orchestration.privacy.holdings import Table, tables
from orchestration.privacy.tombstones import CLEARED, ERASED

_LOGS = ("dagster", "quality")
"""Schemas of texts about the work, in which names may be quoted."""

_NAMES_OF = {"user": "user_name", "organization": "organization_name"}
_TABLE_OF = {str(kind.__struct_config__.tag): kind.table for kind in KINDS}

# Of versions with the same stamps, the one whose name comes last counts: the order is kept.
_COLLECT_NAMES = """
insert into pg_temp.erased_names (organization_id, holder, name, replacement)
select
    coalesce(organizations.pseudonym, names.organization_id) as organization_id,
    coalesce(holders.pseudonym, names.holder) as holder,
    names.name,
    %(erased)s || case
        when names.place > 1 then to_char(names.place, 'FM" "000') else ''
    end as replacement
from (
    select
        organization_id,
        holder,
        name,
        dense_rank() over (partition by organization_id, holder order by name collate "C") as place
    from (
        select organization_id, id as holder, name from raw.users
        union
        select id as organization_id, id as holder, name from raw.organizations
    ) as versions
    where
        organization_id in (select erased_ids.id from pg_temp.erased_ids)
        or holder in (select erased_ids.id from pg_temp.erased_ids)
) as names
left join pg_temp.erased_ids as organizations on names.organization_id = organizations.id
left join pg_temp.erased_ids as holders on names.holder = holders.id
on conflict do nothing
"""


def names_of(connection: psycopg.Connection) -> list[str]:
    """Return the names of those who are to be erased.

    Args:
        connection: In a transaction that was prepared.

    Returns:
        Every name that landed of them.
    """
    rows = connection.execute(
        "select distinct name from raw.users "
        "where id in (select id from pg_temp.erased_ids) "
        "or organization_id in (select id from pg_temp.erased_ids) "
        "union select name from raw.organizations where id in (select id from pg_temp.erased_ids)"
    ).fetchall()
    return [str(name) for (name,) in rows if not str(name).startswith(ERASED)]


def is_telling(name: str) -> bool:
    """Return whether a name can be looked for in texts without hitting an ordinary word.

    Args:
        name: The name.

    Returns:
        Whether it has several words, or is an address.
    """
    return len(name.split()) > 1 or "@" in name


def erase_rows(connection: psycopg.Connection, names: Iterable[str]) -> dict[str, int]:
    """Replace the ids in every table, and clear what else tells who it was.

    Args:
        connection: In a transaction that was prepared and has noted the related ids.
        names: The names to look for in logs.

    Returns:
        How many rows held an id, by table.
    """
    connection.execute(_COLLECT_NAMES, {"erased": ERASED})
    # The audit log takes no other change.
    connection.execute("select set_config('app.is_erasing', 'true', true)")
    found = tables(connection)
    counts = {}
    for table in found:
        if replaced := _replace_ids(connection, table):
            counts[str(table)] = replaced
    for table in found:
        _replace_names(connection, table)
        _clear_texts(connection, table)
        if table.schema in _LOGS:
            _replace_names_in_texts(connection, table, names)
    return counts


def _replace_ids(connection: psycopg.Connection, table: Table) -> int:
    assignments = [
        sql.SQL("{column} = cast(pg_temp.erased(cast({column} as text)) as {type})").format(
            column=sql.Identifier(column.name),
            # The database's own words, not the user's.
            type=sql.SQL(column.type_name),
        )
        for column in table.columns.values()
    ]
    return connection.execute(
        sql.SQL("update {} set {} where {}").format(
            table.relation, sql.SQL(", ").join(assignments), table.mentions()
        )
    ).rowcount


def _replace_names(connection: psycopg.Connection, table: Table) -> None:
    """Replace names where they stand beside the id."""
    for kind, column in _NAMES_OF.items():
        holder = table.holder(kind)
        name = "name" if holder == "id" else column
        organization = "id" if holder == "id" and kind == "organization" else "organization_id"
        if holder is None or name not in table.columns or organization not in table.columns:
            continue
        connection.execute(
            sql.SQL(
                "update {table} as named set {name} = names.replacement "
                "from pg_temp.erased_names as names where named.{holder} = names.holder "
                "and named.{organization} = names.organization_id and named.{name} = names.name "
                "and names.name <> names.replacement"
            ).format(
                table=table.relation,
                name=sql.Identifier(name),
                holder=sql.Identifier(holder),
                organization=sql.Identifier(organization),
            )
        )


def _clear_texts(connection: psycopg.Connection, table: Table) -> None:
    """Clear the free texts of the person's own rows."""
    texts = sorted(
        name
        for name in set().union(*CLEARED.values())
        if name in table.columns and not table.columns[name].is_required
    )
    holders: list[sql.Composable] = [
        sql.SQL("{} in (select pseudonym from pg_temp.erased_ids)").format(sql.Identifier(holder))
        for kind in _NAMES_OF
        if (holder := table.holder(kind))
    ]
    if table.schema == "raw" and "task_execution_id" in table.columns:
        # Of an execution of the person, which alone says whose it is.
        holders.append(table.belongs())
        if table.name.startswith(_TABLE_OF["routing_decision"]):
            _clear_alternatives(connection, table, holders)
    if texts and holders:
        connection.execute(
            sql.SQL("update {} set {} where ({}) and num_nonnulls({}) > 0").format(
                table.relation,
                sql.SQL(", ").join(
                    sql.SQL("{} = null").format(sql.Identifier(name)) for name in texts
                ),
                sql.SQL(" or ").join(holders),
                sql.SQL(", ").join(map(sql.Identifier, texts)),
            )
        )


def _clear_alternatives(
    connection: psycopg.Connection, table: Table, holders: list[sql.Composable]
) -> None:
    """Leave out why a router did not choose the others."""
    connection.execute(
        sql.SQL(
            "update {} set alternative_providers = ("
            "select jsonb_agg(entry - 'reasoning' order by place) "
            "from jsonb_array_elements(alternative_providers) with ordinality as e (entry, place)) "
            "where ({}) and jsonb_path_exists(alternative_providers, '$[*].reasoning')"
        ).format(table.relation, sql.SQL(" or ").join(holders))
    )


def _replace_names_in_texts(
    connection: psycopg.Connection, table: Table, names: Iterable[str]
) -> None:
    """Replace names, as whole words, in texts about the work."""
    # A text in JSON may spell a letter by its number.
    spelled = {
        text for name in names if is_telling(name) for text in (name, json.dumps(name)[1:-1])
    }
    texts = [column for column in table.columns.values() if not column.type_name.startswith("uuid")]
    if not spelled or not texts:
        return
    pattern = rf"(?<!\w)({'|'.join(map(_escaped, sorted(spelled)))})(?!\w)"
    for column in texts:
        connection.execute(
            sql.SQL(
                "update {table} set {column} = cast(regexp_replace(cast({column} as text), "
                "{pattern}, {erased}, 'g') as {type}) where cast({column} as text) ~ {pattern}"
            ).format(
                table=table.relation,
                column=sql.Identifier(column.name),
                pattern=sql.Literal(pattern),
                erased=sql.Literal(ERASED),
                type=sql.SQL(column.type_name),
            )
        )


def _escaped(text: str) -> str:
    """Return a text so that a pattern means it literally."""
    return re.sub(r"([^\w\s])", r"\\\1", text)
