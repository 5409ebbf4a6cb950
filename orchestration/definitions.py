"""What Dagster loads: `dagster dev -m orchestration.definitions`, or `warehouse ui`."""

import dagster as dg

from orchestration.defs.dbt.assets import warehouse_models
from orchestration.defs.dbt.resources import warehouse_dbt
from orchestration.defs.jobs import (
    full_check,
    near_real_time,
    nightly,
    rebuild,
    rebuild_month,
    rebuild_organization,
)
from orchestration.defs.landing.assets import raw_tables
from orchestration.defs.maintenance import weekly
from orchestration.defs.notifications import Notifier
from orchestration.defs.outputs.assets import documentation, event_archive, prometheus_metrics
from orchestration.defs.quality.checks import quality_checks
from orchestration.defs.schedules import every_five_minutes, every_night, every_week
from orchestration.defs.sensors import (
    alerts,
    failed_runs,
    freshness,
    landing_inbox,
    price_files,
    recovered_runs,
)

defs = dg.Definitions(
    assets=[raw_tables, warehouse_models, documentation, event_archive, prometheus_metrics],
    asset_checks=[quality_checks],
    jobs=[
        near_real_time,
        full_check,
        nightly,
        weekly,
        rebuild,
        rebuild_month,
        rebuild_organization,
    ],
    schedules=[every_five_minutes, every_night, every_week],
    sensors=[alerts, failed_runs, freshness, landing_inbox, price_files, recovered_runs],
    resources={"dbt": warehouse_dbt, "notifier": Notifier()},
    # A build is one dbt process; a process per step would only read the whole project once more.
    executor=dg.in_process_executor,
)
