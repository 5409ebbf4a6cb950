"""One asset per seed, snapshot and model; their data tests are its checks."""

import functools
import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import dbt_assets
from pydantic import Field

from orchestration.database.connection import connect
from orchestration.dbt.arguments import dbt_arguments
from orchestration.dbt.built_project import (
    NOTHING_STANDS,
    current_checksums,
    record_checksums,
    what_stands,
)
from orchestration.dbt.column_lineage import ColumnLineages, read_schema, version_of
from orchestration.dbt.manifest import relations, tables
from orchestration.defs.dbt.column_lineage import shown_with
from orchestration.defs.dbt.resources import WarehouseDbt, dbt_project
from orchestration.defs.dbt.translator import team_of, translator
from orchestration.defs.retries import retried_when_connection_is_lost
from orchestration.project import project_root
from orchestration.quality.checks import import_great_expectations


class BuildOptions(dg.Config):
    """What a run's configuration may ask for."""

    full_refresh: bool = Field(
        False, description="Compute everything anew that is not sealed, from all that has landed."
    )
    full_check: bool = Field(
        False, description="Let the tests of large tables look at everything, not at changes only."
    )
    leave_what_stands: bool = Field(
        False,
        description="Leave views and seeds as they are, unless their files changed since they were "
        "built last.",
    )
    row_counts: bool = Field(False, description="Count the rows of every table.")
    rebuild_from: str | None = Field(
        None, description="Compute again what started on this day (in UTC, 2026-10-01) or later."
    )
    rebuild_until: str | None = Field(None, description="And before this day.")
    rebuild_organizations: list[str] = Field(
        default_factory=list, description="And belongs to these organizations; all when empty."
    )


@functools.cache
def read_manifest() -> Mapping[str, Any]:
    """Return dbt's manifest of the project.

    Returns:
        The manifest as dbt wrote it.
    """
    manifest: dict[str, Any] = json.loads(dbt_project().manifest_path.read_bytes())
    return manifest


OWNERS = team_of(read_manifest(), "warehouse")
"""Whoever owns the models: also owns what dbt does not build, such as the raw tables."""


@dbt_assets(
    manifest=read_manifest(),
    project=dbt_project(),
    name="warehouse_models",
    dagster_dbt_translator=translator,
)
def warehouse_models(
    context: dg.AssetExecutionContext, dbt: WarehouseDbt, config: BuildOptions
) -> Iterator[Any]:
    """Build the seeds and models, or what of them does not stand, and test them, in one dbt run.

    Not partitioned: the models find out themselves what is new.

    Args:
        context: The run's context.
        dbt: dbt on the run's database.
        config: The run's options.

    Yields:
        What dbt did: materializations, check results, observations.
    """
    # As they are now: what changes while dbt works is built by the next run.
    checksums = current_checksums(project_root())
    stands = NOTHING_STANDS
    if config.leave_what_stands:
        with (
            retried_when_connection_is_lost(),
            connect(application_name="warehouse dagster") as connection,
        ):
            stands = what_stands(connection, checksums, relations(read_manifest()))
    arguments = dbt_arguments(
        full_refresh=config.full_refresh,
        full_check=config.full_check,
        leave_views=stands.views,
        leave_seeds=stands.seeds,
        rebuild_from=config.rebuild_from,
        rebuild_until=config.rebuild_until,
        rebuild_organizations=config.rebuild_organizations,
    )
    lineages = ColumnLineages(
        Path(context.instance.storage_directory(), "column_lineage.json"),
        version_of(read_manifest()),
    )
    with retried_when_connection_is_lost():
        if not lineages.is_known:
            _work_out(lineages, context, dbt)
        build = dbt.cli(arguments, context=context)
        if context.job_def.has_node_named("quality_checks"):
            # The step after this one needs it; dbt starts and reads the project meanwhile.
            import_great_expectations()
        events = build.stream()
        if config.row_counts:
            build.adapter = dbt.open_adapter(arguments)
            events = events.fetch_row_counts()
        names = {
            key.to_python_identifier(): key.to_user_string() for key in context.assets_def.keys
        }
        yield from shown_with(lineages, events, names)
        if not context.is_subset:
            with connect(application_name="warehouse dagster") as connection:
                record_checksums(connection, checksums)
    # Each run writes a manifest of its own; they would fill the disk. A failed run's log stays.
    shutil.rmtree(build.target_path, ignore_errors=True)


def _work_out(
    lineages: ColumnLineages, context: dg.AssetExecutionContext, dbt: WarehouseDbt
) -> None:
    """Read the lineage of columns from the SQL, unless tables are still missing."""
    with connect(application_name="warehouse dagster") as connection:
        schema = read_schema(connection)
    compiled = dbt.cli(["compile", "--full-refresh"]).wait()
    manifest = compiled.get_artifact("manifest.json")
    shutil.rmtree(compiled.target_path, ignore_errors=True)
    places = tables(manifest)
    if any(table not in schema.get(db, {}).get(name, {}) for db, name, table in places.values()):
        context.log.info("The lineage of columns is shown when all tables have been built.")
        return
    keys = {
        unique_id: translator.get_asset_spec(manifest, unique_id, dbt_project()).key
        for unique_id in places
    }
    models = {
        unique_id: node
        for unique_id, node in manifest["nodes"].items()
        if node["resource_type"] == "model"
    }
    for unique_id, node in models.items():
        # What a new version of the SQL adds is documented before it is built.
        database, schema_name, table = places[unique_id]
        schema[database][schema_name][table] |= {
            column: described["data_type"] or "text"
            for column, described in node["columns"].items()
        }
    reasons = lineages.work_out(
        {
            keys[unique_id].to_user_string(): node["compiled_code"]
            for unique_id, node in models.items()
        },
        schema,
        {places[unique_id][1:]: key.to_user_string() for unique_id, key in keys.items()},
    )
    for reason in reasons:
        context.log.warning(reason)
