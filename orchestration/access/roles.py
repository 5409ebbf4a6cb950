"""The database roles of the warehouse, the logins in them, and what lets more through."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from orchestration.audit.record import record
from orchestration.database.partitions import PartitionedTable, ensure_month_partitions
from orchestration.database.refusals import said
from orchestration.errors import WarehouseError

ROLES = {
    "org_admin": "all rows of the current organization",
    "team_lead": "rows of the current user's team in the current organization",
    "developer": "rows of the current user in the current organization",
    "support": "groups of five people and more, and nobody's name",
    "analyst": "all rows of the organizations that the login is allowed, and what checks found",
    "bi_reader": "all rows of the organizations that the login is allowed",
    "loader": "adds events to schema raw, and reads none",
    "builder": "reads what landed, takes away what is archived, owns and writes what is built",
    "privacy_officer": "everything, to answer and carry out what people ask for",
}
"""What each role may do; none of them logs in, owns anything or passes a policy by."""

WORKERS = ("loader", "builder", "privacy_officer")
"""Those that speak for nobody: they do the warehouse's own work."""

_FILES = resources.files(__package__)
# Late events may be as old as events stay in schema raw, and a year is long enough to come back.
_MONTHS_AROUND_NOW = 12
_PARTITIONED: tuple[PartitionedTable, ...] = ("task_executions", "routing_decisions")


@dataclass(frozen=True)
class Login:
    """A login in one of the roles, and what it may speak for.

    Attributes:
        role: The role.
        login: The login, None where the role has none.
        every_organization: Whether it may speak for every organization.
        organization_ids: The organizations that it may speak for.
        user_ids: The users of these that it may speak for; any of them without.
    """

    role: str
    login: str | None
    every_organization: bool
    organization_ids: list[UUID]
    user_ids: list[UUID]


def apply_roles(connection: psycopg.Connection) -> list[str]:
    """Create the roles that the server lacks, and renew the policies and rights of all of them.

    Args:
        connection: As a role that owns the warehouse and may create roles; in no transaction.

    Returns:
        The roles that were created.

    Raises:
        WarehouseError: The role may not do that, or does not own everything. Nothing was changed.
    """
    try:
        with connection.transaction():
            created = [name for name in ROLES if _create(connection, name)]
            connection.execute(
                "select access.protect_again(), audit.protect(), audit.make_months(), "
                "ledger.protect_erasure_requests(), ledger.protect_source_positions()"
            )
            record(connection, "change_roles", "role", created=created)
    except psycopg.errors.InsufficientPrivilege as error:
        raise WarehouseError(
            f"Roles were not applied: {said(error)}. Do it as a role with CREATEROLE that owns "
            "the warehouse's relations, such as a superuser."
        ) from error
    return created


def ensure_months_around_now() -> None:
    """Create the partitions of a year before and after now, because a loader may not.

    Raises:
        WarehouseError: The current settings' user may not either.
    """
    middle = dt.datetime.now(dt.UTC).date().replace(day=15)
    months = [
        middle + dt.timedelta(days=30 * number)
        for number in range(-_MONTHS_AROUND_NOW, _MONTHS_AROUND_NOW + 1)
    ]
    for table in _PARTITIONED:
        ensure_month_partitions(months, table)


def logins(connection: psycopg.Connection) -> list[Login]:
    """List who is in which role.

    Args:
        connection: As the owner of the warehouse.

    Returns:
        A row for each login of each role that exists, one without a login where there is none.
    """
    with connection.cursor(row_factory=class_row(Login)) as cursor:
        query = _FILES.joinpath("logins.sql").read_bytes()
        return cursor.execute(query, {"roles": list(ROLES)}).fetchall()


