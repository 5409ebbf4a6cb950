"""LiteLLM's own database, made by its own migrations, pulled into the warehouse."""

import datetime as dt
import json
import secrets
from collections.abc import Callable, Iterator
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result
from psycopg import sql
from psycopg.rows import dict_row
from support.landing import counts, rows
from support.proxies import Proxy
from support.servers import Database
from support.stories import Seeds, Story, environment_of, price

from orchestration.access.roles import apply_roles, ensure_months_around_now
from orchestration.cli import main
from orchestration.database.embedded import ROLE, EmbeddedServer
from orchestration.errors import WarehouseError
from orchestration.sources.litellm.comparison import compared
from orchestration.sources.litellm.database import VARIABLE
from orchestration.sources.litellm.pull import Pull, pull
from orchestration.sources.source import Owner

pytest_plugins = ["support.stories", "support.proxies"]

BEFORE_ORGANIZATIONS = "20251122"
"""The migrations from this day on add organization_id, agent_id, durations and updated_at."""

BEFORE_COSTS = "20260828"
"""The migrations from this day on measure the served call of a shadow evaluation."""

BEFORE_DIRECTIONS = "20260813"
"""The migrations from this day on say which side of a shadow evaluation was routed."""

ACME = Owner.named("Acme", "Europe/Berlin")
PULL = Pull(ACME, "Europe/Berlin")
CONTENT = ("messages", "response", "proxy_server_request", "requester_ip_address")


