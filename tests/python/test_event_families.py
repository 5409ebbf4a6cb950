"""Events beside usage: agents, providers, billing, customers, support and the website."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from click.testing import CliRunner
from starlette.testclient import TestClient
from support.events import (
    FAMILIES,
    ORGANIZATION_ID,
    SECRET,
    execution,
    family_event,
    line_of,
    organization,
    user,
    uuid_of,
)
from support.events import (
    NOW as WHEN_TAKEN,
)
from support.landing import rows, write
from support.receiving import KEYS, sends
from support.servers import STORY_DATABASE, Database
from support.stories import (
    Project,
    Story,
    copy_of,
    environment_of,
    keep_as,
    story_database,
)

from orchestration.cli import main
from orchestration.database.embedded import EmbeddedServer
from orchestration.landing.contracts import Contract, ContractError
from orchestration.landing.loader import land
from orchestration.receiver.app import create_app
from orchestration.streams.batches import lines_of

pytest_plugins = ["support.stories"]

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


# --- A warehouse with all of it -------------------------------------------------------------------

PERSON = uuid_of(83)
VISITOR = uuid_of(9_000_001)
CLAUDE = {"provider": "anthropic", "model": "claude-3-7-sonnet-20250219"}


def call(number: int, event_type: str, occurred_at: str, **changes: Any) -> dict[str, Any]:
    """Return what somebody's agent heard of a provider."""
    left_out = dict.fromkeys(("retry_after_ms", "reported_cost_usd", "http_status", "error_code"))
    said = {"event_type": event_type, "occurred_at": occurred_at, "user_id": PERSON}
    return family_event("provider_event", number, **(left_out | said | changes))


LAST = {"start_time": "2026-10-30T22:30:00Z", "end_time": "2026-10-30T22:30:09Z"}
STORY = [
    organization(),
    user(id=PERSON),
    execution(1, task_id="t", user_id=PERSON, **LAST, **CLAUDE),
    execution(2, task_id="t", user_id=PERSON, status="failed", error_code="rate_limit_error",
              **LAST, **CLAUDE),
    # In Berlin the first is of the 30th of October, the others are of the day after it.
    call(1, "provider.rate_limit", "2026-10-30T22:30:00Z", retry_after_ms=1_500),
    call(2, "provider.api_call", "2026-10-30T23:30:00Z", reported_cost_usd=999),
    call(3, "provider.retry", "2026-10-30T23:30:01Z", retry_after_ms=20_000),
    call(4, "provider.api_call", "2026-10-30T23:30:02Z"),
    *(
        family_event(kind, 10, user_id=PERSON, occurred_at="2026-10-01T10:00:00Z")
        for kind in FAMILIES
        if kind != "provider_event"
    ),
    # Before the website knew who it was.
    family_event("web_event", 11, user_id=None, session_id=None, correlation_id=None,
                 page="/before-signup", occurred_at="2026-10-01T09:00:00Z"),
    # Old enough to leave.
    *(
        family_event(kind, 12, user_id=None, visitor_id=None, occurred_at="2026-07-01T10:00:00Z")
        for kind in FAMILIES
    ),
]  # fmt: skip


