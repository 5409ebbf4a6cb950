"""What documents look like, for the OpenAPI document: the documents themselves are PostgreSQL's."""

import datetime as dt
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler
from pydantic_core import CoreSchema

Money = Annotated[
    str | None,
    Field(
        pattern=r"^-?[0-9]+(\.[0-9]+)?$",
        description="USD with all digits; null where it is unknown.",
        examples=["1247.320000000000"],
    ),
]


GLOSSARY = {
    "agent_id": "The agent that ran it.",
    "alert_id": "The alert.",
    "baseline_model": "The model that it would have cost otherwise.",
    "baseline_policy": "Which policy chose the baseline.",
    "baseline_pricing_status": "Whether the baseline has a price: priced, or why not.",
    "baseline_provider": "The provider of the baseline.",
    "cache_write_tokens": "Input tokens that were written to the provider's cache.",
    "cached_input_tokens": "Input tokens that were read from the provider's cache.",
    "code_language": "The language of the code.",
    "compute_units": "Units of computing that were billed.",
    "context_over_tokens": "The price is for requests with more input tokens than this.",
    "corrected_at": "When a build corrected it.",
    "correction_id": "The correction.",
    "corrections": "How many corrections.",
    "correlation_id": "What else it belongs to.",
    "days_in_month": "Days of the month.",
    "dim_user_versions": "Names, teams and roles over time.",
    "dim_users": "Name, team and role.",
    "duration_ms": "Milliseconds from its start to its end.",
    "effective_from": "From when on it holds.",
    "effective_until": "Until when it holds; null where it still does.",
    "end_time": "When it ended.",
    "error_code": "Why it failed.",
    "event_id": "The version of the event that counts.",
    "execution_id": "The execution.",
    "exported_at": "When this was exported.",
    "fct_adjustments": "Money beside usage.",
    "fct_task_executions": "Executions.",
    "figure": "Which figure.",
    "first_corrected_at": "When the first of them was made.",
    "first_seen_at": "When a build first saw it.",
    "first_seen_date": "The first day with such usage.",
    "hours": "The hours of the day in which it holds.",
    "input_tokens": "Tokens in, cached ones among them.",
    "invocation_id": "The build.",
    "is_bucket": "Whether it sums up a period of many requests.",
    "is_gateway_cache_hit": "Whether a gateway answered from its own cache.",
    "is_open": "Whether it is not over.",
    "is_timed_out": "Whether it took longer than executions may.",
    "kind": "What it depends on.",
    "last_corrected_at": "When the last of them was made.",
    "last_landed_at": "When something last landed.",
    "last_seen_at": "When a build last saw it.",
    "last_seen_date": "The last day with such usage.",
    "metric_date": "The day in the organization's reporting time zone.",
    "model": "The model as the source named it.",
    "new_baseline_price_id": "The baseline's row of the price book after it.",
    "new_price_id": "The row of the price book after it.",
    "new_pricing_status": "Whether it has a price after it.",
    "observed": "What was observed, in the rule's unit.",
    "old_baseline_price_id": "The baseline's row of the price book before it.",
    "old_price_id": "The row of the price book before it.",
    "old_pricing_status": "Whether it had a price before it.",
    "organization_id": "The organization.",
    "other_usage": "Usage that has no field of its own, by kind.",
    "output_tokens": "Tokens out, reasoning among them.",
    "policy": "Which policy chose the baseline.",
    "policy_id": "The row of the policies that chose it.",
    "price": "The row of the price book.",
    "price_factor_id": "The factor.",
    "price_id": "The row of the price book.",
    "price_model": "The model under the name that the price book has for it.",
    "pricing_status": "Whether it has a price: priced, or why not.",
    "project": "The project that it was for.",
    "provider": "The provider.",
    "quality_score": "How good the result was, from 0 to 1.",
    "reasoning_tokens": "Tokens out that were thought and not shown.",
    "recorded_at": "When the row was recorded.",
    "region": "Where it ran.",
    "reporting_timezone": "The time zone of its day.",
    "repository": "The repository that was worked on.",
    "request_count": "Requests to the provider.",
    "request_id": "The request.",
    "request_type": "Such as chat or completion.",
    "requested_at": "When it was asked for.",
    "resolution": "Why it is over.",
    "resolved_at": "Since when it is over.",
    "routing_decision_id": "The decision that chose the model.",
    "savings_status": "Whether it is compared with its baseline, or why not.",
    "service_tier": "The provider's tier of service.",
    "session_id": "The session.",
    "source": "Where the row is from.",
    "start_time": "When it began.",
    "status": "Such as completed or failed.",
    "tags": "Its tags.",
    "task_id": "The task as the source named it.",
    "task_type": "The type of the task.",
    "tasks": "How many executions.",
    "threshold": "The limit, in the rule's unit.",
    "time_to_first_token_ms": "Milliseconds from its start to the first token.",
    "tokens_used": "Tokens as the source counted them.",
    "total_tokens": "Tokens in and out.",
    "updated_at": "When the source last changed it.",
    "usage": "The kind of usage that it prices.",
    "usage_price_id": "The row of prices of other usage.",
    "user_days": "Days of use.",
    "user_id": "The user.",
    "workflow_id": "The workflow.",
}
"""What a field is whose shape says no more about it: a name means the same everywhere."""


