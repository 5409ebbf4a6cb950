"""Arrival, not event time: whatever comes when, the marts end as after one full refresh."""

import random
from datetime import UTC, date, datetime, timedelta

import pytest
from support.events import (
    ORGANIZATION_ID,
    USER_ID,
    decision,
    execution,
    line_of,
    organization,
    user,
    uuid_of,
)
from support.histories import OTHER_ORGANIZATION, OTHER_USER, tangled_events
from support.stories import ROWS, Story, sample_lines, shuffled_in_parts

from orchestration.sample.generator import SampleSettings

pytest_plugins = ["support.stories"]


@pytest.mark.parametrize("seed", [1, 2])
def test_any_split_of_the_events_ends_as_one_full_refresh(story: Story, seed: int) -> None:
    lines = sample_lines(SampleSettings(700, 4, 20, 12, seed))
    # Everything twice in one part: replays count once.
    parts = shuffled_in_parts(lines, 4, seed)
    parts[2] += parts[0]
    story.land_lines(parts[0])
    story.build()
    story.land_lines(parts[1])
    # The facts alone: what is below them has two builds to make up for afterwards.
    story.build("fct_task_executions")
    story.land_lines(parts[2])
    story.build("fct_task_executions", "fct_routing_decisions")
    story.build()
    story.land_lines(parts[3])
    story.build()
    story.assert_equals_oracle()
    story.assert_equals_full_refresh()


def test_any_split_holds_on_the_oldest_supported_postgresql(story_15: Story) -> None:
    parts = shuffled_in_parts(sample_lines(SampleSettings(300, 3, 12, 6, 3)), 2, 3)
    story_15.land_lines(parts[0])
    story_15.build()
    story_15.land_lines(parts[1])
    story_15.build("fct_task_executions")
    story_15.build()
    story_15.assert_equals_oracle()
    story_15.assert_equals_full_refresh()


@pytest.mark.parametrize("seed", [1, 2])
def test_any_split_of_a_tangled_history_ends_as_one_full_refresh(story: Story, seed: int) -> None:
    lines = [line_of(event) + b"\n" for event in tangled_events(seed)]
    for part in shuffled_in_parts(lines, 5, seed):
        story.land_lines(part)
        story.build(ROWS)
        story.assert_equals_oracle()
    story.assert_equals_full_refresh()


def test_models_built_one_at_a_time_in_any_order_catch_up_in_one_build(story: Story) -> None:
    order = random.Random(4)  # noqa: S311 - a shuffle that can be repeated
    models = list(story.marts())
    order.shuffle(models)
    # Those that read another mart come before it, right after facts that it has not processed.
    for early, late in (
        ("fct_measured_savings", "fct_routing_decisions"),
        ("reconciled_provider_days", "int_provider_hours"),
    ):
        places = sorted((models.index(early), models.index(late)))
        models[places[0]], models[places[1]] = early, late
    facts = "fct_task_executions"
    turns = [turn for number, model in enumerate(models) for turn in [facts, model][number % 2 :]]
    lines = sample_lines(SampleSettings(600, 4, 16, 12, 4))
    lines += [line_of(event) + b"\n" for event in tangled_events(4)]
    first, *parts = shuffled_in_parts(lines, 1 + len(turns), 4)
    story.land_lines(first)
    story.build(ROWS)
    for model, part in zip(turns, parts, strict=True):
        story.land_lines(part)
        story.build(model)
    story.build()
    story.assert_equals_oracle()
    story.assert_equals_full_refresh()


def test_a_correction_moves_an_execution_to_another_day_and_user(story: Story) -> None:
    story.land(
        organization(),
        user(),
        user(2, id=OTHER_USER),
        execution(1),
        execution(2),
        execution(3, start_time="2026-03-05T10:00:00Z", end_time=None),
    )
    story.build(ROWS)
    assert {day: row["total_tasks"] for day, row in story.days(ORGANIZATION_ID).items()} == {
        "2026-03-01": 2,
        "2026-03-05": 1,
    }
    story.land(
        execution(
            1,
            event_id=uuid_of(101),
            user_id=OTHER_USER,
            updated_at="2026-03-02T00:00:00Z",
        ),
        execution(
            3,
            event_id=uuid_of(103),
            # 23:30 UTC is the next day in Berlin.
            start_time="2026-03-03T23:30:00Z",
            end_time="2026-03-03T23:30:05Z",
            updated_at="2026-03-06T00:00:00Z",
        ),
    )
    story.build(ROWS)
    # The day that became empty is gone, not 0.
    assert {day: row["total_tasks"] for day, row in story.days(ORGANIZATION_ID).items()} == {
        "2026-03-01": 2,
        "2026-03-04": 1,
    }
    assert story.days(ORGANIZATION_ID)["2026-03-01"]["active_developers"] == 2
    story.assert_equals_oracle()
    story.assert_equals_full_refresh()