def allow(
    connection: psycopg.Connection,
    login: str,
    role: str,
    organization_ids: Iterable[UUID] | None = (),
    user_id: UUID | None = None,
) -> None:
    """Put a login into a role and let it speak for organizations, besides those that it has.

    A builder is given what dbt builds, and the right to build it: PostgreSQL lets nobody else than
    its owner replace a relation.

    Args:
        connection: As a role that owns the warehouse and may grant roles; in no transaction.
        login: A role that can log in.
        role: One of `ROLES`.
        organization_ids: The organizations; None for all there are and will be.
        user_id: The only user of the organization that it may speak for.

    Raises:
        WarehouseError: There is no such login, role, organization or user, or the connection may
            not grant that. Nothing was changed.
    """
    with connection.transaction():
        _require(connection, "Login", login, "select 1 from pg_roles where rolname = %s")
        _require(
            connection,
            "Role",
            role,
            "select 1 from pg_roles where rolname = %s",
            "Run `warehouse roles apply`.",
        )
        for organization_id in organization_ids or ():
            _require(
                connection,
                "Organization",
                organization_id,
                "select 1 from ledger.landed_totals where organization_id = %s limit 1",
                "No event of it has landed.",
            )
        if user_id is not None:
            _require(
                connection,
                "User",
                user_id,
                "select 1 from raw.users where id = %s limit 1",
                "No event about the user has landed.",
            )
        spoken_for: list[UUID | None] = [None] if organization_ids is None else [*organization_ids]
        for spoken in spoken_for:
            connection.execute(
                "insert into access.logins (login, organization_id, user_id) values (%s, %s, %s) "
                "on conflict do nothing",
                (login, spoken, user_id),
            )
        try:
            connection.execute(
                sql.SQL("grant {} to {}").format(sql.Identifier(role), sql.Identifier(login))
            )
            record(
                connection,
                "change_roles",
                "login",
                login,
                role=role,
                organization_ids=None if organization_ids is None else [*organization_ids],
                user_id=user_id,
            )
            if role == "builder":
                statements = connection.execute(
                    _FILES.joinpath("hand_over.sql").read_bytes(), {"login": login}
                ).fetchall()
                for (statement,) in statements:
                    connection.execute(str(statement).encode())
        except psycopg.errors.InsufficientPrivilege as error:
            raise WarehouseError(f"{login} was not put into {role}: {said(error)}.") from error


def withdraw(connection: psycopg.Connection, login: str) -> int:
    """Take a login out of every role, with all that it could speak for.

    Args:
        connection: As a role that owns the warehouse and may grant roles; in no transaction.
        login: The login; it need not exist any more.

    Returns:
        How many roles and organizations it lost.

    Raises:
        WarehouseError: The connection may not take a role away. Nothing was changed.
    """
    with connection.transaction():
        lost = connection.execute("delete from access.logins where login = %s", (login,)).rowcount
        memberships = connection.execute(
            "select roles.rolname from pg_auth_members as members "
            "inner join pg_roles as roles on members.roleid = roles.oid "
            "inner join pg_roles as logins on members.member = logins.oid "
            "where logins.rolname = %s and roles.rolname = any (%s)",
            (login, list(ROLES)),
        ).fetchall()
        for (role,) in memberships:
            try:
                connection.execute(
                    sql.SQL("revoke {} from {}").format(sql.Identifier(role), sql.Identifier(login))
                )
            except psycopg.errors.InsufficientPrivilege as error:
                raise WarehouseError(f"{login} still is in {role}: {said(error)}.") from error
        if lost or memberships:
            roles = [role for (role,) in memberships]
            record(connection, "change_roles", "login", login, withdrawn=roles)
    return lost + len(memberships)


def find_faults(connection: psycopg.Connection) -> list[str]:
    """Look for whatever would let somebody read more than the policies mean.

    Args:
        connection: As the owner of the warehouse.

    Returns:
        What is wrong, one sentence each; nothing when all is right.
    """
    rows = connection.execute(
        _FILES.joinpath("faults.sql").read_bytes(), {"roles": list(ROLES)}
    ).fetchall()
    return [str(fault) for (fault,) in rows]


def _create(connection: psycopg.Connection, name: str) -> bool:
    found = connection.execute("select 1 from pg_roles where rolname = %s", (name,)).fetchone()
    if found is None:
        connection.execute(sql.SQL("create role {} nologin").format(sql.Identifier(name)))
    return found is None


def _require(
    connection: psycopg.Connection, kind: str, name: object, query: str, advice: str = ""
) -> None:
    if connection.execute(query, (name,)).fetchone() is None:
        raise WarehouseError(f"{kind} {name} does not exist. {advice}".strip())
