"""The commands `warehouse roles ...`."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import UUID

import click

if TYPE_CHECKING:
    import psycopg


@click.group()
def roles() -> None:
    """Database roles: who may read whose rows.

    Logins are yours to create (`create role ... login`): a password never passes through this
    program.
    """


@roles.command()
def apply() -> None:
    """Create the roles that are missing, and renew all policies and rights.

    Also the partitions of a year around now, which a login in role loader may not make: repeat it
    within that time.
    """
    from orchestration.access.roles import ROLES, apply_roles, ensure_months_around_now

    with _warehouse() as connection:
        created = apply_roles(connection)
    ensure_months_around_now()
    known = f"{len(created)} created ({', '.join(created)})" if created else "none was missing"
    click.echo(f"{len(ROLES)} roles: {known}. Policies and rights are up to date.")


@roles.command()
def show() -> None:
    """Show what each role may do, and its logins with what they may speak for."""
    from orchestration.access.roles import ROLES, logins

    with _warehouse() as connection:
        found = logins(connection)
    for name, may in ROLES.items():
        members = [login for login in found if login.role == name]
        click.echo(f"{name}: {may}{'' if members else ' (does not exist: warehouse roles apply)'}")
        for member in members:
            if member.login is None:
                continue
            spoken_for = [str(organization) for organization in member.organization_ids]
            if member.every_organization:
                spoken_for.insert(0, "every organization")
            users = f" as {', '.join(map(str, member.user_ids))}" if member.user_ids else ""
            click.echo(f"    {member.login}: {', '.join(spoken_for) or 'no organization'}{users}")


@roles.command()
def check() -> None:
    """Look for whatever lets somebody read more than that; exit code 1 when there is something."""
    from orchestration.access.roles import find_faults

    with _warehouse() as connection:
        faults = find_faults(connection)
    for fault in faults:
        click.echo(fault)
    if faults:
        sys.exit(1)
    click.echo("Every relation is protected, and no role or login reads more than it should.")


@roles.command()
@click.argument("login")
@click.option("--role", required=True, help="One of those that `warehouse roles show` lists.")
@click.option(
    "--organization",
    "organization_ids",
    type=click.UUID,
    multiple=True,
    help="An organization that the login may speak for; can be repeated.",
)
@click.option("--every-organization", is_flag=True, help="It may speak for all, as an API does.")
@click.option("--user", "user_id", type=click.UUID, help="The only user that it may speak for.")
def allow(
    login: str,
    role: str,
    organization_ids: tuple[UUID, ...],
    every_organization: bool,
    user_id: UUID | None,
) -> None:
    """Put LOGIN into a role and let it speak for organizations."""
    from orchestration.access import roles as access

    if role not in access.ROLES:
        raise click.UsageError(f"There is no role {role!r}; known are {', '.join(access.ROLES)}.")
    if role in access.WORKERS:
        if every_organization or organization_ids or user_id:
            raise click.UsageError(f"A {role} speaks for nobody: leave organizations out.")
    elif every_organization == bool(organization_ids):
        raise click.UsageError("Name organizations with --organization, or --every-organization.")
    if user_id is not None and len(organization_ids) != 1:
        raise click.UsageError("A user belongs to one organization: name that with --organization.")
    with _warehouse() as connection:
        access.allow(
            connection, login, role, None if every_organization else organization_ids, user_id
        )
    click.echo(f"{login} is in {role}.")


@roles.command()
@click.argument("login")
def withdraw(login: str) -> None:
    """Take LOGIN out of every role, with all that it could speak for."""
    from orchestration.access import roles as access

    with _warehouse() as connection:
        lost = access.withdraw(connection, login)
    click.echo(f"{login} reads nothing any more." if lost else f"{login} could read nothing.")


@contextmanager
def _warehouse() -> "Iterator[psycopg.Connection]":
    """Yield a connection to a database of this version."""
    from orchestration.database.connection import connect
    from orchestration.database.migrate import require_migrated

    with connect(autocommit=True) as connection:
        require_migrated(connection)
        yield connection
