"""Single executions, and what a figure is made of: down to the price row and the SQL."""

import datetime as dt
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from orchestration.serving.api.paging import Cursor, Limit, NextCursor, page_of
from orchestration.serving.api.requests import Asked, Filtered, Inquiry, Organization
from orchestration.serving.api.shapes import PROBLEMS, About, Money, Shape
from orchestration.serving.cache import DASHBOARD_SECONDS
from orchestration.serving.database import Answer, runnable, sources_of

router = APIRouter(prefix="/api/v1", tags=["records"], responses=PROBLEMS)

Status = Literal["pending", "running", "completed", "failed"]
Figure = Literal["savings", "spend", "cost", "baseline", "unpriced", "tasks"]
Exact = Annotated[str | None, Field(description="With all digits.", examples=["3.000000000000"])]

EXECUTIONS = Answer("executions_cursor", {"about": "about"}, {"executions": "executions"})
EXECUTION = Answer("execution")
EXECUTION_EXPLAINED = Answer(
    "execution_explained",
    {
        "execution": "execution",
        "cost": Answer(
            "execution_cost",
            {"price": "execution_price"},
            {
                "lines": "cost_lines",
                "usage_prices": "execution_usage_prices",
                "price_factors": "execution_price_factors",
            },
        ),
        "baseline": Answer("execution_baseline", {"price": "execution_baseline_price"}),
        "savings": "execution_savings",
    },
    {"corrections": "execution_corrections"},
)
FIGURE_EXPLAINED = Answer(
    "figure",
    {"about": "about"},
    {
        "parts": "figure_parts",
        "top_executions": "figure_top",
        "corrections": "figure_corrections",
    },
)


class Executions(Filtered):
    """Which executions."""

    status: Status | None = Field(None, description="Only these.")
    limit: Limit = 50
    cursor: Cursor = None


class Explained(Filtered):
    """Which figure, of which part of what happened."""

    figure: Figure = Field(
        description="savings: baseline less cost of what is compared; spend: of all executions; "
        "cost: of completed ones; baseline: of what is compared; unpriced, tasks: how many."
    )


ExecutionId = Annotated[UUID, Path(description="The execution.")]


class ListedExecution(Shape):
    """An execution of a list."""

    execution_id: UUID
    task_id: str
    task_type: str
    user_id: UUID | None
    provider: str
    model: str | None
    service_tier: str | None
    region: str | None
    status: Status
    is_timed_out: bool
    error_code: str | None
    start_time: dt.datetime
    end_time: dt.datetime | None
    duration_ms: int | None
    metric_date: dt.date = Field(description="The day in the reporting time zone.")
    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None
    quality_score: float | None
    pricing_status: str = Field(description="priced, or why not.", examples=["priced"])
    price_id: str | None = Field(description="The row of the price book.")
    cost_usd: Money
    baseline_provider: str | None
    baseline_model: str | None
    baseline_pricing_status: str
    baseline_cost_usd: Money
    savings_status: str = Field(description="compared, or why not.", examples=["compared"])
    savings_usd: Money
    routing_decision_id: UUID | None
    updated_at: dt.datetime


class Execution(ListedExecution):
    """An execution."""

    event_id: UUID
    organization_id: UUID
    code_language: str | None
    request_type: str | None
    price_model: str | None
    is_bucket: bool
    is_gateway_cache_hit: bool
    session_id: str | None
    correlation_id: str | None
    agent_id: str | None
    workflow_id: str | None
    source: str | None = Field(description="What it was read from.", examples=["litellm"])
    team: str | None = Field(description="The team as the source named it.")
    project: str | None
    repository: str | None
    tags: list[str] | None
    time_to_first_token_ms: int | None
    reporting_timezone: str
    cached_input_tokens: int | None
    cache_write_tokens: int | None
    reasoning_tokens: int | None
    tokens_used: int | None
    compute_units: float | None
    request_count: float
    other_usage: dict[str, Any] | None
    reported_cost_usd: Money
    baseline_policy: str | None
    routing_overhead_cost_usd: Money
    net_savings_usd: Money


class ExecutionsPage(Shape):
    """A page of executions, the newest first."""

    executions: list[ListedExecution]
    next_cursor: NextCursor
    about: About


class PriceRow(Shape):
    """A row of the price book."""

    price_id: str
    provider: str
    model: str | None
    task_type: str | None
    service_tier: str | None
    organization_id: UUID | None = Field(description="Whose own price; null for a list price.")
    context_over_tokens: int | None
    input_usd_per_mtok: Exact
    cached_input_usd_per_mtok: Exact
    cache_write_usd_per_mtok: Exact
    output_usd_per_mtok: Exact
    usd_per_request: Exact
    usd_per_minute: Exact
    usd_per_compute_unit: Exact
    effective_from: dt.datetime
    effective_until: dt.datetime | None
    recorded_at: dt.datetime
    source: str | None


class UsagePrice(Shape):
    """A row of the usage prices."""

    usage_price_id: str
    provider: str
    model: str | None
    usage: str
    service_tier: str | None
    organization_id: UUID | None
    context_over_tokens: int | None
    usd_per_mtok: Exact
    usd_per_unit: Exact
    effective_from: dt.datetime
    effective_until: dt.datetime | None
    recorded_at: dt.datetime
    source: str | None


class PriceFactor(Shape):
    """A row of the price factors."""

    price_factor_id: str
    kind: str
    provider: str
    model: str | None
    service_tier: str | None
    region: str | None
    organization_id: UUID | None
    hours: str | None
    factor: Exact
    effective_from: dt.datetime
    effective_until: dt.datetime | None
    recorded_at: dt.datetime
    source: str | None


