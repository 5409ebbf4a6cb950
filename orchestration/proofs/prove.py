"""Writes proofs of sealed months."""

import datetime as dt
from importlib import resources
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import tuple_row

from orchestration.errors import WarehouseError
from orchestration.proofs.relations import (
    FIGURES,
    PEOPLE,
    PRICES,
    RELATIONS,
    columns_of,
    row_sha256,
)

MADE_LATER = "made after the month was sealed"
"""The reason of a link whose month had been sealed before there were proofs."""

_FILES = resources.files(__package__)
_NEW_LINK = sql.SQL(
    "(select 0 as link_id, cast(%(organization)s as uuid) as organization_id, "
    "cast(%(strand)s as text) as strand, cast(%(month)s as date) as month, "
    "cast(%(reason)s as text) as reason, cast(%(made_at)s as timestamptz) as made_at, "
    "(select max(digest_id) from ledger.day_digests) as last_digest_id, "
    "(select sha256 from ledger.month_links where organization_id = %(organization)s "
    "and strand = %(strand)s order by link_id desc limit 1) as previous_sha256)"
)
_ADD_LINK = """
insert into ledger.month_links (
    organization_id, strand, month, last_digest_id, reason, previous_sha256, sha256, made_at
)
select
    links.organization_id, links.strand, links.month, links.last_digest_id, links.reason,
    links.previous_sha256, hashes.sha256, links.made_at
from {links} as links
cross join ({hashes}) as hashes
"""
_FORGET_ROWS = """
update ledger.day_digests as superseded
set row_digests = null
where
    superseded.organization_id = %(organization)s
    and superseded.strand = 'people'
    and superseded.row_digests is not null
    and exists (
        select 1
        from ledger.day_digests as later
        where
            later.organization_id = superseded.organization_id
            and later.metric_date = superseded.metric_date
            and later.strand = superseded.strand
            and later.relation = superseded.relation
            and later.digest_id > superseded.digest_id
    )
"""
_RENEWED_MONTHS = """
select distinct links.month
from ledger.month_links as links
inner join ledger.day_digests as digests
    on
        links.organization_id = digests.organization_id
        and links.strand = digests.strand
        and digests.metric_date >= links.month
        and digests.metric_date < links.month + interval '1 month'
where
    links.organization_id = %(organization)s
    and links.strand = 'people'
    and digests.made_at = %(made_at)s
order by links.month
"""


def file_text(name: str) -> sql.SQL:
    """Return a statement of this package, to be formatted.

    Args:
        name: The file's name.

    Returns:
        Its text.
    """
    return sql.SQL(_FILES.joinpath(name).read_text(encoding="utf-8"))


def prove_months(connection: psycopg.Connection) -> int:
    """Write the proofs that sealed months lack: digests of their days, and a link for each.

    Args:
        connection: To the warehouse's database, in a transaction in which no build writes: the one
            that seals.

    Returns:
        How many months of organizations were proved.
    """
    with connection.cursor(row_factory=tuple_row) as cursor:
        periods = cursor.execute(file_text("sealed_periods.sql")).fetchall()
        if not periods:
            return 0
        organizations, first_days, until_days, first_months, until_months = map(
            list, zip(*periods, strict=True)
        )
        made_at = _clock(cursor)
        of_days = {
            "organizations": organizations,
            "first_days": first_days,
            "until_days": until_days,
            "made_at": made_at,
        }
        of_months = of_days | {"first_days": first_months, "until_days": until_months}
        for relation in RELATIONS:
            types = columns_of(connection, relation)
            for strand, columns in relation.strands(list(types)).items():
                cursor.execute(
                    file_text("add_digests.sql").format(
                        periods=file_text("periods.sql"),
                        relation=relation.identifier,
                        day=sql.SQL(relation.day),
                        row_sha256=row_sha256(columns, types),
                    ),
                    (of_months if relation.by_month else of_days)
                    | {"strand": strand, "relation": relation.name, "columns": columns},
                )
        for prices in PRICES:
            types = columns_of(connection, prices)
            cursor.execute(
                file_text("add_price_digests.sql").format(
                    periods=file_text("periods.sql"),
                    relation=prices.identifier,
                    key=sql.Identifier(prices.key),
                    kept_in=sql.SQL(", ").join(map(sql.Identifier, prices.kept_in)),
                    used=sql.SQL(prices.used),
                    row_sha256=row_sha256(list(types), types),
                ),
                of_days | {"relation": prices.name, "columns": list(types)},
            )
        months = cursor.execute(file_text("months_to_link.sql")).fetchall()
        for organization_id, month, was_sealed_before in months:
            reason = MADE_LATER if was_sealed_before else None
            for strand in (FIGURES, PEOPLE):
                _add_link(cursor, organization_id, strand, month, reason, made_at)
    return len(months)


def renew_people_digests(
    connection: psycopg.Connection, organization_id: UUID, reason: str
) -> list[dt.date]:
    """Link the people of an organization anew, after identifiers of somebody were replaced.

    For whoever erases a person: to be called in the same transaction, after the last change.
    Digests of figures are not touched: they hold no identifiers, so that they prove that no figure
    changed. Digests of people that no longer fit get a later one, and their months a further link
    with the reason; the earlier ones stay, without the hashes of single rows, which could tell that
    a row was somebody's. A month that is not linked yet will be linked with the later ones.

    Args:
        connection: To the warehouse's database, in the transaction that erases.
        organization_id: Whose sealed days were changed.
        reason: What `warehouse verify` says about it for ever, such as the number of a request;
            nothing that names the person.

    Returns:
        The months that were linked anew.

    Raises:
        WarehouseError: There is no reason.
    """
    if not reason.strip():
        raise WarehouseError("Proofs are renewed for a reason only; say which.")
    with connection.cursor(row_factory=tuple_row) as cursor:
        asked: dict[str, Any] = {"organization": organization_id, "made_at": _clock(cursor)}
        for relation in RELATIONS:
            types = columns_of(connection, relation)
            columns_of_digests = cursor.execute(
                "select distinct columns from ledger.day_digests "
                "where organization_id = %s and strand = %s and relation = %s",
                (organization_id, PEOPLE, relation.name),
            ).fetchall()
            for (columns,) in columns_of_digests:
                cursor.execute(
                    file_text("digests_of_people.sql").format(
                        relation=relation.identifier,
                        day=sql.SQL(relation.day),
                        row_sha256=row_sha256(columns, types),
                    ),
                    asked | {"relation": relation.name, "columns": columns},
                )
        cursor.execute(_FORGET_ROWS, asked)
        months = [month for (month,) in cursor.execute(_RENEWED_MONTHS, asked).fetchall()]
        for month in months:
            _add_link(cursor, organization_id, PEOPLE, month, reason, asked["made_at"])
    return months


def _clock(cursor: psycopg.Cursor[Any]) -> dt.datetime:
    """Return the moment, also in a transaction that began long ago."""
    row = cursor.execute("select clock_timestamp()").fetchone()
    moment: dt.datetime = row[0] if row else dt.datetime.now(dt.UTC)
    return moment


def _add_link(
    cursor: psycopg.Cursor[Any],
    organization_id: UUID,
    strand: str,
    month: dt.date,
    reason: str | None,
    made_at: dt.datetime,
) -> None:
    """Link a month to the one that was linked last."""
    hashes = file_text("link_sha256.sql").format(links=_NEW_LINK)
    cursor.execute(
        sql.SQL(_ADD_LINK).format(links=_NEW_LINK, hashes=hashes),
        {
            "organization": organization_id,
            "strand": strand,
            "month": month,
            "reason": reason,
            "made_at": made_at,
        },
    )
