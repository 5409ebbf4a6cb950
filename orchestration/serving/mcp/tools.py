"""The tools: each asks fixed queries for the tenant of the token, which is never a parameter."""

import datetime as dt
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal

from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from orchestration.serving.api.attention import BUDGET, UNPRICED, of_organization
from orchestration.serving.api.records import FIGURE_EXPLAINED, Figure
from orchestration.serving.api.requests import Asked, Course, Day, Filtered, Name, Organization
from orchestration.serving.api.savings import SAVINGS
from orchestration.serving.api.shapes import ABOUT
from orchestration.serving.cache import DASHBOARD_SECONDS
from orchestration.serving.database import Answer, sources_of
from orchestration.serving.mcp.metrics import METRICS, MetricName
from orchestration.serving.mcp.text import about_lines, answer_of

By = Literal["none", "day", "week", "month", "provider", "model", "task_type", "user"]
_QUERIES = {
    "none": "costs_total",
    "provider": "costs_by_provider",
    "model": "costs_by_model",
    "task_type": "costs_by_task_type",
    "user": "costs_by_user",
}
_KEYS = ("date", "user_id", "user_name", "provider", "model", "task_type")
_OVERVIEW = Answer(rows=ABOUT)


class Nothing(BaseModel, extra="forbid"):
    """A tool without parameters."""


class Days(Nothing):
    """Which days, in the organization's reporting time zone."""

    start_date: Day | None = Field(None, description="The first of end_date's month when omitted.")
    end_date: Day | None = Field(None, description="Today when omitted.")


class Part(Days):
    """Which part of what happened on these days."""

    provider: Name | None = Field(None, description="Only this provider.")
    task_type: Name | None = Field(None, description="Only this type of task.")


class QueryMetric(Part):
    """A metric, and how to split it."""

    metric: MetricName = Field(description="A name that list_metrics shows.")
    by: By = Field("none", description="What to split it by.")


class ExplainNumber(Part):
    """A figure."""

    figure: Figure = Field(
        description="savings: baseline less cost of what is compared; spend: of all executions; "
        "cost: of completed ones; baseline: of what is compared; unpriced, tasks: how many."
    )


class TopMovers(Part):
    """What to compare with the same number of days before."""

    by: Literal["provider", "model", "task_type"] = Field("model", description="Whose changes.")


@dataclass(frozen=True)
class Tool:
    """Something that an assistant can ask.

    Attributes:
        description: What it answers.
        wanted: Its parameters.
        run: Answers.
    """

    description: str
    wanted: type[Nothing]
    run: Callable[[Asked, Any], Awaitable[str]]


TOOLS: dict[str, Tool] = {}
"""Every tool by its name."""


def _tool(
    run: Callable[[Asked, Any], Awaitable[str]],
) -> Callable[[Asked, Any], Awaitable[str]]:
    TOOLS[run.__name__] = Tool(run.__doc__ or "", tuple(run.__annotations__.values())[1], run)
    return run


@_tool
async def list_metrics(_: Asked, __: Nothing) -> str:
    """List the metrics that query_metric knows, with unit and definition."""
    rows = [
        {"metric": name, "unit": metric.unit, "definition": metric.definition}
        for name, metric in METRICS.items()
    ]
    return answer_of([], {"metrics": rows}, ["the definitions of this warehouse"])


@_tool
async def query_metric(asked: Asked, wanted: QueryMetric) -> str:
    """Return a metric of an organization's AI spend, in all or split by time, model or another."""
    metric = METRICS[wanted.metric]
    if wanted.by == "user" and (wanted.provider or wanted.task_type):
        _refuse("Users are known of all usage together: ask without provider and task_type.")
    if wanted.by == "user" and wanted.metric == "avg_cost_per_task":
        _refuse("avg_cost_per_task is not known of users. Ask for actual_cost and completed_tasks.")
    answer = Answer(rows=ABOUT, lists={"rows": _QUERIES.get(wanted.by, "costs_course")})
    course = {"period": wanted.by} if wanted.by in ("day", "week", "month") else {}
    document, sources = await _document(asked, answer, Course(**_part(wanted) | course))
    shown = [*_KEYS, metric.column, "tasks", "unpriced_tasks"]
    rows = [{name: row[name] for name in shown if name in row} for row in document["rows"]]
    lines = [*about_lines(document["about"]), f"Unit: {metric.unit}. {metric.definition}"]
    return answer_of(lines, {wanted.metric: rows}, sources)


