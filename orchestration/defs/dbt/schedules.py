"""The job that builds the warehouse, and when it may run by itself."""

import dagster as dg

build_warehouse = dg.define_asset_job(
    "build_warehouse",
    selection=dg.AssetSelection.all() | dg.AssetSelection.all_asset_checks(),
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