@pytest.fixture(scope="module")
def built(
    embedded_server: EmbeddedServer,
    project: Project,
    migrated_template: Callable[[EmbeddedServer], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Story:
    """Return a warehouse with executions and events of every family."""
    with story_database(embedded_server, migrated_template(embedded_server)) as database:
        first = Story(project, database, tmp_path_factory.mktemp("families"))
        first.land(*STORY)
        first.build()
        return keep_as(first, embedded_server, f"{STORY_DATABASE}_families")


@pytest.fixture
def held(built: Story, embedded_server: EmbeddedServer, tmp_path: Path) -> Iterator[Story]:
    """Yield a copy of it, to go on with."""
    with copy_of(built, embedded_server, tmp_path) as story:
        yield story


def warehouse(story: Story, *arguments: str) -> str:
    with environment_of(story.database):
        result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


def call_days(story: Story) -> list[tuple[Any, ...]]:
    return [
        tuple(row.values())
        for row in story.rows(
            "select metric_date::text, api_calls, errors, rate_limited_calls, retries, "
            "longest_retry_after_ms, total_tasks, failed_tasks, rate_limited_tasks, "
            "repeated_attempts from marts.provider_call_days "
            "where provider = 'anthropic' and metric_date > '2026-10-01' order by metric_date"
        )
    ]


def test_calls_of_providers_are_counted_and_cost_nothing(held: Story) -> None:
    assert call_days(held) == [
        ("2026-10-30", 0, 0, 1, 0, 1_500, 2, 1, 1, 1),
        ("2026-10-31", 2, 0, 0, 1, 20_000, 0, 0, 0, 0),
    ]
    # 600 x 3 + 300 x 0.3 + 100 x 3.75 + 200 x 15 USD a million tokens, twice, and no 999 USD.
    assert held.rows(
        "select metric_date::text, total_tasks, total_spend_usd from marts.organization_days"
    ) == [
        {
            "metric_date": "2026-10-30",
            "total_tasks": 2,
            "total_spend_usd": Decimal("0.01053"),
        }
    ]
    held.assert_reconciles()
    compared = held.rows(
        "select event_kind, sum(landed_events) as events from quality.reconciled_loads "
        "where event_kind like '%%\\_event' and is_equal group by 1 order by 1"
    )
    assert [tuple(row.values()) for row in compared] == [
        ("agent_event", 2), ("billing_event", 2), ("customer_event", 2), ("provider_event", 5),
        ("support_event", 2), ("web_event", 3),
    ]  # fmt: skip

    # A later version takes the place of an earlier one, a copy that of itself, at once.
    held.land(
        call(4, "provider.error", "2026-10-30T23:30:02Z", event_id=uuid_of(8_900_000),
             updated_at="2026-10-30T23:31:00Z"),
        STORY[4], STORY[7],
    )  # fmt: skip
    assert call_days(held) == [
        ("2026-10-30", 0, 0, 1, 0, 1_500, 2, 1, 1, 1),
        ("2026-10-31", 1, 1, 0, 1, 20_000, 0, 0, 0, 0),
    ]
    held.build()
    held.assert_reconciles()


def test_each_family_says_when_it_last_arrived(built: Story) -> None:
    found = built.project.run(
        built.database,
        "source",
        "freshness",
        *("--select", *(f"source:platform.{kind}s" for kind in FAMILIES)),
        now=None,
    )
    said = {result.node.name: str(result.status) for result in found.results}
    assert [said[f"{kind}s"] for kind in FAMILIES] == ["pass"] * 6


def test_a_person_is_handed_out_and_erased_with_the_visits_before_the_signup(
    held: Story, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    warehouse(held, "privacy", "export", "--user", PERSON, "--out", str(out))
    tables = json.loads((out / "held.json").read_text("utf-8"))["tables"]
    assert {kind: len(tables[f"raw.{kind}s"]) for kind in FAMILIES} == {
        # One of a provider names nobody, and an execution of the person.
        "agent_event": 1, "provider_event": 5, "billing_event": 1, "customer_event": 1,
        "support_event": 1, "web_event": 2,
    }  # fmt: skip

    before = call_days(held)
    warehouse(held, "privacy", "erase", "--user", PERSON)
    assert held.row("select count(agent_id) as told from raw.provider_events") == {"told": 0}
    held.land(*(event for event in STORY if event["event"] in FAMILIES))
    for kind in FAMILIES:
        held_rows = held.rows(f"select * from raw.{kind}s order by _load_id, _line_number")  # noqa: S608
        assert len(held_rows) == 2 * sum(event["event"] == kind for event in STORY)
        assert PERSON not in str(held_rows)
        assert VISITOR not in str(held_rows)
        of_person = [row for row in held_rows if row["user_id"] is not None]
        assert len({row["user_id"] for row in of_person}) == 1
        for row in of_person:
            assert (row["session_id"], row["correlation_id"], row.get("agent_id")) == (None,) * 3
    # The visitor is one person still, under another id.
    visitors = held.rows(
        "select distinct visitor_id from raw.web_events where visitor_id is not null union "
        "select visitor_id from raw.customer_events where visitor_id is not null"
    )
    assert len(visitors) == 1
    assert call_days(held) == before


def test_an_organization_is_erased_with_its_visitors(held: Story) -> None:
    warehouse(held, "privacy", "erase", "--organization", ORGANIZATION_ID)
    for kind in FAMILIES:
        held_rows = str(held.rows(f"select * from raw.{kind}s"))  # noqa: S608
        for subject in (ORGANIZATION_ID, PERSON, VISITOR, "session-1", "agent-7"):
            assert subject not in held_rows


def test_what_machines_did_leaves_and_what_customers_did_stays(held: Story) -> None:
    archive = ("--archive", str(held.folder / "archive"))

    def left() -> dict[str, int]:
        return {
            kind: held.row(
                f"select count(*) as count from raw.{kind}s where occurred_at < '2026-08-01'"  # noqa: S608
            )["count"]
            for kind in FAMILIES
        }

    # The 1st of July is older than 90 days of UTC from the 30th of September on.
    told = warehouse(held, "retention", "--now", "2026-09-29T23:59:59Z", *archive)
    assert "Removed: 0 event(s) of agents, providers and the website" in told
    told = warehouse(held, "retention", "--now", "2026-09-30T00:00:00Z", *archive)
    assert "Removed: 3 event(s) of agents, providers and the website" in told
    assert left() == {
        "agent_event": 0, "provider_event": 0, "billing_event": 1, "customer_event": 1,
        "support_event": 1, "web_event": 0,
    }  # fmt: skip
    # What stays is what landed of it: without a bookmark, every load is compared anew.
    with held.database.connect() as connection:
        connection.execute(
            "delete from intermediate.int_bookmarks where model_name = 'reconciled_loads'"
        )
    held.build("reconciled_loads")
    held.assert_reconciles()
    assert held.row(
        "select sum(raw_events) as events from quality.reconciled_loads "
        "where event_kind = 'web_event'"
    ) == {"events": 2}
