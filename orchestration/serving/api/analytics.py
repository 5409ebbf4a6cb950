"""`/api/v1/analytics`: what was spent and saved, as the platform's documents have it."""

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field

from orchestration.serving.api.requests import Asked, Course
from orchestration.serving.api.shapes import PROBLEMS, About, Money, Shape
from orchestration.serving.cache import DASHBOARD_SECONDS
from orchestration.serving.database import Answer

router = APIRouter(prefix="/api/v1/analytics", tags=["analytics"], responses=PROBLEMS)

ABOUT = {"about": "about"}

SAVINGS_SUMMARY = Answer("savings_summary", ABOUT, {"trend": "savings_trend"})


class Period(Shape):
    """Days, both included."""

    start: dt.date
    end: dt.date


class SavingsPoint(Shape):
    """A step of the course of savings."""

    date: dt.date = Field(description="The first day of the step.")
    savings_usd: Money
    spend_usd: Money
    cumulative_savings_usd: Money


class SavingsSummary(Shape):
    """What was saved in a period, and its course."""

    total_savings_usd: Money
    total_cost_usd: Money
    total_spend_usd: Money
    compared_cost_usd: Money
    baseline_cost_usd: Money
    savings_percentage: float | None = Field(description="Of baseline_cost.", examples=[17.65])
    currency: str = Field(examples=["USD"])
    period: Period
    total_tasks: int
    compared_tasks: int = Field(description="Executions whose cost and baseline are both known.")
    about: About
    trend: list[SavingsPoint]


@router.get("/savings/summary", responses={200: {"model": SavingsSummary}})
async def savings_summary(
    asked: Annotated[Asked, Depends()], wanted: Annotated[Course, Query()]
) -> Response:
    """What was saved in a period, and its course."""
    return await asked.answer(SAVINGS_SUMMARY, wanted, DASHBOARD_SECONDS)
