"""Events beside usage: agents, providers, billing, customers, support and the website."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
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
from support.servers import Database

from orchestration.landing.contracts import Contract, ContractError
from orchestration.landing.loader import land


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
