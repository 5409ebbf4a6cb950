"""Events of every kind, complete and valid, to be changed by a test."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)

SECRET = "write-me-a-poem-about-hunter2"  # noqa: S105 - stands for content in every refusal test

ORGANIZATION_ID = "11111111-1111-4111-8111-111111111111"

USER_ID = "22222222-2222-4222-8222-222222222222"

ATTRIBUTION: dict[str, Any] = {
    "source": "litellm",
    "provider_request_id": "req_011CSHoEeqs5C35K2UUqR7Fy",
    "time_to_first_token_ms": 412,
    "billing_account": "acct-emea",
    "api_key_alias": "ci-runner",
    "team": "payments",
    "end_user_id": "customer-77",
    "project": "checkout",
    "cost_center": "4711",
    "repository": "acme/shop",
    "branch": "feature/refunds",
    "tags": ["nightly", "größe: xl"],
}
"""What an execution may say about whose it is, what it was for and where it comes from."""


def uuid_of(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def execution(number: int = 1, **changes: Any) -> dict[str, Any]:
    """Return a complete execution; a change to None leaves the field out."""
    event = {
        "event": "task_execution",
        "event_id": uuid_of(number),
        "id": uuid_of(1_000_000 + number),
        "organization_id": ORGANIZATION_ID,
        "task_id": f"task-{number}",
        "task_type": "code_generation",
        "provider": "anthropic",
        "status": "completed",
        "start_time": "2026-03-01T10:00:00Z",
        "updated_at": "2026-03-01T10:00:09Z",
        "user_id": USER_ID,
        "session_id": "session-1",
        "model": "claude-3-7-sonnet-20250219",
        "service_tier": "standard",
        "end_time": "2026-03-01T10:00:08.5Z",
        "input_tokens": 1000,
        "cached_input_tokens": 300,
        "cache_write_tokens": 100,
        "output_tokens": 200,
        "reasoning_tokens": 50,
        "request_count": 1,
        "reported_cost_usd": 0.00714,
        "quality_score": 0.9,
        "metadata": {"client": "cli", "attempt": 2, "stream": True, "temperature": 0.7},
    }
    return _complete(event, changes, "start_time")


def _complete(event: dict[str, Any], changes: dict[str, Any], begin: str) -> dict[str, Any]:
    """Change an event; what begins later than it was updated was updated when it began."""
    changed = {name: value for name, value in (event | changes).items() if value is not None}
    if begin in changes and "updated_at" not in changes:
        with suppress(ValueError, TypeError, KeyError):
            began, updated = map(datetime.fromisoformat, (changed[begin], changed["updated_at"]))
            if began > updated:
                changed["updated_at"] = changed[begin]
    return changed


def decision(number: int = 1, **changes: Any) -> dict[str, Any]:
    """Return a complete decision; a change to None leaves the field out."""
    event = {
        "event": "routing_decision",
        "event_id": uuid_of(2_000_000 + number),
        "id": uuid_of(3_000_000 + number),
        "organization_id": ORGANIZATION_ID,
        "task_id": f"task-{number}",
        "chosen_provider": "anthropic",
        "decision_timestamp": "2026-03-01T09:59:59Z",
        "routing_strategy": "cheapest",
        "updated_at": "2026-03-01T09:59:59Z",
        "task_execution_id": uuid_of(1_000_000 + number),
        "chosen_model": "claude-3-7-sonnet-20250219",
        "alternative_providers": [
            {"provider": "openai", "model": "gpt-4o", "score": 0.5, "estimated_cost_usd": 0.01}
        ],
        "reasoning": "cheapest within the limit",
        "decision_factors": {"latency_weight": 0.25, "policy": "default"},
        "confidence_score": 0.75,
        "predicted_cost_usd": 0.008,
        "predicted_duration_ms": 8000,
        "routing_overhead_cost_usd": 0.000079,
    }
    return _complete(event, changes, "decision_timestamp")


def organization(number: int = 1, **changes: Any) -> dict[str, Any]:
    """Return an organization; a change to None leaves the field out."""
    event = {
        "event": "organization",
        "event_id": uuid_of(4_000_000 + number),
        "id": ORGANIZATION_ID,
        "name": "Acme",
        "tier": "enterprise",
        "timezone": "Europe/Berlin",
        "baseline_provider": "openai",
        "baseline_model": "gpt-4o",
        "monthly_budget_usd": 1000,
        "updated_at": "2026-01-01T00:00:00Z",
    }
    return {name: value for name, value in (event | changes).items() if value is not None}


def user(number: int = 1, **changes: Any) -> dict[str, Any]:
    """Return a user; a change to None leaves the field out."""
    event = {
        "event": "user",
        "event_id": uuid_of(5_000_000 + number),
        "id": USER_ID,
        "organization_id": ORGANIZATION_ID,
        "name": "Jane",
        "team": "platform",
        "role": "developer",
        "updated_at": "2026-01-01T00:00:00Z",
    }
    return {name: value for name, value in (event | changes).items() if value is not None}


def adjustment(number: int = 1, **changes: Any) -> dict[str, Any]:
    """Return an adjustment; a change to None leaves the field out."""
    event = {
        "event": "adjustment",
        "event_id": uuid_of(6_000_000 + number),
        "id": uuid_of(7_000_000 + number),
        "organization_id": ORGANIZATION_ID,
        "reason": "credit",
        "amount": -12.5,
        "effective_at": "2026-03-01T00:00:00Z",
        "updated_at": "2026-03-02T00:00:00Z",
    }
    return {name: value for name, value in (event | changes).items() if value is not None}


FAMILIES: dict[str, dict[str, Any]] = {
    "agent_event": {
        "event_type": "agent.completed",
        "agent_id": "agent-7",
        "task_id": "task-1",
        "task_type": "bug_fix",
        "provider": "anthropic",
        "model": "claude-3-7-sonnet-20250219",
        "duration_ms": 8500,
        "tokens_used": 1700,
        "reported_cost_usd": 0.25,
        "is_successful": True,
        "error_code": "none",
    },
    "provider_event": {
        "event_type": "provider.rate_limit",
        "provider": "anthropic",
        "model": "claude-3-7-sonnet-20250219",
        "agent_id": "agent-7",
        "task_id": "task-1",
        "task_execution_id": uuid_of(1_000_001),
        "duration_ms": 120,
        "reported_cost_usd": 0.125,
        "is_successful": False,
        "error_code": "rate_limit_error",
        "http_status": 429,
        "retry_after_ms": 30_000,
        "attempt": 2,
    },
    "billing_event": {
        "event_type": "billing.subscription_upgraded",
        "subscription_id": "sub_1",
        "plan": "enterprise",
        "amount": 1200.5,
        "currency": "EUR",
        "seats": 25,
        "period": "month",
        "metric": "tasks",
        "quantity": 950.25,
        "limit_quantity": 1000,
    },
    "customer_event": {
        "event_type": "customer.signup",
        "visitor_id": uuid_of(9_000_001),
        "channel": "newsletter",
        "dashboard": "savings",
        "export_format": "csv",
    },
    "support_event": {
        "event_type": "support.ticket_opened",
        "ticket_id": "T-4711",
        "priority": "high",
        "category": "billing",
        "replied_by": "customer",
    },
    "web_event": {
        "event_type": "web.scroll",
        "page": "/pricing",
        "visitor_id": uuid_of(9_000_001),
        "element": "cta-top",
        "scroll_depth_percent": 75,
        "traffic_source": "google.com",
        "device": "mobile",
        "utm_source": "newsletter",
        "utm_medium": "email",
        "utm_campaign": "2026-launch",
    },
}
"""By kind, the fields that one family alone has, all of them given."""


def family_event(kind: str, number: int = 1, /, **changes: Any) -> dict[str, Any]:
    """Return a complete event of a family; a change to None leaves the field out."""
    event = {
        "event": kind,
        "event_id": uuid_of(8_000_000 + number),
        "id": uuid_of(8_100_000 + number),
        "organization_id": ORGANIZATION_ID,
        "occurred_at": "2026-03-01T10:00:00Z",
        "updated_at": "2026-03-01T10:00:01Z",
        "user_id": USER_ID,
        "session_id": "session-1",
        "correlation_id": "correlation-1",
        **FAMILIES[kind],
    }
    return _complete(event, changes, "occurred_at")


def evaluation(number: int = 1, **changes: Any) -> dict[str, Any]:
    """Return a complete shadow evaluation; a change to None leaves the field out."""
    event = {
        "event": "shadow_evaluation",
        "event_id": uuid_of(9_100_000 + number),
        "id": uuid_of(9_200_000 + number),
        "organization_id": ORGANIZATION_ID,
        "execution_id": uuid_of(1_000_000 + number),
        "evaluated_at": "2026-03-01T10:00:00Z",
        "updated_at": "2026-03-01T10:00:00Z",
        "direction": "forward",
        "outcome": "shadow",
        "router": "smart-router",
        "judge_model": "gpt-4o",
        "real_model": "claude-3-7-sonnet-20250219",
        "shadow_model": "gpt-4o-mini",
        "tier": "SIMPLE",
        "confidence": 0.75,
        "is_real_cache_hit": False,
        "reported_real_cost_usd": 0.05,
        "reported_shadow_cost_usd": 0.02,
        "reported_judge_cost_usd": 0.004,
        "reported_real_classifier_cost_usd": 0,
        "reported_shadow_classifier_cost_usd": 0.001,
    }
    return _complete(event, changes, "evaluated_at")


def line_of(event: object) -> bytes:
    return json.dumps(event, ensure_ascii=False).encode()
