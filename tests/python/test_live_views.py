"""Right to the last landed event: the live views before any build, beside the oracle."""

import threading
from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from support.events import (
    ORGANIZATION_ID,
    decision,
    execution,
    line_of,
    organization,
    user,
    uuid_of,
)
from support.histories import OTHER_ORGANIZATION, OTHER_USER, expected_rows, tangled_events
from support.oracle import Row
from support.processes import PATIENCE_SECONDS, WAITING_FOR_A_LOCK, locked, wait_until
from support.stories import NOW, ROWS, Seeds, Story, differences_between, shuffled_in_parts

pytest_plugins = ["support.stories"]

# The story's warehouse counts 31 October, 23:30 UTC, as now: half past midnight in Berlin.
TODAY = {"start_time": "2026-10-31T23:10:00Z", "end_time": "2026-10-31T23:10:05Z"}
YESTERDAY = {"start_time": "2026-10-31T21:10:00Z", "end_time": "2026-10-31T21:10:05Z"}
UNFINISHED = dict.fromkeys(
    (
        "end_time", "input_tokens", "cached_input_tokens", "cache_write_tokens", "output_tokens",
        "reasoning_tokens", "quality_score",
    )
)  # fmt: skip
VIEWS = "config.materialized:view"
KEYS = {
    "live_organization_days": ("organization_id", "metric_date"),
    "live_organization_today": ("organization_id",),
    "live_organization_month": ("organization_id",),
}


def live(story: Story, name: str) -> dict[Any, Row]:
    rows = story.rows(f"select * from marts.{name}")  # noqa: S608
    keys = KEYS[name]
    return {
        row[keys[0]] if len(keys) == 1 else tuple(row[key] for key in keys): row for row in rows
    }


def today(story: Story) -> dict[str, Row]:
    return live(story, "live_organization_today")


def assert_live(story: Story, now: str = NOW) -> None:
    """Fail unless the live views show what the oracle computes from everything that landed."""
    found = [
        f"{name}: {difference}"
        for name, rows in expected_rows(story.oracle(now)).items()
        for difference in differences_between(rows, live(story, name))
    ]
    assert not found, "\n".join(found[:20])


def pending(rows: Mapping[str, Row]) -> dict[str, int]:
    return {organization_id: row["pending_executions"] for organization_id, row in rows.items()}


def assert_live_before_and_after_a_build(story: Story) -> None:
    assert_live(story)
    story.build(ROWS)
    assert_live(story)
    assert set(pending(live(story, "live_organization_month")).values()) <= {0}


def test_what_has_landed_counts_before_anything_was_built(story: Story) -> None:
    assert today(story) == {}
    story.land(
        organization(),
        user(),
        execution(1, **TODAY),
        execution(2, **YESTERDAY),
        # Nobody has said what this organization's zone is: it is still October there.
        execution(3, organization_id=OTHER_ORGANIZATION, user_id=None, **TODAY),
    )
    rows = today(story)
    assert pending(rows) == {ORGANIZATION_ID: 1, OTHER_ORGANIZATION: 1}
    assert {row["metric_date"] for row in rows.values()} == {date(2026, 11, 1), date(2026, 10, 31)}
    row = story.row("select landed_at from raw.loads")
    assert rows[ORGANIZATION_ID]["last_landed_at"] == row["landed_at"]
    assert rows[ORGANIZATION_ID]["last_built_at"] is None
    assert_live_before_and_after_a_build(story)
    assert today(story)[ORGANIZATION_ID]["last_built_at"] > row["landed_at"]


def test_new_executions_count_at_once(story: Story) -> None:
    story.land(organization(), user(), execution(1, **TODAY), execution(2, **TODAY))
    story.build(ROWS)
    story.land(
        execution(3, **TODAY),
        execution(4, status="failed", **TODAY),
        execution(5, model="a model that nobody has priced", **TODAY),
        execution(6, status="running", **{**TODAY, **UNFINISHED}),
        execution(7, status="pending", **{**YESTERDAY, **UNFINISHED}),
        execution(8, start_time="2026-06-01T10:00:00Z", end_time="2026-06-01T10:00:05Z"),
    )
    row = today(story)[ORGANIZATION_ID]
    counts = ("total_tasks", "successful_tasks", "failed_tasks", "running_tasks", "active_errors")
    assert [row[name] for name in counts] == [6, 4, 1, 1, 1]
    assert (row["unpriced_tasks"], row["pending_executions"]) == (2, 4)
    assert_live_before_and_after_a_build(story)


