"""A month on one page, for who leads: the executive summary as PDF."""

import asyncio
import datetime as dt
import re
from typing import Annotated, Any
from uuid import UUID

import vl_convert
from fastapi import APIRouter, Query, Response
from markupsafe import Markup
from pydantic import BaseModel, Field

from orchestration.serving.api.requests import Days, Inquiry, read_of
from orchestration.serving.api.shapes import ABOUT
from orchestration.serving.cache import DASHBOARD_SECONDS
from orchestration.serving.database import Answer
from orchestration.serving.page import charts
from orchestration.serving.page.routes import rendered, shown_to

router = APIRouter(include_in_schema=False)

_SUMMARY = Answer(
    "savings_summary",
    ABOUT
    | {
        "organization": "organization",
        "totals": "costs_total",
        "projection": "savings_projection",
        "usage": "usage_metrics",
    },
    {"course": "costs_course", "providers": "costs_by_provider", "tasks": "task_performance"},
)
# What the style sheet says of paper.
_COLORS = {"saved": "#14804a", "spent": "#3b6fb6", "ink": "#000", "ink-2": "#444", "line": "#ccc"}
_VARIABLE = re.compile(r"var\(--([a-z0-9-]+)\)")
_SIZE = re.compile(r' (?:width|height)="[^"]*"')


class Month(BaseModel, extra="forbid"):
    """Which month to sum up."""

    month: str | None = Field(None, pattern=r"^2[0-9]{3}-(0[1-9]|1[0-2])$")

    def days(self) -> dict[str, dt.date]:
        """Return its first and last day; of the present month those until today."""
        if self.month is None:
            return {}
        first = dt.date.fromisoformat(f"{self.month}-01")
        following = (first + dt.timedelta(days=31)).replace(day=1)
        return {"start_date": first, "end_date": following - dt.timedelta(days=1)}


@router.get("/organizations/{organization_id}.pdf")
async def organization_pdf(
    asked: Inquiry, organization_id: UUID, wanted: Annotated[Month, Query()]
) -> Response:
    """Sum up a month of an organization on one page."""
    asked.action = "export_data"
    days = Days.model_validate({"organization_id": organization_id} | wanted.days())
    principal, parameters = await asked.about(days)
    document = await shown_to(asked, principal, _SUMMARY, parameters, DASHBOARD_SECONDS)
    await asked.state.recorder.record(read_of(asked.request, principal, asked.action))
    svg = rendered(
        "summary.svg",
        asked.request,
        document=document,
        chart=await asyncio.to_thread(_chart, document["course"]),
    )
    pdf = await asyncio.to_thread(vl_convert.svg_to_pdf, svg)
    name = f"ai_spend_{document['about']['start_date'][:7]}.pdf"
    return Response(
        pdf,
        media_type="application/pdf",
        headers={
            "Cache-Control": "private, no-cache",
            "Content-Disposition": f'inline; filename="{name}"',
        },
    )


def _chart(course: list[dict[str, Any]]) -> Markup:
    """Return the trend of savings as an SVG that fits where the template has room for it."""
    if not course:
        return Markup()
    drawn = charts.drawn(charts.savings_trend(course, 1))
    colored = _VARIABLE.sub(lambda found: _COLORS[found[1]], drawn)
    head, _, rest = colored.replace("system-ui, sans-serif", "Liberation Sans").partition(">")
    # What Vega draws holds numbers, dates and our own words, and it escapes text.
    return Markup(f'{_SIZE.sub("", head)} x="48" y="356" width="499" height="190">{rest}')  # noqa: S704
