"""Who uses it, and how much."""

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from orchestration.serving.api.requests import Inquiry, Recent
from orchestration.serving.api.shapes import ABOUT, About, Count, Shape, Share
from orchestration.serving.cache import DASHBOARD_SECONDS
from orchestration.serving.database import Answer

router = APIRouter(prefix="/analytics/usage")

USAGE_METRICS = Answer(
    "usage_metrics", ABOUT, {"top_task_types": "usage_top_task_types", "course": "usage_course"}
)


class FeatureAdoption(Shape):
    """How much of what happened made use of what the platform offers."""

    intelligent_routing: Share = Field(
        description="Share of executions that a routing decision chose the model of.",
        examples=[0.85],
    )
    cost_optimization: Share = Field(
        description="Share of compared executions that cost less than their baseline.",
        examples=[0.72],
    )


class UsageFigures(Shape):
    """Who used it, and how much."""

    daily_active_users: float | None = Field(
        description="Users with an execution on a day, as a mean over active_days.", examples=[45]
    )
    tasks_per_day: float | None = Field(
        description="Executions on a day, as a mean over active_days.", examples=[423]
    )
    tasks_per_user: float | None = Field(
        description="Executions of a user on a day on which that user has any, as a mean; those "
        "without a user are left out.",
        examples=[9.4],
    )
    total_tasks: Count
    active_days: Count = Field(description="Days on which anything was executed.", examples=[20])
    active_users: Count = Field(
        description="Users with an execution on any of the days, each counted once.", examples=[61]
    )
    feature_adoption: FeatureAdoption


class TaskTypeCount(Shape):
    """How often a type of task was executed."""

    type: str = Field(examples=["code_generation"])
    count: Count = Field(examples=[200])


class UsagePoint(Shape):
    """A step of the course of use."""

    date: dt.date = Field(description="The first day of the step.")
    tasks: Count
    active_users: Count = Field(
        description="Users with an execution in the step, each counted once; of a week or month "
        "that begins before start_date or ends after end_date, only the days between count."
    )
    total_tokens: Count = Field(description="Tokens in and out.", examples=[8_400_000])


class UsageMetrics(UsageFigures):
    """Who used it, how much, for what, and its course."""

    about: About
    top_task_types: list[TaskTypeCount] = Field(description="The ten most frequent.")
    course: list[UsagePoint]


@router.get("/metrics", responses={200: {"model": UsageMetrics}})
async def usage_metrics(asked: Inquiry, wanted: Annotated[Recent, Query()]) -> Response:
    """Who used it, how much, for what, and its course."""
    return await asked.answer(USAGE_METRICS, wanted, DASHBOARD_SECONDS)
