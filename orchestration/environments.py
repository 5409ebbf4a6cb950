"""Which environment this is, and what runs by itself in it."""

import os
from enum import StrEnum

from orchestration.errors import WarehouseError

VARIABLE = "WAREHOUSE_ENVIRONMENT"


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
