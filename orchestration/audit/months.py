"""Takes away months of the audit log that are old enough."""

import datetime as dt

import psycopg
from psycopg import sql

from orchestration.audit.record import record
from orchestration.database.ownership import owns
from orchestration.database.partitions import attached_partitions
from orchestration.errors import WarehouseError

_WAIT_FOR_OTHERS = "60s"
_LOG = "audit.audit_log"


def remove_months(connection: psycopg.Connection, before: dt.datetime) -> list[str] | None:
    """Remove the months that end at a moment or before it, and record that.

    Args:
        connection: To the warehouse's database, in no transaction.
        before: The first moment of a month, in UTC.

    Returns:
        The months that were removed, such as `2026-11`; None where the connection's login is not
        the owner, who alone may.

    Raises:
        WarehouseError: Another session holds the log.
    """
    if not owns(connection, _LOG):
        return None
    with connection.transaction():
        connection.execute("select set_config('lock_timeout', %s, true)", (_WAIT_FOR_OTHERS,))
        kept = f"audit_log_y{before:%Ym%m}"
        names = sorted(name for name in attached_partitions(connection, _LOG) if name < kept)
        for name in names:
            try:
                connection.execute(sql.SQL("drop table {}").format(sql.Identifier("audit", name)))
            except psycopg.errors.LockNotAvailable as error:
                raise WarehouseError(
                    "Another session has held the audit log for more than "
                    f"{_WAIT_FOR_OTHERS}. None of it was removed; try again when it has ended."
                ) from error
        months = [name.removeprefix("audit_log_y").replace("m", "-") for name in names]
        if months:
            record(connection, "remove_data", "audit_log", months=months)
    return months
