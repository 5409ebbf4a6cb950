"""One asset per raw table: dbt's sources, with what the loads have brought them."""

import warnings
from collections.abc import Iterator
from importlib import resources
from typing import Any

import dagster as dg
from psycopg.rows import dict_row

from orchestration.database.connection import connect
from orchestration.database.migrate import require_migrated
from orchestration.defs.dbt.assets import read_manifest, translator
from orchestration.defs.dbt.resources import dbt_project

_NOTHING: dict[str, Any] = {
    "load_count": 0,
    "row_count": 0,
    "last_load_id": None,
    "last_landed_at": None,
}
_LOADED_ROWS = resources.files(__package__).joinpath("loaded_rows.sql").read_text("utf-8")


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
            metadata={"dagster/table_name": spec.metadata["dagster/table_name"]},
        )
        for spec in specs
    ]


# Tables that others fill, which can be looked at but not built, are in beta; the version is pinned.
with warnings.catch_warnings():
    warnings.simplefilter("ignore", dg.BetaWarning)

    @dg.multi_observable_source_asset(  # type: ignore[untyped-decorator]
        name="raw_tables", specs=raw_table_specs(), can_subset=True
    )
    def raw_tables(context: dg.AssetExecutionContext) -> Iterator[dg.ObserveResult]:
        """Note for each raw table what has landed in it, from the ledger of loads.

        Args:
            context: The run's context.

        Yields:
            One observation a table; its data version changes with every load that brings rows.

        Raises:
            WarehouseError: The database is not there or not migrated.
        """
        loaded = {row["table_name"]: row for row in _loaded_rows()}
        for key in sorted(context.selected_asset_keys):
            # Also where nothing has come yet: what is downstream waits for every table.
            table = loaded.get(key.path[-1], _NOTHING)
            yield dg.ObserveResult(
                asset_key=key,
                # A count, not the last load's number: a load with a lower one may commit later.
                data_version=dg.DataVersion(str(table["load_count"])),
                metadata=_metadata_of(table),
            )


def _loaded_rows() -> list[dict[str, Any]]:
    with connect(application_name="warehouse dagster") as connection:
        require_migrated(connection)
        with connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(_LOADED_ROWS).fetchall()


def _metadata_of(table: dict[str, Any]) -> dict[str, dg.MetadataValue[Any]]:
    metadata: dict[str, dg.MetadataValue[Any]] = {
        "loads": dg.MetadataValue.int(table["load_count"]),
        "rows_landed": dg.MetadataValue.int(table["row_count"]),
    }
    if table["last_load_id"] is not None:
        metadata["last_load"] = dg.MetadataValue.int(table["last_load_id"])
    if table["last_landed_at"] is not None:
        metadata["last_landed_at"] = dg.MetadataValue.timestamp(table["last_landed_at"])
    return metadata
