"""The metrics that assistants may ask for; their definitions are those of the REST documents."""

from dataclasses import dataclass
from enum import StrEnum

from orchestration.serving.api.shapes import Costs

_UNITS = {
    "savings_percentage": "percent",
    "success_rate": "share",
    "total_tokens": "tokens",
    "avg_duration_ms": "milliseconds",
}


@dataclass(frozen=True)
class Metric:
    """A measure of costs.

    Attributes:
        column: Under which name rows hold it.
        unit: What it is counted in.
        definition: What it is.
    """

    column: str
    unit: str
    definition: str


METRICS = {
    column.removesuffix("_usd"): Metric(
        column,
        "usd" if column.endswith("_usd") else _UNITS.get(column, "executions"),
        field.description or "",
    )
    for column, field in Costs.model_fields.items()
}
"""Every metric by its name."""

MetricName = StrEnum("MetricName", {name: name for name in METRICS})  # type: ignore[misc]
"""What `query_metric` knows."""
