"""Shadow evaluations: calls that a gateway ran again on another model, for a judge to compare.

There is no field for a prompt, an answer or an error text. Costs are those that the gateway
reports: what it keeps of the second run has no tokens, so no price book can price it.
"""

from decimal import Decimal
from typing import ClassVar, Literal
from uuid import UUID

from msgspec import Struct

from orchestration.landing.fields import Moment, ShortText


class ShadowEvaluation(
    Struct, tag_field="event", tag="shadow_evaluation", forbid_unknown_fields=True, kw_only=True
):
    """One version of an evaluation: a call, its shadow, and which answer was preferred."""

    table: ClassVar[str] = "shadow_evaluations"

    event_id: UUID
    id: UUID
    organization_id: UUID
    # The judged call, whose answer was served.
    execution_id: UUID
    evaluated_at: Moment
    updated_at: Moment
    # Forward: the call was for a model, its shadow went to the router; reverse: the other way.
    direction: Literal["forward", "reverse"]
    outcome: Literal["real", "shadow", "tie", "error"]
    router: ShortText
    judge_model: ShortText
    real_model: ShortText | None = None
    shadow_model: ShortText | None = None
    # How the router classed the prompt.
    tier: ShortText | None = None
    confidence: Decimal | None = None
    # Whether the call was answered from a cache, which its shadow was not.
    is_real_cache_hit: bool | None = None
    reported_real_cost_usd: Decimal | None = None
    reported_shadow_cost_usd: Decimal | None = None
    reported_judge_cost_usd: Decimal | None = None
    # What the router spent on classing the prompt, on either side.
    reported_real_classifier_cost_usd: Decimal | None = None
    reported_shadow_classifier_cost_usd: Decimal | None = None


REPORTED_COSTS = tuple(
    name for name in ShadowEvaluation.__struct_fields__ if name.startswith("reported_")
)
"""The fields of an evaluation that are amounts of money."""
