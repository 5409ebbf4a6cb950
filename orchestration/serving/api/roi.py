"""What the platform returns for what it costs."""

import datetime as dt
import re
from decimal import Decimal
from typing import Annotated, Self

from fastapi import APIRouter, Response
from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from orchestration.serving.api.requests import Days, Inquiry
from orchestration.serving.api.shapes import ABOUT, About, Count, Money, Percentage, Shape
from orchestration.serving.cache import DASHBOARD_SECONDS
from orchestration.serving.database import Answer

router = APIRouter(prefix="/analytics")

ROI = Answer("roi", {"assumptions": "roi_assumptions", "measured": "roi_measured"} | ABOUT)

_MEASURED_DAYS = 90


_LARGEST = 1_000_000_000
_DIGITS = r"[0-9]{1,9}(\.[0-9]{1,12})?"


def _plain_number(value: object) -> object:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number or (isinstance(value, str) and re.fullmatch(_DIGITS, value)):
        return value
    raise ValueError("a number is needed, such as 12.5")


Amount = Annotated[
    Decimal,
    BeforeValidator(_plain_number),
    Field(ge=0, le=_LARGEST, allow_inf_nan=False),
    # A number, or exact as a string of digits.
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": 0, "maximum": _LARGEST},
                {"type": "string", "pattern": f"^{_DIGITS}$"},
            ]
        }
    ),
]

Developers = Annotated[int, Field(ge=1, le=1_000_000), BeforeValidator(_plain_number)]


class Calculation(Days):
    """What to assume; the rest is measured on the days, the last 90 unless others are named."""

    monthly_tasks: Amount | None = Field(
        None,
        description="Completed executions in a month; as many as were measured when omitted.",
        examples=[8500],
    )
    developers: Developers | None = Field(
        None, description="Among how many developers the benefit is divided.", examples=[45]
    )
    hourly_rate_usd: Amount | None = Field(
        None, description="What an hour of a developer costs.", examples=[85]
    )
    minutes_saved_per_task: Amount | None = Field(
        None, description="Of a developer, by a completed execution.", examples=[6]
    )
    hours_saved_per_task: Amount | None = Field(
        None, description="The same in hours; only one of the two.", examples=[0.1]
    )
    monthly_platform_cost_usd: Amount = Field(
        Decimal(0), description="What the platform itself costs in a month.", examples=[2000]
    )
    implementation_cost_usd: Amount = Field(
        Decimal(0), description="What it costs once to introduce it.", examples=[15000]
    )

    def first_day(self, last: dt.date) -> dt.date:
        """Return the first day on which is measured, given the last one."""
        return self.start_date or last - dt.timedelta(days=_MEASURED_DAYS - 1)

    @model_validator(mode="after")
    def _saves_time_once(self) -> Self:
        if self.minutes_saved_per_task is not None and self.hours_saved_per_task is not None:
            raise ValueError("give minutes_saved_per_task or hours_saved_per_task, not both")
        return self


class Assumptions(Shape):
    """What was calculated with."""

    monthly_tasks: float | None = Field(description="Completed executions.", examples=[8500])
    monthly_tasks_are_measured: bool = Field(description="Whether it was taken from `measured`.")
    developers: int | None = Field(examples=[45])
    hourly_rate_usd: Money
    minutes_saved_per_task: float | None = Field(examples=[6])
    monthly_platform_cost_usd: Money
    implementation_cost_usd: Money


class Measured(Shape):
    """What was taken from the executions of the days."""

    start_date: dt.date = Field(description="The first day on which was measured.")
    end_date: dt.date = Field(description="The last.")
    compared_tasks: Count = Field(
        description="Completed executions whose cost and baseline are both known."
    )
    completed_tasks: Count
    savings_usd: Money = Field(description="Of the compared executions.")
    baseline_cost_usd: Money = Field(
        description="What the compared executions would have cost with their baseline."
    )
    savings_percentage: Percentage = Field(description="Savings of baseline_cost.")
    savings_per_task_usd: Money = Field(description="Savings per compared execution.")
    completed_tasks_per_month: float | None = Field(
        description="Completed executions per day since the first that has any, times 365 / 12.",
        examples=[8512.4],
    )


class Roi(Shape):
    """What the platform returns; months and years are those of the assumptions."""

    monthly_savings_usd: Money = Field(
        description="measured.savings_per_task times assumptions.monthly_tasks."
    )
    annual_savings_usd: Money = Field(description="12 times as much.")
    monthly_hours_saved: float | None = Field(
        description="monthly_tasks times minutes_saved_per_task / 60.", examples=[850]
    )
    annual_hours_saved: float | None = Field(description="12 times as much.", examples=[10200])
    monthly_time_value_usd: Money = Field(description="These hours at hourly_rate.")
    annual_time_value_usd: Money = Field(description="12 times as much.")
    monthly_benefit_usd: Money = Field(
        description="Savings and the time's value, which counts as none where it is unknown; null "
        "where savings are unknown."
    )
    annual_benefit_usd: Money = Field(description="12 times as much.")
    monthly_benefit_per_developer_usd: Money = Field(description="monthly_benefit / developers.")
    monthly_net_benefit_usd: Money = Field(description="monthly_benefit less the platform's cost.")
    first_year_cost_usd: Money = Field(
        description="12 months of the platform's cost and the implementation."
    )
    first_year_net_benefit_usd: Money = Field(description="annual_benefit less first_year_cost.")
    roi_percentage: Percentage = Field(
        description="first_year_net_benefit of first_year_cost.", examples=[312.5]
    )
    payback_months: float | None = Field(
        description="Months until monthly_net_benefit has paid the implementation.", examples=[1.8]
    )
    unknown: list[str] = Field(
        description="Why a figure is null.",
        examples=[["time value: no hourly rate was given; it counts as none"]],
    )
    assumptions: Assumptions
    measured: Measured
    about: About


@router.post("/roi-calculator", responses={200: {"model": Roi}})
async def roi_calculator(asked: Inquiry, wanted: Calculation) -> Response:
    """What the platform returns: savings as measured, and the time that is said to be saved."""
    return await asked.answer(ROI, wanted, DASHBOARD_SECONDS)
