"""Takes away months of the audit log that are old enough."""

import datetime as dt

import psycopg
from psycopg import sql

from orchestration.audit.record import record
from orchestration.errors import WarehouseError

_WAIT_FOR_OTHERS = "60s"
_MONTHS = """
select relations.relname
from pg_catalog.pg_inherits
inner join pg_catalog.pg_class as relations on pg_inherits.inhrelid = relations.oid
where pg_inherits.inhparent = cast('audit.audit_log' as regclass) and relations.relname < %s
order by relations.relname
"""


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
    owner = connection.execute(
        "select pg_has_role(relowner, 'usage') from pg_catalog.pg_class "
        "where oid = cast('audit.audit_log' as regclass)"
    ).fetchone()
    if not owner or not owner[0]:
        return None
    with connection.transaction():
        connection.execute("select set_config('lock_timeout', %s, true)", (_WAIT_FOR_OTHERS,))
        names = [
            str(name)
            for (name,) in connection.execute(_MONTHS, (f"audit_log_y{before:%Ym%m}",)).fetchall()
        ]
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
