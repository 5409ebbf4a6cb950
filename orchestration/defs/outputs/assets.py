"""Assets that stand on checked marts: a critical rule that is broken keeps them as they are."""

import datetime as dt
import os
import shutil
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource
from pydantic import Field

from orchestration.buckets import folder_at
from orchestration.database.connection import connect
from orchestration.database.migrate import require_migrated
from orchestration.defs.dbt.assets import OWNERS
from orchestration.defs.environments import daily_policy, near_real_time_policy
from orchestration.defs.quality.checks import ASSETS
from orchestration.defs.retries import retried_when_connection_is_lost
from orchestration.documentation import documentation_folder, documentation_url
from orchestration.project import state_directory
from orchestration.quality.site import write_site

_GROUP = "outputs"
_CHECKED = [dg.AssetKey(path) for path in ASSETS.values()]


class RetentionOptions(dg.Config):
    """What a run's configuration may ask for."""

    now: str | None = Field(
        None, description="What counts as now, with an offset; the clock when omitted."
    )


@dg.asset(
    key=["outputs", "event_archive"],
    group_name=_GROUP,
    deps=_CHECKED,
    owners=OWNERS,
    kinds={"parquet"},
    freshness_policy=daily_policy(),
)
def event_archive(
    context: dg.AssetExecutionContext, config: RetentionOptions
) -> dg.MaterializeResult[Any]:
    """Parquet files of events whose time in schema raw is over; months are sealed first.

    As `warehouse retention` does it. Then the newest month of each organization is verified; the
    others are for `warehouse verify`. Last, organizations whose day has come are removed, and who
    asked for it is erased.
    `WAREHOUSE_ARCHIVE` names the folder, by a path or a URL.

    Args:
        context: The run's context.
        config: The run's options.

    Returns:
        What was sealed, what left the marts, what was archived.

    Raises:
        WarehouseError: The marts are not built, a build runs, the folder cannot be written, `now`
            is no moment, or a month is not as it was sealed.
    """
    from orchestration.privacy.ended import remove_ended
    from orchestration.privacy.requests import carry_out
    from orchestration.proofs.verify import verify
    from orchestration.retention.run import moment, run_retention

    folder = folder_at(os.environ.get("WAREHOUSE_ARCHIVE") or str(state_directory() / "archive"))
    now = moment("now", config.now) if config.now else dt.datetime.now(dt.UTC)
    with retried_when_connection_is_lost():
        done = run_retention(folder, now, context.log.info)
        with connect(application_name="warehouse dagster", autocommit=True) as connection:
            verify(connection, only_newest=True).require_right()
        removed = remove_ended(folder, now, context.log.info)
        erased = carry_out(folder, context.log.info)
    return dg.MaterializeResult(
        metadata={
            "folder": dg.MetadataValue.path(str(folder)),
            "sealed_before": done.sealed_before.isoformat() if done.sealed_before else "never",
            "executions_sealed": done.executions_sealed,
            "executions_removed": done.executions_removed,
            "events_archived": done.events_archived,
            "family_events_removed": done.family_events_removed,
            "rejects_removed": done.records.rejects,
            "check_results_removed": done.records.check_results,
            "runs_removed": done.records.runs,
            "organizations_removed": removed,
            "people_erased": erased,
        }
    )


@dg.asset(
    key=["outputs", "documentation"],
    group_name=_GROUP,
    deps=_CHECKED,
    owners=OWNERS,
    kinds={"dbt"},
    freshness_policy=daily_policy(),
)
def documentation(dbt: DbtCliResource) -> dg.MaterializeResult[Any]:
    """The site about models, columns and lineage, and the page about the state of the warehouse.

    Args:
        dbt: dbt on the run's database.

    Returns:
        Where it lies.
    """
    folder = documentation_folder()
    with retried_when_connection_is_lost():
        generated = dbt.cli(["docs", "generate", "--static"]).wait()
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(generated.target_path / "static_index.html", folder / "models.html")
    shutil.rmtree(generated.target_path, ignore_errors=True)
    with connect(application_name="warehouse documentation") as connection:
        write_site(connection, folder)
    return dg.MaterializeResult(
        metadata={
            "site": dg.MetadataValue.url(f"{documentation_url()}/index.html"),
            "size_bytes": (folder / "models.html").stat().st_size,
        }
    )


@dg.asset(
    key=["outputs", "prometheus_metrics"],
    group_name=_GROUP,
    owners=OWNERS,
    kinds={"prometheus"},
    freshness_policy=near_real_time_policy(),
)
def prometheus_metrics() -> dg.MaterializeResult[Any]:
    """Figures for Prometheus as the last build and check left them, in the text format.

    Stands on nothing, so that it is written in every run, whatever becomes of the build.
    `WAREHOUSE_METRICS` names the file, which node-exporter's textfile collector reads.

    Returns:
        Where it lies.

    Raises:
        WarehouseError: The database is not there or not migrated.
    """
    from prometheus_client import write_to_textfile

    from orchestration.metrics.collect import collect, is_built

    file = Path(os.environ.get("WAREHOUSE_METRICS") or state_directory() / "warehouse.prom")
    with retried_when_connection_is_lost(), connect(application_name="warehouse metrics") as found:
        require_migrated(found)
        if not is_built(found):
            return dg.MaterializeResult(metadata={"note": "The marts are not built yet."})
        registry = collect(found)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_to_textfile(os.fspath(file), registry)
    return dg.MaterializeResult(
        metadata={
            "file": dg.MetadataValue.path(file),
            "figures": sum(len(list(metric.samples)) for metric in registry.collect()),
        }
    )