def test_what_another_organization_sends_under_an_id_counts_nowhere_and_is_listed(
    story: Story,
) -> None:
    decided = decision(1)["id"]
    story.land(organization(), user(), execution(1, routing_decision_id=decided), decision(1))
    story.build(ROWS)
    before = story.days(ORGANIZATION_ID)
    fact = story.fact(uuid_of(1_000_001))
    theirs = {"organization_id": OTHER_ORGANIZATION, "updated_at": "2026-03-09T00:00:00Z"}
    story.land(
        execution(1, event_id=uuid_of(101), output_tokens=50, **theirs),
        decision(1, event_id=uuid_of(102), routing_overhead_cost_usd=9, **theirs),
        # Of its own what refers to what is not: no overhead, no baseline, no comparison.
        execution(2, routing_decision_id=decided, **theirs),
        decision(3, task_execution_id=uuid_of(1_000_001), **theirs),
        user(2, name="Mallory", **theirs),
    )
    story.build(ROWS)
    assert story.days(ORGANIZATION_ID) == before
    assert story.fact(uuid_of(1_000_001)) == fact
    assert story.fact(uuid_of(1_000_002))["routing_overhead_cost_usd"] is None
    assert story.days(OTHER_ORGANIZATION)["2026-03-01"]["total_tasks"] == 1
    assert story.mart("dim_users")[ORGANIZATION_ID, USER_ID]["user_name"] == user()["name"]
    disputed = "select event_kind, entity_id, reason, owner_organization_id, line_number "
    disputed += "from quality.disputed_versions order by line_number"
    assert [tuple(row.values()) for row in story.rows(disputed)] == [
        ("task_execution", uuid_of(1_000_001), "other_organization", ORGANIZATION_ID, 1),
        ("routing_decision", decided, "other_organization", ORGANIZATION_ID, 2),
    ]
    counted = "select event_kind, count_difference, cause from quality.reconciliation "
    counted += "where comparison = 'events_to_owners' order by event_kind"
    assert [tuple(row.values()) for row in story.rows(counted)] == [
        ("routing_decision", 1, "id of another organization"),
        ("task_execution", 1, "id of another organization"),
    ]
    story.assert_equals_oracle()
    story.assert_equals_full_refresh()


def test_copies_count_once_and_an_older_version_that_arrives_last_changes_nothing(
    story: Story,
) -> None:
    newest = execution(1, event_id=uuid_of(9), updated_at="2026-03-03T00:00:00Z", output_tokens=700)
    story.land(organization(), user(), newest)
    story.build(ROWS)
    before = story.marts()
    story.land(newest, newest, organization())
    story.land(newest, execution(1, output_tokens=200))
    story.build(ROWS)
    story.assert_equals(before)
    assert story.fact(uuid_of(1_000_001))["output_tokens"] == 700


