"""One asset per seed, snapshot and model; their data tests are its checks."""

import functools
import itertools
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtProject, dbt_assets
from pydantic import Field

from orchestration.database.connection import connect
from orchestration.defs.dbt.arguments import dbt_arguments
from orchestration.defs.dbt.built_project import (
    ProjectChecksums,
    current_checksums,
    record_checksums,
    recorded_checksums,
)
from orchestration.defs.dbt.column_lineage import ColumnLineages, version_of
from orchestration.defs.dbt.resources import WarehouseDbt, dbt_project
from orchestration.defs.environments import daily_policy, near_real_time_policy
from orchestration.defs.retries import retried_when_connection_is_lost
from orchestration.project import state_directory
from orchestration.quality.checks import import_great_expectations

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


def documentation_folder() -> Path:
    """Return the folder of the site about models and quality.

    Returns:
        The one that `make docs` and the nightly job write.
    """
    return state_directory() / "docs"


def documentation_url() -> str:
    """Return where the site about models and quality lies.

    Returns:
        `WAREHOUSE_DOCS_URL` when it is set, for the web server that shows it; else the folder.
    """
    url = os.environ.get("WAREHOUSE_DOCS_URL")
    return url.rstrip("/") if url else documentation_folder().as_uri()


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


@dataclass(frozen=True)
class _Standing:
    """What is in the database already as a build would make it."""

    views: bool
    seeds: bool


_NOTHING_STANDS = _Standing(views=False, seeds=False)

_IS_COMPLETE = """
select bool_and(to_regclass(relation_name) is not null)
from unnest(cast(%s as text [])) as relations (relation_name)
"""

_COLUMNS = """
select table_catalog, table_schema, table_name, column_name, data_type
from information_schema.columns
where table_schema not in ('pg_catalog', 'information_schema')
"""


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

translator = LayerTranslator()


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
    checksums = current_checksums()
    with retried_when_connection_is_lost():
        stands = _what_stands(checksums) if config.leave_what_stands else _NOTHING_STANDS
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
        yield from lineages.shown_with(events, names)
        if not context.is_subset:
            with connect(application_name="warehouse dagster") as connection:
                record_checksums(connection, checksums)
    # Each run writes a manifest of its own; they would fill the disk. A failed run's log stays.
    shutil.rmtree(build.target_path, ignore_errors=True)


def relations() -> list[str]:
    """Return the tables and views that a complete build leaves behind.

    Returns:
        Their names with their schemas.
    """
    return [
        f'"{node["schema"]}"."{node["alias"]}"'
        for node in read_manifest()["nodes"].values()
        if node["resource_type"] in ("model", "seed", "snapshot")
    ]


def _what_stands(checksums: ProjectChecksums) -> _Standing:
    """Compare the files with those that the database was built from."""
    with connect(application_name="warehouse dagster") as connection:
        built = recorded_checksums(connection)
        (is_complete,) = connection.execute(_IS_COMPLETE, (relations(),)).fetchone() or (False,)
    if not built or not is_complete or built.code != checksums.code:
        return _NOTHING_STANDS
    return _Standing(views=True, seeds=built.seeds == checksums.seeds)


def _work_out(
    lineages: ColumnLineages, context: dg.AssetExecutionContext, dbt: WarehouseDbt
) -> None:
    """Read the lineage of columns from the SQL, unless tables are still missing."""
    with connect(application_name="warehouse dagster") as connection:
        rows = connection.execute(_COLUMNS).fetchall()
    schema: dict[str, dict[str, dict[str, dict[str, str]]]] = {}
    for database, schema_name, table, column, data_type in rows:
        tables = schema.setdefault(database, {}).setdefault(schema_name, {})
        tables.setdefault(table, {})[column] = data_type
    compiled = dbt.cli(["compile", "--full-refresh"]).wait()
    manifest = compiled.get_artifact("manifest.json")
    shutil.rmtree(compiled.target_path, ignore_errors=True)
    relations = {
        unique_id: (node["database"], node["schema"], node.get("identifier") or node["alias"])
        for unique_id, node in [*manifest["nodes"].items(), *manifest["sources"].items()]
        if node["resource_type"] in ("model", "seed", "snapshot", "source")
    }
    if any(table not in schema.get(db, {}).get(name, {}) for db, name, table in relations.values()):
        context.log.info("The lineage of columns is shown when all tables have been built.")
        return
    keys = {
        unique_id: translator.get_asset_spec(manifest, unique_id, dbt_project()).key
        for unique_id in relations
    }
    models = {
        unique_id: node
        for unique_id, node in manifest["nodes"].items()
        if node["resource_type"] == "model"
    }
    for unique_id, node in models.items():
        # What a new version of the SQL adds is documented before it is built.
        database, schema_name, table = relations[unique_id]
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
        {relations[unique_id][1:]: key.to_user_string() for unique_id, key in keys.items()},
    )
    for reason in reasons:
        context.log.warning(reason)
