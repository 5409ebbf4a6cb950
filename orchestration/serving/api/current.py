"""How it is now: today and this month, right to the last landed event."""

import datetime as dt
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import Field

from orchestration.serving.api.requests import Inquiry, Organization
from orchestration.serving.api.shapes import Count, Money, Percentage, Shape
from orchestration.serving.cache import CURRENT_SECONDS
from orchestration.serving.database import Answer

router = APIRouter()

METRICS_CURRENT = Answer("metrics_current", {"today": "metrics_today", "month": "metrics_month"})


class Present(Shape):
    """Figures of a day or month that is not over; without executions nothing is known of money."""

    metric_date: dt.date | None = Field(
        description="The day, or the first of the month; null while nothing was executed."
    )
    total_tasks: Count = Field(description="Executions that began.")
    successful_tasks: Count = Field(description="Of these, completed.")
    failed_tasks: Count = Field(description="Of these, failed.")
    timed_out_tasks: Count = Field(description="Of these, without an end in time.")
    running_tasks: Count = Field(description="Of these, neither ended nor timed out.")
    active_errors: Count = Field(description="Failed and timed out executions.")
    unpriced_tasks: Count = Field(description="Of these, without a known price.")
    compared_tasks: Count = Field(
        description="Completed executions whose cost and baseline are both known."
    )
    pending_executions: Count = Field(
        description="Executions here that landed or changed since the last build."
    )
    total_tokens: Count = Field(description="Tokens in and out.")
    total_cost_usd: Money = Field(description="Cost of the completed executions that have a price.")
    failed_cost_usd: Money = Field(description="Cost of the failed executions that have a price.")
    total_spend_usd: Money = Field(description="Cost of all executions that have a price.")
    compared_cost_usd: Money = Field(description="Cost of the compared executions.")
    total_baseline_cost_usd: Money = Field(
        description="What the compared executions would have cost with their baseline."
    )
    total_savings_usd: Money = Field(description="The baseline's cost less the compared cost.")
    savings_percentage: Percentage = Field(description="Savings of the baseline's cost.")


class MetricsCurrent(Shape):
    """How it is now."""

    organization_id: UUID = Field(description="Whose figures these are.")
    time_zone: str = Field(description="In whose days.", examples=["America/New_York"])
    last_landed_at: dt.datetime | None = Field(description="When something last landed.")
    last_built_at: dt.datetime | None = Field(description="When the facts last took a load in.")
    today: Present
    month: Present


@router.get("/metrics/current", responses={200: {"model": MetricsCurrent}})
@router.get("/analytics/metrics/current", responses={200: {"model": MetricsCurrent}})
async def metrics_current(asked: Inquiry, wanted: Annotated[Organization, Query()]) -> Response:
    """How it is now: today and this month, right to the last landed event.

    Only of whole organizations: what has landed and is not built is not kept by person.
    """
    if asked.principal.scope == "people":
        await asked.refuse("Present figures are the organization's: ask as its org_admin.")
    return await asked.answer(METRICS_CURRENT, wanted, CURRENT_SECONDS)
