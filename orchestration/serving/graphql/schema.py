"""The schema: each root field is a REST document, and one statement of the database."""

import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass
from types import NoneType
from typing import Any, NamedTuple, get_args

import strawberry
from strawberry.extensions import MaxAliasesLimiter, MaxTokensLimiter, QueryDepthLimiter
from strawberry.schema.config import StrawberryConfig

from orchestration.serving.api.attention import (
    ALERTS,
    BUDGET,
    AlertList,
    Alerts,
    Budget,
    of_organization,
)
from orchestration.serving.api.costs import BY_PROVIDER, COSTS, CostsByProvider, CostsCourse
from orchestration.serving.api.paging import page_of
from orchestration.serving.api.performance import TASK_PERFORMANCE, TasksPerformance
from orchestration.serving.api.records import EXECUTIONS, Executions, ExecutionsPage
from orchestration.serving.api.requests import (
    Asked,
    Course,
    Filtered,
    Organization,
    Recent,
    read_of,
)
from orchestration.serving.api.savings import SAVINGS_SUMMARY, SavingsSummary
from orchestration.serving.api.shapes import Shape
from orchestration.serving.api.usage import USAGE_METRICS, UsageMetrics
from orchestration.serving.cache import COSTS_SECONDS, DASHBOARD_SECONDS
from orchestration.serving.database import Answer
from orchestration.serving.graphql.types import SCALARS, type_of

DEEPEST = 6
MOST_ALIASES = 5
_MOST_TOKENS = 1_000


@dataclass
class Context:
    """A request of GraphQL.

    Attributes:
        asked: Whose.
        answered: How many of its root fields were answered, or are.
    """

    asked: Asked
    answered: int = 0


class _Document(NamedTuple):
    """A root field."""

    shape: type[Shape]
    answer: Answer
    wanted: type[Organization]
    seconds: float = DASHBOARD_SECONDS
    is_of_organization: bool = False


_DOCUMENTS = {
    "savings_summary": _Document(SavingsSummary, SAVINGS_SUMMARY, Course),
    "costs": _Document(CostsCourse, COSTS, Course, COSTS_SECONDS),
    "costs_by_provider": _Document(CostsByProvider, BY_PROVIDER, Filtered, COSTS_SECONDS),
    "task_performance": _Document(TasksPerformance, TASK_PERFORMANCE, Filtered),
    "usage": _Document(UsageMetrics, USAGE_METRICS, Recent),
    "executions": _Document(ExecutionsPage, EXECUTIONS, Executions),
    "alerts": _Document(AlertList, ALERTS, Alerts, is_of_organization=True),
    "budget": _Document(Budget, BUDGET, Organization, is_of_organization=True),
}


def _resolver_of(name: str, document: _Document) -> Callable[..., Any]:
    """Return the function of a root field, whose arguments are the REST path's parameters."""

    async def resolve(info: strawberry.Info, **arguments: Any) -> Any:
        context: Context = info.context
        asked = context.asked
        context.answered += 1
        if context.answered > 1:
            # The first one was counted with the request.
            await asked.count()
        given = {key: value for key, value in arguments.items() if value is not None}
        wanted = document.wanted.model_validate(given)
        if document.is_of_organization:
            await of_organization(asked)
        principal, parameters = await asked.about(wanted)
        if isinstance(wanted, Executions):
            parameters |= page_of(wanted.limit, wanted.cursor)
        text = await asked.text(principal, document.answer, parameters, document.seconds)
        read = read_of(asked.request, principal, asked.action, field=name, arguments=given)
        await asked.state.recorder.record(read)
        return json.loads(text)

    keyword = inspect.Parameter.KEYWORD_ONLY
    resolve.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter("info", keyword, annotation=strawberry.Info),
            *(
                inspect.Parameter(key, keyword, default=None, annotation=_argument(field))
                for key, field in document.wanted.model_fields.items()
            ),
        ]
    )
    return resolve


def _argument(field: Any) -> Any:
    kinds = set(get_args(field.annotation) or (field.annotation,)) - {NoneType}
    kind = next((kind for kind in (bool, int) if kind in kinds), str)
    return kind | None


class _Schema(strawberry.Schema):
    def process_errors(self, errors: Any, execution_context: Any = None) -> None:
        """Leave it to the route to say and to write down what went wrong."""


SCHEMA = _Schema(
    strawberry.type(
        type(
            "Query",
            (),
            {
                name: strawberry.field(
                    resolver=_resolver_of(name, document),
                    graphql_type=type_of(document.shape) | None,
                    description=document.shape.__doc__,
                )
                for name, document in _DOCUMENTS.items()
            },
        )
    ),
    config=StrawberryConfig(
        auto_camel_case=False,
        default_resolver=lambda document, name: document[name],
        scalar_map=SCALARS,
    ),
    extensions=[
        lambda: MaxTokensLimiter(_MOST_TOKENS),
        lambda: QueryDepthLimiter(DEEPEST),
        lambda: MaxAliasesLimiter(MOST_ALIASES),
    ],
)
"""What can be asked: nothing in it writes, and nothing goes on."""
