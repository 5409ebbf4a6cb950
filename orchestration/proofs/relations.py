"""What is hashed of a sealed month, and the text of a row that is hashed."""

from dataclasses import dataclass

import psycopg
from psycopg import sql

FIGURES = "figures"
"""The strand of everything but who did it: an erasure of people changes none of its hashes."""

PEOPLE = "people"
"""The strand of identifiers of people, which an erasure links anew."""


@dataclass(frozen=True)
class Relation:
    """A relation of which every sealed day has a digest.

    Attributes:
        schema: Its schema.
        table: Its name.
        key: The columns that name a row of an organization and day.
        people: Its columns that hold identifiers of people, or of what they did.
        day: SQL expression of the day of a row.
        by_month: Whether months of UTC are sealed, rather than days of the organization.
        leaves: Whether its rows leave when they are old enough.
    """

    schema: str
    table: str
    key: tuple[str, ...]
    people: tuple[str, ...] = ()
    day: str = "metric_date"
    by_month: bool = False
    leaves: bool = False

    @property
    def name(self) -> str:
        """Its name with the schema, as the ledger has it."""
        return f"{self.schema}.{self.table}"

    @property
    def identifier(self) -> sql.Identifier:
        """The same for a statement."""
        return sql.Identifier(self.schema, self.table)

    def strands(self, columns: list[str]) -> dict[str, list[str]]:
        """Divide its columns.

        Args:
            columns: All that it has.

        Returns:
            The columns of each strand that it has; identifiers of people stand in one only.
        """
        divided = {FIGURES: [name for name in columns if name not in self.people]}
        # A table that an older version built does not have all of them yet.
        people = [name for name in self.people if name in columns]
        if people:
            # Whose figures they are: without a key of their own, all of them.
            named = columns if set(self.key) & set(people) else [*self.key, *people]
            divided[PEOPLE] = sorted(named)
        return divided


@dataclass(frozen=True)
class Prices:
    """A relation of prices; of every sealed day, the rows that its executions were priced with.

    Attributes:
        table: Its name, in schema marts.
        key: The column that names a row.
        kept_in: The columns of an execution that say which of them it uses.
        used: SQL expression over these: the keys, as an array.
    """

    table: str
    key: str
    kept_in: tuple[str, str]
    used: str

    @property
    def name(self) -> str:
        """Its name with the schema, as the ledger has it."""
        return f"marts.{self.table}"

    @property
    def identifier(self) -> sql.Identifier:
        """The same for a statement."""
        return sql.Identifier("marts", self.table)


EXECUTIONS = Relation(
    "marts",
    "fct_task_executions",
    ("execution_id",),
    people=(
        *("agent_id", "api_key_alias", "branch", "correlation_id", "end_user_id", "metadata"),
        *("provider_request_id", "session_id", "tags", "task_id", "user_id", "workflow_id"),
    ),
    leaves=True,
)

RELATIONS = (
    EXECUTIONS,
    Relation(
        "marts",
        "fct_routing_decisions",
        ("routing_decision_id",),
        people=("task_id",),
        day="cast(decision_timestamp at time zone 'UTC' as date)",
        by_month=True,
        leaves=True,
    ),
    Relation("marts", "fct_measured_savings", ("execution_id",), people=("task_id",), leaves=True),
    Relation(
        "intermediate",
        "int_organization_hours",
        ("hour_start", "provider", "task_type"),
        leaves=True,
    ),
    Relation("intermediate", "int_organization_days", ("metric_date",)),
    Relation("intermediate", "int_user_days", ("user_id",), people=("user_id",)),
    Relation("intermediate", "int_policy_days", ("policy",)),
    Relation(
        "intermediate",
        "int_model_usage_days",
        (
            "task_type",
            "provider",
            "pricing_status",
            "baseline_pricing_status",
            "model",
            "price_model",
            "baseline_provider",
            "baseline_model",
            "baseline_price_model",
        ),
    ),
    Relation("ledger", "sealed_executions", ("execution_id",)),
)
"""Marts that are views add these up, or show them."""

PRICES = (
    Prices(
        "dim_prices",
        "price_id",
        ("price_id", "baseline_price_id"),
        "array[price_id, baseline_price_id]",
    ),
    Prices(
        "dim_usage_prices",
        "usage_price_id",
        ("other_costs", "baseline_other_costs"),
        """array(
            select cost ->> 'usage_price_id'
            from jsonb_array_elements(
                coalesce(other_costs, '[]') || coalesce(baseline_other_costs, '[]')
            ) as cost
        )""",
    ),
    Prices(
        "dim_price_factors",
        "price_factor_id",
        ("price_factors", "baseline_price_factors"),
        """array(
            select factor.value ->> 'price_factor_id'
            from (values (price_factors), (baseline_price_factors)) as applied (factors)
            cross join lateral jsonb_each(applied.factors) as factor
        )""",
    ),
)

# What somebody remarked about a price is no part of it. Whose a row is says its digest: an erasure
# replaces the organization in both.
_LEFT_OUT = ("notes", "organization_id")

# Texts that no setting of a session and no later precision of a column changes.
_TEXTS = {
    "numeric": "cast(trim_scale({}) as text)",
    "date": "to_char({}, 'YYYY-MM-DD')",
    "timestamp with time zone": (
        "to_char({} at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
    ),
}

_COLUMNS = """
select
    attname,
    format_type(atttypid, null)
from pg_catalog.pg_attribute
where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped
order by attname collate "C"
"""


def columns_of(connection: psycopg.Connection, relation: Relation | Prices) -> dict[str, str]:
    """Return what can be hashed of a relation.

    Args:
        connection: To the warehouse's database.
        relation: Which.

    Returns:
        The types of its columns by name, in the order in which they are hashed.
    """
    with connection.cursor(row_factory=psycopg.rows.tuple_row) as cursor:
        found = cursor.execute(_COLUMNS, (relation.name,)).fetchall()
    return {name: data_type for name, data_type in found if name not in _LEFT_OUT}


def row_text(columns: list[str], types: dict[str, str]) -> sql.Composable:
    """Return the expression of a row's text: a JSON array of its values, each as text.

    Args:
        columns: The columns that go in, in their order.
        types: The types of all columns.

    Returns:
        The expression; NULL is null and not an empty text.
    """
    return sql.SQL("cast(array_to_json(array[{}]) as text)").format(
        sql.SQL(", ").join(
            sql.SQL(_TEXTS.get(types[name], "cast({} as text)")).format(sql.Identifier(name))
            for name in columns
        )
    )


def row_sha256(columns: list[str], types: dict[str, str]) -> sql.Composable:
    """Return the expression of a row's hash.

    Args:
        columns: The columns that go in, in their order.
        types: The types of all columns.

    Returns:
        The expression, of type bytea.
    """
    return sql.SQL("sha256(convert_to({}, 'UTF8'))").format(row_text(columns, types))
