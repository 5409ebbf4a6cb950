"""The environment variables that dbt reads: which database, without connecting to it."""

import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager

from orchestration.database.connection import current_settings, uses_embedded_server
from orchestration.database.embedded import DATABASE, HOST, ROLE


def settings_for_reading() -> dict[str, str]:
    """Return the variables that dbt wants before it reads the project, without a connection.

    Returns:
        Those of the database that a run will use, as far as they are known without starting it;
        never a password.
    """
    if uses_embedded_server():
        # Its port is only known once it was started, and nothing connects to it here.
        return {"PGHOST": HOST, "PGUSER": ROLE, "PGDATABASE": DATABASE}
    return current_settings().environment()


@contextmanager
def environment_with(variables: Mapping[str, str]) -> Generator[None, None, None]:
    """Set environment variables for a while.

    Args:
        variables: Names and values; what they were before comes back at the end.

    Yields:
        Nothing.
    """
    previous = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in previous.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
