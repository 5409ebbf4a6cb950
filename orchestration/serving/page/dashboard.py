"""What the page of an organization shows."""

import csv
import datetime as dt
import io
import json
from typing import Any, Literal
from urllib.parse import urlencode
from uuid import UUID

from pydantic import BaseModel, Field

from orchestration.serving.api.requests import Asked, Filtered, Name
from orchestration.serving.cache import DASHBOARD_SECONDS
from orchestration.serving.database import Answer
from orchestration.serving.page import charts
from orchestration.serving.principal import Principal

Document = dict[str, Any]
Table = Literal[
    "course", "providers", "task_types", "models", "activity", "alerts", "unpriced", "executions"
]

PERIODS = {"7": "7 days", "30": "30 days", "90": "90 days", "all": "All time"}

_SUMMARY = Answer("savings_summary", {"about": "about", "totals": "costs_total"})
_PARTS_OF_MONTH = {"about": "about", "projection": "savings_projection"}
_MONTH = Answer("savings_summary", _PARTS_OF_MONTH)
# To the last event that landed; the live views know nothing of parts of an organization.
_LIVE_MONTH = Answer("live_organization", _PARTS_OF_MONTH)
_LISTS = {
    "course": "costs_course",
    "providers": "costs_by_provider",
    "task_types": "costs_by_task_type",
    "models": "costs_by_model",
    "activity": "page_activity",
    "unpriced": "unpriced",
    "executions": "page_executions",
}
_ANSWERS = {
    # Who sees the rows of people sees no alerts about all of them.
    "people": Answer(_SUMMARY.main, {**_SUMMARY.rows, "organization": "organization"}, _LISTS),
    "organization": Answer(
        _SUMMARY.main,
        {**_SUMMARY.rows, "organization": "organization"},
        {**_LISTS, "alerts": "alerts"},
    ),
}
ROWS = 20
"""How many rows of a long list the page shows; its twins have all of them."""

_DAYS_OF_A_STEP = {"day": 1, "week": 7}
# What a spreadsheet would take for a formula.
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


class View(BaseModel, extra="forbid"):
    """Which part of an organization's usage the page shows."""

    days: Literal["7", "30", "90", "all"] = Field("30", description="The last so many days.")
    provider: Name | None = Field(None, description="Only this provider.")
    task_type: Name | None = Field(None, description="Only this type of task.")

    def query(self, **changes: str | None) -> str:
        """Return the query of a URL for this view, with changes.

        Args:
            **changes: Other values; None for none.

        Returns:
            Such as ?days=7&provider=openai.
        """
        return _query(self.model_dump() | changes)

    def explained(self, figure: str, organization_id: UUID, about: Document, **changes: str) -> str:
        """Return where it is explained what a figure is made of.

        Args:
            figure: Such as spend.
            organization_id: Of whom.
            about: What the document with the figure says about itself: from when until when.
            **changes: Other filters than those of this view.

        Returns:
            The address.
        """
        wanted = {
            "figure": figure,
            "organization_id": str(organization_id),
            "start_date": about["start_date"],
            "end_date": about["end_date"],
            "provider": self.provider,
            "task_type": self.task_type,
        }
        return f"/api/v1/explain{_query(wanted | changes)}"


def _query(parameters: dict[str, str | None]) -> str:
    return f"?{urlencode({name: value for name, value in parameters.items() if value})}"


class TableView(View):
    """Which table to give away as CSV."""

    table: Table = Field("course", description="Which of the page's tables.")


async def shown(asked: Asked, organization_id: UUID, view: View) -> tuple[Principal, Document, str]:
    """Return what the page shows.

    Args:
        asked: The request.
        organization_id: Of whom.
        view: Which part.

    Returns:
        For whom; the document; and the same as JSON text, as the database made it.

    Raises:
        HTTPException: It is another's.
    """
    wanted = {"organization_id": organization_id} | view.model_dump(exclude={"days"})
    principal, month = await asked.about(Filtered.model_validate(wanted))
    today = month["end_date"]
    is_everything = view.days == "all"
    first = dt.date(1970, 1, 1) if is_everything else today - dt.timedelta(int(view.days) - 1)
    period = month | {
        "start_date": first,
        "period": "week" if is_everything else "day",
        "row_count": ROWS,
        "is_open": None,
    }
    is_whole = principal.scope == "organization" and not (view.provider or view.task_type)
    of_month = _LIVE_MONTH if is_whole else _MONTH
    month_text = await asked.text(principal, of_month, month, DASHBOARD_SECONDS)
    text = await asked.text(principal, _ANSWERS[principal.scope], period, DASHBOARD_SECONDS)
    document = f'{text.removesuffix("}")}, "step": "{period["period"]}", "month": {month_text}}}'
    return principal, json.loads(document), document


def charts_of(document: Document) -> dict[str, charts.Spec]:
    """Return the charts of the page, by their name.

    Args:
        document: What the page shows.

    Returns:
        Vega-Lite specifications; none without usage.
    """
    course = document["course"]
    if not course:
        return {}
    days_a_step = _DAYS_OF_A_STEP[document["step"]]
    return {
        "trend": charts.savings_trend(course, days_a_step),
        "roi": charts.roi_timeline(course, days_a_step),
        "people": charts.active_people(days_of(document["activity"])),
    }


def days_of(activity: list[Document]) -> list[Document]:
    """Return the days of the query `page_activity`, without the row of all of them."""
    return [row for row in activity if row["date"] is not None]


def people_of(activity: list[Document]) -> Document:
    """Return how many people worked: in all, on a day, and how much each did.

    Args:
        activity: Rows of the query `page_activity`.

    Returns:
        `active_users` of the period, `daily_active_users` and `tasks_per_user` of a day on which
        somebody worked; None where nobody did.
    """
    days = days_of(activity)
    worked = sum(day["active_users"] for day in days)
    return {
        "active_users": sum(row["active_users"] for row in activity if row["date"] is None),
        "daily_active_users": round(worked / len(days), 1) if days else None,
        "tasks_per_user": round(sum(day["tasks"] for day in days) / worked, 1) if worked else None,
    }


def csv_of(rows: list[Document]) -> str:
    """Return rows as CSV: money with all digits, and no text that a spreadsheet would run.

    Args:
        rows: A list of the document.

    Returns:
        The file; empty without rows.
    """
    file = io.StringIO()
    if rows:
        # Beside the exact amount stands a rounded one of the same name, without its unit.
        columns = [name for name in rows[0] if f"{name}_usd" not in rows[0]]
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows([_cell(name, row[name]) for name in columns] for row in rows)
    return file.getvalue()


def _cell(column: str, value: object) -> object:
    is_formula = isinstance(value, str) and value.startswith(_FORMULAS)
    return f"'{value}" if is_formula and not column.endswith("_usd") else value
