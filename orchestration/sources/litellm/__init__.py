"""Reads the database of a LiteLLM proxy: its calls become executions, inside that database."""

_UNSAID = "nothing in the log says it; tags may"

UNKNOWN = {
    "repository": _UNSAID,
    "branch": _UNSAID,
    "cost_center": _UNSAID,
    "billing_account": _UNSAID,
    "workflow_id": "the log names sessions and agents, and no workflows",
    "quality_score": "LiteLLM judges no answers but those of its shadow evaluations",
    "confidence_score": "what a router and its classifier score stands in decision_factors",
}
"""Fields that it cannot tell, each with the reason."""
