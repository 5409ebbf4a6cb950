"""`/api/v1/analytics`: what was spent and saved, by what, in the shapes of the platform's documents."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from orchestration.serving.api.requests import Asked, Course
from orchestration.serving.cache import DASHBOARD_SECONDS
from orchestration.serving.database import Answer

router = APIRouter(prefix="/api/v1/analytics", tags=["analytics"])

ABOUT = {"about": "about"}

SAVINGS_SUMMARY = Answer("savings_summary", ABOUT, {"trend": "savings_trend"})


@router.get("/savings/summary")
async def savings_summary(
    asked: Annotated[Asked, Depends()], wanted: Annotated[Course, Query()]
) -> Response:
    """What was saved in a period, and its course."""
    return await asked.answer(SAVINGS_SUMMARY, wanted, DASHBOARD_SECONDS)
