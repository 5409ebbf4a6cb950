"""Seals months that are old enough, and removes details that need not stay."""

import datetime as dt
from dataclasses import dataclass
from importlib import resources
from uuid import UUID

import psycopg
from psycopg import sql

from orchestration.audit.record import record
from orchestration.errors import WarehouseError
from orchestration.proofs.prove import prove_months
from orchestration.retention.limits import Limits, first_of_month

_FILES = resources.files(__package__)
_WAIT_FOR_BUILDS = "60s"


@dataclass(frozen=True)
class Sealing:
    """What is sealed.

    Attributes:
        sealed_before: Everything that started before this moment, of the organizations of which
            anything did; None while nothing is sealed.
        organizations: Until when the months of each organization are sealed.
        executions: How many executions this call sealed.
        months: How many months of organizations this call proved.
    """

    sealed_before: dt.datetime | None
    organizations: dict[UUID, dt.datetime]
    executions: int
    months: int


@dataclass(frozen=True)
class Removal:
    """What has left the marts.

    Attributes:
        executions: Executions.
        decisions: Routing decisions.
        hours: Rows for hours, of organizations and providers.
    """

    executions: int
    decisions: int
    hours: int


def seal(connection: psycopg.Connection, limits: Limits, now: dt.datetime) -> Sealing:
    """Seal all months that are old enough, and prove them, in one transaction.

    What is sealed no build changes any more; what arrives for it stands in `late_corrections`.
    What is sealed belongs to each organization: nothing is of one that has nothing that old. Where
    there is nothing to seal nothing is recorded.

    Args:
        connection: To the warehouse's database, in no transaction.
        limits: How old a month must be.
        now: What counts as now.

    Returns:
        What is sealed.

    Raises:
        WarehouseError: Something that landed is not built yet, or a build is at work. Nothing was
            sealed then.
    """
    sealed_before = first_of_month(now, limits.seal_after_days)
    with connection.transaction():
        _lock_marts(connection)
        executions = 0
        if organizations := _run(connection, "seal_organizations.sql", sealed_before=sealed_before):
            _require_built(connection)
            executions = _run(connection, "seal_executions.sql")
            connection.execute(
                "insert into ledger.seals (sealed_before, organization_count, execution_count) "
                "values (%s, %s, %s)",
                (sealed_before, organizations, executions),
            )
            _run(connection, "record_seals.sql")
        # Also of what was sealed by a version without proofs, before its details leave.
        months = prove_months(connection)
    if executions:
        connection.execute("analyze ledger.sealed_executions")
    if months:
        connection.execute("analyze ledger.day_digests, ledger.month_links")
    sealed = _sealed_organizations(connection)
    return Sealing(max(sealed.values(), default=None), sealed, executions, months)


def remove_details(connection: psycopg.Connection, limits: Limits, now: dt.datetime) -> Removal:
    """Remove executions, decisions and hours that are sealed and older than they need to be.

    Days, weeks and months stay, with all that was counted.

    Args:
        connection: To the warehouse's database, in no transaction.
        limits: How long details stay.
        now: What counts as now.

    Returns:
        How much was removed.

    Raises:
        WarehouseError: A build is at work. Nothing was removed then.
    """
    sealed = _sealed_organizations(connection)
    if not sealed:
        return Removal(0, 0, 0)
    sealed_before = max(sealed.values())
    details = min(sealed_before, first_of_month(now, limits.detail_days))
    hours = min(sealed_before, first_of_month(now, limits.hourly_days))
    with connection.transaction():
        _lock_marts(connection)
        _remove(connection, "remove_measured_savings.sql", details)
        decisions = _remove(connection, "remove_decisions.sql", details)
        executions = _remove(connection, "remove_executions.sql", details)
        removed_hours = _remove(connection, "remove_organization_hours.sql", hours)
        removed_hours += _run(connection, "remove_provider_hours.sql", before=hours)
        removal = Removal(executions, decisions, removed_hours)
        if any(vars(removal).values()):
            record(connection, "remove_data", "marts", **vars(removal))
    return removal


def _sealed_organizations(connection: psycopg.Connection) -> dict[UUID, dt.datetime]:
    """Return until when the months of each organization are sealed."""
    query = _FILES.joinpath("sealed_organizations.sql").read_bytes()
    return dict(connection.execute(query).fetchall())


def _lock_marts(connection: psycopg.Connection) -> None:
    """Wait for builds that are writing, and keep others from beginning to."""
    connection.execute("select set_config('lock_timeout', %s, true)", (_WAIT_FOR_BUILDS,))
    rows = connection.execute(
        "select tablename from pg_catalog.pg_tables where schemaname = 'marts' order by tablename"
    ).fetchall()
    try:
        for (table,) in rows:
            connection.execute(
                sql.SQL("lock table {} in share row exclusive mode").format(
                    sql.Identifier("marts", table)
                )
            )
    except psycopg.errors.LockNotAvailable as error:
        raise WarehouseError(
            f"A build has been writing for more than {_WAIT_FOR_BUILDS}. Nothing was done; try "
            "again when it has ended."
        ) from error


def _require_built(connection: psycopg.Connection) -> None:
    """Refuse to seal figures that lack something which has landed."""
    row = connection.execute(_FILES.joinpath("not_built.sql").read_bytes()).fetchone()
    loads, models = row if row else (0, 0)
    if loads or models:
        waiting = f"{loads:,} load(s)" if loads else f"{models} model(s)"
        raise WarehouseError(
            f"{waiting} wait for a build, and what is sealed cannot change any more. Run `dbt "
            "build` first."
        )


def _run(connection: psycopg.Connection, name: str, **parameters: dt.datetime) -> int:
    """Run a statement of this package; return how many rows it wrote or deleted."""
    return connection.execute(_FILES.joinpath(name).read_bytes(), parameters).rowcount


def _remove(connection: psycopg.Connection, name: str, before: dt.datetime) -> int:
    """Run a removal of this package, which notes what leaves; return how many rows did."""
    removed = connection.execute(_FILES.joinpath(name).read_bytes(), {"before": before})
    return sum(row_count for (row_count,) in removed)
