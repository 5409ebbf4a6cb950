"""Erases a person or an organization: the tables in one transaction, then the files.

What is killed before the transaction ends has done nothing. What is killed after it is finished by
the next erasure: until then the record of erasures holds what is still to be looked for.
"""

import hmac
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from orchestration.audit.record import record
from orchestration.buckets import AnyPath
from orchestration.database.connection import connect
from orchestration.database.migrate import require_migrated
from orchestration.errors import WarehouseError
from orchestration.privacy import holdings
from orchestration.privacy.event_files import Eraser
from orchestration.privacy.files import erase_files, mentions, price_files, related_in_archives
from orchestration.privacy.rows import erase_rows, is_telling, names_of
from orchestration.privacy.tombstones import PrivacyKey, privacy_key
from orchestration.proofs.prove import renew_people_digests
from orchestration.proofs.relations import PEOPLE
from orchestration.retention.raw_events import require_alone

_WAIT_FOR_BUILDS_SECONDS = 60
_DEAD_AFTER_SECONDS = 1.5  # as builds judge each other
_WAIT_FOR_LOADS = "60s"

_Tell = Callable[[str], object]


@dataclass(frozen=True)
class Request:
    """Who is to be erased.

    Attributes:
        kind: `user` or `organization`.
        pseudonyms: What stands for each id: that of the subject, of an organization's people, and
            of their browsers.
        names: Their names.
        shared: People of the organization whom another one knows as well, and who stay.
    """

    kind: str
    pseudonyms: dict[UUID, UUID]
    names: list[str]
    shared: int = 0


def erase(
    kind: str | None, subject: UUID | None, archive: AnyPath, tell: _Tell, *, dry_run: bool = False
) -> None:
    """Erase a person or an organization, or finish what was interrupted.

    Args:
        kind: `user` or `organization`; None only finishes.
        subject: The id; None only finishes.
        archive: The folder of the archives.
        tell: Told in sentences what was done, as it is done.
        dry_run: Only tell what would be erased.

    Raises:
        WarehouseError: The id is unknown, a build or another erasure is at work, the privacy key
            is not the right one, or a file cannot be written.
    """
    with alone() as connection:
        if dry_run and kind and subject:
            _tell_plan(connection, kind, subject, archive, tell)
            return
        resumed = finish(connection, archive, tell)
        if kind and subject:
            erase_now(connection, kind, subject, archive, tell)
        elif not resumed:
            tell("No erasure was interrupted: there is nothing to finish.")


@contextmanager
def alone() -> Iterator[psycopg.Connection]:
    """Yield a connection beside which no other erasure or retention works.

    Yields:
        The connection, in autocommit mode.

    Raises:
        WarehouseError: Another one is at work.
    """
    with connect(application_name="warehouse privacy", autocommit=True) as connection:
        require_migrated(connection)
        # A statement ends when whoever asked for it is killed.
        connection.execute("set client_connection_check_interval = '500ms'")
        require_alone(connection)
        yield connection


def erase_now(
    connection: psycopg.Connection, kind: str, subject: UUID, archive: AnyPath, tell: _Tell
) -> None:
    """Erase a person or an organization from the tables, then from the files.

    Args:
        connection: Of `alone`.
        kind: `user` or `organization`.
        subject: The id.
        archive: The folder of the archives.
        tell: Told in sentences what was done, as it is done.

    Raises:
        WarehouseError: As `erase` does.
    """
    _erase_from_tables(connection, kind, subject, tell)
    finish(connection, archive, tell)


def _erase_from_tables(
    connection: psycopg.Connection, kind: str, subject: UUID, tell: _Tell
) -> None:
    """Erase from all tables and record it, in one transaction."""
    if not connection.execute("select 1 from ledger.erasures limit 1").fetchone():
        # Before a key is made.
        holdings.require_known(connection, kind, subject)
    key = privacy_key(connection)
    with connection.transaction():
        connection.execute("select set_config('lock_timeout', %s, true)", (_WAIT_FOR_LOADS,))
        _wait_for_builds(connection)
        _wait_for_loads(connection)
        request = _request(connection, key, kind, subject)
        holdings.prepare(connection, request.pseudonyms)
        names = names_of(connection)
        if kind == "user":
            holdings.collect_related(connection, request.pseudonyms)
        _record(connection, key, Request(kind, request.pseudonyms, names), subject)
        counts = erase_rows(connection, names)
        _renew_proofs(connection)
        pseudonym = request.pseudonyms[subject]
        record(
            connection,
            "delete_data",
            kind,
            pseudonym,
            organization_id=pseudonym if kind == "organization" else None,
            rows=sum(counts.values()),
        )
        # Whoever keeps answers forgets them.
        connection.execute("notify warehouse, 'built'")
    for table, rows in counts.items():
        tell(f"Erased: {rows:,} row(s) of {table}.")
    if short := [name for name in names if not is_telling(name)]:
        tell(
            f"{len(short)} name(s) of one word were replaced in the rows of their holder only: "
            "logs may quote such a word and mean something else."
        )
    if request.shared:
        tell(
            f"{request.shared:,} of its people are known to another organization as well and keep "
            "their ids; erase them one by one where they asked for it."
        )


