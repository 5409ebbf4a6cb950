"""Which environment this is, what runs by itself in it, and where people see its runs."""

import os
from enum import StrEnum

from orchestration.errors import WarehouseError

VARIABLE = "WAREHOUSE_ENVIRONMENT"
UI_VARIABLE = "WAREHOUSE_UI_URL"


class Environment(StrEnum):
    """Where the warehouse runs; `WAREHOUSE_ENVIRONMENT` names it, local when it is unset."""

    LOCAL = "local"
    TEST = "test"
    STAGING = "staging"
    PRODUCTION = "production"


RUNS_BY_ITSELF = {
    Environment.LOCAL: False,
    Environment.TEST: False,
    Environment.STAGING: True,
    Environment.PRODUCTION: True,
}
"""Whether schedules and sensors are on from the start; anybody can switch them in the UI."""


def current_environment() -> Environment:
    """Return the environment that the variable names.

    Returns:
        The environment.

    Raises:
        WarehouseError: The variable names none.
    """
    name = os.environ.get(VARIABLE) or Environment.LOCAL
    try:
        return Environment(name)
    except ValueError:
        known = ", ".join(Environment)
        raise WarehouseError(f"{VARIABLE} is {name!r}; it must be one of {known}.") from None


def runs_by_itself() -> bool:
    """Return whether schedules and sensors are on from the start here.

    Returns:
        What holds for the current environment.

    Raises:
        WarehouseError: The variable names no environment.
    """
    return RUNS_BY_ITSELF[current_environment()]


def page_of_ui(path: str) -> str:
    """Return where people see a page of Dagster.

    Args:
        path: The page, such as `runs/ID`.

    Returns:
        Its URL when `WAREHOUSE_UI_URL` says where the web server is; else the path in Dagster.
    """
    url = os.environ.get(UI_VARIABLE)
    return f"{url.rstrip('/')}/{path}" if url else f"/{path} in Dagster"
