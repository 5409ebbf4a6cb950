"""Everything that a page shows at first sight, in one document whose parts agree."""

import datetime as dt
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import Field

from orchestration.serving.api.requests import Inquiry, Recent
from orchestration.serving.api.savings import SavingsPoint, SavingsTotals
from orchestration.serving.api.shapes import (
    ABOUT,
    About,
    Count,
    Money,
    ProviderCosts,
    Shape,
    Share,
    TaskTypeCosts,
)
from orchestration.serving.api.usage import UsageFigures
from orchestration.serving.cache import DASHBOARD_SECONDS
from orchestration.serving.database import Answer

router = APIRouter(prefix="/analytics")

DASHBOARD = Answer(
    rows={
        "organization": "organization",
        "summary": "savings_summary",
        "projection": "savings_projection",
        "usage": "usage_metrics",
        "budget": "budget_of_month",
        "state": "dashboard_state",
    }
    | ABOUT,
    lists={
        "trend": "savings_trend",
        "providers": "costs_by_provider",
        "task_types": "costs_by_task_type",
    },
)


class OrganizationName(Shape):
    """Whose figures these are."""

    organization_id: UUID | None = Field(description="Null where nothing of it has landed.")
    organization_name: str | None = Field(examples=["Acme Corp"])
    time_zone: str = Field(description="In whose days.", examples=["America/New_York"])
    monthly_budget_usd: Money = Field(description="Null where no budget is set.")


class Projection(Shape):
    """What savings come to if they go on as they did."""

    complete_days: Count = Field(description="Days asked about that are over.", examples=[26])
    projected_annual_savings_usd: Money = Field(
        description="Savings of the complete days, per day and times 365; null without any."
    )


class BudgetOfPeriod(Shape):
    """How much of its budget a month has used."""

    month: dt.date = Field(description="The first day of the month in which the days end.")
    monthly_budget_usd: Money = Field(description="The organization's; null where none is set.")
    spend_usd: Money = Field(
        description="Spent from the first of the month to the last day asked about, adjustments "
        "such as credits apart, as the alerts on budgets count it; of who sees only people's rows, "
        "what these people spent."
    )
    share_of_budget: float | None = Field(
        description="spend as a share of the budget, above 1 where it is exceeded.", examples=[0.62]
    )
    projected_spend_usd: Money = Field(
        description="Spend of the whole month if it goes on as its complete days went; null until "
        "one is over."
    )


class DashboardState(Shape):
    """What to know of the figures."""

    open_alerts: Count | None = Field(
        description="The organization's alerts that are open; null for who sees only people's rows."
    )
    unpriced_tasks: Count = Field(description="Executions without a known price.", examples=[12])
    unpriced_share: Share = Field(
        description="The share of executions without a known price.", examples=[0.01]
    )


class Dashboard(Shape):
    """Everything that a page shows at first sight."""

    organization: OrganizationName
    summary: SavingsTotals
    projection: Projection
    usage: UsageFigures
    budget: BudgetOfPeriod
    state: DashboardState
    about: About
    trend: list[SavingsPoint]
    providers: list[ProviderCosts]
    task_types: list[TaskTypeCosts]


@router.get("/dashboard", responses={200: {"model": Dashboard}})
async def dashboard(asked: Inquiry, wanted: Annotated[Recent, Query()]) -> Response:
    """Everything that a page shows at first sight, in one document whose parts agree."""
    return await asked.answer(DASHBOARD, wanted, DASHBOARD_SECONDS)