def test_corrections_move_executions_to_another_day_and_no_other_organization(
    story: Story,
) -> None:
    in_india = organization(2, id=OTHER_ORGANIZATION, timezone="Asia/Kolkata")
    story.land(
        organization(),
        in_india,
        user(),
        user(2, id=OTHER_USER, organization_id=OTHER_ORGANIZATION),
        *(execution(number, **TODAY) for number in (1, 2, 3, 4)),
        execution(5, organization_id=OTHER_ORGANIZATION, user_id=OTHER_USER, **TODAY),
    )
    story.build(ROWS)
    later = {"updated_at": "2026-11-01T00:00:00Z"}
    moved = {"organization_id": OTHER_ORGANIZATION, "user_id": OTHER_USER}
    story.land(
        execution(1, event_id=uuid_of(101), **later, **moved, **TODAY),
        execution(2, event_id=uuid_of(102), **later, **YESTERDAY),
        execution(3, event_id=uuid_of(103), **later, output_tokens=900, **TODAY),
    )
    assert {name: row["total_tasks"] for name, row in today(story).items()} == {
        ORGANIZATION_ID: 3,
        OTHER_ORGANIZATION: 1,
    }
    assert_live(story)
    # The last ones leave: a day without executions has no row.
    story.land(
        *(
            execution(
                number,
                event_id=uuid_of(200 + number),
                updated_at="2026-11-01T00:10:00Z",
                **YESTERDAY,
            )
            for number in (1, 3, 4)
        )
    )
    assert list(today(story)) == [OTHER_ORGANIZATION]
    assert_live_before_and_after_a_build(story)


def test_a_running_execution_fails_and_others_time_out_by_the_clock_alone(story: Story) -> None:
    unfinished = {**UNFINISHED, "status": "running"}
    story.land(
        organization(timezone="UTC"),
        user(),
        execution(1, **{**TODAY, **unfinished}),
        execution(2, **{**TODAY, **unfinished}),
        execution(3, **{**TODAY, **unfinished, "start_time": "2026-10-31T22:45:00Z"}),
    )
    story.build(ROWS)
    story.land(execution(2, event_id=uuid_of(102), status="failed", **TODAY,
                         updated_at="2026-10-31T23:29:00Z"))  # fmt: skip
    row = today(story)[ORGANIZATION_ID]
    assert [row[name] for name in ("running_tasks", "failed_tasks", "timed_out_tasks")] == [2, 1, 0]
    assert_live(story)
    now = "2026-10-31T23:50:00Z"
    story.build(VIEWS, now=now)
    row = today(story)[ORGANIZATION_ID]
    assert [row[name] for name in ("running_tasks", "failed_tasks", "timed_out_tasks")] == [1, 1, 1]
    assert (row["active_errors"], row["pending_executions"]) == (2, 1)
    assert_live(story, now=now)
    story.build(now=now)
    assert_live(story, now=now)


def test_copies_and_older_versions_change_nothing(story: Story) -> None:
    newest = execution(1, **TODAY, updated_at="2026-11-01T00:00:00Z")
    story.land(organization(), user(), newest)
    story.build(ROWS)
    before = today(story)[ORGANIZATION_ID]
    story.land(newest, newest, organization())
    story.land(newest, execution(1, event_id=uuid_of(101), output_tokens=900, **TODAY))
    after = today(story)[ORGANIZATION_ID]
    assert after["pending_executions"] == 1
    same = before.keys() - {"pending_executions", "last_landed_at"}
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    assert_live_before_and_after_a_build(story)


def test_an_organization_that_arrives_late_or_changes_restates_what_was_built(
    story: Story,
) -> None:
    story.land(
        execution(1, **TODAY),
        execution(2, **YESTERDAY),
        execution(3, start_time="2026-10-01T10:00:00Z", end_time="2026-10-01T10:00:04Z"),
    )
    story.build(ROWS)
    row = today(story)[ORGANIZATION_ID]
    assert (row["metric_date"], row["total_tasks"]) == (date(2026, 10, 31), 2)
    assert row["compared_tasks"] == 0
    story.land(organization(), user())
    row = today(story)[ORGANIZATION_ID]
    assert (row["metric_date"], row["total_tasks"]) == (date(2026, 11, 1), 1)
    assert row["compared_tasks"] == 1
    assert_live_before_and_after_a_build(story)
    # Another baseline since the afternoon, and another zone and a name that change nothing here.
    story.land(
        organization(2, baseline_model="gpt-4o-mini", updated_at="2026-10-31T15:00:00Z"),
        organization(3, timezone="Europe/Paris", name="Bcme", updated_at="2026-10-20T15:00:00Z"),
    )
    assert today(story)[ORGANIZATION_ID]["pending_executions"] == 1
    assert_live_before_and_after_a_build(story)


