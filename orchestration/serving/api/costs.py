"""What was spent, on what, and its course."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Response

from orchestration.serving.api.requests import Course, Filtered, Inquiry
from orchestration.serving.api.shapes import (
    ABOUT,
    About,
    Costs,
    CostsPoint,
    ModelCosts,
    ProviderCosts,
    Shape,
    TaskTypeCosts,
)
from orchestration.serving.cache import COSTS_SECONDS
from orchestration.serving.database import Answer

router = APIRouter(prefix="/analytics/costs")

BY_PROVIDER = Answer(rows=ABOUT, lists={"providers": "costs_by_provider"})
COSTS = Answer(
    rows={"totals": "costs_total"} | ABOUT,
    lists={
        "course": "costs_course",
        "by_provider": "costs_by_provider",
        "by_model": "costs_by_model",
        "by_task_type": "costs_by_task_type",
    },
)


class CostsByProvider(Shape):
    """What each provider cost and saved, the dearest first."""

    about: About
    providers: list[ProviderCosts]


class CostsCourse(Shape):
    """What was spent: all of it, step by step, and on what."""

    totals: Costs
    about: About
    course: list[CostsPoint]
    by_provider: list[ProviderCosts]
    by_model: list[ModelCosts]
    by_task_type: list[TaskTypeCosts]


@router.get("/by-provider", responses={200: {"model": CostsByProvider}})
async def costs_by_provider(asked: Inquiry, wanted: Annotated[Course, Query()]) -> Response:
    """What each provider cost and saved, the dearest first.

    `period` is accepted and changes nothing: the figures are of all days together.
    """
    return await asked.answer(BY_PROVIDER, wanted, COSTS_SECONDS)


@router.get("", responses={200: {"model": CostsCourse}})
async def costs(asked: Inquiry, wanted: Annotated[Course, Query()]) -> Response:
    """What was spent: all of it, step by step, and on what."""
    return await asked.answer(COSTS, wanted, COSTS_SECONDS)


@router.get("/{period}", responses={200: {"model": CostsCourse}})
async def costs_in_steps(
    period: Annotated[
        Literal["daily", "weekly", "monthly", "day", "week", "month"],
        Path(description="Steps of the course."),
    ],
    asked: Inquiry,
    wanted: Annotated[Filtered, Query()],
) -> Response:
    """What was spent: all of it, day by day, week by week or month by month, and on what."""
    steps = {"daily": "day", "weekly": "week", "monthly": "month"}.get(period, period)
    course = Course.model_validate(wanted.model_dump() | {"period": steps})
    return await asked.answer(COSTS, course, COSTS_SECONDS)
