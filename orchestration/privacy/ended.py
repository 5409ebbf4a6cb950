"""Ends organizations: they are removed for good on a day, and can be restored until then.

Nothing else changes before that day: rows stay readable, and what lands still counts. The removal
is the erasure of `warehouse privacy erase`, which replaces the id in the record of ended
organizations as well, in the same transaction: whose row holds a pseudonym has been removed.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from orchestration.audit.record import record
from orchestration.buckets import AnyPath
from orchestration.database.connection import connect
from orchestration.database.migrate import require_migrated
from orchestration.database.ownership import owns
from orchestration.errors import WarehouseError
from orchestration.privacy import holdings
from orchestration.privacy.erase import alone, erase, erase_now, finish
from orchestration.retention.limits import LONGEST_RAW_DAYS, read_limits

_ENDED = resources.files(__package__).joinpath("ended.sql").read_bytes()

_Tell = Callable[[str], object]


@dataclass(frozen=True)
class EndedOrganization:
    """An organization that has ended and is still held.

    Attributes:
        organization_id: Its id.
        name: Its name; None when no event told it.
        remove_on: The day, in UTC, from which on retention removes it.
        ended_at: When it was ended.
        ended_by: The login that ended it.
        events_since: How many events of it landed later.
    """

    organization_id: UUID
    name: str | None
    remove_on: dt.date
    ended_at: dt.datetime
    ended_by: str
    events_since: int


def end(
    organization: UUID,
    remove_on: dt.date | None,
    archive: AnyPath,
    tell: _Tell,
    *,
    dry_run: bool = False,
) -> None:
    """Record that an organization has ended, and the day on which it is removed.

    Args:
        organization: Its id.
        remove_on: The day; None for as many days from now as its landed events stay.
        archive: The folder of the archives.
        tell: Told in sentences what was done.
        dry_run: Only tell what would be removed, and when.

    Raises:
        WarehouseError: It is unknown, was erased or has ended already, or the day is not after
            today and within a year.
    """
    with connect(application_name="warehouse privacy", autocommit=True) as connection:
        require_migrated(connection)
        holdings.require_known(connection, "organization", organization)
        if connection.execute(
            "select 1 from ledger.erasures where pseudonym = %s", (organization,)
        ).fetchone():
            raise WarehouseError(f"{organization} is the pseudonym of somebody who was erased.")
        day = _day_of_removal(connection, organization, remove_on)
        with connection.transaction(force_rollback=dry_run):
            added = connection.execute(
                "insert into ledger.ended_organizations (organization_id, remove_on) "
                "values (%s, %s) on conflict do nothing",
                (organization, day),
            ).rowcount
            if added:
                record(
                    connection,
                    "end_organization",
                    "organization",
                    organization,
                    organization_id=organization,
                    remove_on=day,
                )
    if not added:
        raise WarehouseError(
            f"{organization} has ended already; `warehouse privacy ended` says when it is removed. "
            "For another day, restore it first."
        )
    if dry_run:
        tell(f"Would be removed on {day} (UTC), as it stands then:")
        erase("organization", organization, archive, tell, dry_run=True)
        return
    tell(
        f"Ended: {organization} stays as it is until {day} (UTC); from then on the next "
        f"`warehouse retention` removes it. Until then `warehouse privacy restore --organization "
        f"{organization}` takes that back."
    )


def restore(organization: UUID) -> None:
    """Take back that an organization has ended.

    Args:
        organization: Its id.

    Raises:
        WarehouseError: It has not ended, was removed already, or a removal is at work.
    """
    with alone() as connection, connection.transaction():
        restored = connection.execute(
            "update ledger.ended_organizations "
            "set restored_at = clock_timestamp(), restored_by = session_user "
            "where organization_id = %s and restored_at is null "
            "and organization_id not in (select pseudonym from ledger.erasures)",
            (organization,),
        ).rowcount
        if restored:
            record(
                connection,
                "restore_organization",
                "organization",
                organization,
                organization_id=organization,
            )
    if not restored:
        raise WarehouseError(
            f"{organization} has not ended, or was removed already. `warehouse privacy ended` "
            "lists those that can be restored."
        )


def ended(connection: psycopg.Connection) -> list[EndedOrganization]:
    """Return the organizations that have ended and are still held.

    Args:
        connection: To the warehouse's database.

    Returns:
        The organizations, those that are removed next first.
    """
    with connection.cursor(row_factory=class_row(EndedOrganization)) as cursor:
        return cursor.execute(_ENDED).fetchall()


def remove_ended(archive: AnyPath, now: dt.datetime, tell: _Tell) -> int:
    """Remove the organizations whose day has come, and finish a removal that was interrupted.

    No id is told: what hears it may write it down for longer than it may be held.

    Args:
        archive: The folder of the archives.
        now: What counts as now.
        tell: Told in sentences what was done, as it is done.

    Returns:
        How many were removed.

    Raises:
        WarehouseError: There are some, and this login is not the owner's; or the erasure could not
            be done.
    """
    today = now.astimezone(dt.UTC).date()
    with alone() as connection:
        waiting = ended(connection)
        due = [one for one in waiting if one.remove_on <= today]
        is_interrupted = connection.execute(
            "select 1 from ledger.erasures where state = 'files' limit 1"
        ).fetchone()
        if (due or is_interrupted) and not owns(connection, "ledger.erasures"):
            raise WarehouseError(
                f"{len(due):,} organization(s) that have ended are to be removed by now, or an "
                "erasure was interrupted. Run `warehouse retention` as the owner of the database."
            )
        finish(connection, archive, tell)
        for one in due:
            tell(f"An organization that has ended is removed, as planned for {one.remove_on}.")
            erase_now(connection, "organization", one.organization_id, archive, tell)
        later = [one.remove_on for one in waiting if one not in due]
        if waiting:
            tell(
                f"Ended organizations: {len(due):,} removed, {len(later):,} stay"
                + (f", the next until {later[0]}." if later else ".")
            )
    return len(due)


def _day_of_removal(
    connection: psycopg.Connection, organization: UUID, remove_on: dt.date | None
) -> dt.date:
    """Return the day that was asked for, or the one that follows from the limits.

    Raises:
        WarehouseError: It is not after today, or more than a year away.
    """
    today = dt.datetime.now(dt.UTC).date()
    if remove_on is None:
        limits = read_limits(connection)
        return today + dt.timedelta(days=limits.raw_days_of.get(organization, limits.raw_days))
    latest = today + dt.timedelta(days=LONGEST_RAW_DAYS)
    if not today < remove_on <= latest:
        raise WarehouseError(
            f"{remove_on} cannot be the day of the removal: the first is tomorrow, the last "
            f"{latest} (UTC). `warehouse privacy erase` removes an organization at once."
        )
    return remove_on
