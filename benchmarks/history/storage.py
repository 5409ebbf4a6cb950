"""How much of the disk the layers of a warehouse take."""

from dataclasses import dataclass

from orchestration.database.connection import connect

_SIZES = """
select
    namespaces.nspname,
    coalesce(parents.relname, tables.relname),
    cast(sum(pg_table_size(tables.oid)) as bigint),
    cast(sum(pg_indexes_size(tables.oid)) as bigint)
from pg_catalog.pg_class as tables
inner join pg_catalog.pg_namespace as namespaces on tables.relnamespace = namespaces.oid
left join pg_catalog.pg_inherits as partitions on tables.oid = partitions.inhrelid
left join pg_catalog.pg_class as parents on partitions.inhparent = parents.oid
where
    tables.relkind = 'r'
    and namespaces.nspname in ('raw', 'ledger', 'intermediate', 'marts', 'quality')
group by 1, 2
order by 1, 2
"""


@dataclass(frozen=True)
class TableSize:
    """What one table takes, with all its partitions.

    Attributes:
        layer: `raw`, `ledger`, `intermediate`, `quality`, `marts, facts` or `marts, rollups`.
        table: Its name.
        table_bytes: Rows and what is stored beside them.
        index_bytes: All indexes.
    """

    layer: str
    table: str
    table_bytes: int
    index_bytes: int


def table_sizes() -> list[TableSize]:
    """Ask the server.

    Returns:
        All tables of the five schemas. Whatever is in marts and no fact counts as a rollup, for
        the dimensions are small, and so do the sums that marts show.
    """
    with connect() as connection:
        rows = connection.execute(_SIZES).fetchall()
    return [TableSize(_layer(schema, table), table, *sizes) for schema, table, *sizes in rows]


def _layer(schema: str, table: str) -> str:
    if schema == "intermediate" and table.endswith(("_days", "_hours")):
        return "marts, rollups"
    if schema != "marts":
        return str(schema)
    return "marts, facts" if table.startswith("fct_") else "marts, rollups"
