"""The jobs that land, build and check: every few minutes, every night, or to compute again."""

import datetime as dt
from typing import Any

import dagster as dg

from orchestration.defs.dbt.assets import warehouse_models
from orchestration.defs.landing.assets import ORGANIZATION_PARTITIONS, raw_tables
from orchestration.defs.outputs.assets import documentation, event_archive, prometheus_metrics

ONE_AT_A_TIME = {"warehouse/turn": "build"}
"""Runs with this tag wait for each other: the instance's settings allow one of them."""

ORGANIZATIONS = dg.DynamicPartitionsDefinition(name=ORGANIZATION_PARTITIONS)
"""The organizations that have landed; `raw_tables` adds them."""

_EVERYTHING = {
    "warehouse_models": {"config": {"full_check": True, "row_counts": True}},
    "quality_checks": {"config": {"full": True}},
}
_BUILD = dg.AssetSelection.assets(raw_tables, warehouse_models)
_ALL_CHECKS = dg.AssetSelection.all_asset_checks()

near_real_time = dg.define_asset_job(
    "near_real_time",
    selection=_BUILD | dg.AssetSelection.assets(prometheus_metrics) | _ALL_CHECKS,
    tags=ONE_AT_A_TIME,
    config={"ops": {"warehouse_models": {"config": {"leave_what_stands": True}}}},
    description="Land what waits, build what changed, check what was built.",
)


def nightly_config(now: dt.datetime | None = None) -> dict[str, Any]:
    """Return the configuration of a nightly run.

    Args:
        now: The moment for which it runs; the clock when omitted.

    Returns:
        Configuration under which tests look at everything, ten executions are recomputed and
        what is old enough at that moment is sealed.
    """
    return {
        "ops": {
            **_EVERYTHING,
            "outputs__event_archive": {"config": {"now": now.isoformat() if now else None}},
        }
    }


full_check = dg.define_asset_job(
    "full_check",
    selection=_BUILD | dg.AssetSelection.assets(prometheus_metrics, documentation) | _ALL_CHECKS,
    tags=ONE_AT_A_TIME,
    config={"ops": _EVERYTHING},
    description="As near_real_time, but look at everything, and write the documentation.",
)

nightly = dg.define_asset_job(
    "nightly",
    selection=_BUILD
    | dg.AssetSelection.assets(prometheus_metrics, event_archive, documentation)
    | _ALL_CHECKS,
    tags=ONE_AT_A_TIME,
    config=nightly_config(),
    description="As full_check; then seal months that are old enough, and archive.",
)

rebuild = dg.define_asset_job(
    "rebuild",
    selection=_BUILD | _ALL_CHECKS,
    tags=ONE_AT_A_TIME,
    description="Compute days, organizations or everything again; the launchpad asks which.",
    config={
        "ops": {
            "warehouse_models": {
                "config": {
                    "full_refresh": False,
                    "rebuild_from": "",
                    "rebuild_until": "",
                    "rebuild_organizations": [],
                }
            }
        }
    },
)


@dg.partitioned_config(
    partitions_def=dg.MonthlyPartitionsDefinition(start_date="2020-01-01", timezone="UTC")
)
def month_to_rebuild(partition_key: str) -> dict[str, Any]:
    """Return the configuration that computes a month again.

    Args:
        partition_key: The first day of the month, in UTC.

    Returns:
        The configuration.
    """
    first = dt.date.fromisoformat(partition_key)
    until = (first + dt.timedelta(days=31)).replace(day=1)
    options = {"rebuild_from": first.isoformat(), "rebuild_until": until.isoformat()}
    return {"ops": {"warehouse_models": {"config": options}}}


@dg.partitioned_config(partitions_def=ORGANIZATIONS)
def organization_to_rebuild(partition_key: str) -> dict[str, Any]:
    """Return the configuration that computes an organization again.

    Args:
        partition_key: The organization's id.

    Returns:
        The configuration.
    """
    options = {"rebuild_organizations": [partition_key]}
    return {"ops": {"warehouse_models": {"config": options}}}


rebuild_month = dg.define_asset_job(
    "rebuild_month",
    selection=_BUILD | _ALL_CHECKS,
    tags=ONE_AT_A_TIME,
    config=month_to_rebuild,
    description="Compute what started in a month (UTC) again; a backfill takes several months.",
)

rebuild_organization = dg.define_asset_job(
    "rebuild_organization",
    selection=_BUILD | _ALL_CHECKS,
    tags=ONE_AT_A_TIME,
    config=organization_to_rebuild,
    description="Compute an organization again.",
)
