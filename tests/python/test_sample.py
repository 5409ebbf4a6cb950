"""The sample: contract, promised shares, determinism, memory and clean failure."""

import csv
import gzip
import hashlib
import json
import os
import re
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.landing.contracts import Contract
from orchestration.sample import catalogue, story
from orchestration.sample.arrivals import HELD_LINES_LIMIT, Arrivals
from orchestration.sample.commands import sample, write_lines
from orchestration.sample.draws import Identifiers, log_normal_factors, pick_table, seeded
from orchestration.sample.executions import dollars, timestamp
from orchestration.sample.generator import (
    DEFAULT_UNTIL,
    EARLIEST_START,
    LATEST_UNTIL,
    SampleSettings,
    generate,
    generate_parts,
)
from orchestration.sample.usage import Usage

SETTINGS = SampleSettings(executions=20_000, organizations=8, users=120, days=60, seed=1)
SMALL = SampleSettings(executions=1_500, organizations=3, users=12, days=10, seed=7)
REPOSITORY = Path(__file__).parents[2]

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|\+00:00)")
PLAIN_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?")

REQUIRED = {
    "task_execution": {
        "event_id", "id", "organization_id", "task_id", "task_type", "provider", "status",
        "start_time", "updated_at",
    },
    "routing_decision": {
        "event_id", "id", "organization_id", "task_id", "chosen_provider", "decision_timestamp",
        "routing_strategy", "updated_at",
    },
    "organization": {
        "event_id", "id", "name", "tier", "timezone", "baseline_provider", "baseline_model",
        "monthly_budget_usd", "updated_at",
    },
    "user": {"event_id", "id", "organization_id", "name", "team", "role", "updated_at"},
    "adjustment": {
        "event_id", "id", "organization_id", "reason", "amount", "currency", "effective_at",
        "updated_at", "provider",
    },
    "shadow_evaluation": {
        "event_id", "id", "organization_id", "execution_id", "evaluated_at", "updated_at",
        "direction", "outcome", "router", "judge_model", "real_model", "shadow_model", "tier",
        "confidence", "is_real_cache_hit", "reported_real_cost_usd", "reported_shadow_cost_usd",
        "reported_judge_cost_usd", "reported_real_classifier_cost_usd",
        "reported_shadow_classifier_cost_usd",
    },
}  # fmt: skip
OPTIONAL = {
    "task_execution": {
        "user_id", "session_id", "correlation_id", "agent_id", "workflow_id", "code_language",
        "request_type", "model", "service_tier", "end_time", "input_tokens", "cached_input_tokens",
        "cache_write_tokens", "output_tokens", "reasoning_tokens", "tokens_used", "compute_units",
        "request_count", "reported_cost_usd", "quality_score", "error_code", "error_message",
        "routing_decision_id", "metadata", "cache_write_1h_tokens", "other_usage",
        "is_gateway_cache_hit",
    },
    "routing_decision": {
        "task_execution_id", "chosen_model", "alternative_providers", "algorithm_version",
        "reasoning", "decision_factors", "confidence_score", "predicted_cost_usd",
        "predicted_duration_ms", "predicted_quality_score", "routing_overhead_cost_usd",
        "baseline_provider", "baseline_model",
    },
    "organization": set[str](),
    "user": set[str](),
    "adjustment": {"period_start", "period_end"},
    "shadow_evaluation": set[str](),
}  # fmt: skip
METADATA_KEYS = {"client", "client_version", "editor", "environment", "region", "attempt"}

Event = dict[str, Any]


def decode(line: bytes) -> Event:
    def number(text: str) -> Decimal:
        assert PLAIN_NUMBER.fullmatch(text), text
        return Decimal(text)

    event: Event = json.loads(line, parse_float=number, parse_int=number)
    return event


def moment(event: Event, name: str) -> datetime:
    text = event[name]
    assert MOMENT.fullmatch(text), text
    return datetime.fromisoformat(text)


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    return list(generate(SETTINGS))


@pytest.fixture(scope="module")
def events(lines: list[bytes]) -> list[Event]:
    return [decode(line) for line in lines]


@pytest.fixture(scope="module")
def executions(events: list[Event]) -> dict[str, list[Event]]:
    """All distinct versions of each execution, the oldest first."""
    versions: dict[str, dict[str, Event]] = defaultdict(dict)
    for event in events:
        if event["event"] == "task_execution":
            versions[event["id"]][event["event_id"]] = event
    return {
        key: sorted(found.values(), key=lambda event: moment(event, "updated_at"))
        for key, found in versions.items()
    }


@pytest.fixture(scope="module")
def latest(executions: dict[str, list[Event]]) -> list[Event]:
    return [versions[-1] for versions in executions.values()]


def share(part: int, whole: int) -> float:
    return part / whole


# Contract