@pytest.fixture
def old_proxy(make_proxy: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """Yield a database of a LiteLLM that knew no organizations of calls yet."""
    with make_proxy(BEFORE_ORGANIZATIONS) as made:
        monkeypatch.setenv(VARIABLE, made.url)
        yield made


def land_all(wanted: Pull = PULL) -> int:
    """Pull, and return how many events landed."""
    loads = list(pull(wanted))
    assert not sum(load.lines_rejected for load in loads)
    return sum(load.lines_accepted for load in loads)


def landed(database: Database, table: str = "task_executions") -> dict[str, dict[str, Any]]:
    """Return what landed, by task, without what is absent and what is the same for all."""
    with database.connect() as connection, connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(
            sql.SQL("select * from {} order by _load_id, _line_number").format(
                sql.Identifier("raw", table)
            )
        ).fetchall()
    return {
        row["task_id"]: {
            name: value
            for name, value in row.items()
            if value is not None and not name.startswith("_")
        }
        for row in found
    }


def without(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


def at(clock: str) -> dt.datetime:
    return dt.datetime.fromisoformat(f"2026-05-04T{clock}+00:00")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["import", "litellm", "--organization", "Acme", *arguments])


IDS = ("id", "event_id", "user_id", "routing_decision_id")
OF_EVERY_CALL = {
    "organization_id": ACME.organization_id,
    "task_type": "unknown",
    "provider": "openai",
    "model": "gpt-4o",
    "status": "completed",
    "request_type": "acompletion",
    "start_time": at("10:00:00"),
    "end_time": at("10:00:02"),
    "updated_at": at("10:00:05"),
    "input_tokens": 1000,
    "output_tokens": 200,
    "reported_cost_usd": Decimal("0.0125"),
    "requests": Decimal(1),
    "is_bucket": False,
    "is_gateway_cache_hit": False,
    "source": "litellm",
}


def assert_landed(database: Database, expected: dict[str, dict[str, Any]]) -> None:
    """Compare what landed with what each call adds to, or takes (None) from, a plain one."""
    facts = landed(database)
    assert facts.keys() == expected.keys()
    for task, changes in expected.items():
        wanted = OF_EVERY_CALL | {"task_id": task, "provider_request_id": task} | changes
        assert without(facts[task], *IDS) == {
            name: value for name, value in wanted.items() if value is not None
        }, task


def test_calls_become_the_executions_worked_out_by_hand(
    database_18: Database, proxy: Proxy
) -> None:
    proxy.call("plain", cache_hit="None", team_id="", organization_id="", end_user="", user="")
    proxy.call(
        "cached",
        custom_llm_provider="anthropic",
        model="anthropic/claude-sonnet-4-5-20250929",
        call_type="anthropic_messages",
        spend=1.5e-05,
        prompt_tokens=9000,
        session_id="session-7",
        litellm_call_id="call-7",
        end_user="customer-3",
        team_id="team-1",
        request_tags=["task_type:code_review", "User-Agent: curl/8"],
        completionStartTime="2026-05-04 10:00:00.750",
        metadata={
            "user_api_key_alias": "ci",
            "user_api_key_team_alias": "Platform",
            "user_api_key_project_alias": "warehouse",
            "usage_object": {
                "prompt_tokens": 9000,
                "cache_read_input_tokens": 6000,
                "cache_creation_input_tokens": 2000,
                "prompt_tokens_details": {
                    "cached_tokens": 5999,
                    "audio_tokens": None,
                    "cache_creation_token_details": {"ephemeral_1h_input_tokens": 500},
                },
                "completion_tokens_details": {"reasoning_tokens": 120},
            },
            "cost_breakdown": {"service_tier": "priority", "data_residency": "eu"},
        },
    )
    proxy.call(
        "google",
        custom_llm_provider="gemini",
        model="gemini/gemini-2.5-pro",
        metadata={
            "spend_logs_metadata": {"task_type": "summary"},
            "usage_object": {
                "cache_read_input_tokens": 0,
                "prompt_tokens_details": {"cached_tokens": 40, "image_tokens": 258},
            },
            "cost_breakdown": {"service_tier": "default"},
        },
    )
    proxy.call(
        "older",
        metadata={
            "additional_usage_values": {
                "cache_read_input_tokens": 30,
                "cache_creation_input_tokens": 10,
            }
        },
    )
    proxy.call(
        "azure",
        custom_llm_provider="azure",
        model="azure/our-deployment",
        metadata={"model_map_information": {"model_map_key": "azure/gpt-4o-2024-11-20"}},
    )
    proxy.call("broker", custom_llm_provider="groq", model="openai/gpt-oss-120b")
    at_aws = "bedrock/converse/arn:aws:bedrock:us-east-1:123456789012"
    profile = f"{at_aws}:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0"
    proxy.call("profile", custom_llm_provider="bedrock", model=profile)
    own = "bedrock/arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2"
    proxy.call("own profile", custom_llm_provider="bedrock", model=own)
    proxy.call("hit_cache_hit1777.5", cache_hit="True", spend=0)
    proxy.call(
        "refused",
        custom_llm_provider="",
        model="claude-opus-4-5",
        status="failure",
        spend=0,
        prompt_tokens=0,
        completion_tokens=0,
        metadata={
            "status": "failure",
            "error_information": {
                "error_code": "429",
                "error_class": "RateLimitError",
                "error_message": "(left out)",
                "traceback": "(left out)",
            },
        },
    )
    proxy.call(
        "estimated",
        status="failure",
        spend=0,
        metadata={"error_information": {"error_class": "Timeout"}},
    )
    proxy.call("batch", call_type="aretrieve_batch")
    proxy.call("judge", metadata={"internal_call_origin": "shadow_eval_judge"})
    proxy.call("odd", metadata=None, request_tags={}, model="mystery", custom_llm_provider=None)
    proxy.connection.execute(
        """update "LiteLLM_SpendLogs" set metadata = '"{}"' where request_id = 'odd'"""
    )

    assert land_all() == 14 + 1
    assert_landed(
        database_18,
        {
            "plain": {},
            "cached": {
                "provider": "anthropic",
                "model": "claude-sonnet-4-5-20250929",
                "request_type": "anthropic_messages",
                "task_type": "code_review",
                "session_id": "session-7",
                "correlation_id": "call-7",
                "end_user_id": "customer-3",
                "team": "Platform",
                "api_key_alias": "ci",
                "project": "warehouse",
                "tags": ["task_type:code_review", "User-Agent: curl/8"],
                "time_to_first_token_ms": 750,
                "input_tokens": 9000,
                "cached_input_tokens": 6000,
                "cache_write_tokens": 2000,
                "cache_write_1h_tokens": 500,
                "reasoning_tokens": 120,
                "service_tier": "priority",
                "region": "eu",
                "reported_cost_usd": Decimal("0.000015"),
            },
            "google": {
                "provider": "google",
                "model": "gemini-2.5-pro",
                "task_type": "summary",
                "cached_input_tokens": 40,
                "image_input_tokens": 258,
            },
            "older": {"cached_input_tokens": 30, "cache_write_tokens": 10},
            "azure": {"provider": "azure", "model": "gpt-4o-2024-11-20"},
            "broker": {"provider": "groq", "model": "openai/gpt-oss-120b"},
            "profile": {
                "provider": "bedrock",
                "model": "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            },
            "own profile": {"provider": "bedrock", "model": own.removeprefix("bedrock/")},
            "hit_cache_hit1777.5": {
                "is_gateway_cache_hit": True,
                "reported_cost_usd": Decimal(0),
                "provider_request_id": None,
            },
            "refused": {
                "provider": "anthropic",
                "model": "claude-opus-4-5",
                "status": "failed",
                "error_code": "429",
                "error_message": "RateLimitError",
                "input_tokens": 0,
                "output_tokens": 0,
                "reported_cost_usd": Decimal(0),
            },
            "estimated": {
                "status": "failed",
                "error_code": "Timeout",
                "error_message": "Timeout",
                "input_tokens": None,
                "output_tokens": None,
                "reported_cost_usd": Decimal(0),
            },
            "batch": {"request_type": "aretrieve_batch", "service_tier": "batch"},
            "judge": {"task_type": "shadow_eval_judge"},
            "odd": {"provider": "unknown", "model": "mystery"},
        },
    )
    assert "left out" not in json.dumps(landed(database_18), default=str)


def test_a_routed_call_has_its_decision(database_18: Database, proxy: Proxy) -> None:
    decision = {
        "router_model_name": "smart",
        "router_type": "complexity",
        "router_config_fingerprint": "f00d",
        "routed_model": "small",
        "cause": "llm_classifier",
        "tier": "SIMPLE",
        "score": 0.25,
        "classifier_confidence": 0.9,
        "classifier_cost": 2.1e-05,
        "classifier_crux": "(left out)",
        "signals": ["(left out)"],
        "conversation_continuing": False,
        "savings_baseline_model": "gemini/gemini-2.5-pro",
        "savings_baseline_deployment_id": "b1",
    }
    proxy.call("routed", metadata={"routing_decision": decision})
    proxy.call("plain", metadata={"routing_decision": None})
    # A copy for an evaluation: nobody's request was routed.
    proxy.call(
        "copy", metadata={"routing_decision": decision, "internal_call_origin": "shadow_eval"}
    )

    assert land_all() == 3 + 1 + 1
    executions = landed(database_18)
    assert {task for task, row in executions.items() if "routing_decision_id" in row} == {"routed"}
    found = landed(database_18, "routing_decisions")
    assert found.keys() == {"routed"}
    assert found["routed"]["id"] == executions["routed"]["routing_decision_id"]
    assert found["routed"]["task_execution_id"] == executions["routed"]["id"]
    assert without(found["routed"], "id", "event_id", "task_execution_id") == {
        "organization_id": ACME.organization_id,
        "task_id": "routed",
        "chosen_provider": "openai",
        "chosen_model": "small",
        "decision_timestamp": at("10:00:00"),
        "updated_at": at("10:00:05"),
        "routing_strategy": "complexity",
        "algorithm_version": "f00d",
        "reasoning": "llm_classifier",
        "decision_factors": {
            "router": "smart",
            "tier": "SIMPLE",
            "score": 0.25,
            "classifier_confidence": 0.9,
            "conversation_continuing": False,
        },
        "routing_overhead_cost_usd": Decimal("0.000021"),
        "baseline_provider": "google",
        "baseline_model": "gemini-2.5-pro",
    }


def add_people(proxy: Proxy) -> None:
    stamp = "2026-05-01 08:00:00"
    proxy.add("BudgetTable", budget_id="b", created_by="x", updated_by="x", updated_at=stamp)
    proxy.add(
        "OrganizationTable",
        organization_id="org-1",
        organization_alias="Umbrella",
        budget_id="b",
        models=[],
        created_by="x",
        updated_by="x",
        updated_at=stamp,
    )
    for number, name in ((1, "Platform"), (2, "Growth")):
        proxy.add("TeamTable", team_id=f"t{number}", team_alias=name, updated_at=stamp)
    proxy.add("UserTable", user_id="ann@example.com", teams=["t1"], updated_at=stamp)
    proxy.add("UserTable", user_id="bob", teams=["t1", "t2"], updated_at=stamp)


def people(database: Database) -> list[tuple[Any, ...]]:
    return rows(
        database,
        "select organizations.name, users.team, users.name = 'user ' || left(users.id::text, 8), "
        "users.role, users.updated_at from raw.users inner join raw.organizations "
        "on users.organization_id = organizations.id "
        "order by organizations.name, users.team nulls last, users._load_id",
    )


def test_organizations_and_users_are_introduced_once(database_18: Database, proxy: Proxy) -> None:
    add_people(proxy)
    proxy.call("a", user="ann@example.com", organization_id="org-1")
    proxy.call("b", user="bob", metadata={"user_api_key_org_id": "org-1"})
    proxy.call("c", user="gone", organization_id="deleted-org")
    proxy.call("d", user="", organization_id="")

    assert land_all() == 4 + 3 + 3
    known = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    assert people(database_18) == [
        ("Umbrella", "Platform", True, "developer", known),
        ("Umbrella", None, True, "developer", known),
        ("deleted-org", None, True, "developer", known),
    ]
    assert set(rows(database_18, "select name, timezone from raw.organizations")) == {
        ("Acme", "Europe/Berlin"),
        ("Umbrella", "Europe/Berlin"),
        ("deleted-org", "Europe/Berlin"),
    }
    calls = landed(database_18)
    assert calls["a"]["organization_id"] == calls["b"]["organization_id"]
    assert calls["d"]["organization_id"] == ACME.organization_id
    assert "user_id" not in calls["d"]
    assert "ann@example.com" not in json.dumps(calls, default=str)

    # Who changes the team and comes back is there again, each time with one more version.
    for number, (teams, day) in enumerate(((["t2"], 5), (["t1"], 6)), start=1):
        proxy.connection.execute(
            """update "LiteLLM_UserTable" set teams = %s, updated_at = make_timestamp(2026, 5, %s,
            0, 0, 0) where user_id = 'ann@example.com'""",
            (teams, day),
        )
        for suffix in "xy":
            proxy.call(f"a{number}{suffix}", user="ann@example.com", organization_id="org-1")
        assert land_all() == 2 + 1
    versions = rows(
        database_18,
        "select team, updated_at from raw.users where team is not null order by _load_id",
    )
    assert versions == [
        ("Platform", known),
        ("Growth", dt.datetime(2026, 5, 5, tzinfo=dt.UTC)),
        ("Platform", dt.datetime(2026, 5, 6, tzinfo=dt.UTC)),
    ]


def test_what_has_landed_does_not_land_again_and_what_changed_does(
    database_18: Database, proxy: Proxy
) -> None:
    proxy.call("one")
    proxy.call("two", metadata={"routing_decision": {"router_type": "semantic"}})
    assert land_all() == 2 + 1 + 1
    before = counts(database_18)

    assert land_all() == 0
    assert land_all(Pull(ACME, since=at("00:00:00"))) == 0
    assert "nothing new" in run().output
    assert counts(database_18) == before

    # Stamped before what has landed, and committed after it.
    proxy.call("late", updated_at="2026-05-04 09:01:00")
    proxy.call("later than that", updated_at="2026-05-04 08:59:00")
    proxy.connection.execute(
        """update "LiteLLM_SpendLogs" set spend = 0.02, updated_at = '2026-05-04 10:30:00'
        where request_id = 'one'"""
    )
    assert land_all() == 2
    assert rows(
        database_18,
        "select task_id, reported_cost_usd, updated_at, count(*) over (partition by id) "
        "from raw.task_executions where task_id in ('one', 'late') order by task_id, updated_at",
    ) == [
        ("late", Decimal("0.0125"), at("10:00:02"), 1),
        ("one", Decimal("0.0125"), at("10:00:05"), 2),
        ("one", Decimal("0.02"), at("10:30:00"), 2),
    ]
    assert land_all(Pull(ACME, since=at("08:00:00"))) == 1
    assert land_all(Pull(ACME, overlap=dt.timedelta(0))) == 0


def test_an_older_schema_has_fewer_columns_and_the_same_facts(
    database_18: Database, old_proxy: Proxy
) -> None:
    with pytest.raises(psycopg.errors.UndefinedColumn):
        old_proxy.connection.execute('select organization_id from "LiteLLM_SpendLogs"')
    old_proxy.call("plain", team_id="team-9")
    old_proxy.call("of org", metadata={"user_api_key_org_id": "org-1", "status": "failure"})
    assert land_all() == 2 + 2
    facts = landed(database_18)
    assert without(facts["plain"], *IDS) == OF_EVERY_CALL | {
        "task_id": "plain",
        "provider_request_id": "plain",
        "team": "team-9",
        "updated_at": at("10:00:02"),
    }
    assert facts["of org"]["status"] == "failed"
    assert facts["of org"]["organization_id"] != ACME.organization_id

    assert land_all() == 0
    old_proxy.call("next", startTime="2026-05-04 09:00:00", endTime="2026-05-04 09:30:00")
    old_proxy.connection.execute(
        """update "LiteLLM_SpendLogs" set completion_tokens = 300 where request_id = 'plain'"""
    )
    assert land_all() == 2
    assert rows(
        database_18,
        "select output_tokens from raw.task_executions where task_id = 'plain' order by 1",
    ) == [(200,), (300,)]


def evaluations(database: Database) -> dict[str, dict[str, Any]]:
    """Return the evaluations that landed, by the router that each names, without what is absent."""
    with database.connect() as connection, connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute("select * from raw.shadow_evaluations").fetchall()
    return {
        row["router"]: {
            name: value
            for name, value in row.items()
            if value is not None and not name.startswith("_")
        }
        for row in found
    }


MEASURED = {
    "shadow_cost": 1.5e-05,
    "real_cost": 0.0125,
    "real_classifier_cost": 0.0,
    "shadow_classifier_cost": 2e-06,
}
OF_EVERY_EVALUATION = {
    "organization_id": ACME.organization_id,
    "evaluated_at": at("10:01:00"),
    "updated_at": at("10:01:00"),
    "direction": "forward",
    "outcome": "shadow",
    "router": "smart",
    "judge_model": "claude-opus-4-5",
    "real_model": "gpt-4o",
    "shadow_model": "gpt-4o-mini",
    "tier": "SIMPLE",
    "confidence": Decimal("0.75"),
    "is_real_cache_hit": False,
    "reported_real_cost_usd": Decimal("0.0125"),
    "reported_shadow_cost_usd": Decimal("0.000015"),
    "reported_judge_cost_usd": Decimal("0.00004"),
    "reported_real_classifier_cost_usd": Decimal(0),
    "reported_shadow_classifier_cost_usd": Decimal("0.000002"),
}
OF_AN_EVALUATION = ("id", "event_id", "execution_id")


def test_shadow_evaluations_land_behind_the_calls_that_they_judge(
    database_18: Database, proxy: Proxy
) -> None:
    proxy.job("forward")
    proxy.job("reverse", baseline_model="gpt-4o")
    proxy.call("one")
    proxy.call("routed", organization_id="org-1")
    proxy.evaluate("a1", **MEASURED)
    proxy.evaluate(
        "a2", job_id="reverse", request_id="routed", outcome="real", router_name="other",
        tier=None, shadow_cost=0.02, real_cost=0.001, real_classifier_cost=3e-06,
    )  # fmt: skip
    proxy.evaluate(
        "a3", outcome="error", router_name="failed", error="(left out)", real_model="",
        shadow_model=None, confidence=None, judge_cost=0, real_cost=0.0125, real_cache_hit=True,
    )  # fmt: skip
    # Written before costs were measured: what stands in them is a default.
    proxy.evaluate("a4", router_name="unmeasured")
    proxy.evaluate("a5", router_name="older", shadow_cost=1.5e-05, request_id="one")
    assert land_all() == 2 + 2 + 5

    calls, found = landed(database_18), evaluations(database_18)
    assert {router: calls_of["execution_id"] for router, calls_of in found.items()} == {
        **dict.fromkeys(("smart", "failed", "unmeasured", "older"), calls["one"]["id"]),
        "other": calls["routed"]["id"],
    }
    assert calls["routed"]["organization_id"] != ACME.organization_id
    unmeasured = dict.fromkeys(
        (
            "is_real_cache_hit", "reported_real_cost_usd", "reported_shadow_cost_usd",
            "reported_real_classifier_cost_usd", "reported_shadow_classifier_cost_usd",
        )
    )  # fmt: skip
    expected: dict[str, dict[str, Any]] = {
        "smart": {},
        "other": {
            "organization_id": calls["routed"]["organization_id"],
            "direction": "reverse",
            "outcome": "real",
            "tier": None,
            "reported_real_cost_usd": Decimal("0.001"),
            "reported_shadow_cost_usd": Decimal("0.02"),
            "reported_real_classifier_cost_usd": Decimal("0.000003"),
            "reported_shadow_classifier_cost_usd": Decimal(0),
        },
        "failed": {
            "outcome": "error",
            "real_model": None,
            "shadow_model": None,
            "confidence": None,
            "is_real_cache_hit": True,
            "reported_shadow_cost_usd": Decimal(0),
            "reported_judge_cost_usd": Decimal(0),
            "reported_shadow_classifier_cost_usd": Decimal(0),
        },
        "unmeasured": unmeasured,
        "older": unmeasured | {"reported_shadow_cost_usd": Decimal("0.000015")},
    }
    for router, changes in expected.items():
        wanted = OF_EVERY_EVALUATION | {"router": router} | changes
        assert without(found[router], *OF_AN_EVALUATION) == {
            name: value for name, value in wanted.items() if value is not None
        }, router
    assert len({row["id"] for row in found.values()}) == 5


def test_evaluations_go_on_where_they_were_and_wait_for_their_call(
    database_18: Database, proxy: Proxy
) -> None:
    proxy.job("forward")
    proxy.call("one")
    proxy.evaluate("a1", **MEASURED)
    # The log is written later than the evaluation; of a job that is gone nobody knows the sides.
    proxy.evaluate("a2", request_id="late", **MEASURED)
    proxy.evaluate("a3", job_id="gone", **MEASURED)
    told: list[str] = []
    assert sum(load.lines_accepted for load in pull(PULL, told.append)) == 1 + 1 + 1
    assert told == [
        "1 shadow evaluation(s) left out: LiteLLM's log does not have the call that they judged."
    ]
    before = counts(database_18)
    assert land_all() == 0
    assert land_all(Pull(ACME, since=at("00:00:00"))) == 0
    assert counts(database_18) == before
    position = (
        "select position ->> 'read_until' from ledger.source_positions "
        "where part like 'shadow_evaluations %'"
    )
    assert rows(database_18, position) == [(at("10:01:00").isoformat(),)]

    proxy.call("late", updated_at="2026-05-04 10:02:00")
    proxy.evaluate("a4", created_at="2026-05-04 10:03:00", **MEASURED)
    proxy.evaluate("a5", created_at="2026-05-04 09:00:00", **MEASURED)
    loads = [load.lines_accepted for load in pull(Pull(ACME, batch_rows=1))]
    assert loads == [1, 1, 1]
    assert rows(database_18, position) == [(at("10:03:00").isoformat(),)]
    # Older than the overlap.
    assert land_all(Pull(ACME, since=at("08:00:00"))) == 1
    assert rows(
        database_18,
        "select count(*), count(distinct id), count(distinct event_id) from raw.shadow_evaluations",
    ) == [(4, 4, 4)]


def test_evaluations_that_do_not_land_do_not_move_their_position(
    database: Database, proxy: Proxy
) -> None:
    proxy.job("forward")
    proxy.call("one")
    proxy.evaluate("a1", **MEASURED)
    with database.connect(autocommit=True) as connection:
        connection.execute(
            "alter table ledger.source_positions add constraint refuse "
            "check (part not like 'shadow_evaluations %')"
        )
        with pytest.raises(WarehouseError, match="did not take it"):
            land_all()
        assert counts(database)["task_executions"] == 1
        assert counts(database)["shadow_evaluations"] == 0
        assert len(positions(database)) == 1
        connection.execute("alter table ledger.source_positions drop constraint refuse")
    assert land_all() == 1


@pytest.mark.parametrize("before", [BEFORE_ORGANIZATIONS, BEFORE_DIRECTIONS])
def test_a_litellm_without_shadow_evaluations_goes_on_without(
    before: str,
    database_18: Database,
    make_proxy: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with make_proxy(before) as older:
        monkeypatch.setenv(VARIABLE, older.url)
        older.call("one")
        output = run().output
    assert "2 accepted" in output
    assert output.count("Shadow evaluations are left out") == 1
    assert len(positions(database_18)) == 1


def test_a_litellm_that_measures_less_leaves_it_unknown(
    database_18: Database, make_proxy: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with make_proxy(BEFORE_COSTS) as older:
        monkeypatch.setenv(VARIABLE, older.url)
        older.call("one")
        older.add(
            "ShadowEvalJob", id="forward", group_id="g", api_key_id="k", router_name="smart",
            judge_model="claude-opus-4-5", shadow_percentage=5, max_turns=100,
            ends_at="2026-06-01 00:00:00",
        )  # fmt: skip
        older.evaluate("a1", shadow_cost=1.5e-05)
        assert land_all() == 1 + 1 + 1
    (found,) = evaluations(database_18).values()
    assert without(found, *OF_AN_EVALUATION) == without(
        OF_EVERY_EVALUATION,
        "is_real_cache_hit",
        "reported_real_cost_usd",
        "reported_real_classifier_cost_usd",
        "reported_shadow_classifier_cost_usd",
    )


def positions(database: Database) -> list[Any]:
    return rows(database, "select position from ledger.source_positions")


def test_an_import_that_ends_before_the_commit_lands_nothing_and_moves_nothing(
    database: Database, proxy: Proxy
) -> None:
    proxy.call("one")
    with database.connect(autocommit=True) as connection:
        connection.execute(
            "alter table ledger.source_positions add constraint refuse check (false)"
        )
        with pytest.raises(WarehouseError, match="did not take it"):
            land_all()
        assert not any(counts(database).values())
        assert not positions(database)
        connection.execute("alter table ledger.source_positions drop constraint refuse")
    assert land_all() == 2
    assert positions(database) == [
        ({"read_until": at("10:00:05").isoformat(), "latest": at("10:00:05").isoformat()},)
    ]


def test_an_import_that_ends_between_two_loads_goes_on_where_it_was(
    database_18: Database, proxy: Proxy
) -> None:
    for minute in range(7):
        proxy.call(f"call {minute}", updated_at=f"2026-05-04 10:{minute:02}:00")
    loads = pull(Pull(ACME, batch_rows=2))
    assert next(loads).lines_accepted == 2 + 1
    assert next(loads).lines_accepted == 2
    loads.close()  # type: ignore[attr-defined]
    assert positions(database_18)[0][0]["read_until"] == at("10:03:00").isoformat()

    assert land_all(Pull(ACME, batch_rows=2)) == 3
    assert rows(
        database_18,
        "select count(*), count(distinct event_id), count(distinct id), sum(reported_cost_usd) "
        "from raw.task_executions",
    ) == [(7, 7, 7, Decimal("0.0875"))]


def test_what_landed_is_known_also_where_the_position_is_not(
    database_18: Database, proxy: Proxy
) -> None:
    for minute in range(5):
        proxy.call(f"call {minute}", updated_at=f"2026-05-04 10:{minute:02}:00")
    assert land_all() == 5 + 1
    with database_18.connect(autocommit=True) as connection:
        connection.execute("delete from ledger.source_positions")
    assert land_all(Pull(ACME, batch_rows=2)) == 0
    assert positions(database_18)[0][0]["read_until"] == at("10:04:00").isoformat()


@pytest.mark.usefixtures("database_18")
def test_a_clock_that_is_ahead_hides_nothing(proxy: Proxy) -> None:
    now = dt.datetime.now(dt.UTC).replace(microsecond=0, tzinfo=None)
    proxy.call("ahead", updated_at=now + dt.timedelta(hours=20))
    assert land_all() == 2
    proxy.call("now", startTime=now, endTime=now, updated_at=now)
    assert land_all() == 1
    assert land_all() == 0


@pytest.mark.usefixtures("database_18")
def test_only_one_import_of_a_database_runs(proxy: Proxy) -> None:
    for number in range(2):
        proxy.call(f"call {number}")
    first = pull(Pull(ACME, batch_rows=1))
    next(first)
    with pytest.raises(WarehouseError, match="Another import"):
        land_all()
    assert sum(load.lines_accepted for load in first) == 1


def test_a_login_that_may_not_read_what_people_wrote_is_enough(
    database_18: Database, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = resources.files("orchestration.sources.litellm")
    for file in folder.iterdir():
        if file.name.endswith((".sql", ".py")):
            said = file.read_text(encoding="utf-8")
            assert not [name for name in CONTENT if name in said], file.name
    proxy.job("forward")
    proxy.call("one")
    proxy.evaluate("a1", error="(left out)")
    login = f"reader_{secrets.token_hex(4)}"
    connection = proxy.connection
    readable = [
        name
        for (name,) in connection.execute(
            "select column_name from information_schema.columns "
            "where table_name = 'LiteLLM_SpendLogs'"
        )
        if name not in CONTENT
    ]
    connection.execute(sql.SQL("create role {} login password 'x'").format(sql.Identifier(login)))
    try:
        connection.execute(
            sql.SQL('grant select ({}) on "LiteLLM_SpendLogs" to {}').format(
                sql.SQL(", ").join(map(sql.Identifier, readable)), sql.Identifier(login)
            )
        )
        host = proxy.url.rpartition("@")[2]
        # As LiteLLM itself has it, with what only its own driver reads.
        monkeypatch.setenv(
            VARIABLE, f"postgresql://{login}:x@{host}?schema=public&connection_limit=5"
        )
        assert run().output.count("Shadow evaluations are left out") == 1
        assert len(rows(database_18, "select 1 from raw.task_executions")) == 1
        for columns, table in (
            ("id, job_id, request_id, outcome, router_name, tier, real_model, shadow_model, "
             "confidence, judge_cost, shadow_cost, real_cost, real_classifier_cost, "
             "shadow_classifier_cost, real_cache_hit, created_at", "ShadowEvalAttempt"),
            ("id, direction, router_name, judge_model", "ShadowEvalJob"),
        ):  # fmt: skip
            connection.execute(
                sql.SQL("grant select ({}) on {} to {}").format(
                    sql.SQL(columns), sql.Identifier(f"LiteLLM_{table}"), sql.Identifier(login)
                )
            )
        assert land_all() == 1
    finally:
        connection.execute(sql.SQL("drop owned by {}").format(sql.Identifier(login)))
        connection.execute(sql.SQL("drop role {}").format(sql.Identifier(login)))


def test_a_login_that_only_lands_moves_the_position(
    database_18: Database, proxy: Proxy, tmp_path: Path
) -> None:
    login = f"lander_{secrets.token_hex(4)}"
    proxy.call("one")
    with database_18.connect(autocommit=True) as connection:
        apply_roles(connection)
        connection.execute(
            sql.SQL("create role {} login password 'x' in role loader").format(
                sql.Identifier(login)
            )
        )
        ensure_months_around_now()
        try:
            with environment_of(database_18.as_login(login, "x", tmp_path)):
                assert land_all() == 2
                proxy.call("two")
                # It may not see what has landed: copies land, which count once.
                assert land_all() == 2 + 1
        finally:
            connection.execute(sql.SQL("drop role {}").format(sql.Identifier(login)))
    assert len(positions(database_18)) == 1
    assert rows(database_18, "select count(*), count(distinct event_id) from raw.users") == [(0, 0)]
    assert rows(
        database_18, "select count(*), count(distinct event_id) from raw.task_executions"
    ) == [(3, 2)]


def test_each_organization_costs_what_the_price_book_says(
    story: Story, seeds: Seeds, proxy: Proxy
) -> None:
    """At 7 USD a million input tokens and 21 USD a million output tokens."""
    seeds.add("provider_pricing", price("openai", "our-model"))
    for number in range(2):
        proxy.call(f"call {number}", model="openai/our-model", organization_id="org-1")
    proxy.call("own", model="our-model", prompt_tokens=2000, completion_tokens=0)
    proxy.call("hit", model="our-model", organization_id="org-1", cache_hit="True", spend=0)
    proxy.call(
        "failed",
        model="our-model",
        organization_id="org-1",
        status="failure",
        spend=0,
        prompt_tokens=0,
        completion_tokens=0,
    )
    with environment_of(story.database):
        assert land_all() == 5 + 2
    story.build()
    assert {
        row["organization_name"]: (row["calls"], row["cost_usd"], row["reported_cost_usd"])
        for row in story.rows(
            "select organizations.organization_name, count(*) as calls, "
            "sum(facts.cost_usd) as cost_usd, sum(facts.reported_cost_usd) as reported_cost_usd "
            "from marts.fct_task_executions as facts inner join marts.dim_organizations "
            "as organizations on facts.organization_id = organizations.organization_id group by 1"
        )
    } == {
        "Acme": (1, Decimal("0.014"), Decimal("0.0125")),
        "org-1": (4, Decimal("0.0224"), Decimal("0.025")),
    }


@pytest.mark.usefixtures("database_18")
def test_tables_in_another_schema_are_found(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy.call("one")
    proxy.connection.execute("alter schema public rename to gateway; create schema public")
    url = f"{proxy.url}?connect_timeout=5&application_name=x"
    monkeypatch.setenv(VARIABLE, url)
    assert "LiteLLM_SpendLogs" in run().output
    monkeypatch.setenv(VARIABLE, f"{url}&schema=gateway")
    assert "2 accepted" in run().output


SECRET_URL = "postgresql://proxy:hunter2@db.internal.example"  # noqa: S105


@pytest.mark.usefixtures("database_18")
@pytest.mark.parametrize(
    ("url", "fault"),
    [
        (None, "is not set"),
        ("", "is not set"),
        ("hunter2", "not a URL"),
        ("mysql://proxy:hunter2@localhost/x", "not a URL"),
        ("postgresql:///hunter2", "not a URL"),
        (f"{SECRET_URL}/x?hunter2=1", "not a URL"),
        (f"{SECRET_URL}/x?sslmode=require", "sslmode"),
        ("postgresql://proxy:hunter2@127.0.0.1:1/x", "No connection"),
    ],
)
def test_a_wrong_url_is_told_without_the_url(
    url: str | None, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    if url is not None:
        monkeypatch.setenv(VARIABLE, url)
    result = run()
    assert result.exit_code == 1
    assert fault in result.output
    assert VARIABLE in result.output
    assert "hunter2" not in result.output
    assert "internal.example" not in result.output


def test_a_database_of_something_else_is_told(
    database_18: Database, embedded_server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = database_18.settings
    monkeypatch.setenv(
        VARIABLE,
        f"postgresql://{ROLE}:{embedded_server.password()}@{settings.host}:{settings.port}"
        f"/{settings.dbname}",
    )
    for arguments in ((), ("--compare",)):
        result = run(*arguments)
        assert result.exit_code == 1
        assert "LiteLLM_SpendLogs" in result.output


@pytest.mark.usefixtures("database_18")
def test_what_litellm_adds_up_is_compared_with_its_logs_and_with_what_landed(proxy: Proxy) -> None:
    proxy.call("one", spend=0.1)
    proxy.call("two", spend=0.2)
    proxy.call("next day", startTime="2026-05-05 00:00:00", endTime="2026-05-05 00:00:01")
    land_all()
    proxy.call("not landed", spend=0.25, startTime="2026-05-05 23:59:59.999")
    proxy.connection.execute("""delete from "LiteLLM_SpendLogs" where request_id = 'two'""")
    for number, (day, requests, spend) in enumerate(
        (("2026-05-04", 1, 0.1), ("2026-05-04", 1, 0.2), ("2026-05-06", 3, 0.5))
    ):
        proxy.add(
            "DailyUserSpend",
            id=f"d{number}",
            user_id=None,
            date=day,
            api_key="k",
            api_requests=requests,
            spend=spend,
            updated_at="2026-05-06 00:00:00",
        )

    days = {str(day.day): day for day in compared()}
    fourth, fifth, sixth = days["2026-05-04"], days["2026-05-05"], days["2026-05-06"]
    assert [
        (side.requests, side.spend_usd)
        for side in (fourth.daily, fourth.logged, fourth.landed, fourth.lost_by_litellm)
        if side
    ] == [(2, Decimal("0.3")), (1, Decimal("0.1")), (2, Decimal("0.3")), (-1, Decimal("-0.2"))]
    assert fifth.daily is fifth.lost_by_litellm is None
    assert (fifth.gained_by_landing.requests, fifth.gained_by_landing.spend_usd) == (
        -1,
        Decimal("-0.25"),
    )
    assert sixth.logged is sixth.landed is None
    assert [str(day.day) for day in compared(at("12:00:00") + dt.timedelta(days=1))] == [
        "2026-05-05",
        "2026-05-06",
    ]

    shown = run("--compare")
    assert shown.exit_code == 0
    assert "2 / 0.300000" in shown.output.splitlines()[1]
    written = [json.loads(line) for line in run("--compare", "--json").output.splitlines()]
    assert written[0]["logged_minus_daily"] == {"requests": -1, "spend_usd": -0.2}
    assert written[1]["daily"] is None
    assert run("--json").exit_code == 2


@pytest.mark.usefixtures("database_18")
def test_options_are_checked(proxy: Proxy) -> None:
    proxy.call("one")
    result = run("--time-zone", "Mars/Olympus")
    assert result.exit_code == 1
    assert "Mars/Olympus" in result.output
    assert run("--since", "yesterday").exit_code == 2
    assert "2 accepted" in run("--since", "2026-05-04", "--batch", "1").output


def test_help_needs_no_driver(tmp_path: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys; from click.testing import CliRunner; from orchestration.cli import main; "
        "assert CliRunner().invoke(main, ['import', 'litellm', '--help']).exit_code == 0; "
        "assert 'psycopg' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
