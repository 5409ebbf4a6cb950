"""How well and how fast work was done, by type of task and by provider."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from orchestration.serving.api.requests import Filtered, Inquiry, Recent
from orchestration.serving.api.shapes import (
    ABOUT,
    SUCCESS_RATE,
    About,
    Count,
    Milliseconds,
    Money,
    ProviderCosts,
    Shape,
    Share,
)
from orchestration.serving.cache import DASHBOARD_SECONDS, PROVIDERS_SECONDS
from orchestration.serving.database import Answer

router = APIRouter(prefix="/analytics")

TASK_PERFORMANCE = Answer(rows=ABOUT, lists={"tasks": "task_performance"})
PROVIDERS = Answer(rows=ABOUT, lists={"providers": "provider_performance"})

_PERCENTILE = (
    "By nearest rank, of executions whose duration is known; of an organization within 1 %."
)


class TaskPerformance(Shape):
    """How a type of task went."""

    task_type: str = Field(examples=["code_generation"])
    total_tasks: Count = Field(description="Executions that began on these days.", examples=[500])
    successful_tasks: Count = Field(description="Of these, completed.", examples=[480])
    failed_tasks: Count = Field(description="Of these, failed.", examples=[20])
    unpriced_tasks: Count = Field(description="Of these, without a known price.", examples=[0])
    success_rate: Share = Field(description=SUCCESS_RATE)
    avg_duration_ms: Milliseconds = Field(description="Mean of the durations that are known.")
    p50_duration_ms: Milliseconds = Field(description=_PERCENTILE, examples=[980])
    p95_duration_ms: Milliseconds = Field(description=_PERCENTILE, examples=[2100])
    optimal_provider: str | None = Field(
        description="Among providers with at least 20 completed or failed executions of this type "
        "on these days, whose success rate is at most 2 points below the best one's: the one with "
        "the lowest mean cost of a completed execution. What was given to whom was not left to "
        "chance: a provider may look better because its tasks were easier.",
        examples=["openai_codex"],
    )
    optimal_provider_reason: str | None = Field(
        description="Why optimal_provider is null.",
        examples=["no provider has 20 finished executions"],
    )
    optimal_provider_finished_tasks: Count | None = Field(
        description="Its completed or failed executions.", examples=[210]
    )
    optimal_provider_success_rate: Share = Field(description=SUCCESS_RATE)
    optimal_provider_avg_cost_per_task_usd: Money = Field(
        description="Its mean cost of a completed execution that has a price."
    )
    best_success_rate: Share = Field(description="The highest among the providers compared.")
    compared_providers: Count | None = Field(
        description="How many providers have at least 20 completed or failed executions.",
        examples=[3],
    )


class TasksPerformance(Shape):
    """How each type of task went, the most frequent first."""

    about: About
    tasks: list[TaskPerformance]


class ProviderPerformance(ProviderCosts):
    """How a provider did."""

    finished_tasks: Count = Field(description="Completed or failed executions.")
    p50_duration_ms: Milliseconds = Field(description=_PERCENTILE, examples=[980])
    p95_duration_ms: Milliseconds = Field(description=_PERCENTILE, examples=[2100])
    avg_tokens_per_task: float | None = Field(
        description="total_tokens per execution.", examples=[6720.5]
    )
    scored_tasks: Count = Field(description="Executions with a score of quality.")
    avg_quality_score: Share = Field(description="Mean of the scores; null without any.")


class ProvidersPerformance(Shape):
    """How each provider did, the most used first."""

    about: About
    providers: list[ProviderPerformance]


@router.get("/tasks/performance", responses={200: {"model": TasksPerformance}})
async def tasks_performance(asked: Inquiry, wanted: Annotated[Filtered, Query()]) -> Response:
    """How each type of task went, how long it took, and which provider does it best."""
    return await asked.answer(TASK_PERFORMANCE, wanted, DASHBOARD_SECONDS)


@router.get("/providers", responses={200: {"model": ProvidersPerformance}})
async def providers(asked: Inquiry, wanted: Annotated[Recent, Query()]) -> Response:
    """How each provider did: success, durations, cost and tokens of a task.

    `period` says how far to look back, such as 7d; steps change nothing here.
    """
    return await asked.answer(PROVIDERS, wanted, PROVIDERS_SECONDS)