def _renew_proofs(connection: psycopg.Connection) -> None:
    """Link the people of sealed months anew where they have changed; no figure has."""
    organizations = connection.execute(
        "select distinct organization_id from ledger.day_digests where strand = %s", (PEOPLE,)
    ).fetchall()
    for (organization_id,) in organizations:
        renew_people_digests(connection, organization_id, "somebody was erased")


def _request(connection: psycopg.Connection, key: PrivacyKey, kind: str, subject: UUID) -> Request:
    """Return who is to be erased, with the pseudonyms of those who were erased before.

    Raises:
        WarehouseError: Nothing is held about the id, and it was never erased.
    """
    known = _pseudonym_before(connection, key, subject)
    if known is None:
        holdings.require_known(connection, kind, subject)
    given = {one for (one,) in connection.execute("select pseudonym from ledger.erasures")}
    if subject in given:
        raise WarehouseError(f"{subject} is the pseudonym of somebody who was erased.")
    subjects = {subject} | (holdings.visitors_of(connection, kind, subject) - given)
    shared = set[UUID]()
    if kind == "organization":
        people, shared = holdings.people_of(connection, subject)
        subjects |= people - given
        shared -= given
    # Nobody keeps this key, so nobody can compute a pseudonym from its id again.
    passing_key = secrets.token_bytes(32)
    pseudonyms = {
        one: _pseudonym_before(connection, key, one) or _pseudonym_of(passing_key, one)
        for one in subjects
    }
    return Request(kind, pseudonyms, [], len(shared))


def _pseudonym_of(passing_key: bytes, subject: UUID) -> UUID:
    return UUID(bytes=hmac.digest(passing_key, subject.bytes, "sha256")[:16], version=4)


def _pseudonym_before(
    connection: psycopg.Connection, key: PrivacyKey, subject: UUID
) -> UUID | None:
    row = connection.execute(
        "select pseudonym from ledger.erasures where tombstone = %s", (key.tombstone_of(subject),)
    ).fetchone()
    return row[0] if row else None


def _record(
    connection: psycopg.Connection, key: PrivacyKey, request: Request, subject: UUID
) -> None:
    """Record the erasure, with what is still to be looked for in files."""
    request_id = uuid4()
    for one, pseudonym in request.pseudonyms.items():
        pending: dict[str, Any] = {"id": str(one)}
        if one == subject:
            pending["names"] = request.names
        connection.execute(
            "insert into ledger.erasures "
            "(request_id, kind, tombstone, key_check, pseudonym, state, pending) "
            "values (%s, %s, %s, %s, %s, 'files', %s) on conflict (tombstone) do update set "
            "request_id = excluded.request_id, state = excluded.state, finished_at = null, "
            "pending = excluded.pending",
            (
                request_id,
                request.kind if one == subject else "user",
                key.tombstone_of(one),
                key.check,
                pseudonym,
                Jsonb(pending),
            ),
        )


def finish(connection: psycopg.Connection, archive: AnyPath, tell: _Tell) -> bool:
    """Erase from files what is erased from the tables.

    Args:
        connection: Of `alone`.
        archive: The folder of the archives.
        tell: Told in sentences what was done, as it is done.

    Returns:
        Whether there was anything to do.

    Raises:
        WarehouseError: A build is at work, or a file cannot be written.
    """
    rows = connection.execute(
        "select kind, pseudonym, pending from ledger.erasures where state = 'files'"
    ).fetchall()
    if not rows:
        return False
    pseudonyms = {UUID(pending["id"]): pseudonym for _, pseudonym, pending in rows}
    names = [name for _, _, pending in rows for name in pending.get("names", ())]
    people = {UUID(pending["id"]) for kind, _, pending in rows if kind == "user"}
    related = related_in_archives(connection, archive, people | {pseudonyms[one] for one in people})
    with connection.transaction():
        holdings.prepare(connection, pseudonyms)
        holdings.collect_related(connection, [pseudonyms[one] for one in people])
        related |= {one for (one,) in connection.execute("select id from pg_temp.related_ids")}
    eraser = Eraser(pseudonyms, related)
    for path, count in erase_files(connection, archive, eraser, names).items():
        tell(f"Erased: {count:,} line(s) or place(s) of {path}.")
    with connection.transaction():
        # What somebody computed before and wrote only now, such as the result of a check.
        _wait_for_builds(connection)
        holdings.prepare(connection, pseudonyms)
        connection.cursor().executemany(
            "insert into pg_temp.related_ids values (%s)", [(one,) for one in related]
        )
        if written := erase_rows(connection, names):
            _renew_proofs(connection)
        connection.execute(
            "update ledger.erasures set state = 'finished', finished_at = clock_timestamp(), "
            "pending = null where state = 'files'"
        )
    for table, count in written.items():
        tell(f"Erased: {count:,} row(s) of {table}, written meanwhile.")
    _vacuum(connection)
    tell("Finished: nothing that the warehouse keeps holds the id.")
    for path, lines in price_files(Eraser(pseudonyms, set())).items():
        tell(
            f"{path} still holds an erased id in {lines} line(s). It is yours, so it was not "
            "changed: put in its place, before the next `dbt seed` or full refresh, "
            + ", ".join(sorted(str(pseudonyms[one]) for one in pseudonyms if one not in people))
            + ". Until then these price nothing."
        )
    return True