class CostLine(Shape):
    """A part of a cost. Quantity and rate are for a token that sees the whole organization."""

    part: str = Field(examples=["output"])
    quantity: Exact
    unit: str | None = Field(examples=["token"])
    usd_per_unit: Exact
    cost_usd: Money
    price_id: str | None


class Cost(Shape):
    """Where a cost comes from."""

    pricing_status: str
    cost_usd: Money
    agrees: bool = Field(description="Whether the lines add up to the cost, to the last digit.")
    price: PriceRow | None
    lines: list[CostLine]
    usage_prices: list[UsagePrice]
    price_factors: list[PriceFactor]


class Baseline(Shape):
    """What an execution is compared with."""

    policy: str | None
    policy_id: str | None
    provider: str | None
    model: str | None
    price_model: str | None
    pricing_status: str
    baseline_cost_usd: Money
    price: PriceRow | None


class SavingsOfExecution(Shape):
    """What an execution saved."""

    savings_status: str
    savings_usd: Money
    routing_overhead_cost_usd: Money
    net_savings_usd: Money
    agrees: bool = Field(description="Whether they are the baseline less the cost.")


class CorrectionOfExecution(Shape):
    """A change of amounts that had been published."""

    corrected_at: dt.datetime
    invocation_id: str
    reason: str = Field(examples=["price"])
    old_cost_usd: Money
    new_cost_usd: Money
    cost_delta_usd: Money
    old_baseline_cost_usd: Money
    new_baseline_cost_usd: Money
    baseline_cost_delta_usd: Money
    old_savings_usd: Money
    new_savings_usd: Money
    savings_delta_usd: Money
    old_pricing_status: str | None
    new_pricing_status: str | None
    old_price_id: str | None
    new_price_id: str | None
    old_baseline_price_id: str | None
    new_baseline_price_id: str | None


class Source(Shape):
    """How to see the same elsewhere."""

    sql: str = Field(
        description="The query with its parameters, for a login that sees the same rows of marts."
    )
    sources: list[str] = Field(
        description="The marts that it is read from.", examples=[["marts.fct_cost_lines"]]
    )


class ExecutionExplained(Source):
    """Where the figures of an execution come from."""

    execution_id: UUID
    execution: Execution
    cost: Cost
    baseline: Baseline
    savings: SavingsOfExecution
    corrections: list[CorrectionOfExecution] = Field(
        description="Only for a token that sees the whole organization."
    )


class FigurePart(Shape):
    """What a figure owes to a model at a price."""

    provider: str
    model: str | None
    price_id: str | None
    pricing_status: str | None
    has_executions: bool = Field(
        description="false: the executions have left the marts, and only their sums stay."
    )
    tasks: int
    amount_usd: Money


class FigureExecution(Shape):
    """An execution, with what a figure owes to it."""

    execution_id: UUID
    task_id: str
    task_type: str
    provider: str
    model: str | None
    price_id: str | None
    pricing_status: str
    start_time: dt.datetime
    amount_usd: Money


class FigureCorrections(Shape):
    """What corrections for one reason came to."""

    reason: str = Field(examples=["price"])
    corrections: int
    cost_delta_usd: Money
    baseline_cost_delta_usd: Money
    savings_delta_usd: Money
    first_corrected_at: dt.datetime
    last_corrected_at: dt.datetime


class FigureExplained(Source):
    """What a figure is made of."""

    figure: Figure
    value_usd: Money = Field(description="null where the figure counts executions.")
    tasks: int = Field(description="The executions that the figure is made of.")
    agrees: bool = Field(description="Whether the parts add up to the figure, to the last digit.")
    about: About
    parts: list[FigurePart]
    top_executions: list[FigureExecution] = Field(description="Those it owes most to, ten at most.")
    corrections: list[FigureCorrections] = Field(
        description="Of these executions; only for a token that sees the whole organization."
    )


@router.get("/executions", responses={200: {"model": ExecutionsPage}})
async def executions(asked: Inquiry, wanted: Annotated[Executions, Query()]) -> Response:
    """Executions, the newest first, a page at a time."""
    page = page_of(wanted.limit, wanted.cursor)
    return await asked.answer(EXECUTIONS, wanted, DASHBOARD_SECONDS, **page)


@router.get("/executions/{execution_id}", responses={200: {"model": Execution}})
async def execution(
    execution_id: ExecutionId,
    asked: Inquiry,
    wanted: Annotated[Organization, Query()],
) -> Response:
    """One execution."""
    return await asked.answer(EXECUTION, wanted, DASHBOARD_SECONDS, execution_id=execution_id)


@router.get("/executions/{execution_id}/explain", responses={200: {"model": ExecutionExplained}})
async def execution_explained(
    execution_id: ExecutionId,
    asked: Inquiry,
    wanted: Annotated[Organization, Query()],
) -> Response:
    """Where the cost and the savings of an execution come from."""
    return await _explain(
        asked, EXECUTION_EXPLAINED, wanted, "cost_lines", execution_id=execution_id
    )


@router.get("/explain", responses={200: {"model": FigureExplained}})
async def figure_explained(asked: Inquiry, wanted: Annotated[Explained, Query()]) -> Response:
    """What a figure is made of."""
    return await _explain(asked, FIGURE_EXPLAINED, wanted, "figure_parts")


async def _explain(
    asked: Asked, answer: Answer, wanted: Organization, query: str, **more: Any
) -> Response:
    """Answer with a document that names one of its queries, and what it is read from."""
    principal, parameters = await asked.about(wanted)
    return await asked.answer(
        answer,
        wanted,
        DASHBOARD_SECONDS,
        sql=runnable(query, principal, parameters | more),
        sources=sources_of(answer, principal),
        **more,
    )