@_tool
async def explain_number(asked: Asked, wanted: ExplainNumber) -> str:
    """Return what a figure is made of: models, price rows, the dearest executions, corrections."""
    document, sources = await _document(
        asked, FIGURE_EXPLAINED, Filtered(**_part(wanted)), figure=wanted.figure, sql="", sources=[]
    )
    figure = {name: document[name] for name in ("figure", "value", "value_usd", "tasks", "agrees")}
    lines = [*about_lines(document["about"]), "`agrees`: the parts add up to the figure exactly."]
    names = ("parts", "top_executions", "corrections")
    parts = {"figure": [figure]} | {name: document[name] for name in names}
    return answer_of(lines, parts, sources)


@_tool
async def top_movers(asked: Asked, wanted: TopMovers) -> str:
    """Return whose spend changed most against the same number of days before start_date."""
    _, parameters = await asked.about(Filtered(**_part(wanted)))
    since, last = parameters["start_date"], parameters["end_date"]
    before = since - (last - since + dt.timedelta(days=1))
    both = Filtered(**_part(wanted) | {"start_date": before, "end_date": last})
    document, sources = await _document(
        asked,
        Answer(rows=ABOUT, lists={"rows": "movers"}),
        both,
        since_date=since,
        by=wanted.by,
    )
    hidden = {"provider": ("model", "task_type"), "model": ("task_type",)}.get(
        wanted.by, ("provider", "model")
    )
    rows = [
        {name: value for name, value in row.items() if name not in hidden}
        for row in document["rows"]
    ]
    lines = [*about_lines(document["about"]), f"Compared: the days from {since} with those before."]
    return answer_of(lines, {"movers": rows}, sources)


@_tool
async def budget_status(asked: Asked, _: Nothing) -> str:
    """Return how much of this month's budget is spent, and what the month will come to."""
    await of_organization(asked)
    document, sources = await _document(asked, BUDGET, Organization(organization_id=None))
    line = f"As of: {document.pop('last_landed_at')}, when something last landed"
    return answer_of([line], {"budget": [document]}, sources)


@_tool
async def savings(asked: Asked, wanted: Part) -> str:
    """Return what was saved, against which baselines and policies, and how good the work was."""
    document, sources = await _document(asked, SAVINGS, Filtered(**_part(wanted)))
    lines = about_lines(document.pop("about"))
    lists = {name: document.pop(name) for name in SAVINGS.lists}
    parts = ("by_provider", "by_task_type", "by_baseline", "by_policy", "quality")
    return answer_of(
        lines, {"savings": [document]} | {name: lists[name] for name in parts}, sources
    )


@_tool
async def coverage(asked: Asked, wanted: Part) -> str:
    """Return the share of usage that has a price, and which usage has none and why."""
    document, sources = await _document(asked, UNPRICED, Filtered(**_part(wanted)))
    return answer_of(about_lines(document["about"]), {"unpriced": document["unpriced"]}, sources)


@_tool
async def reconciliation_status(asked: Asked, wanted: Days) -> str:
    """Return whether what landed and every layer up to the reports hold the same of each day."""
    filtered = Filtered(**_part(wanted))
    if not asked.principal.reads_every_organization:
        document, sources = await _document(asked, _OVERVIEW, filtered)
        line = "Reconciliation is not shown to this token: only the role analyst may read it."
        return answer_of([*about_lines(document["about"]), line], {}, sources)
    answer = Answer(rows=ABOUT, lists={"rows": "reconciliation"})
    document, sources = await _document(asked, answer, filtered)
    return answer_of(
        about_lines(document["about"]),
        {"comparisons": document["rows"]},
        [*sources, "quality.reconciled_days"],
    )


async def _document(
    asked: Asked, answer: Answer, wanted: Organization, **more: Any
) -> tuple[dict[str, Any], list[str]]:
    """Return a document, numbers of which are as PostgreSQL wrote them, and its sources."""
    principal, parameters = await asked.about(wanted)
    text = await asked.text(principal, answer, parameters | more, DASHBOARD_SECONDS)
    return json.loads(text, parse_float=str), sources_of(answer, principal)


def _part(wanted: Days) -> dict[str, Any]:
    """Return the parameters that every question about days has."""
    return wanted.model_dump(include={"start_date", "end_date", "provider", "task_type"})


def _refuse(fault: str) -> None:
    raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, fault)
