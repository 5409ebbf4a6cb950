"""Records deeds in `audit.audit_log`."""

from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from orchestration.exact_json import as_json

_RECORD = (
    "select audit.record(%(action)s, resource_type => %(resource_type)s, "
    "resource_id => %(resource_id)s, organization_id => %(organization_id)s, "
    "is_denied => %(is_denied)s, details => %(details)s)"
)


def record(
    connection: psycopg.Connection,
    action: str,
    resource_type: str | None = None,
    resource_id: object = None,
    *,
    organization_id: UUID | None = None,
    is_denied: bool = False,
    **details: Any,
) -> None:
    """Record a deed, in the transaction of the deed: both are done, or neither.

    Args:
        connection: That of the deed.
        action: What is done, a word that the comment of the column `action` lists.
        resource_type: To what kind of thing.
        resource_id: To which one.
        organization_id: The organization that it concerns.
        is_denied: Whether it was refused.
        **details: What else is worth knowing.
    """
    connection.execute(
        _RECORD,
        {
            "action": action,
            "resource_type": resource_type,
            "resource_id": None if resource_id is None else str(resource_id),
            "organization_id": organization_id,
            "is_denied": is_denied,
            "details": Jsonb(as_json(details)) if details else None,
        },
    )


def record_refusal(command: str, reason: str) -> None:
    """Record a command that the database refused, on a connection of its own.

    Args:
        command: The command and what it was to be done to.
        reason: What the database said.

    Raises:
        WarehouseError: There is no connection.
        psycopg.Error: The refusal cannot be recorded.
    """
    from orchestration.database.connection import connect

    with connect(application_name="warehouse audit", autocommit=True) as connection:
        record(connection, "run_command", "command", command, is_denied=True, reason=reason)
