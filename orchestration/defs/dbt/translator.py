"""How dbt's nodes are shown as assets: keys by schema, groups by folder, owners, freshness."""

import itertools
from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtProject

from orchestration.defs.environments import daily_policy, near_real_time_policy
from orchestration.documentation import documentation_url

READ_BY_PEOPLE = ("marts", "documents", "quality")
"""Schemas of which what dbt builds must be fresh."""


class LayerTranslator(DagsterDbtTranslator):
    """Names assets by their schema and groups them by their folder: marts_savings, raw ..."""

    def get_asset_spec(
        self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None
    ) -> dg.AssetSpec:
        """Describe one dbt node as an asset.

        Args:
            manifest: dbt's manifest.
            unique_id: The node's name there.
            project: The dbt project.

        Returns:
            dagster-dbt's own description with the schema as first part of the key, the folder as
            group, and an owner also where dbt's group names one without an address.
        """
        spec = super().get_asset_spec(manifest, unique_id, project)
        node = self.get_resource_props(manifest, unique_id)
        if node["resource_type"] == "source":
            # As the table is called in SQL. Sources have no owner: they are not built here.
            return spec.replace_attributes(
                key=[node["schema"], node["name"]], group_name=node["schema"]
            )
        schema = node["config"]["schema"]
        return spec.replace_attributes(
            # Without the SQL that dagster-dbt adds: columns are what people look for first.
            description=node["description"],
            group_name=_folder(node),
            freshness_policy=_freshness_policy(node) if schema in READ_BY_PEOPLE else None,
            owners=[*spec.owners] or team_of(manifest, node.get("group")),
        ).merge_attributes(
            metadata={
                "documentation": dg.MetadataValue.url(
                    f"{documentation_url()}/models.html#!/{node['resource_type']}/{unique_id}"
                )
            }
        )

    def get_asset_check_spec(
        self,
        asset_spec: dg.AssetSpec,
        manifest: Mapping[str, Any],
        unique_id: str,
        project: DbtProject | None,
    ) -> dg.AssetCheckSpec | None:
        """Describe one dbt test as a check of an asset.

        Args:
            asset_spec: The asset.
            manifest: dbt's manifest.
            unique_id: The test's name there.
            project: The dbt project.

        Returns:
            dagster-dbt's own description with what the test's file says first, or the rules that a
            test from a yml has; None when the test belongs to another asset.
        """
        spec = super().get_asset_check_spec(asset_spec, manifest, unique_id, project)
        if spec is None:
            return None
        node = self.get_resource_props(manifest, unique_id)
        return spec._replace(description=_what_holds(node))


def _what_holds(test: Mapping[str, Any]) -> str:
    """Return what a test looks for."""
    if "test_metadata" in test:
        rules = test["test_metadata"]["kwargs"].get("rules")
        if rules:
            return f"Rows of {test['file_key_name'].split('.')[-1]} {'; '.join(rules)}."
        return f"{test['test_metadata']['name'].replace('_', ' ').capitalize()}."
    comment = itertools.takewhile(lambda line: line.startswith("--"), test["raw_code"].splitlines())
    return " ".join(line.removeprefix("--").strip() for line in comment)


def _folder(node: Mapping[str, Any]) -> str:
    """Return the folder of a model, such as `marts_savings`; of seeds and snapshots the schema."""
    if node["resource_type"] == "model":
        return "_".join(node["fqn"][1:-1])
    return str(node["config"]["schema"])


def _freshness_policy(node: Mapping[str, Any]) -> dg.FreshnessPolicy | None:
    """Return how old a mart may be: views stay as they are in the builds of a day."""
    is_view = node["config"]["materialized"] == "view"
    return daily_policy() if is_view else near_real_time_policy()


def team_of(manifest: Mapping[str, Any], group: str | None) -> list[str]:
    """Return who owns a group of dbt.

    Args:
        manifest: dbt's manifest.
        group: The group's name.

    Returns:
        The owner as Dagster writes owners without an address; nobody when there is no such group.
    """
    names = [
        found["owner"]["name"] for found in manifest["groups"].values() if found["name"] == group
    ]
    return [f"team:{name}" for name in names if name]


translator = LayerTranslator()
