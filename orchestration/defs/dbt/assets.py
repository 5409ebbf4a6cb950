"""One asset per seed, snapshot and model; their data tests are its checks."""

import functools
import json
import shutil
from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
from dagster_dbt import (
    DagsterDbtTranslator,
    DagsterDbtTranslatorSettings,
    DbtCliResource,
    DbtProject,
    dbt_assets,
)

from orchestration.defs.dbt.arguments import dbt_arguments
from orchestration.defs.dbt.resources import dbt_project


class LayerTranslator(DagsterDbtTranslator):
    """Names and groups assets by their layer: raw, reference, staging, intermediate, marts."""

    def get_asset_spec(
        self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None
    ) -> dg.AssetSpec:
        """Describe one dbt node as an asset.

        Args:
            manifest: dbt's manifest.
            unique_id: The node's name there.
            project: The dbt project.

        Returns:
            dagster-dbt's own description with the layer as group and first part of the key, and
            an owner also where dbt's group names one without an address.
        """
        spec = super().get_asset_spec(manifest, unique_id, project)
        node = self.get_resource_props(manifest, unique_id)
        if node["resource_type"] == "source":
            # As the table is called in SQL. Sources have no owner: they are not built here.
            return spec.replace_attributes(
                key=[node["schema"], node["name"]], group_name=node["schema"]
            )
        return spec.replace_attributes(
            # The folder under models/; seeds have only the schema to say where they belong.
            group_name=node["fqn"][1]
            if node["resource_type"] == "model"
            else node["config"]["schema"],
            owners=[*spec.owners] or _team_of(manifest, node.get("group")),
        )


def _team_of(manifest: Mapping[str, Any], group: str | None) -> list[str]:
    """Return the owner of a dbt group as Dagster writes owners without an address."""
    names = [
        found["owner"]["name"] for found in manifest["groups"].values() if found["name"] == group
    ]
    return [f"team:{name}" for name in names if name]


class BuildOptions(dg.Config):
    """What a run's configuration may ask for."""

    full_refresh: bool = False


@functools.cache
def read_manifest() -> Mapping[str, Any]:
    """Return dbt's manifest of the project.

    Returns:
        The manifest as dbt wrote it.
    """
    manifest: dict[str, Any] = json.loads(dbt_project().manifest_path.read_bytes())
    return manifest


translator = LayerTranslator(DagsterDbtTranslatorSettings(enable_source_tests_as_checks=True))


@dbt_assets(
    manifest=read_manifest(),
    project=dbt_project(),
    name="warehouse_models",
    dagster_dbt_translator=translator,
)
def warehouse_models(
    context: dg.AssetExecutionContext, dbt: DbtCliResource, config: BuildOptions
) -> Iterator[Any]:
    """Build the seeds and models, and test them, in one dbt run.

    Not partitioned: the models find out themselves what is new.

    Args:
        context: The run's context.
        dbt: dbt on the run's database.
        config: The run's options.

    Yields:
        What dbt did: materializations, check results, observations.
    """
    build = dbt.cli(dbt_arguments(full_refresh=config.full_refresh), context=context)
    # Not the lineage of columns: it changes with the SQL only, and working it out each time takes
    # several times as long as the build itself.
    yield from build.stream().fetch_column_metadata(with_column_lineage=False)
    # Each run writes a manifest of its own; they would fill the disk. A failed run's log stays.
    shutil.rmtree(build.target_path, ignore_errors=True)
