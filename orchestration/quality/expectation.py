"""The one expectation that all rules are: a query that returns no rows."""

from typing import Any, ClassVar

from great_expectations.expectations.core.unexpected_rows_expectation import (
    UnexpectedRowsExpectation,
)


class BrokenRows(UnexpectedRowsExpectation):
    """Rows that break a rule, counted and fetched by one query.

    Great Expectations' own one asks twice, for the count and for the rows. Here every row that is
    returned says in `broken_rows` how many there are.
    """

    metric_dependencies: ClassVar[tuple[str, ...]] = ("unexpected_rows_query.table",)

    def _validate(self, metrics: dict[str, Any], *_: Any, **__: Any) -> dict[str, Any]:
        rows = metrics["unexpected_rows_query.table"]
        return {
            "success": not rows,
            "result": {
                "observed_value": rows[0]["broken_rows"] if rows else 0,
                "details": {"unexpected_rows": rows},
            },
        }