def test_every_line_meets_the_contract_as_written_here(events: list[Event]) -> None:
    end = datetime.combine(DEFAULT_UNTIL, datetime.min.time(), UTC) + timedelta(hours=7)
    earliest = datetime(2020, 1, 1, tzinfo=UTC)
    for event in events:
        kind = event["event"]
        names = event.keys() - {"event"}
        assert REQUIRED[kind] <= names
        assert names <= REQUIRED[kind] | OPTIONAL[kind]
        for name in names:
            if name == "id" or (name.endswith("_id") and name in UUID_FIELDS):
                assert UUID.fullmatch(event[name])
            if name.endswith("_time") or name in {"updated_at", "decision_timestamp"}:
                assert earliest <= moment(event, name) <= end
        if kind == "task_execution":
            check_execution(event)
        elif kind == "routing_decision":
            check_decision(event)
        elif kind == "organization":
            ZoneInfo(event["timezone"])
            assert event["monthly_budget_usd"] > 0
        elif kind == "user":
            assert event["role"] in {"org_admin", "team_lead", "developer"}
        else:
            assert event["amount"] != 0


UUID_FIELDS = {
    "event_id", "organization_id", "user_id", "routing_decision_id", "task_execution_id",
}  # fmt: skip


def check_execution(event: Event) -> None:
    assert event["status"] in {"pending", "running", "completed", "failed"}
    assert event.get("service_tier", "standard") in {"standard", "batch", "priority"}
    assert event["request_count"] == 1
    assert event["metadata"].keys() <= METADATA_KEYS
    assert all(isinstance(value, str | Decimal) for value in event["metadata"].values())
    assert moment(event, "updated_at") >= moment(event, "start_time")
    is_over = event["status"] in {"completed", "failed"}
    assert ("end_time" in event) == is_over
    if is_over:
        assert moment(event, "start_time") <= moment(event, "end_time")
        assert moment(event, "end_time") <= moment(event, "updated_at")
    assert (event["status"] == "failed") == ("error_code" in event) == ("error_message" in event)
    counts = {name: event.get(name, Decimal(0)) for name in Usage._fields}
    assert all(count == int(count) >= 0 for count in counts.values())
    assert counts["cached_input_tokens"] + counts["cache_write_tokens"] <= counts["input_tokens"]
    assert counts["reasoning_tokens"] <= counts["output_tokens"]
    assert 0 <= event.get("quality_score", 0) <= 1
    assert event.get("reported_cost_usd", 0) >= 0


def check_decision(event: Event) -> None:
    assert 0 <= event["confidence_score"] <= 1
    assert 0 <= event["predicted_quality_score"] <= 1
    assert 2 <= len(event["alternative_providers"]) <= 4
    for alternative in event["alternative_providers"]:
        assert alternative.keys() == {
            "provider", "model", "score", "estimated_cost_usd", "reasoning",
        }  # fmt: skip
        assert 0 <= alternative["score"] <= 1
        assert alternative["estimated_cost_usd"] > 0
    chosen = (event["chosen_provider"], event["chosen_model"])
    roads = [(road["provider"], road["model"]) for road in event["alternative_providers"]]
    assert len({chosen, *roads}) == len(roads) + 1


def test_the_loader_accepts_every_line(lines: list[bytes]) -> None:
    contract = Contract.at(datetime(2026, 11, 2, tzinfo=UTC))
    for line in lines:
        contract.decode(line.removesuffix(b"\n"))


def test_every_line_ends_once(lines: list[bytes]) -> None:
    assert all(line.endswith(b"}\n") and line.count(b"\n") == 1 for line in lines)


def test_every_organization_has_money_beside_usage(events: list[Event]) -> None:
    reasons: dict[str, Counter[str]] = defaultdict(Counter)
    for event in events:
        if event["event"] == "adjustment":
            reasons[event["organization_id"]][event["reason"]] += 1
            assert (event["amount"] > 0) == (event["reason"] == "subscription")
    assert len(reasons) == SETTINGS.organizations
    # The period begins on 2 September and has one first of a month.
    assert all((found["subscription"], found["credit"]) == (1, 1) for found in reasons.values())
    assert sum(found["refund"] for found in reasons.values()) == SETTINGS.organizations // 2


# Counts and shares


def test_the_number_of_executions_is_exact(executions: dict[str, list[Event]]) -> None:
    assert len(executions) == SETTINGS.executions


@settings(max_examples=25, deadline=None)
@given(
    executions=st.integers(1, 400),
    organizations=st.integers(1, 5),
    more_users=st.integers(0, 20),
    days=st.integers(1, 40),
    seed=st.integers(0, 2**70),
)
def test_the_number_is_exact_for_any_settings(
    executions: int, organizations: int, more_users: int, days: int, seed: int
) -> None:
    wanted = SampleSettings(executions, organizations, organizations + more_users, days, seed)
    ids: dict[str, set[str]] = defaultdict(set)
    for line in generate(wanted):
        event = json.loads(line)
        ids[event["event"]].add(event["id"])
    assert len(ids["task_execution"]) == executions
    assert len(ids["organization"]) == organizations
    assert len(ids["user"]) == organizations + more_users


def test_executions_start_within_the_period(latest: list[Event]) -> None:
    days = {moment(event, "start_time").date() for event in latest}
    assert min(days) == DEFAULT_UNTIL - timedelta(days=SETTINGS.days)
    assert max(days) == DEFAULT_UNTIL - timedelta(days=1)
    assert len(days) == SETTINGS.days


