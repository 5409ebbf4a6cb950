"""What needs somebody's attention: alerts, budgets, usage without a price, corrections."""

import datetime as dt
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field

from orchestration.serving.api.paging import Cursor, Limit, NextCursor, page_of
from orchestration.serving.api.records import CorrectionOfExecution, FigureCorrections
from orchestration.serving.api.requests import Asked, Days, Filtered, Inquiry, Organization
from orchestration.serving.api.shapes import PROBLEMS, About, Money, Shape
from orchestration.serving.cache import DASHBOARD_SECONDS
from orchestration.serving.database import Answer

router = APIRouter(prefix="/api/v1", tags=["attention"], responses=PROBLEMS)

ALERTS = Answer(lists={"alerts": "alerts"})
BUDGET = Answer("budget")
UNPRICED = Answer(rows={"about": "about"}, lists={"unpriced": "unpriced"})
CORRECTIONS = Answer(
    "corrections_cursor",
    {"about": "about"},
    {"totals": "correction_totals", "corrections": "corrections"},
)


class Alerts(Organization):
    """Which alerts."""

    is_open: bool | None = Field(None, description="Only those that are open, or only others.")


class Corrections(Days):
    """Which corrections: of executions on these days."""

    limit: Limit = 50
    cursor: Cursor = None


class Alert(Shape):
    """Something that is not as it should be."""

    alert_id: str
    rule: str = Field(examples=["spend_is_below_budget"])
    severity: str = Field(examples=["critical"])
    period: str | None = Field(examples=["2026-11"])
    unit: str = Field(examples=["usd"])
    observed: float | None
    threshold: float | None
    first_seen_at: dt.datetime
    last_seen_at: dt.datetime
    resolved_at: dt.datetime | None
    resolution: str | None
    is_open: bool


class AlertList(Shape):
    """Alerts, open ones first; 500 at most."""

    alerts: list[Alert]


class Budget(Shape):
    """The budget of the month that it is in the organization's time zone."""

    month: dt.date = Field(description="Its first day.")
    days_in_month: int
    complete_days: int = Field(description="Days of it that are over.")
    monthly_budget_usd: Money
    spend_usd: Money = Field(description="Of all executions so far, right to the last landed one.")
    share_used: float | None = Field(description="Spend by budget.", examples=[0.42])
    projected_spend_usd: Money = Field(
        description="What the whole month comes to if it goes on as its complete days went: their "
        "spend, times days_in_month, by complete_days."
    )
    projected_share: float | None = Field(description="Projected spend by budget.")
    unknown_because: list[str] = Field(
        description="Why a share or a projection is null.", examples=[["no budget is set"]]
    )
    last_landed_at: dt.datetime | None


class Unpriced(Shape):
    """A model whose usage has no price."""

    provider: str
    model: str | None
    reason: str = Field(examples=["no_price_for_model"])
    tasks: int
    total_tokens: int | None
    first_seen_date: dt.date
    last_seen_date: dt.date


class UnpricedList(Shape):
    """Usage without a price, by model and reason."""

    about: About
    unpriced: list[Unpriced]


class Correction(CorrectionOfExecution):
    """A change of amounts that had been published."""

    correction_id: str
    execution_id: UUID
    metric_date: dt.date


class CorrectionsPage(Shape):
    """What corrections came to, and a page of them, the latest first."""

    next_cursor: NextCursor
    about: About
    totals: list[FigureCorrections] = Field(description="Of all pages.")
    corrections: list[Correction]


async def of_organization(asked: Inquiry) -> Asked:
    """Return a request of somebody who sees the whole organization; refuse others.

    Raises:
        HTTPException: It is somebody else's.
    """
    if asked.principal.scope == "people":
        await asked.refuse("Only a token that sees the whole organization may ask for this.")
    return asked


AskedOfOrganization = Annotated[Asked, Depends(of_organization)]


@router.get("/alerts", responses={200: {"model": AlertList}})
async def alerts(asked: AskedOfOrganization, wanted: Annotated[Alerts, Query()]) -> Response:
    """What is not as it should be, open alerts first."""
    return await asked.answer(ALERTS, wanted, DASHBOARD_SECONDS)


@router.get("/budgets", responses={200: {"model": Budget}})
async def budgets(asked: AskedOfOrganization, wanted: Annotated[Organization, Query()]) -> Response:
    """How much of this month's budget is spent, and what the month will come to."""
    return await asked.answer(BUDGET, wanted, DASHBOARD_SECONDS)


@router.get("/unpriced", responses={200: {"model": UnpricedList}})
async def unpriced(asked: Inquiry, wanted: Annotated[Filtered, Query()]) -> Response:
    """What was used and has no price, and why."""
    return await asked.answer(UNPRICED, wanted, DASHBOARD_SECONDS)


@router.get("/corrections", responses={200: {"model": CorrectionsPage}})
async def corrections(
    asked: AskedOfOrganization, wanted: Annotated[Corrections, Query()]
) -> Response:
    """How published amounts were corrected, and why."""
    page = page_of(wanted.limit, wanted.cursor)
    return await asked.answer(CORRECTIONS, wanted, DASHBOARD_SECONDS, **page)