def test_versions_of_one_moment_and_from_the_future_are_told_apart_by_what_they_say(
    story: Story,
) -> None:
    ahead = (datetime.now(UTC) + timedelta(hours=20)).isoformat()
    unfinished = ("end_time", "output_tokens", "reasoning_tokens")
    for number in (1, 2):
        # Snapshots of a stream: only the output grows.
        snapshots = [
            execution(
                number,
                event_id=uuid_of(10 * number + place),
                output_tokens=tokens,
                reasoning_tokens=None,
            )
            for place, tokens in enumerate((3, 415, 3))
        ]
        begun = execution(
            number + 2, event_id=uuid_of(100 + number), updated_at=ahead, status="running"
        )
        begun = {name: value for name, value in begun.items() if name not in unfinished}
        ended = execution(number + 2, event_id=uuid_of(110 + number))
        other = execution(number + 4, event_id=uuid_of(120 + number), user_id=OTHER_USER)
        same = execution(number + 4, event_id=uuid_of(130 + number))
        parts = [[*snapshots[:2], begun, other], [snapshots[2], ended, same, organization(number)]]
        for part in parts if number == 1 else reversed(parts):
            story.land(*part)
            story.build("fct_task_executions")
    story.build(ROWS)
    facts = story.mart("fct_task_executions")
    tokens = {number: facts[uuid_of(1_000_000 + number)]["output_tokens"] for number in (1, 2)}
    assert tokens == {1: 415, 2: 415}
    assert {facts[uuid_of(1_000_000 + number)]["status"] for number in (3, 4)} == {"completed"}
    reasons = "select reason, count(*) as versions from quality.disputed_versions group by 1"
    assert {row["reason"]: row["versions"] for row in story.rows(reasons)} == {
        "ambiguous": 4,
        "stamped_ahead": 2,
    }
    story.assert_equals_full_refresh()


def test_an_execution_is_followed_from_pending_to_completed(story: Story) -> None:
    story.land(organization(), user(), decision(1))
    unfinished = dict.fromkeys(
        (
            "end_time", "input_tokens", "cached_input_tokens", "cache_write_tokens",
            "output_tokens", "reasoning_tokens", "quality_score",
        )
    )  # fmt: skip
    for number, status in enumerate(("pending", "running", "completed")):
        version = {
            "event_id": uuid_of(10 + number),
            "status": status,
            "updated_at": f"2026-03-01T10:00:0{number}Z",
        }
        story.land(execution(1, **version, **({} if status == "completed" else unfinished)))
        story.build(ROWS)
        fact = story.fact(uuid_of(1_000_001))
        day = story.days(ORGANIZATION_ID)["2026-03-01"]
        assert fact["status"] == status
        assert (fact["savings_usd"] is None) == (status != "completed")
        assert (day["successful_tasks"], day["total_tasks"]) == (number // 2, 1)
        story.assert_equals_oracle()
    story.assert_equals_full_refresh()


def test_executions_ninety_days_late_join_their_own_day(story: Story) -> None:
    story.land(
        organization(), user(), execution(1, start_time="2026-06-01T10:00:00Z", end_time=None)
    )
    story.build(ROWS)
    untouched = story.days(ORGANIZATION_ID)["2026-06-01"]
    story.land(execution(2), execution(3, start_time="2026-02-28T23:30:00Z"))
    story.build(ROWS)
    days = story.days(ORGANIZATION_ID)
    # 23:30 UTC is 00:30 of the next day in Berlin.
    assert {day: row["total_tasks"] for day, row in days.items()} == {
        "2026-03-01": 2,
        "2026-06-01": 1,
    }
    assert days["2026-06-01"] == untouched
    story.assert_equals_oracle()


def test_an_execution_without_user_model_or_tokens_counts_once_and_costs_nothing_known(
    story: Story,
) -> None:
    # The story's warehouse was first built on nothing at all.
    assert not any(story.mart("fct_task_executions"))
    assert set(story.mart("dim_providers")) >= {"anthropic", "openai", "google"}
    bare = dict.fromkeys(
        (
            "user_id", "session_id", "model", "service_tier", "end_time", "input_tokens",
            "cached_input_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens",
            "request_count", "reported_cost_usd", "quality_score", "metadata",
        )
    )  # fmt: skip
    story.land(*(execution(number, **bare) for number in (1, 2)), organization())
    story.land(execution(3, **{**bare, "model": "claude-sonnet-4-5"}), execution(4))
    story.build(ROWS)
    assert [story.fact(uuid_of(1_000_000 + number))["pricing_status"] for number in (1, 3, 4)] == [
        "no_model",
        "no_usage",
        "priced",
    ]
    (day,) = story.days(ORGANIZATION_ID).values()
    assert (day["total_tasks"], day["unpriced_tasks"]) == (4, 3)
    # The user of the fourth has not been announced.
    assert (day["active_developers"], day["total_developers"]) == (1, 1)
    assert day["metric_date"] == date(2026, 3, 1)
    assert story.mart("dim_users")[ORGANIZATION_ID, USER_ID]["is_inferred"]
    story.assert_equals_oracle()
    story.assert_equals_full_refresh()
