"""One asset per raw table: dbt's sources, with what the loads have brought them."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import dagster as dg

from orchestration.database.connection import connect
from orchestration.database.migrate import require_migrated
from orchestration.defs.dbt.assets import OWNERS, read_manifest
from orchestration.defs.dbt.resources import dbt_project
from orchestration.defs.dbt.translator import translator
from orchestration.defs.retries import retried_when_connection_is_lost
from orchestration.landing.commands import describe
from orchestration.landing.inbox import landing_folder, receive_files
from orchestration.landing.loaded import landed_organizations, loaded_rows

# Metadata of a table, by the column of the query; what a table does not have is left out.
_METADATA = {
    "load_count": "loads",
    "row_count": "dagster/row_count",
    "rejected_count": "lines_rejected",
    "last_load_id": "last_load",
    "last_written_at": "last_written_at",
}
ORGANIZATION_PARTITIONS = "organizations"
"""Name of the partitions, one an organization, that a rebuild can be asked for."""


def raw_table_specs() -> list[dg.AssetSpec]:
    """Describe the tables that dbt declares as sources.

    Returns:
        One asset a table, under the key that the staging models have as their upstream.
    """
    manifest = read_manifest()
    specs = (
        translator.get_asset_spec(manifest, unique_id, dbt_project())
        for unique_id in sorted(manifest["sources"])
    )
    return [
        dg.AssetSpec(
            key=spec.key,
            group_name=spec.group_name,
            # Without the SQL that dagster-dbt adds: a table has none.
            description=manifest["sources"][spec.metadata["dagster_dbt/unique_id"]]["description"],
            kinds={"postgres"},
            owners=OWNERS,
            metadata={
                name: value
                for name, value in spec.metadata.items()
                if name in ("dagster/table_name", "dagster/column_schema")
            },
        )
        for spec in specs
    ]


@dg.multi_asset(name="raw_tables", specs=raw_table_specs(), can_subset=True)
def raw_tables(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
    """Land what waits in the inbox, then note for each raw table what has landed in it.

    What others land, from the command line, is noted as well, and so is what builds, checks and
    retention write into tables of their own.

    Args:
        context: The run's context.

    Yields:
        One materialization a table; its data version changes with every load that brings rows.

    Raises:
        WarehouseError: The database is not there or not migrated, or the landing folder cannot be
            used.
    """
    with retried_when_connection_is_lost():
        received = receive_files(landing_folder(), dt.datetime.now(dt.UTC).date())
        for file in received:
            if file.landed is None:
                context.log.error(f"{file.path}: {file.reason}")
            else:
                context.log.info(describe(file.landed))
        with connect(application_name="warehouse dagster") as connection:
            require_migrated(connection)
            loaded = loaded_rows(connection)
            organizations = landed_organizations(connection)
    context.instance.add_dynamic_partitions(ORGANIZATION_PARTITIONS, organizations)
    for key in sorted(context.selected_asset_keys):
        # Also where nothing has come yet: what is downstream waits for every table.
        table = loaded.get(key.path[-1], {})
        metadata = {
            name: _shown(table[column])
            for column, name in _METADATA.items()
            if table.get(column) is not None
        }
        if key.path == ["raw", "loads"]:
            metadata["files_landed_by_this_run"] = sum(file.landed is not None for file in received)
            metadata["files_rejected_by_this_run"] = sum(file.landed is None for file in received)
        yield dg.MaterializeResult(
            asset_key=key,
            # A count, not the last load's number: a load with a lower one may commit later.
            data_version=dg.DataVersion(table.get("data_version") or "0"),
            metadata=metadata,
        )


def _shown(value: Any) -> Any:
    return dg.MetadataValue.timestamp(value) if isinstance(value, dt.datetime) else value
