"""The job that builds the warehouse, and when it may run by itself."""

import dagster as dg

from orchestration.defs.dbt.assets import warehouse_models
from orchestration.defs.dbt.sources import raw_tables

build_warehouse = dg.define_asset_job(
    "build_warehouse",
    # By name: all() would leave out the raw tables, which others fill, and the checks on them.
    selection=dg.AssetSelection.assets(raw_tables, warehouse_models)
    | dg.AssetSelection.all_asset_checks(),
    description="Note what has landed, then build and test everything.",
)

nightly_build = dg.ScheduleDefinition(
    name="nightly_build",
    job=build_warehouse,
    cron_schedule="15 3 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="Every night at 03:15 UTC.",
)
