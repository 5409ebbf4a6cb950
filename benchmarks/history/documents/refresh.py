"""The design of the source documents on the same executions: a table and two materialized views."""

import datetime as dt
import time
from pathlib import Path

from benchmarks.shared.throwaway import settle
from orchestration.database.connection import connect

SAME_INFORMATION = ("int_model_usage_days", "int_organization_days", "int_user_days")
"""The models in which the warehouse keeps what the two views hold.

`daily_savings` adds up the first; `organization_current_month` reads all of them.
"""

_FOLDER = Path(__file__).parent
# Not that of the models under the names of the documents.
_SCHEMA = "documents_design"
_VIEWS = ("mv_daily_savings", "mv_org_current_month")


def refresh_seconds(now: dt.datetime, repetitions: int) -> dict[str, list[float]]:
    """Fill the documents' table from the facts, and refresh its views over and over.

    Args:
        now: What the view of the current month takes for the present.
        repetitions: How often both views are refreshed.

    Returns:
        The seconds of each refresh, by view.
    """
    table = (_FOLDER / "task_executions.sql").read_text(encoding="utf-8")
    views = (_FOLDER / "materialized_views.sql").read_text(encoding="utf-8")
    views = views.replace("CURRENT_TIMESTAMP", f"timestamptz '{now.isoformat()}'")
    seconds: dict[str, list[float]] = {view: [] for view in _VIEWS}
    with connect(autocommit=True, options=f"-c search_path={_SCHEMA}") as connection:
        connection.execute(f"create schema {_SCHEMA}".encode())
        connection.execute(table.encode())
        connection.execute("vacuum analyze task_executions")
        connection.execute(views.encode())
        for _ in range(repetitions):
            settle()
            for view in _VIEWS:
                begun = time.perf_counter()
                connection.execute(f"refresh materialized view {view}".encode())
                seconds[view].append(time.perf_counter() - begun)
        connection.execute(f"drop schema {_SCHEMA} cascade".encode())
    return seconds
