"""Days and organizations are computed again when somebody asks, and nothing else is."""

import json
from typing import Any

from psycopg import sql
from support.events import decision, execution, organization, uuid_of
from support.stories import NOW, SUMS, Story

from orchestration.dbt.arguments import left_standing

pytest_plugins = ["support.stories"]

OTHER = uuid_of(77)


def rebuild(story: Story, **variables: Any) -> None:
    """Compute again with tests; views and seeds stand, as in a run of Dagster."""
    story.project.run(
        story.database,
        *("build", "--exclude-resource-type", "unit_test"),
        *("--exclude", *left_standing(views=True, seeds=True)),
        *("--indirect-selection", "cautious"),
        *("--vars", json.dumps({"now": NOW} | variables)),
        now=None,
    )


def damage(story: Story) -> None:
    """Change what stands behind the build's back: figures of facts and sums; one row goes."""
    with story.database.connect() as connection:
        for name in SUMS:
            connection.execute(
                sql.SQL("update intermediate.{} set total_tasks = total_tasks + 1").format(
                    sql.Identifier(name)
                )
            )
        connection.execute(
            "update marts.fct_task_executions set error_code = 'damaged' where status = 'completed'"
        )
        connection.execute("update marts.fct_routing_decisions set algorithm_version = 'damaged'")
        connection.execute(
            "delete from marts.fct_task_executions where execution_id = %s",
            (execution(3)["id"],),
        )


def damaged(story: Story) -> set[str]:
    rows = story.rows(
        "select execution_id from marts.fct_task_executions where error_code = 'damaged'"
    )
    return {str(row["execution_id"]) for row in rows}


def landed(story: Story) -> dict[int, str]:
    """Land executions on four days, one of another organization; return their ids by number."""
    days = {1: "2026-03-01", 2: "2026-03-02", 3: "2026-03-02", 4: "2026-03-03"}
    events = [
        execution(
            number,
            start_time=f"{day}T10:00:00Z",
            end_time=f"{day}T10:00:08Z",
            updated_at=f"{day}T10:00:09Z",
        )
        for number, day in days.items()
    ]
    elsewhere = execution(
        5,
        organization_id=OTHER,
        user_id=None,
        start_time="2026-03-02T10:00:00Z",
        end_time="2026-03-02T10:00:08Z",
        updated_at="2026-03-02T10:00:09Z",
    )
    story.land(organization(), *events, elsewhere, decision(9, reasoning="cheapest"))
    story.build()
    return {number: execution(number)["id"] for number in (*days, 5)}


def test_days_are_computed_again_and_others_stay(story: Story) -> None:
    ids = landed(story)
    damage(story)
    assert damaged(story) == {ids[1], ids[2], ids[4], ids[5]}
    rebuild(story, rebuild_from="2026-03-02", rebuild_until="2026-03-03")
    assert damaged(story) == {ids[1], ids[4]}
    rebuild(story, rebuild_from="2026-03-03")
    assert damaged(story) == {ids[1]}
    rebuild(story, rebuild_until="2026-03-02")
    story.assert_equals_oracle()


def test_an_organization_is_computed_again_and_others_stay(story: Story) -> None:
    ids = landed(story)
    damage(story)
    rebuild(story, rebuild_organizations=[OTHER])
    assert damaged(story) == {ids[1], ids[2], ids[4]}
    rebuild(story, rebuild_organizations=[OTHER, organization()["id"]])
    story.assert_equals_oracle()


def test_a_rebuild_of_what_is_right_changes_no_figure(story: Story) -> None:
    landed(story)
    before = story.marts()
    logged = "select build_id, sign, execution_id from intermediate.int_execution_changes"
    changes = story.rows(logged)
    rebuild(story, rebuild_from="2026-01-01", rebuild_until="2026-12-31")
    story.assert_equals(before)
    assert story.rows(logged) == changes
