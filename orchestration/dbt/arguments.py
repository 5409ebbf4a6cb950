"""What Dagster asks dbt to do."""

import datetime as dt
import json
import uuid
from collections.abc import Sequence
from typing import Any

from orchestration.errors import WarehouseError


def dbt_arguments(
    *,
    full_refresh: bool = False,
    full_check: bool = False,
    leave_views: bool = False,
    leave_seeds: bool = False,
    rebuild_from: str | None = None,
    rebuild_until: str | None = None,
    rebuild_organizations: Sequence[str] = (),
) -> list[str]:
    """Return the arguments of the dbt command that builds and tests the assets.

    Args:
        full_refresh: Rebuild incremental models from everything that has landed.
        full_check: Let the tests of large tables look at everything.
        leave_views: Leave views as they are, and the tests that look at nothing else.
        leave_seeds: Leave seeds and their snapshots as they are, and the tests of them alone.
        rebuild_from: Compute again what started on this day (YYYY-MM-DD, in UTC) or later.
        rebuild_until: And before this one.
        rebuild_organizations: And belongs to these organizations; to any when there are none.

    Returns:
        The arguments without a selection, which dagster-dbt adds.

    Raises:
        WarehouseError: A day is no day, an organization's id is no uuid, or the days are in the
            wrong order.
    """
    # Unit tests prove the SQL on made-up rows; they say nothing about the data of this build.
    arguments = ["build", "--exclude-resource-type", "unit_test"]
    if full_refresh:
        arguments.append("--full-refresh")
    if left := left_standing(views=leave_views, seeds=leave_seeds):
        # Cautious: a test of something that is left and something that is built stays.
        arguments += ["--exclude", " ".join(left), "--indirect-selection", "cautious"]
    first, last = (
        _day(name, text)
        for name, text in (("rebuild_from", rebuild_from), ("rebuild_until", rebuild_until))
    )
    if first and last and first >= last:
        raise WarehouseError(
            f"rebuild_from, {first}, must lie before rebuild_until, {last}, which is the first day "
            "that is not computed again."
        )
    # Variables that differ from those of the run before make dbt read the whole project again, so
    # an ordinary build names none.
    variables: dict[str, Any] = {}
    if full_check:
        variables["full_check"] = True
    if first:
        variables["rebuild_from"] = first.isoformat()
    if last:
        variables["rebuild_until"] = last.isoformat()
    if rebuild_organizations:
        variables["rebuild_organizations"] = [_uuid(text) for text in rebuild_organizations]
    if variables:
        arguments += ["--vars", json.dumps(variables)]
    return arguments


def left_standing(*, views: bool, seeds: bool) -> list[str]:
    """Return what to exclude from a build so that it leaves what stands.

    Args:
        views: Whether the views stand.
        seeds: Whether the seeds do, and their snapshots.

    Returns:
        Selections of dbt; none where nothing stands.
    """
    return [
        *(["config.materialized:view"] if views else []),
        *(["resource_type:seed", "resource_type:snapshot"] if seeds else []),
    ]


def _day(name: str, text: str | None) -> dt.date | None:
    if not text:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise WarehouseError(f"{name} is {text!r}; it must be a day like 2026-10-31.") from None


def _uuid(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise WarehouseError(f"{text!r} in rebuild_organizations is no id (a uuid).") from None