def test_an_organization_event_that_restates_nothing_leaves_a_build_idle(
    story: Story, seeds: Seeds
) -> None:
    # Every organization is compared with one fixed baseline, so its own is of no day's figures.
    (policy,) = seeds.read("baseline_policies")
    fixed = {"policy": "fixed", "baseline_provider": "openai", "baseline_model": "gpt-4o-mini"}
    seeds.add("baseline_policies", {**policy, **fixed, "recorded_at": "2026-11-25T00:00:00Z"})
    story.land(organization(), user(), execution(1, **TODAY))
    story.build()
    story.land(organization(2, name="Bcme", updated_at="2026-02-01T00:00:00Z"))
    facts = story.identities()["marts.fct_task_executions"]
    assert_live_before_and_after_a_build(story)
    assert story.identities()["marts.fct_task_executions"] == facts
    story.land(organization(3, baseline_model="gpt-4.1", updated_at="2026-03-01T00:00:00Z"))
    assert pending(today(story)) == {ORGANIZATION_ID: 0}
    assert_live_before_and_after_a_build(story)


def test_decisions_change_nothing_that_the_views_show(story: Story) -> None:
    story.land(organization(), user(), execution(1, **TODAY))
    story.build(ROWS)
    story.land(decision(1), decision(2, task_execution_id=uuid_of(1_000_009)))
    assert_live_before_and_after_a_build(story)


@pytest.mark.parametrize("seed", [3, 4])
def test_any_wave_of_a_tangled_history_counts_at_once(story: Story, seed: int) -> None:
    now = "2026-03-31T22:30:00Z"
    story.build(now=now)
    lines = [line_of(event) + b"\n" for event in tangled_events(seed)]
    for number, part in enumerate(shuffled_in_parts(lines, 6, seed)):
        story.land_lines(part)
        assert_live(story, now=now)
        if number % 2:
            story.build("fct_task_executions", now=now)
            # The facts are ahead of everything below them.
            assert_live(story, now=now)
        if number % 3:
            story.build(ROWS, now=now)
            assert_live(story, now=now)


def test_the_clock_of_one_tangled_history_moves_on(story: Story) -> None:
    now = "2026-03-27T12:30:00Z"
    story.build(now=now)
    story.land_lines([line_of(event) + b"\n" for event in tangled_events(5)])
    story.build(ROWS, now=now)
    for day in range(6):
        now = f"2026-03-{27 + day // 2}T{12 + day}:30:00Z"
        story.build(VIEWS, now=now)
        assert_live(story, now=now)


def test_the_views_hold_on_the_oldest_supported_postgresql(story_15: Story) -> None:
    story_15.land(organization(), user(), execution(1, **TODAY), execution(2, **YESTERDAY))
    story_15.build(ROWS)
    story_15.land(execution(3, **TODAY), execution(2, event_id=uuid_of(102), **TODAY,
                            updated_at="2026-11-01T00:00:00Z"))  # fmt: skip
    assert_live_before_and_after_a_build(story_15)


def test_reading_is_right_and_not_blocked_between_the_facts_and_the_rollup(story: Story) -> None:
    story.land(organization(), user(), execution(1, **TODAY), execution(2, **YESTERDAY))
    story.build()
    # A new organization as well, which the dimension does not show yet.
    elsewhere = {"organization_id": OTHER_ORGANIZATION, "user_id": None}
    story.land(
        execution(3, **TODAY),
        execution(2, event_id=uuid_of(102), updated_at="2026-11-01T00:00:00Z", **TODAY),
        execution(4, **elsewhere, **TODAY),
    )
    failures: list[BaseException] = []
    seen: list[dict[str, Row]] = []

    def read_in_the_middle(is_held: threading.Event) -> None:
        try:
            with (
                story.database.connect(autocommit=True) as watcher,
                locked(story, "intermediate.int_organization_days", "share"),
            ):
                is_held.set()
                wait_until(watcher, WAITING_FOR_A_LOCK, "int_organization_days")
                # The facts are built by now.
                seen.append(today(story))
                assert_live(story)
                story.land(execution(5, **TODAY))
                assert_live(story)
        except BaseException as error:  # noqa: BLE001 - raised below, in the test's own thread
            failures.append(error)

    is_held = threading.Event()
    reader = threading.Thread(target=read_in_the_middle, args=(is_held,))
    reader.start()
    is_held.wait(PATIENCE_SECONDS)
    story.build(ROWS)
    reader.join(PATIENCE_SECONDS)
    assert not failures, failures
    assert {name: row["total_tasks"] for name, row in seen[0].items()} == {
        ORGANIZATION_ID: 3,
        OTHER_ORGANIZATION: 1,
    }
    assert set(pending(seen[0]).values()) == {0}
    assert_live_before_and_after_a_build(story)
