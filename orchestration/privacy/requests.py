"""Carries out what people asked the API for: to be erased.

The API only leaves a request; the erasure is that of `warehouse privacy erase`, which replaces the
id in the request as well: whose row holds a pseudonym has been erased.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from orchestration.buckets import AnyPath
from orchestration.database.ownership import owns
from orchestration.errors import WarehouseError
from orchestration.privacy.erase import alone, erase_now

_REQUESTS = resources.files(__package__).joinpath("requests.sql").read_bytes()


@dataclass(frozen=True)
class ErasureRequest:
    """A request that waits.

    Attributes:
        request_id: Its id.
        organization_id: The organization in which it was made.
        user_id: The person.
        requested_at: When it was made.
        requested_by: The login that made it, that of the API.
        carry_out_by: The day, in UTC, until which it is to be carried out.
        is_erased: Whether the person was erased since.
        is_known_elsewhere: Whether another organization knows the person as well: an erasure would
            reach its rows, about which nobody there was asked.
    """

    request_id: UUID
    organization_id: UUID
    user_id: UUID
    requested_at: dt.datetime
    requested_by: str
    carry_out_by: dt.date
    is_erased: bool
    is_known_elsewhere: bool


def waiting(connection: psycopg.Connection) -> list[ErasureRequest]:
    """Return the requests that wait.

    Args:
        connection: To the warehouse's database.

    Returns:
        The requests, those that are due first.

    Raises:
        WarehouseError: The marts are not built.
    """
    try:
        with connection.cursor(row_factory=class_row(ErasureRequest)) as cursor:
            return cursor.execute(_REQUESTS).fetchall()
    except psycopg.errors.UndefinedTable:
        raise WarehouseError("The marts are not built yet: run `make build`.") from None


def carry_out(archive: AnyPath, tell: Callable[[str], object]) -> int:
    """Erase everybody who asked for it; who is known elsewhere as well is left for a decision.

    No id is told: what hears it may write it down for longer than it may be held.

    Args:
        archive: The folder of the archives.
        tell: Told in sentences what was done, as it is done.

    Returns:
        How many requests were carried out.

    Raises:
        WarehouseError: There are some, and this login is not the owner's; or an erasure could not
            be done.
    """
    with alone() as connection:
        requests = waiting(connection)
        if requests and not owns(connection, "ledger.erasures"):
            raise WarehouseError(
                f"{len(requests):,} request(s) to erase somebody wait. Run `warehouse retention` "
                "as the owner of the database."
            )
        left = [one for one in requests if one.is_known_elsewhere and not one.is_erased]
        for one in requests:
            if one in left:
                continue
            if not one.is_erased:
                tell("Somebody who asked for it is erased.")
                erase_now(connection, "user", one.user_id, archive, tell)
            connection.execute(
                "update ledger.erasure_requests set carried_out_at = clock_timestamp() "
                "where request_id = %s",
                (one.request_id,),
            )
    carried_out = len(requests) - len(left)
    if requests:
        tell(f"Requests to erase somebody: {carried_out:,} carried out, {len(left):,} left.")
    if left:
        tell(
            "Those that are left are of people whom another organization knows as well: "
            "`warehouse privacy requests` lists them, `warehouse privacy erase --user` erases one "
            "everywhere."
        )
    return carried_out
