"""`/api/v1/analytics`: what was spent and saved, as the platform's documents have it."""

from fastapi import APIRouter

from orchestration.serving.api import costs, current, dashboard, performance, roi, savings, usage
from orchestration.serving.api.shapes import PROBLEMS

router = APIRouter(prefix="/api/v1", tags=["analytics"], responses=PROBLEMS)

for part in (dashboard, savings, costs, performance, usage, current, roi):
    router.include_router(part.router)