def _vacuum(connection: psycopg.Connection) -> None:
    """Give the space of the rows as they were back, so that it is written over."""
    for table in holdings.tables(connection):
        with suppress(psycopg.errors.UndefinedTable):  # a build has replaced it
            connection.execute(sql.SQL("vacuum {}").format(table.relation))
    connection.execute("vacuum ledger.erasures")


def _tell_plan(
    connection: psycopg.Connection, kind: str, subject: UUID, archive: AnyPath, tell: _Tell
) -> None:
    """Tell what an erasure would change."""
    holdings.require_known(connection, kind, subject)
    people, shared = (
        holdings.people_of(connection, subject) if kind == "organization" else (set(), set())
    )
    visitors = holdings.visitors_of(connection, kind, subject)
    subjects = {one: uuid4() for one in (subject, *people, *visitors)}
    with connection.transaction(force_rollback=True):
        holdings.prepare(connection, subjects)
        for table, rows in holdings.count(connection).items():
            tell(f"Would erase: {rows:,} row(s) of {table}.")
    eraser = Eraser(subjects, set())
    lines: dict[str, int] = {}
    for mention in mentions(connection, archive, eraser):
        lines[mention.path] = lines.get(mention.path, 0) + 1
    for path, count in lines.items():
        tell(f"Would erase: {count:,} line(s) of {path}.")
    for path, count in price_files(eraser).items():
        tell(f"Would not change: {count:,} line(s) of {path}, which is yours to change.")
    if people or shared:
        tell(
            f"With it would go {len(people):,} people of its own; {len(shared):,} whom another "
            "organization knows as well would keep their ids."
        )
    tell("Nothing was changed.")


# --- Who else is at work --------------------------------------------------------------------------


def _wait_for_builds(connection: psycopg.Connection) -> None:
    """Wait for builds, and keep others from beginning until the transaction ends.

    Raises:
        WarehouseError: A build is at work and does not end.
    """
    deadline = time.monotonic() + _WAIT_FOR_BUILDS_SECONDS
    while True:
        with connection.transaction() as attempt:
            # Whoever begins a build, or ends one, writes into this table.
            connection.execute("lock table ledger.running_builds in share row exclusive mode")
            if not _build_is_alive(connection):
                return
            if time.monotonic() < deadline:
                raise psycopg.Rollback(attempt)
            raise WarehouseError(
                f"A build has been at work for more than {_WAIT_FOR_BUILDS_SECONDS} seconds. "
                "Run this again when it has ended."
            )
        time.sleep(0.5)


def _build_is_alive(connection: psycopg.Connection) -> bool:
    """Return whether a build has its turn, and was not killed."""
    row = connection.execute("select count(*) from ledger.running_builds").fetchone()
    if not row or not row[0]:
        return False
    deadline = time.monotonic() + _DEAD_AFTER_SECONDS
    while time.monotonic() < deadline:
        connection.execute("select pg_stat_clear_snapshot()")
        if connection.execute(
            "select 1 from pg_catalog.pg_stat_activity "
            "where datname = current_database() and application_name = 'dbt'"
        ).fetchone():
            return True
        time.sleep(0.1)
    return False


def _wait_for_loads(connection: psycopg.Connection) -> None:
    """Wait for loads that do not know of this erasure yet; those that come later wait for it.

    Raises:
        WarehouseError: A load does not end.
    """
    try:
        connection.execute("lock table ledger.erasures in access exclusive mode")
    except psycopg.errors.LockNotAvailable as error:
        raise WarehouseError(
            f"A load has been at work for more than {_WAIT_FOR_LOADS}. Nothing was erased; try "
            "again when it has ended."
        ) from error