class Shape(BaseModel):
    """An object of a document.

    Money is declared once, as `savings_usd: Money`, and stands twice: `savings` is added.
    """

    model_config = ConfigDict(extra="forbid")

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Return the schema with the rounded number beside each amount of money."""
        reference = handler(core_schema)
        schema = handler.resolve_ref_schema(reference)
        properties: dict[str, Any] = {}
        for name, property_schema in schema["properties"].items():
            if "$ref" not in property_schema and name in GLOSSARY:
                property_schema.setdefault("description", GLOSSARY[name])
            if name.endswith("_usd"):
                rounded = name.removesuffix("_usd")
                properties[rounded] = {
                    "anyOf": [{"type": "number"}, {"type": "null"}],
                    "description": f"{name} rounded to cents, below a dollar to six places.",
                    "examples": [1247.32],
                }
                schema["required"].append(rounded)
            properties[name] = property_schema
        schema["properties"] = properties
        return reference


class About(Shape):
    """What an answer says about itself."""

    as_of: dt.datetime | None = Field(description="When the facts last took a load in.")
    last_landed_at: dt.datetime | None = Field(description="When something last landed.")
    time_zone: str = Field(description="In whose days.", examples=["America/New_York"])
    start_date: dt.date = Field(description="The first day.")
    end_date: dt.date = Field(description="The last day.")
    total_tasks: int = Field(description="Executions that began on these days.")
    unpriced_tasks: int = Field(description="Of these, without a known price.")
    not_completed_tasks: int = Field(description="Of these, failed or still running.")
    priced_share: float | None = Field(
        description="The share that has a price; null without executions.", ge=0, le=1
    )
    not_counted: list[str] = Field(description="What the figures leave out.")


Count = Annotated[int, Field(ge=0, examples=[1250])]

Share = Annotated[float | None, Field(ge=0, le=1, examples=[0.96])]

Percentage = Annotated[float | None, Field(examples=[17.65])]

Milliseconds = Annotated[float | None, Field(ge=0, examples=[1250.5])]

SUCCESS_RATE = "Completed of all completed or failed executions; null where none is either."


class Costs(Shape):
    """What executions cost and saved."""

    tasks: Count = Field(
        description="Executions that began on these days, whatever became of them."
    )
    completed_tasks: Count = Field(description="Of these, completed.", examples=[1200])
    failed_tasks: Count = Field(description="Of these, failed.", examples=[50])
    timed_out_tasks: Count = Field(
        description="Of these, those of which no end was heard in time.", examples=[2]
    )
    unpriced_tasks: Count = Field(description="Of these, without a known price.", examples=[12])
    compared_tasks: Count = Field(
        description="Completed executions whose cost and baseline are both known.", examples=[1180]
    )
    total_tokens: Count = Field(description="Tokens in and out.", examples=[8_400_000])
    actual_cost_usd: Money = Field(
        description="Cost of the completed executions that have a price."
    )
    failed_cost_usd: Money = Field(description="Cost of the failed executions that have a price.")
    spend_usd: Money = Field(description="Cost of all executions that have a price.")
    compared_cost_usd: Money = Field(description="Cost of the compared executions.")
    baseline_cost_usd: Money = Field(
        description="What the compared executions would have cost with their baseline."
    )
    savings_usd: Money = Field(
        description="baseline_cost less compared_cost; it may be below zero."
    )
    savings_percentage: Percentage = Field(description="Savings of the baseline's cost.")
    avg_cost_per_task_usd: Money = Field(
        description="actual_cost per completed execution that has a price."
    )
    success_rate: Share = Field(description=SUCCESS_RATE)
    avg_duration_ms: Milliseconds = Field(description="Mean of the durations that are known.")


class ProviderCosts(Costs):
    """What a provider cost and saved."""

    provider: str = Field(examples=["github_copilot"])
    share_of_spend: Share = Field(description="Of the spend that is shown here.")


class ModelCosts(Costs):
    """What a model cost and saved."""

    provider: str = Field(examples=["anthropic"])
    model: str | None = Field(
        description="As the provider calls it; null where no model was named.",
        examples=["claude-sonnet-4-5"],
    )
    share_of_spend: Share = Field(description="Of the spend that is shown here.")


class TaskTypeCosts(Costs):
    """What a type of task cost and saved."""

    task_type: str = Field(examples=["code_generation"])
    share_of_spend: Share = Field(description="Of the spend that is shown here.")


class CostsPoint(Costs):
    """A step of the course of costs."""

    date: dt.date = Field(description="The first day of the step.")
    cumulative_spend_usd: Money = Field(description="Spend until the end of the step.")
    cumulative_savings_usd: Money = Field(description="Savings until the end of the step.")


class Problem(BaseModel):
    """An error, as RFC 9457 says."""

    title: str = Field(examples=["Forbidden"])
    status: int = Field(examples=[403])
    detail: str = Field(examples=["The token is for another organization."])


ABOUT = {"about": "about"}
"""The part of a document that says as of when it is and what it leaves out."""

PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {
        "description": description,
        "content": {
            "application/problem+json": {
                "schema": Problem.model_json_schema(),
                "example": {"title": title, "status": status, "detail": detail},
            }
        },
    }
    for status, title, description, detail in (
        (400, "Bad Request", "Something is missing.", "Name an organization_id."),
        (401, "Unauthorized", "There is no valid token.", "The token has expired."),
        (
            403,
            "Forbidden",
            "The token does not allow it.",
            "The token is for another organization.",
        ),
        (404, "Not Found", "There is no such thing, or it is not yours.", "Not Found"),
        (
            422,
            "Unprocessable Entity",
            "A parameter is wrong.",
            "query.start_date: a day is written YYYY-MM-DD",
        ),
        (
            429,
            "Too Many Requests",
            "Too much was asked.",
            "Only 100 requests a minute are allowed. Try again in 30 s.",
        ),
        (
            503,
            "Service Unavailable",
            "The database does not answer.",
            "The warehouse cannot answer now. Try again.",
        ),
    )
}
"""What may go wrong with any request."""
