"""The lineage of columns: which columns of its parents each column of a model is made of.

It is read from the SQL of a full refresh, because that of an incremental build takes its rows from
temporary tables. It changes with the SQL only, so it is worked out once and kept.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import psycopg
from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError
from sqlglot.lineage import lineage
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import build_scope
from sqlglot.schema import MappingSchema

DIALECT = "postgres"

Columns = dict[str, list[tuple[str, str]]]
"""The columns of a model by name, each with the pairs of asset and column that it is made of."""

Schema = dict[str, dict[str, dict[str, dict[str, str]]]]
"""Types of columns by database, schema, table and column."""

_COLUMNS = """
select table_catalog, table_schema, table_name, column_name, data_type
from information_schema.columns
where table_schema not in ('pg_catalog', 'information_schema')
"""


def version_of(manifest: Mapping[str, Any]) -> str:
    """Return what changes with the SQL of any model.

    Args:
        manifest: dbt's manifest.

    Returns:
        A hash of all models and macros of the project.
    """
    models = [
        node["checksum"]["checksum"]
        for _, node in sorted(manifest["nodes"].items())
        if node["resource_type"] == "model"
    ]
    macros = [
        macro["macro_sql"]
        for _, macro in sorted(manifest["macros"].items())
        if macro["package_name"] == manifest["metadata"]["project_name"]
    ]
    return hashlib.sha256(json.dumps([models, macros]).encode()).hexdigest()


def read_schema(connection: psycopg.Connection) -> Schema:
    """Read the types of all columns.

    Args:
        connection: To the warehouse's database.

    Returns:
        Those of all tables and views.
    """
    schema: Schema = {}
    for database, schema_name, table, column, data_type in connection.execute(_COLUMNS):
        tables = schema.setdefault(database, {}).setdefault(schema_name, {})
        tables.setdefault(table, {})[column] = data_type
    return schema


def columns_of(
    query: str,
    schema: MappingSchema,
    assets: Mapping[tuple[str, str], str],
) -> Columns:
    """Return which columns of tables the columns of a query are made of.

    Args:
        query: The SQL.
        schema: All tables and views.
        assets: Names of assets by schema and table; other tables are left out.

    Returns:
        All columns of the query; those that stand on none, such as constants, have no pairs.

    Raises:
        SqlglotError: The SQL was not understood.
    """
    parsed = parse_one(query, dialect=DIALECT)
    tree = cast("exp.Query", qualify(parsed, schema=schema, dialect=DIALECT))
    scope = build_scope(tree)
    # The SQL of each step is not shown, and cutting it down to one column would copy all of it.
    options = {"scope": scope, "trim_selects": False, "copy": False}
    found: Columns = {}
    for column in tree.named_selects:
        pairs = set()
        for node in lineage(column, tree, schema, dialect=DIALECT, **options).walk():
            table = None if node.downstream else node.expression.find(exp.Table)
            asset = assets.get((table.db, table.name)) if table is not None else None
            if asset is not None:
                pairs.add((asset, exp.to_column(node.name).name))
        found[column] = sorted(pairs)
    return found


class ColumnLineages:
    """The lineages of all models, kept in a file."""

    def __init__(self, file: Path, version: str) -> None:
        """Read what is known.

        Args:
            file: Where it is kept; it need not be there.
            version: That of the SQL; what was kept for another one is forgotten.
        """
        self._file = file
        self._version = version
        self._known: dict[str, Columns] = {}
        try:
            kept = json.loads(file.read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            return
        if kept["version"] == version:
            self._known = kept["lineages"]

    @property
    def is_known(self) -> bool:
        """Whether the lineages of this version of the SQL were worked out."""
        return bool(self._known)

    def work_out(
        self,
        queries: Mapping[str, str],
        schema: Schema,
        assets: Mapping[tuple[str, str], str],
    ) -> list[str]:
        """Work all lineages out and keep them.

        Args:
            queries: The SQL of the models, by asset.
            schema: All tables and views.
            assets: Names of assets by schema and table.

        Returns:
            Why models have none, in sentences.
        """
        reasons = []
        # Given as a dictionary, sqlglot would read it again for every column.
        columns = MappingSchema({**schema}, dialect=DIALECT)
        for asset, query in queries.items():
            try:
                self._known[asset] = columns_of(query, columns, assets)
            except SqlglotError as error:
                reasons.append(f"{asset} is shown without lineage of its columns: {error}")
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(
            json.dumps({"version": self._version, "lineages": self._known}), encoding="utf-8"
        )
        return reasons

    def columns_of(self, asset: str) -> Columns | None:
        """Return the lineage of a model.

        Args:
            asset: The model's asset.

        Returns:
            Its columns; None when none is known.
        """
        return self._known.get(asset)
