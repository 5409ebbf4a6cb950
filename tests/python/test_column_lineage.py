"""Which columns a column of a model is made of; expected values were read from the SQL by hand."""

from pathlib import Path

import dagster as dg
import pytest
from sqlglot.errors import SqlglotError
from sqlglot.schema import MappingSchema

from orchestration.dbt.column_lineage import (
    DIALECT,
    ColumnLineages,
    Schema,
    columns_of,
    version_of,
)
from orchestration.defs.dbt.column_lineage import shown_with

SCHEMA: Schema = {
    "warehouse": {
        "raw": {"events": {"id": "uuid", "tokens": "bigint", "rate": "numeric", "day": "date"}},
        "marts": {"days": {"day": "date", "is_open": "boolean"}},
    }
}
COLUMNS = MappingSchema({**SCHEMA}, dialect=DIALECT)
ASSETS = {("raw", "events"): "raw/events", ("marts", "days"): "marts/days"}
QUERY = """
with events as (
    select * from "warehouse"."raw"."events"
),
costs as (
    select id, day, tokens * rate as cost from events
)
select
    costs.day,
    sum(costs.cost) filter (where days.is_open) as total_cost,
    1 as one
from costs
inner join "warehouse"."marts"."days" as days on costs.day = days.day
group by costs.day
"""


def test_columns_are_followed_to_the_tables_that_hold_them() -> None:
    assert columns_of(QUERY, COLUMNS, ASSETS) == {
        "day": [("raw/events", "day")],
        "total_cost": [
            ("marts/days", "is_open"),
            ("raw/events", "rate"),
            ("raw/events", "tokens"),
        ],
        "one": [],
    }


def test_what_is_no_asset_is_left_out() -> None:
    assert columns_of(QUERY, COLUMNS, {("raw", "events"): "raw/events"})["total_cost"] == [
        ("raw/events", "rate"),
        ("raw/events", "tokens"),
    ]


def test_sql_that_is_not_understood_is_an_error() -> None:
    with pytest.raises(SqlglotError):
        columns_of("select missing from warehouse.raw.events", COLUMNS, ASSETS)


def test_lineages_are_kept_until_the_sql_changes(tmp_path: Path) -> None:
    file = tmp_path / "new" / "lineages.json"
    first = ColumnLineages(file, "1")
    assert not first.is_known
    queries = {"marts/costs": QUERY, "marts/broken": "select missing from warehouse.raw.events"}
    (reason,) = first.work_out(queries, SCHEMA, ASSETS)
    assert reason.startswith("marts/broken is shown without lineage of its columns: ")

    second = ColumnLineages(file, "1")
    assert second.is_known
    outputs = [dg.Output(None, output_name="marts__costs", metadata={"rows": 3}), "a check"]
    shown, check = shown_with(second, iter(outputs), {"marts__costs": "marts/costs"})
    assert check == "a check"
    assert shown.metadata["rows"].value == 3
    lineage = shown.metadata["dagster/column_lineage"].value
    assert lineage.deps_by_column["day"] == [
        dg.TableColumnDep(dg.AssetKey(["raw", "events"]), "day")
    ]

    assert not ColumnLineages(file, "2").is_known
    file.write_text("{", encoding="utf-8")
    assert not ColumnLineages(file, "1").is_known


def test_the_version_changes_with_models_and_macros_of_the_project() -> None:
    def manifest(model: str = "a", macro: str = "b", other: str = "c") -> dict[str, object]:
        return {
            "metadata": {"project_name": "ours"},
            "nodes": {"m": {"resource_type": "model", "checksum": {"checksum": model}}},
            "macros": {
                "x": {"package_name": "ours", "macro_sql": macro},
                "y": {"package_name": "dbt", "macro_sql": other},
            },
        }

    assert version_of(manifest()) == version_of(manifest(other="z"))
    assert (
        len({version_of(manifest(*parts)) for parts in [("a", "b"), ("z", "b"), ("a", "z")]}) == 3
    )
