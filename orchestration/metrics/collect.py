"""Collects the warehouse's figures in the text format of Prometheus."""

from collections.abc import Sequence
from importlib import resources
from typing import Any

import psycopg
from prometheus_client import CollectorRegistry, Gauge
from psycopg.rows import dict_row

from orchestration.errors import WarehouseError

_PREFIX = "warehouse"

# Name, query, column and help of figures that there is one of.
_SINGLE = (
    (
        "last_landed_timestamp_seconds", "landing", "last_landed_at",
        "When the last load was committed.",
    ),
    ("lines_accepted", "landing", "lines_accepted", "Lines of all loads that were accepted."),
    ("lines_rejected", "landing", "lines_rejected", "Lines of all loads that were rejected."),
    ("build_duration_seconds", "builds", "last_seconds", "How long the last dbt build took."),
    ("build_failed_nodes", "builds", "last_failed_count", "Nodes that failed in the last build."),
    (
        "last_successful_build_timestamp_seconds", "builds", "last_success_at",
        "When the last dbt build ended in which nothing failed.",
    ),
    (
        "last_pricing_update_timestamp_seconds", "prices", "last_recorded_at",
        "When the newest row of the price book was recorded.",
    ),
)  # fmt: skip

# Name, column and help of figures of each organization over its last 30 days.
_TASKS = (
    ("tasks", "tasks", "Executions."),
    ("failed_tasks", "failed_tasks", "Executions that failed."),
    ("timed_out_tasks", "timed_out_tasks", "Executions that timed out."),
    ("unpriced_tasks", "unpriced_tasks", "Executions without a cost."),
    ("compared_tasks", "compared_tasks", "Executions that were compared with a baseline."),
    (
        "tasks_with_negative_savings", "negative_savings_tasks",
        "Executions that cost more than their baseline.",
    ),
    ("spend_usd", "spend_usd", "USD spent."),
    ("savings_usd", "savings_usd", "USD saved against the baseline."),
)  # fmt: skip


def is_built(connection: psycopg.Connection) -> bool:
    """Return whether there are marts to read figures from.

    Args:
        connection: To the warehouse's database.

    Returns:
        Whether the last of them is there.
    """
    row = connection.execute("select to_regclass('marts.fct_alerts') is not null").fetchone()
    return bool(row and row[0])


def collect(connection: psycopg.Connection) -> CollectorRegistry:
    """Read all figures; what is unknown, such as the last load of none, has no sample.

    Args:
        connection: To the warehouse's database.

    Returns:
        The figures, each a gauge whose name begins with `warehouse_`.

    Raises:
        WarehouseError: The marts are not built.
    """
    registry = CollectorRegistry()
    try:
        found = {query: _rows(connection, query)[0] for query in ("landing", "builds", "prices")}
        tasks, layers = _rows(connection, "tasks"), _rows(connection, "rows")
        checks, alerts = _rows(connection, "checks"), _rows(connection, "alerts")
    except psycopg.errors.UndefinedTable:
        raise WarehouseError("The marts are not built yet: run `make build`.") from None
    for name, query, column, text in _SINGLE:
        _gauge(registry, name, text, (), [({}, found[query][column])])
    for name, column, text in _TASKS:
        samples = [({"organization_id": str(row["organization_id"])}, row[column]) for row in tasks]
        _gauge(registry, name, f"{text} Last 30 days.", ("organization_id",), samples)
    _gauge(
        registry, "rows", "Rows of a layer's tables, estimated by the server.", ("layer",),
        [({"layer": row["layer"]}, row["row_count"]) for row in layers],
    )  # fmt: skip
    _gauge(
        registry, "open_alerts", "Alerts of marts.fct_alerts that are open.", ("severity",),
        [({"severity": row["severity"]}, row["open_alerts"]) for row in alerts],
    )  # fmt: skip
    labels = ("suite", "rule", "severity")
    for name, column, text in (
        ("check_broken_rows", "broken_rows", "Rows that broke a rule when it was last checked."),
        ("check_timestamp_seconds", "checked_at", "When a rule was last checked."),
    ):
        samples = [({label: row[label] for label in labels}, row[column]) for row in checks]
        _gauge(registry, name, text, labels, samples)
    return registry


def _rows(connection: psycopg.Connection, name: str) -> list[dict[str, Any]]:
    query = resources.files(__package__).joinpath(f"{name}.sql").read_bytes()
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query).fetchall()


def _gauge(
    registry: CollectorRegistry,
    name: str,
    text: str,
    labels: Sequence[str],
    samples: Sequence[tuple[dict[str, str], Any]],
) -> None:
    known = [(given, value) for given, value in samples if value is not None]
    if not known:
        return
    gauge = Gauge(f"{_PREFIX}_{name}", text, labels, registry=registry)
    for given, value in known:
        (gauge.labels(**given) if given else gauge).set(float(value))
