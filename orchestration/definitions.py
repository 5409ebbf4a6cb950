"""What Dagster loads: `dagster dev -m orchestration.definitions`, or `warehouse ui`."""

import dagster as dg

from orchestration.defs.dbt.assets import warehouse_models
from orchestration.defs.dbt.resources import warehouse_dbt
from orchestration.defs.dbt.schedules import build_warehouse, nightly_build
from orchestration.defs.dbt.sources import raw_tables

defs = dg.Definitions(
    assets=[raw_tables, warehouse_models],
    jobs=[build_warehouse],
    schedules=[nightly_build],
    resources={"dbt": warehouse_dbt},
    # A build is one dbt process; a process per step would only read the whole project once more.
    executor=dg.in_process_executor,
)
