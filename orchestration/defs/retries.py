"""Steps are tried again when the connection to the database was lost, and for nothing else."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
import psycopg
from dagster_dbt.errors import DagsterDbtError

from orchestration.errors import WarehouseError

MAX_RETRIES = 3
SECONDS_BETWEEN = 15

# What libpq and the server say when a connection ends or cannot be made; dbt passes it on.
_LOST = (
    "server closed the connection unexpectedly",
    "terminating connection due to",
    "connection to server at",
    "could not connect to server",
    "could not receive data from server",
    "connection already closed",
    "SSL connection has been closed unexpectedly",
    "the database system is",
    "the connection is lost",
)


def is_lost_connection(error: BaseException) -> bool:
    """Return whether an error says that the connection to the database was lost.

    Args:
        error: The error; what it was raised from is looked at as well.

    Returns:
        True for lost and refused connections, false for everything else: wrong data, wrong SQL, a
        red check and a database that is not migrated do not get better by waiting.
    """
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, psycopg.OperationalError | DagsterDbtError | WarehouseError) and any(
            words in str(seen) for words in _LOST
        ):
            return True
        seen = seen.__cause__
    return False


@contextmanager
def retried_when_connection_is_lost() -> Iterator[None]:
    """Ask Dagster to run the step again if its body lost the connection.

    Yields:
        Nothing.

    Raises:
        RetryRequested: The connection was lost.
    """
    try:
        yield
    except (psycopg.OperationalError, DagsterDbtError, WarehouseError) as error:
        if not is_lost_connection(error):
            raise
        raise dg.RetryRequested(max_retries=MAX_RETRIES, seconds_to_wait=SECONDS_BETWEEN) from error
