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


class Problem(BaseModel):
    """An error, as RFC 9457 says."""

    title: str = Field(examples=["Forbidden"])
    status: int = Field(examples=[403])
    detail: str = Field(examples=["The token is for another organization."])


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