def test_statuses_and_versions_have_their_shares(
    executions: dict[str, list[Event]], latest: list[Event]
) -> None:
    statuses = Counter(event["status"] for event in latest)
    assert 0.03 < share(statuses["failed"], len(latest)) < 0.06
    assert 0.0015 < share(statuses["pending"] + statuses["running"], len(latest)) < 0.005
    several = sum(len(versions) > 1 for versions in executions.values())
    assert 0.3 < share(several, len(latest)) < 0.6
    for versions in executions.values():
        times = [moment(event, "updated_at") for event in versions]
        assert len(set(times)) == len(times)
        rank = {"pending": 0, "running": 1, "completed": 2, "failed": 2}
        order = [rank[event["status"]] for event in versions]
        assert order == sorted(order)


def test_some_usage_cannot_be_priced(latest: list[Event]) -> None:
    known = {(model.provider, model.name) for model in catalogue.MODELS}
    reasons = Counter[str]()
    for event in latest:
        if event["status"] not in {"completed", "failed"}:
            continue
        if "model" not in event:
            reasons["no model"] += 1
        elif (event["provider"], event["model"]) not in known:
            reasons["unknown model"] += 1
        elif "tokens_used" in event:
            assert "input_tokens" not in event
            reasons["no split"] += 1
        elif "input_tokens" not in event:
            reasons["no usage"] += 1
    assert len(reasons) == 4
    assert all(count > 30 for count in reasons.values())
    assert 0.01 < share(reasons.total(), len(latest)) < 0.02


def test_corrections_change_tokens_days_and_users(executions: dict[str, list[Event]]) -> None:
    changes = Counter[str]()
    for versions in executions.values():
        final = [event for event in versions if event["status"] in {"completed", "failed"}]
        if len(final) == 1:
            continue
        if versions[-1]["status"] in {"pending", "running"}:
            assert not final
            continue
        assert len(final) == 2
        before, after = final
        changes["all"] += 1
        changes["day"] += before["start_time"][:10] != after["start_time"][:10]
        changes["user"] += before.get("user_id") != after.get("user_id")
        changes["tokens"] += before.get("input_tokens") != after.get("input_tokens")
    assert 0.007 < share(changes["all"], len(executions)) < 0.013
    assert changes["day"] > 3
    assert changes["user"] > 3
    assert changes["tokens"] > 100


def test_repeated_lines_are_identical(lines: list[bytes], events: list[Event]) -> None:
    first: dict[str, bytes] = {}
    repeated = 0
    for line, event in zip(lines, events, strict=True):
        repeated += event["event_id"] in first
        assert first.setdefault(event["event_id"], line) == line
    assert 0.003 < share(repeated, len(lines)) < 0.008


def attempts_of_tasks(latest: list[Event]) -> list[list[Event]]:
    tasks: dict[str, list[Event]] = defaultdict(list)
    for event in latest:
        tasks[event["task_id"]].append(event)
    return [
        sorted(attempts, key=lambda event: int(event["metadata"]["attempt"]))
        for attempts in tasks.values()
    ]


def is_shadowed(attempts: list[Event]) -> bool:
    return len(attempts) == 2 and attempts[0]["status"] != "failed"


def test_some_tasks_are_run_on_the_baseline_as_well(
    events: list[Event], latest: list[Event]
) -> None:
    baselines = {
        (event["id"], event["baseline_provider"], event["baseline_model"])
        for event in events
        if event["event"] == "organization" and "baseline_provider" in event
    }
    tasks = attempts_of_tasks(latest)
    shadowed = [attempts for attempts in tasks if is_shadowed(attempts)]
    assert 0.005 < share(len(shadowed), len(tasks)) < 0.015
    named = [shadow for _, shadow in shadowed if "model" in shadow]
    on_baseline = [
        shadow
        for shadow in named
        if (shadow["organization_id"], shadow["provider"], shadow["model"]) in baselines
    ]
    # The rest carries the name of a model without a price, as a few of all executions do.
    assert share(len(on_baseline), len(named)) > 0.97


def test_failed_attempts_are_followed_by_another(latest: list[Event]) -> None:
    failed_first = retried = other_provider = 0
    for attempts in attempts_of_tasks(latest):
        assert [event["metadata"]["attempt"] for event in attempts] == [
            number + 1 for number in range(len(attempts))
        ]
        if is_shadowed(attempts):
            continue
        assert all(event["status"] == "failed" for event in attempts[:-1])
        failed_first += attempts[0]["status"] == "failed"
        retried += len(attempts) > 1
        other_provider += len({event["provider"] for event in attempts}) > 1
    assert 0.6 < share(retried, failed_first) < 0.9
    assert other_provider > 30


def test_decisions_and_executions_point_at_each_other(
    events: list[Event], executions: dict[str, list[Event]]
) -> None:
    decisions = {event["id"]: event for event in events if event["event"] == "routing_decision"}
    first_attempts = [
        versions[-1] for versions in executions.values() if versions[-1]["metadata"]["attempt"] == 1
    ]
    linked = [event for event in first_attempts if "routing_decision_id" in event]
    assert len(linked) == len(decisions)
    assert 0.67 < share(len(linked), len(first_attempts)) < 0.73
    close = 0
    for versions in executions.values():
        execution = versions[0]
        if "routing_decision_id" not in execution:
            continue
        decision = decisions[execution["routing_decision_id"]]
        assert execution["metadata"]["attempt"] == 1
        assert decision["task_execution_id"] == execution["id"]
        assert decision["task_id"] == execution["task_id"]
        assert decision["organization_id"] == execution["organization_id"]
        assert decision["chosen_provider"] == execution["provider"]
        ahead = moment(execution, "start_time") - moment(decision, "decision_timestamp")
        close += timedelta(0) < ahead < timedelta(seconds=2)
    # An execution whose only version was moved to another day is the exception.
    assert close >= len(linked) - 5


