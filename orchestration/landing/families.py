"""Events beside usage: what agents, providers, bills, customers, support and a website report.

One contract a family. None has a field for words of people: what stands in a ticket, a form or a
prompt is refused with the field that holds it. None of it counts as a task or as cost: executions
and adjustments do.
"""

from decimal import Decimal
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from msgspec import Meta, Struct

from orchestration.landing.fields import (
    Count,
    Currency,
    Label,
    Moment,
    PagePath,
    Reference,
    ShortText,
)


class FamilyEvent(Struct, tag_field="event", forbid_unknown_fields=True, kw_only=True):
    """What events of all families have."""

    table: ClassVar[str]

    event_id: UUID
    # The same over all versions; it is looked up within its organization.
    id: UUID
    # Of a visitor whom no organization knows: the one whose website it is.
    organization_id: UUID
    occurred_at: Moment
    updated_at: Moment
    user_id: UUID | None = None
    session_id: Reference | None = None
    correlation_id: Reference | None = None


class AgentEvent(FamilyEvent, tag="agent_event"):
    """One version of a step in the life of an agent."""

    table: ClassVar[str] = "agent_events"

    event_type: Literal[
        "agent.created", "agent.started", "agent.completed", "agent.failed", "agent.timeout"
    ]
    # Not required, so that an erasure can clear it: agents are called after people.
    agent_id: Reference | None = None
    task_id: ShortText | None = None
    task_type: ShortText | None = None
    provider: ShortText | None = None
    model: ShortText | None = None
    duration_ms: Count | None = None
    tokens_used: Count | None = None
    reported_cost_usd: Decimal | None = None
    is_successful: bool | None = None
    error_code: Label | None = None


class ProviderEvent(FamilyEvent, tag="provider_event"):
    """One version of a request to a provider and what became of it."""

    table: ClassVar[str] = "provider_events"

    event_type: Literal[
        "provider.api_call", "provider.rate_limit", "provider.error", "provider.retry"
    ]
    provider: ShortText
    model: ShortText | None = None
    agent_id: Reference | None = None
    task_id: ShortText | None = None
    task_execution_id: UUID | None = None
    duration_ms: Count | None = None
    reported_cost_usd: Decimal | None = None
    is_successful: bool | None = None
    error_code: Label | None = None
    http_status: Annotated[int, Meta(ge=100, le=599)] | None = None
    retry_after_ms: Count | None = None
    # Counted from 1; the first retry is attempt 2.
    attempt: Annotated[int, Meta(ge=1, le=1_000)] | None = None


class BillingEvent(FamilyEvent, tag="billing_event"):
    """One version of what happened to a subscription, or to the limits of its plan."""

    table: ClassVar[str] = "billing_events"

    event_type: Literal[
        "billing.usage_recorded",
        "billing.tier_limit_warning",
        "billing.tier_limit_exceeded",
        "billing.subscription_created",
        "billing.subscription_upgraded",
        "billing.subscription_downgraded",
        "billing.subscription_cancelled",
    ]
    subscription_id: Reference | None = None
    plan: Label | None = None
    # What is paid for each period from now on, for all seats together.
    amount: Decimal | None = None
    currency: Currency | None = None
    seats: Annotated[int, Meta(ge=0, le=10_000_000)] | None = None
    period: Literal["month", "quarter", "year"] | None = None
    # What is counted, such as tasks, how much of it there was, and how much the plan has.
    metric: Label | None = None
    quantity: Decimal | None = None
    limit_quantity: Decimal | None = None


class CustomerEvent(FamilyEvent, tag="customer_event"):
    """One version of what somebody did as a customer."""

    table: ClassVar[str] = "customer_events"

    event_type: Literal[
        "customer.signup", "customer.login", "customer.dashboard_view", "customer.export_data"
    ]
    # Whom the website knew before, so that a signup has its visits.
    visitor_id: UUID | None = None
    channel: Label | None = None
    dashboard: Label | None = None
    export_format: Label | None = None


class SupportEvent(FamilyEvent, tag="support_event"):
    """One version of a step of a ticket, without anything that is written in it."""

    table: ClassVar[str] = "support_events"

    event_type: Literal[
        "support.ticket_opened",
        "support.ticket_replied",
        "support.ticket_reopened",
        "support.ticket_resolved",
        "support.ticket_closed",
    ]
    ticket_id: Reference
    priority: Literal["low", "normal", "high", "urgent"] | None = None
    category: Label | None = None
    replied_by: Literal["customer", "staff"] | None = None


class WebEvent(FamilyEvent, tag="web_event"):
    """One version of what a visitor did on the website."""

    table: ClassVar[str] = "web_events"

    event_type: Literal[
        "web.page_view",
        "web.scroll",
        "web.cta_click",
        "web.form_start",
        "web.form_abandon",
        "web.form_submit",
        "web.waitlist_signup",
    ]
    page: PagePath
    # Made up by the website for a browser, and nobody's name.
    visitor_id: UUID | None = None
    # The button or the form.
    element: Label | None = None
    scroll_depth_percent: Annotated[int, Meta(ge=0, le=100)] | None = None
    traffic_source: Label | None = None
    device: Literal["desktop", "mobile", "tablet", "other"] | None = None
    utm_source: Label | None = None
    utm_medium: Label | None = None
    utm_campaign: Label | None = None


FAMILIES: tuple[type[FamilyEvent], ...] = (
    AgentEvent,
    ProviderEvent,
    BillingEvent,
    CustomerEvent,
    SupportEvent,
    WebEvent,
)

AMOUNTS = ("reported_cost_usd", "amount", "quantity", "limit_quantity")
"""The fields of families that are exact decimals."""
