"""What was saved, and against what."""

import datetime as dt
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field

from orchestration.serving.api.requests import Course, Inquiry, Recent
from orchestration.serving.api.shapes import (
    ABOUT,
    About,
    Costs,
    Count,
    Money,
    Percentage,
    ProviderCosts,
    Shape,
    TaskTypeCosts,
)
from orchestration.serving.cache import DASHBOARD_SECONDS
from orchestration.serving.database import Answer

router = APIRouter(prefix="/analytics")

SAVINGS_SUMMARY = Answer("savings_summary", ABOUT, {"trend": "savings_trend"})
SAVINGS = Answer(
    "savings",
    ABOUT,
    {
        "by_provider": "costs_by_provider",
        "by_task_type": "costs_by_task_type",
        "by_baseline": "savings_by_baseline",
        "by_policy": "savings_by_policy",
        "quality": "savings_quality",
        "trend": "savings_trend",
    },
)


class Period(Shape):
    """Days, both included."""

    start: dt.date = Field(examples=["2026-01-01"])
    end: dt.date = Field(examples=["2026-01-26"])


class SavingsPoint(Shape):
    """A step of the course of savings."""

    date: dt.date = Field(description="The first day of the step.", examples=["2026-01-20"])
    savings_usd: Money
    spend_usd: Money
    cumulative_savings_usd: Money = Field(description="Saved from start to the end of the step.")


class SavingsTotals(Shape):
    """What was saved in a period."""

    total_savings_usd: Money = Field(description="baseline_cost less compared_cost.")
    total_cost_usd: Money = Field(description="Cost of the completed executions that have a price.")
    total_spend_usd: Money = Field(description="Cost of all executions that have a price.")
    compared_cost_usd: Money = Field(description="Cost of the compared executions.")
    baseline_cost_usd: Money = Field(
        description="What the compared executions would have cost with their baseline."
    )
    savings_percentage: Percentage = Field(description="Of baseline_cost.")
    currency: str = Field(examples=["USD"])
    period: Period
    total_tasks: Count = Field(description="Executions that began on these days.")
    compared_tasks: Count = Field(
        description="Completed executions whose cost and baseline are both known."
    )


class SavingsSummary(SavingsTotals):
    """What was saved in a period, and its course."""

    about: About
    trend: list[SavingsPoint]


class BaselineSavings(Costs):
    """What was saved against a model; all figures are of what was compared with it."""

    baseline_provider: str = Field(examples=["anthropic"])
    baseline_model: str | None = Field(examples=["claude-opus-4-5"])


class PolicySavings(Shape):
    """What the same executions would have saved under a baseline policy."""

    policy: str = Field(
        description="`headline` is the policy in force, whose savings all other figures are.",
        examples=["headline"],
    )
    compared_tasks: Count
    baseline_cost_usd: Money
    savings_usd: Money
    savings_percentage: Percentage = Field(description="Of baseline_cost.")


class QualityOfSavings(Shape):
    """Savings of which the evidence says the same about quality."""

    success_comparison: Literal["worse", "better", "no_difference_shown", "unknown"] = Field(
        description="How the success rate of what did the work compares with the baseline's own on "
        "the same type of task, where 95 % intervals of the two do not overlap."
    )
    comparisons: Count = Field(description="Months, types of task and pairs of models.")
    compared_tasks: Count
    savings_usd: Money


class Savings(Costs):
    """What was saved, against what, and whether the work was as good."""

    net_savings_usd: Money = Field(
        description="Savings less the cost of choosing, of the executions where both are known."
    )
    unknown_overhead_tasks: Count = Field(
        description="Compared executions that net_savings leaves out: choosing cost an unknown sum."
    )
    negative_savings_tasks: Count = Field(
        description="Compared executions that cost more than their baseline."
    )
    about: About
    by_provider: list[ProviderCosts]
    by_task_type: list[TaskTypeCosts]
    by_baseline: list[BaselineSavings]
    by_policy: list[PolicySavings]
    quality: list[QualityOfSavings] = Field(
        description="Of whole months that the days touch; empty for who sees only people's rows."
    )
    trend: list[SavingsPoint]


@router.get("/savings/summary", responses={200: {"model": SavingsSummary}})
async def savings_summary(asked: Inquiry, wanted: Annotated[Course, Query()]) -> Response:
    """What was saved in a period, and its course."""
    return await asked.answer(SAVINGS_SUMMARY, wanted, DASHBOARD_SECONDS)


@router.get("/savings", responses={200: {"model": Savings}})
async def savings(asked: Inquiry, wanted: Annotated[Recent, Query()]) -> Response:
    """What was saved, against what, and whether the work was as good."""
    return await asked.answer(SAVINGS, wanted, DASHBOARD_SECONDS)
