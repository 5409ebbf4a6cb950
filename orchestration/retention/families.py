"""Removes events of families that report what machines and browsers did."""

import datetime as dt

import psycopg
from psycopg import sql

from orchestration.landing.families import AgentEvent, FamilyEvent, ProviderEvent, WebEvent
from orchestration.retention.limits import Limits

LEAVING: tuple[type[FamilyEvent], ...] = (AgentEvent, ProviderEvent, WebEvent)
"""What leaves. What customers did, asked and pay for stays, as users and adjustments do."""

# By whole days of UTC, as they were totalled, so that what stays is still what landed.
_REMOVE = """
with limits as (
    select
        organization_id,
        cast(%(now)s at time zone 'UTC' as date) - coalesce(
            (
                select own.raw_days
                from intermediate.int_retention_limits as own
                where own.organization_id = known.organization_id
            ),
            %(raw_days)s
        ) as first_day
    from (select distinct organization_id from {events}) as known
),
totals as (
    delete from ledger.landed_totals as totals
    using limits
    where
        totals.event_kind = {kind}
        and totals.organization_id = limits.organization_id
        and totals.event_date < limits.first_day
)
delete from {events} as events
using limits
where
    events.organization_id = limits.organization_id
    and events.occurred_at < limits.first_day at time zone 'UTC'
"""


def remove_family_events(connection: psycopg.Connection, limits: Limits, now: dt.datetime) -> int:
    """Remove events of agents, of providers and of the website that are older than their limit.

    Args:
        connection: To the warehouse's database, in autocommit mode.
        limits: How long landed events stay.
        now: What counts as now.

    Returns:
        How many were removed.
    """
    removed = 0
    for family in LEAVING:
        statement = sql.SQL(_REMOVE).format(
            events=sql.Identifier("raw", family.table),
            kind=sql.Literal(str(family.__struct_config__.tag)),
        )
        removed += connection.execute(statement, {"now": now, "raw_days": limits.raw_days}).rowcount
    return removed
