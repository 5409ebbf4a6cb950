"""Events beside usage: agents, providers, billing, customers, support and the website."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from starlette.testclient import TestClient
from support.events import (
    FAMILIES,
    ORGANIZATION_ID,
    SECRET,
    family_event,
    line_of,
)
from support.events import (
    NOW as WHEN_TAKEN,
)
from support.landing import rows, write
from support.receiving import KEYS, sends
from support.servers import Database

from orchestration.landing.contracts import Contract, ContractError
from orchestration.landing.loader import land
from orchestration.receiver.app import create_app
from orchestration.streams.batches import lines_of

ORGANIZATION = UUID(ORGANIZATION_ID)
BEGIN = datetime(2026, 3, 1, 10, tzinfo=UTC)
END = datetime(2026, 3, 1, 10, 0, 8, 500_000, tzinfo=UTC)


def reason_of(event: dict[str, Any]) -> str:
    with pytest.raises(ContractError) as caught:
        Contract.at(WHEN_TAKEN).decode(line_of(event))
    return str(caught.value)


@pytest.mark.parametrize("kind", FAMILIES)
def test_a_family_refuses_what_has_no_field_and_what_is_not_its_own(kind: str) -> None:
    assert reason_of(family_event(kind, message=SECRET)) == "unknown field message"
    assert reason_of(family_event(kind, metadata={"text": SECRET})) == "unknown field metadata"
    assert reason_of(family_event(kind, event_type=SECRET)) == "event_type: not an allowed value"
    # No family has the words of another.
    of_another = "web.page_view" if kind != "web_event" else "agent.started"
    assert reason_of(family_event(kind, event_type=of_another)).startswith("event_type: ")
    for name in ("id", "organization_id", "occurred_at", "updated_at", "event_type"):
        assert reason_of(family_event(kind, **{name: None})) == (
            f"object missing required field {name}"
        )
    updated_at = "2026-03-01T09:59:59Z"
    assert reason_of(family_event(kind, updated_at=updated_at)) == "updated_at: before occurred_at"
    twice = line_of(family_event(kind)).replace(b"{", b'{"session_id": "other", ', 1)
    with pytest.raises(ContractError, match="session_id: given twice"):
        Contract.at(WHEN_TAKEN).decode(twice)


@pytest.mark.parametrize(
    ("kind", "changes", "reason"),
    [
        ("agent_event", {"agent_id": "please fix this"}, "agent_id: not the id of anything"),
        ("agent_event", {"duration_ms": -1}, "duration_ms: expected int >= 0"),
        ("agent_event", {"reported_cost_usd": -1}, "reported_cost_usd: outside 0..1000000000000"),
        ("provider_event", {"provider": None}, "object missing required field provider"),
        ("provider_event", {"http_status": 600}, "http_status: expected int <= 599"),
        ("provider_event", {"error_code": "too many words"},
         "error_code: not a word of letters and digits"),
        ("billing_event", {"currency": None},
         "amount, currency: one is given without the other"),
        ("billing_event", {"currency": "euro"}, "currency: not three capital letters"),
        ("billing_event", {"amount": 10**13}, "amount: outside 0..1000000000000"),
        ("billing_event", {"period": "week"}, "period: not an allowed value"),
        ("customer_event", {"visitor_id": "jane@example.com"}, "visitor_id: not a UUID"),
        ("support_event", {"ticket_id": "jane@example.com"}, "ticket_id: not the id of anything"),
        ("support_event", {"priority": SECRET}, "priority: not an allowed value"),
        ("web_event", {"page": "/reset?token=abc"}, "page: not the path of a page"),
        ("web_event", {"page": "/users/jane@example.com"}, "page: not the path of a page"),
        ("web_event", {"scroll_depth_percent": 101}, "scroll_depth_percent: expected int <= 100"),
        ("web_event", {"utm_campaign": "for jane doe"},
         "utm_campaign: not a word of letters and digits"),
    ],
)  # fmt: skip
def test_a_value_that_may_say_too_much_is_refused(
    kind: str, changes: dict[str, Any], reason: str
) -> None:
    assert reason_of(family_event(kind, **changes)) == reason


def test_every_family_lands_value_by_value_and_is_counted_in_the_ledger(
    database: Database, tmp_path: Path
) -> None:
    events = [family_event(kind) for kind in FAMILIES]
    refused = family_event("support_event", 2, message=SECRET)
    path = write(tmp_path / "families.ndjson", [*events, refused])
    (landed,) = land([path]).files
    assert (landed.lines_read, landed.lines_accepted, landed.lines_rejected) == (7, 6, 1)
    for number, event in enumerate(events, start=1):
        (held,) = rows(database, f"select to_jsonb(held) from raw.{event['event']}s as held")  # noqa: S608
        said = {name: value for name, value in event.items() if name != "event"}
        for name in ("occurred_at", "updated_at"):
            assert datetime.fromisoformat(held[0].pop(name)) == datetime.fromisoformat(
                said.pop(name)
            )
        assert held[0] == said | {"_load_id": landed.load_id, "_line_number": number}
    assert rows(database, "select reason, organization_id::text from raw.rejected_events") == [
        ("unknown field message", ORGANIZATION_ID)
    ]
    assert rows(
        database,
        "select lines_accepted, agent_event_count, provider_event_count, billing_event_count, "
        "customer_event_count, support_event_count, web_event_count, task_execution_count "
        "from raw.loads",
    ) == [(6, 1, 1, 1, 1, 1, 1, 0)]
    # 8500 ms; 120 + 30000; 1700 + 0.25; 0.125; 1200.5 + 25 + 950.25 + 1000; 75.
    assert rows(
        database,
        "select event_kind, event_date, events, durations_ms, amount_usd, other_units "
        "from ledger.landed_totals order by event_kind",
    ) == [
        (kind, datetime(2026, 3, 1, tzinfo=UTC).date(), 1, durations, 0, Decimal(units))
        for kind, durations, units in (
            ("agent_event", 8500, "1700.25"),
            ("billing_event", 0, "3175.75"),
            ("customer_event", 0, "0"),
            ("provider_event", 30120, "0.125"),
            ("support_event", 0, "0"),
            ("web_event", 0, "75"),
        )
    ]
    # The same file is skipped; the same events in another one are kept, and count once later.
    (again,) = land([path]).files
    assert again.lines_accepted == 0
    write(tmp_path / "again.ndjson", events)
    (again,) = land([tmp_path / "again.ndjson"]).files
    assert again.lines_accepted == 6
    assert rows(database, "select count(*), count(distinct id) from raw.web_events") == [(2, 1)]


def test_what_only_has_to_be_there_is_enough(database: Database, tmp_path: Path) -> None:
    required = {
        "agent_event": {"event_type"},
        "provider_event": {"event_type", "provider"},
        "billing_event": {"event_type"},
        "customer_event": {"event_type"},
        "support_event": {"event_type", "ticket_id"},
        "web_event": {"event_type", "page"},
    }
    events = []
    for number, (kind, fields) in enumerate(required.items()):
        shared = {"user_id", "session_id", "correlation_id"}
        left_out: dict[str, Any] = dict.fromkeys(FAMILIES[kind].keys() - fields | shared)
        events.append(family_event(kind, number, **left_out))
    (landed,) = land([write(tmp_path / "sparse.ndjson", events)]).files
    assert (landed.lines_accepted, landed.lines_rejected) == (6, 0)
    assert rows(
        database, "select agent_id, is_successful, reported_cost_usd from raw.agent_events"
    ) == [(None, None, None)]


# --- The JSON of platforms ------------------------------------------------------------------------

COMPLETED: dict[str, Any] = {
    "event_type": "agent.completed",
    "tenant_id": ORGANIZATION_ID,
    "timestamp": "2026-03-01T10:00:08.5Z",
    "correlation_id": "c-1",
    "agent_id": "agent-7",
    "duration_ms": 8500,
    "cost_usd": 0.25,
    "success": True,
    "metadata": {
        "provider": "anthropic",
        "task_type": "bug_fix",
        "tokens_used": 1700,
        "prompt": SECRET,
    },
}


def platform_event(event_type: str, **more: Any) -> dict[str, Any]:
    return {
        "event_type": event_type,
        "tenant_id": ORGANIZATION_ID,
        "timestamp": "2026-03-01T10:00:00Z",
        **more,
    }


def test_events_of_a_platform_become_those_of_the_families(database_18: Database) -> None:
    failed = COMPLETED | {
        "event_type": "agent.failed",
        "success": False,
        "error_code": "tool_error",
        "metadata": {"error_message": SECRET},
    }
    events = [
        COMPLETED,
        failed,
        platform_event("agent.started", agent_id="agent-7", metadata={"task_type": "bug_fix"}),
        platform_event(
            "provider.rate_limit",
            provider="openai",
            metadata={"model": "gpt-4o", "retry_after_ms": 30_000, "status_code": 429},
        ),
        platform_event(
            "billing.subscription_created",
            metadata={"tier": "pro", "amount": "49.90", "currency": "USD", "seats": 5},
        ),
        platform_event("customer.login", user_id="22222222-2222-4222-8222-222222222222"),
        platform_event("support.ticket_opened", metadata={"ticket_id": 4711, "text": SECRET}),
        platform_event("web.scroll", metadata={"path": "/pricing", "scroll_depth": 50}),
    ]
    with TestClient(create_app(KEYS)) as client:
        for _ in range(2):
            answer = client.post("/api/v1/events", json=events, headers=sends(ORGANIZATION))
            assert (answer.status_code, answer.json()["rejections"]) == (200, [])
            assert answer.json()["accepted"] == 8
        unknown = platform_event("agent.paused")
        untimed = {key: value for key, value in COMPLETED.items() if key != "timestamp"}
        answer = client.post("/api/v1/events", json=[unknown, untimed], headers=sends(ORGANIZATION))
        assert answer.status_code == 422
        assert [rejection["reason"] for rejection in answer.json()["rejections"]] == [
            "event_type: not an allowed value",
            "object missing required field occurred_at",
        ]
        elsewhere = COMPLETED | {"tenant_id": "33333333-3333-4333-8333-333333333333"}
        answer = client.post("/api/v1/events", json=elsewhere, headers=sends(ORGANIZATION))
        assert answer.status_code == 403
    assert rows(
        database_18,
        "select event_type, occurred_at, updated_at, agent_id, correlation_id, provider, "
        "task_type, duration_ms, tokens_used, reported_cost_usd, is_successful, error_code "
        "from raw.agent_events where _load_id = 1 order by _line_number",
    ) == [
        ("agent.completed", END, END, "agent-7", "c-1", "anthropic", "bug_fix", 8500, 1700,
         Decimal("0.25"), True, None),
        ("agent.failed", END, END, "agent-7", "c-1", None, None, 8500, None,
         Decimal("0.25"), False, "tool_error"),
        ("agent.started", BEGIN, BEGIN, "agent-7", None, None, "bug_fix", None, None, None,
         None, None),
    ]  # fmt: skip
    for table, columns, values in (
        ("provider_events", "provider, model, retry_after_ms, http_status",
         ("openai", "gpt-4o", 30_000, 429)),
        ("billing_events", "plan, amount, currency, seats", ("pro", Decimal("49.90"), "USD", 5)),
        ("customer_events", "event_type, user_id::text",
         ("customer.login", "22222222-2222-4222-8222-222222222222")),
        ("support_events", "event_type, ticket_id", ("support.ticket_opened", "4711")),
        ("web_events", "page, scroll_depth_percent", ("/pricing", 50)),
    ):  # fmt: skip
        # Sent twice, it is the same event: what it says is its identity.
        assert rows(
            database_18,
            f"select {columns}, count(distinct id) from raw.{table} "  # noqa: S608
            f"group by {columns.replace('::text', '')}",
        ) == [(*values, 1)]
    # What streams carry is read the same way.
    (line,) = lines_of(line_of(COMPLETED))
    assert (
        Contract.at(WHEN_TAKEN).decode(line).id
        == rows(
            database_18,
            "select id from raw.agent_events where event_type = 'agent.completed' limit 1",
        )[0][0]
    )
    assert SECRET not in str(rows(database_18, "select * from raw.agent_events"))
