"""The lineage of columns as Dagster shows it."""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from orchestration.dbt.column_lineage import ColumnLineages


def shown_with(
    lineages: ColumnLineages, outputs: Iterator[Any], assets: Mapping[str, str]
) -> Iterator[Any]:
    """Add the lineages to the outputs of a build.

    Args:
        lineages: Those that are known.
        outputs: What dagster-dbt yields; what is no output passes through.
        assets: Names of assets by name of output.

    Yields:
        All of it.
    """
    for output in outputs:
        known = isinstance(output, dg.Output) and lineages.columns_of(
            assets.get(output.output_name, "")
        )
        if not known:
            yield output
            continue
        shown = dg.TableColumnLineage(
            deps_by_column={
                column: [
                    dg.TableColumnDep(dg.AssetKey.from_user_string(asset), name)
                    for asset, name in pairs
                ]
                for column, pairs in known.items()
            }
        )
        yield output.with_metadata({**output.metadata, "dagster/column_lineage": shown})