def test_predictions_are_near_what_came(
    events: list[Event], executions: dict[str, list[Event]]
) -> None:
    ratios = []
    for event in events:
        if event["event"] != "routing_decision":
            continue
        execution = executions[event["task_execution_id"]][-1]
        if execution["status"] == "completed":
            lasted = moment(execution, "end_time") - moment(execution, "start_time")
            ratios.append(float(event["predicted_duration_ms"]) / (lasted.total_seconds() * 1000))
    ratios.sort()
    assert 0.95 < ratios[len(ratios) // 2] < 1.05
    assert ratios[len(ratios) // 100] > 0.4
    assert ratios[-len(ratios) // 100] < 2.5


# Order of arrival


def test_late_events_really_come_later(events: list[Event]) -> None:
    newest = datetime(2020, 1, 1, tzinfo=UTC)
    behind: list[timedelta] = []
    for event in events:
        if event["event"] not in {"task_execution", "routing_decision"}:
            continue
        written_at = moment(event, "updated_at")
        newest = max(newest, written_at)
        behind.append(newest - written_at)
    assert 0.015 < share(sum(delay > timedelta(minutes=50) for delay in behind), len(behind)) < 0.04
    days_late = sum(delay > timedelta(hours=23) for delay in behind)
    assert 0.003 < share(days_late, len(behind)) < 0.008
    assert timedelta(days=10) < max(behind) < timedelta(days=21)
    punctual = sum(delay < timedelta(minutes=1) for delay in behind)
    assert punctual > 0.9 * len(behind)


def test_members_come_first_but_for_a_few(events: list[Event]) -> None:
    announced: dict[str, int] = {}
    needed: dict[str, int] = {}
    for position, event in enumerate(events):
        if event["event"] in {"organization", "user"}:
            announced.setdefault(event["id"], position)
        elif event["event"] == "task_execution":
            needed.setdefault(event["organization_id"], position)
            if "user_id" in event:
                needed.setdefault(event["user_id"], position)
    assert needed.keys() <= announced.keys()
    organizations = {event["id"] for event in events if event["event"] == "organization"}
    late = {member for member, position in needed.items() if announced[member] > position}
    assert len(late & organizations) == 1
    assert 1 <= len(late - organizations) <= 12
    first_execution = min(needed.values())
    early = [position for position in announced.values() if position < first_execution]
    assert len(early) + len(late) == len(announced)


def test_some_organizations_and_users_change_part_way(events: list[Event]) -> None:
    versions: dict[tuple[str, str], list[Event]] = defaultdict(list)
    for event in events:
        if event["event"] in {"organization", "user"}:
            versions[event["event"], event["id"]].append(event)
    changed = [kind for (kind, _), found in versions.items() if len(found) > 1]
    assert Counter(changed)["organization"] >= 2
    assert Counter(changed)["user"] >= 1
    for found in versions.values():
        times = [moment(event, "updated_at") for event in found]
        assert times == sorted(set(times))
    many = generate(SampleSettings(200, 24, 60, 30, 5))
    attributes: dict[str, dict[str, set[Any]]] = defaultdict(lambda: defaultdict(set))
    for line in many:
        event = json.loads(line)
        if event["event"] == "organization":
            for name in ("tier", "timezone", "baseline_model"):
                attributes[event["id"]][name].add(event[name])
    for name in ("tier", "timezone", "baseline_model"):
        assert any(len(values[name]) > 1 for values in attributes.values()), name


# Believable


def test_work_follows_the_clock_of_the_organization(
    events: list[Event], latest: list[Event]
) -> None:
    zones: dict[str, str] = {}
    for event in events:
        if event["event"] == "organization":
            zones.setdefault(event["id"], event["timezone"])
    assert len(set(zones.values())) >= 5
    by_hour = Counter[int]()
    by_weekday = Counter[int]()
    for event in latest:
        local = moment(event, "start_time").astimezone(ZoneInfo(zones[event["organization_id"]]))
        by_hour[local.hour] += 1
        by_weekday[local.weekday()] += 1
    assert by_hour[10] > 8 * by_hour[3]
    assert by_hour[12] < 0.8 * by_hour[10]
    assert by_weekday[6] < 0.3 * by_weekday[2]


def test_sizes_are_heavy_tailed(latest: list[Event]) -> None:
    organizations = [
        count for _, count in Counter(e["organization_id"] for e in latest).most_common()
    ]
    assert organizations[0] > 3 * organizations[-1]
    users = [
        count for _, count in Counter(e["user_id"] for e in latest if "user_id" in e).most_common()
    ]
    assert users[0] > 5 * users[len(users) // 2]
    inputs = sorted(int(event["input_tokens"]) for event in latest if event.get("input_tokens"))
    assert 4_000 < inputs[len(inputs) // 2] < 12_000
    assert inputs[-1] > 15 * inputs[len(inputs) // 2]


def test_all_providers_tiers_and_task_types_occur(latest: list[Event]) -> None:
    assert {event["provider"] for event in latest} == {p.name for p in catalogue.PROVIDERS}
    assert {event["task_type"] for event in latest} == {t.name for t in catalogue.TASK_TYPES}
    assert {event.get("service_tier") for event in latest} == {
        None, "standard", "batch", "priority",
    }  # fmt: skip
    for name in (
        "reported_cost_usd", "cached_input_tokens", "cache_write_tokens", "cache_write_1h_tokens",
        "other_usage", "is_gateway_cache_hit",
    ):  # fmt: skip
        assert any(event.get(name) for event in latest), name
    claimed = sum("reported_cost_usd" in event for event in latest)
    assert share(claimed, len(latest)) < 0.2


def test_models_are_used_from_their_first_price_on() -> None:
    first_days = {(model.provider, model.name): model.available_from for model in catalogue.MODELS}
    for line in generate(SampleSettings(3_000, 4, 20, 100, 2, date(2026, 8, 20))):
        event = json.loads(line)
        if event["event"] == "task_execution" and "model" in event:
            first_day = first_days.get((event["provider"], event["model"]), EARLIEST_START)
            # A correction may move an execution one day back.
            started = date.fromisoformat(event["start_time"][:10])
            assert started >= first_day - timedelta(days=1)


PRICE_BOOK = REPOSITORY / "seeds" / "pricing" / "provider_pricing.csv"


@pytest.mark.skipif(not PRICE_BOOK.exists(), reason="the price book is not there")
def test_the_price_book_knows_every_model() -> None:
    with PRICE_BOOK.open(newline="") as file:
        priced = {(row["provider"], row["model"]) for row in csv.DictReader(file)}
    assert {(model.provider, model.name) for model in catalogue.MODELS} <= priced


# Determinism


def digest(wanted: SampleSettings) -> str:
    return hashlib.sha256(b"".join(generate(wanted))).hexdigest()


def test_the_same_settings_give_the_same_bytes() -> None:
    assert digest(SMALL) == digest(SMALL)


@pytest.mark.parametrize("hash_seed", ["0", "4711"])
def test_neither_hash_seed_nor_time_zone_nor_locale_matter(hash_seed: str) -> None:
    program = (
        "import hashlib\n"
        "from orchestration.sample.generator import SampleSettings, generate\n"
        "from datetime import UTC, datetime\n"
        "for now in (None, datetime(2026, 11, 20, 15, 30, tzinfo=UTC)):\n"
        "    lines = generate(SampleSettings(1500, 3, 12, 10, 7, now=now))\n"
        "    print(hashlib.sha256(b''.join(lines)).hexdigest())\n"
    )
    environment = os.environ | {
        "PYTHONHASHSEED": hash_seed,
        "TZ": "Asia/Kolkata",
        "LC_ALL": "C",
        "PYTHONPATH": str(REPOSITORY),
    }
    output = subprocess.run(
        [sys.executable, "-c", program], env=environment, check=True, capture_output=True, text=True
    ).stdout
    assert output.split() == [digest(SMALL), digest(replace(SMALL, now=MOMENTS[0]))]


def all_ids(wanted: SampleSettings) -> set[str]:
    names = ("id", "event_id", "organization_id", "user_id", "task_id")
    return {
        event[name] for line in generate(wanted) for event in [json.loads(line)] for name in names
        if name in event
    }  # fmt: skip


def test_different_seeds_share_no_identifier() -> None:
    other = SampleSettings(1_500, 3, 12, 10, 8)
    assert not all_ids(SMALL) & all_ids(other)


def test_a_later_period_belongs_to_the_same_members() -> None:
    later = SampleSettings(1_500, 3, 12, 10, 7, DEFAULT_UNTIL + timedelta(days=10))
    ids: list[dict[str, set[str]]] = []
    for wanted in (SMALL, later):
        found: dict[str, set[str]] = defaultdict(set)
        for line in generate(wanted):
            event = json.loads(line)
            found[event["event"]].add(event["id"])
        ids.append(found)
    assert ids[0]["organization"] == ids[1]["organization"]
    assert ids[0]["user"] == ids[1]["user"]
    assert not ids[0]["task_execution"] & ids[1]["task_execution"]


def test_a_sample_that_ends_with_a_day_is_what_it_always_was() -> None:
    # Benchmarks are compared with those of earlier versions.
    assert digest(SMALL) == "49570ba60b7b0ef35dfdfcd8fba2e00cd91c056d3fdea2d0bdad9f5f2584b50a"


# A sample that ends at a moment

MOMENTS = [
    # In the afternoon of a Friday, on a Monday just after midnight, on the first of a month, and
    # on a Sunday that is a Monday in half of the zones.
    datetime(2026, 11, 20, 15, 30, tzinfo=UTC),
    datetime(2026, 11, 23, 0, 1, tzinfo=UTC),
    datetime(2026, 12, 1, 6, 0, 0, 123456, tzinfo=UTC),
    datetime(2027, 2, 28, 23, 59, 59, tzinfo=ZoneInfo("America/New_York")),
]


def ending(now: datetime, executions: int = 6_000) -> SampleSettings:
    return SampleSettings(executions, organizations=5, users=40, days=40, seed=3, now=now)


@dataclass
class Told:
    """A sample that ends at a moment.

    Attributes:
        now: The moment.
        events: All of them, in the order of their arrival.
        last_day: Those that arrive in the last 24 hours.
    """

    now: datetime
    events: list[Event]
    last_day: list[Event]

    def of(self, task: str) -> dict[str, list[Event]]:
        """Return the versions of the executions of one of the story's tasks."""
        versions: dict[str, list[Event]] = defaultdict(list)
        for event in self.events:
            if event.get("task_id", "").startswith(task):
                versions[event["id"]].append(event)
        return versions

    @property
    def agent(self) -> str:
        """Return the organization whose budget burns."""
        (found,) = {
            versions[0]["organization_id"] for versions in self.of(story.AGENT_TASK).values()
        }
        return str(found)


@pytest.fixture(scope="module", params=MOMENTS, ids=lambda now: f"{now:%Y-%m-%d}")
def told(request: pytest.FixtureRequest) -> Told:
    history, rest = (
        list(map(decode, part)) for part in map(list, generate_parts(ending(request.param)))
    )
    return Told(request.param, history + rest, rest)


def test_the_same_moment_gives_the_same_bytes_in_any_zone() -> None:
    now = MOMENTS[0]
    expected = digest(ending(now))
    assert digest(ending(now)) == expected
    assert digest(ending(now.astimezone(ZoneInfo("Asia/Kolkata")))) == expected
    assert digest(ending(now + timedelta(microseconds=1))) != expected


def test_nothing_is_later_than_the_moment(told: Told) -> None:
    for event in told.events:
        for name, text in event.items():
            # A subscription is paid in advance.
            if isinstance(text, str) and MOMENT.fullmatch(text) and name != "period_end":
                assert datetime.fromisoformat(text) <= told.now, event
    starts = [moment(event, "start_time") for event in told.events if "start_time" in event]
    assert told.now - max(starts) < timedelta(minutes=5)
    assert {event["status"] for event in told.events if event.get("status")} == {
        "pending", "running", "completed", "failed",
    }  # fmt: skip


def test_a_sample_that_ends_at_a_moment_meets_the_contract(told: Told) -> None:
    for event in told.events:
        names = event.keys() - {"event"}
        assert REQUIRED[event["event"]] <= names
        assert names <= REQUIRED[event["event"]] | OPTIONAL[event["event"]]
        if event["event"] == "task_execution":
            check_execution(event)
    contract = Contract.at(told.now)
    for line in generate(ending(told.now)):
        contract.decode(line.removesuffix(b"\n"))


def test_the_number_is_exact_with_the_story_in_it(told: Told) -> None:
    ids = {event["id"] for event in told.events if event["event"] == "task_execution"}
    assert len(ids) == 6_000


def test_the_last_day_is_what_arrives_in_it(told: Told) -> None:
    since = told.now - timedelta(days=1)
    before = told.events[: -len(told.last_day)]
    assert max(moment(event, "updated_at") for event in before) < since
    late = [event for event in told.last_day if moment(event, "updated_at") < since]
    assert 0 < len(late) < len(told.last_day)
    assert b"".join(chain(*generate_parts(ending(told.now)))) == b"".join(
        generate(ending(told.now))
    )


def test_a_budget_does_not_last_the_month(told: Told) -> None:
    (budget,) = {
        event["monthly_budget_usd"] for event in told.events
        if event["event"] == "organization" and event["id"] == told.agent
    }  # fmt: skip
    nights = Counter[str]()
    rates = story.AGENT_MODEL
    for versions in told.of(story.AGENT_TASK).values():
        first = versions[0]
        if first["status"] == "completed":
            billed = first["input_tokens"] - first["cached_input_tokens"] * 9 / 10
            nights[first["start_time"][:10]] += int(
                billed * rates.input_rate + first["output_tokens"] * rates.output_rate
            )
    assert len(nights) == 40
    # The first version of one that arrives in the last day may be a later one.
    per_night = sorted(nights.values())[20] / 10**9
    assert 1.3 < 30 * per_night / float(budget) < 1.4


def test_a_provider_has_a_bad_working_day_within_the_last_three(told: Told) -> None:
    days: dict[str, dict[str, list[Event]]] = defaultdict(lambda: defaultdict(list))
    ended = {event["id"]: event for event in told.events if "end_time" in event}
    for event in ended.values():
        if event["task_id"].startswith("task-"):
            days[event["provider"]][event["start_time"][:10]].append(event)

    def failed(events: list[Event]) -> float:
        return share(sum(event["status"] == "failed" for event in events), len(events))

    def middle(events: list[Event]) -> timedelta:
        lasted = sorted(
            moment(event, "end_time") - moment(event, "start_time")
            for event in events
            if event["status"] == "completed" and event.get("service_tier") != "batch"
        )
        return lasted[len(lasted) // 2]

    usual = {
        provider: [event for found in by_day.values() for event in found]
        for provider, by_day in days.items()
    }
    ((provider, day),) = (
        (provider, day)
        for provider, by_day in days.items()
        for day, found in by_day.items()
        if len(found) > 15 and middle(found) > 2.5 * middle(usual[provider])
    )
    assert provider == story.BAD_PROVIDER
    assert failed(days[provider][day]) > 2 * failed(usual[provider])
    bad_day = date.fromisoformat(day)
    assert bad_day.weekday() < 5
    assert timedelta(1) <= told.now.astimezone(UTC).date() - bad_day <= timedelta(3)
    (credit,) = (
        event for event in told.last_day
        if event["event"] == "adjustment" and event["amount"] == story.BAD_DAY_CREDIT_USD
    )  # fmt: skip
    assert (credit["provider"], credit["effective_at"][:10]) == (provider, day)


def test_the_last_day_restates_disputes_and_completes_what_was_before(told: Told) -> None:
    last_day = {event["event_id"] for event in told.last_day}
    runs = [
        versions for versions in told.of(story.AGENT_TASK).values()
        if versions[-1]["event_id"] in last_day
        and moment(versions[0], "start_time") < told.now - timedelta(days=1)
    ]  # fmt: skip
    seen = Counter[str]()
    for versions in runs:
        first, last = versions[0], versions[-1]
        if len(versions) == 1:
            seen["late"] += 1
        elif len(versions) == 3:
            _, one, other = versions
            assert one["updated_at"] == other["updated_at"]
            assert one["input_tokens"] != other["input_tokens"]
            seen["ambiguous"] += 1
        elif last["organization_id"] != first["organization_id"]:
            seen["another organization's"] += 1
        elif last["status"] == "failed":
            seen["no longer completed"] += 1
        else:
            assert last["input_tokens"] < first["input_tokens"]
            seen["restated"] += 1
    assert seen == {
        "late": 1, "ambiguous": 1, "another organization's": 1, "no longer completed": 1,
        "restated": 3,
    }  # fmt: skip
    announced = [
        event for event in told.last_day
        if event["event"] == "organization" and "baseline_model" in event
    ]  # fmt: skip
    assert any(moment(event, "updated_at") <= told.now - timedelta(days=3) for event in announced)


def test_a_pilot_is_old_enough_to_be_sealed(told: Told) -> None:
    runs = told.of(story.PILOT_TASK)
    assert len(runs) == story.PILOT_EXECUTIONS
    first_open_day = (told.now.astimezone(UTC) - timedelta(days=90)).replace(day=1).date()
    assert all(
        moment(versions[0], "end_time").date() < first_open_day for versions in runs.values()
    )
    last_day = {event["event_id"] for event in told.last_day}
    arrived = [versions for versions in runs.values() if versions[-1]["event_id"] in last_day]
    # One that nobody knew, and one that was counted otherwise.
    assert sorted(len(versions) for versions in arrived) == [1, 2]


def test_a_little_of_it_has_no_price(told: Told) -> None:
    named = [event for event in told.events if event.get("model") in catalogue.UNKNOWN_MODELS]
    assert 0 < share(len(named), len(told.events)) < 0.01


# Memory


def peak_kilobytes(executions: int) -> int:
    program = (
        "import resource, sys\n"
        "from orchestration.sample.generator import SampleSettings, generate\n"
        "for line in generate(SampleSettings(int(sys.argv[1]), 8, 120, 60, 1)):\n"
        "    pass\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    output = subprocess.run(
        [sys.executable, "-c", program, str(executions)],
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    return int(output)


def test_memory_does_not_grow_with_the_number_of_executions() -> None:
    # Ten times the executions are 400 MB of lines; what is late and in flight is a few.
    assert peak_kilobytes(200_000) - peak_kilobytes(20_000) < 12_000


def test_what_is_held_back_has_a_limit() -> None:
    arrivals = Arrivals(seeded("limit"), 0, 1_000_000)
    for _ in range(HELD_LINES_LIMIT):
        arrivals.deliver(10_000_000, b"")
    delays = {arrivals.post(0, b"") for _ in range(2_000)}
    assert max(delays) < 5_000_000


# The command


def run(*arguments: str) -> Any:
    return CliRunner().invoke(
        sample,
        ["--executions", "300", "--organizations", "2", "--users", "6", "--days", "3", *arguments],
    )


def expected_bytes() -> bytes:
    return b"".join(generate(SampleSettings(300, 2, 6, 3, 1)))


def test_command_writes_the_file_and_only_the_file(tmp_path: Path) -> None:
    path = tmp_path / "sample.ndjson"
    path.write_text("older")
    result = run("--out", str(path))
    assert result.exit_code == 0, result.output
    assert "300 executions" in result.stderr
    assert path.read_bytes() == expected_bytes()
    assert list(tmp_path.iterdir()) == [path]


def test_command_compresses_by_name_and_repeatably(tmp_path: Path) -> None:
    first, second = tmp_path / "a.ndjson.gz", tmp_path / "b.ndjson.gz"
    for path in (first, second):
        assert run("--out", str(path)).exit_code == 0
    assert gzip.decompress(first.read_bytes()) == expected_bytes()
    assert first.read_bytes() == second.read_bytes()


def test_command_writes_to_standard_output() -> None:
    result = run("--out", "-")
    assert result.exit_code == 0
    assert result.stdout_bytes == expected_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--users", "1"], "--users must be at least --organizations"),
        (["--executions", "0"], "--executions"),
        (["--days", "-1"], "--days"),
        (["--seed", "x"], "--seed"),
        (["--until", "yesterday"], "--until"),
        (["--until", "2020-01-03"], str(EARLIEST_START)),
        (["--days", "99999999"], str(EARLIEST_START)),
        (["--until", "2100-01-02"], str(LATEST_UNTIL)),
        (["--now", "yesterday"], "'yesterday' is neither 'now' nor a time"),
        (["--now", "2026-11-20T15:30:00"], "must have a zone"),
        (
            ["--now", "0001-01-01T00:00:00+14:00", "--organizations", "3", "--days", "10"],
            str(EARLIEST_START),
        ),
        (["--now", "now", "--until", "2026-11-01"], "exclude each other"),
        (["--now", "now"], "organizations must be at least 3"),
        (["--now", "now", "--organizations", "3"], "days must be at least 10"),
        (
            ["--now", "now", "--organizations", "3", "--days", "16"],
            "executions must be at least 320",
        ),
        (["--last-day", "sample.ndjson"], "--last-day needs --now"),
    ],
)
def test_command_refuses_bad_arguments(arguments: list[str], message: str, tmp_path: Path) -> None:
    result = run(*arguments, "--out", str(tmp_path / "sample.ndjson"))
    assert result.exit_code == 2
    assert message in result.stderr
    assert not list(tmp_path.iterdir())


def test_command_ends_at_a_moment_and_writes_the_last_day_apart(tmp_path: Path) -> None:
    history, last_day = tmp_path / "history.ndjson", tmp_path / "last_day.ndjson.gz"
    arguments = ("--organizations", "3", "--days", "10", "--now", "2026-11-20T16:30:00+01:00")
    result = run(*arguments, "--out", str(history), "--last-day", str(last_day))
    assert result.exit_code == 0, result.output
    assert f"written to {history} and {last_day}." in result.stderr
    wanted = SampleSettings(300, 3, 6, 10, 1, now=datetime(2026, 11, 20, 15, 30, tzinfo=UTC))
    parts = [b"".join(part) for part in generate_parts(wanted)]
    assert [history.read_bytes(), gzip.decompress(last_day.read_bytes())] == parts
    assert all(parts)


def test_command_takes_the_clock_for_now() -> None:
    before = datetime.now(UTC)
    result = run("--organizations", "3", "--days", "10", "--now", "now", "--out", "-")
    assert result.exit_code == 0, result.output
    newest = max(
        moment(json.loads(line), "updated_at") for line in result.stdout_bytes.splitlines()
    )
    assert before <= newest <= datetime.now(UTC)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device that is always full")
def test_command_reports_a_full_disk() -> None:
    result = run("--out", "/dev/full")
    assert result.exit_code == 1
    assert "Error: /dev/full cannot be written: No space left on device" in result.stderr


def test_command_reports_an_unwritable_path(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing" / "sample.ndjson"):
        result = run("--out", str(path))
        assert result.exit_code == 1
        assert f"Error: {path} cannot be written" in result.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["sample.ndjson", "sample.ndjson.gz"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_broken_run_leaves_the_old_file_and_nothing_else(
    name: str, error: BaseException, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_text("older")

    def breaking() -> Any:
        for _ in range(5_000):
            yield b'{"event":"user"}\n'
        raise error

    with pytest.raises((Exception, KeyboardInterrupt)) as caught:
        write_lines(breaking(), str(path))
    if isinstance(error, OSError):
        assert "No space left on device" in str(caught.value)
    assert path.read_text() == "older"
    assert list(tmp_path.iterdir()) == [path]


# Parts


@given(st.integers(0, 10**15))
def test_dollars_are_exact(nano_usd: int) -> None:
    assert Decimal(dollars(nano_usd)) * 10**9 == nano_usd


@given(st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)))  # noqa: DTZ001 - made UTC below
def test_timestamps_are_exact(naive: datetime) -> None:
    expected = naive.replace(tzinfo=UTC)
    microseconds = (expected - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert datetime.fromisoformat(timestamp(microseconds) + "Z") == expected


@given(st.lists(st.integers(0, 10**6), min_size=5, max_size=5), st.integers(0, 2048))
def test_restated_parts_stay_within_their_whole(counts: list[int], multiplier: int) -> None:
    whole, cached, written, output, reasoning = counts
    usage = Usage(whole + cached + written, cached, written, output + reasoning, reasoning)
    again = usage.restated(multiplier)
    assert again.cached_input_tokens + again.cache_write_tokens <= again.input_tokens
    assert again.reasoning_tokens <= again.output_tokens


def test_identifiers_are_distinct_and_shaped_like_uuids() -> None:
    identifiers = Identifiers(seeded("ids"))
    taken = [identifiers.take() for _ in range(50_000)]
    assert len(set(taken)) == len(taken)
    assert all(UUID.fullmatch(identifier) for identifier in taken)


def test_pick_tables_follow_the_weights() -> None:
    counts = Counter(pick_table(["a", "b", "c"], [1, 0, 3]))
    assert counts == {"a": 256, "c": 768}


def test_log_normal_factors_have_their_median_and_spread() -> None:
    factors = sorted(log_normal_factors("1.0"))
    assert 0.95 < factors[len(factors) // 2] / 1024 < 1.05
    assert 2.4 < factors[len(factors) * 84134 // 100_000] / 1024 < 3.0
