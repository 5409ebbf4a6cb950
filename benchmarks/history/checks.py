"""How long the rules about the data take to check."""

import time

from benchmarks.shared.throwaway import settle
from orchestration.database.connection import connect, current_settings
from orchestration.quality.checks import run_checks
from orchestration.quality.rules import SUITES


def check_seconds(*, full: bool) -> dict[str, float]:
    """Check every suite by itself.

    Args:
        full: Look at everything, instead of what builds have changed since the last check.

    Returns:
        Seconds of each suite by name, the start of Great Expectations in the first one included.

    Raises:
        WarehouseError: A rule could not be evaluated.
    """
    seconds = {}
    settings = current_settings()
    for name, suite in SUITES.items():
        settle()
        with connect(autocommit=True) as connection:
            start = time.perf_counter()
            run_checks(connection, settings, [suite], full=full)
            seconds[name] = time.perf_counter() - start
    return seconds
