"""`warehouse check`: what must hold holds in the sample, and every rule can be broken."""

import json
import re
from importlib import resources
from pathlib import Path
from typing import Any

from support.checks import RULES, check, without_check_constraints
from support.events import decision, execution
from support.stories import NOW, Story

from orchestration.quality.rules import SPOT_CHECK, SUITES, Severity

pytest_plugins = ["support.stories"]


FACT = """
update marts.fct_task_executions set {change} where execution_id = (
    select execution_id from marts.fct_task_executions
    where {of} order by execution_id offset {place} limit 1
) returning execution_id
"""

DISPUTE = """
insert into quality.disputed_versions
select
    'user', gen_random_uuid(), '{reason}', gen_random_uuid(), gen_random_uuid(), gen_random_uuid(),
    current_date, landed_at + interval '301 seconds', landed_at, load_id, 1, source_name
from raw.loads where source_name <> 'bad' returning load_id
"""

# A statement that breaks a rule; what it returns are the ids that the check must name.
BREAKS = {
    "every_line_is_accepted_or_rejected": (
        "update raw.loads set lines_accepted = lines_accepted - 1 returning load_id"
    ),
    "few_lines_are_rejected": (
        "insert into raw.loads (source_name, content_sha256, lines_read, lines_rejected) "
        "values ('bad', repeat('0', 64), 50, 50) returning load_id"
    ),
    "ids_belong_to_one_organization": DISPUTE.format(reason="other_organization"),
    "versions_of_one_moment_agree": DISPUTE.format(reason="ambiguous"),
    "stamps_are_not_ahead": DISPUTE.format(reason="stamped_ahead"),
    "prices_are_not_negative": (
        "update marts.dim_prices set output_usd_per_mtok = -1 "
        "where price_id = (select min(price_id) from marts.dim_prices) returning price_id"
    ),
    "cost_is_not_negative": FACT.format(
        change="cost_usd = -cost_usd, savings_usd = null, net_savings_usd = null",
        of="cost_usd > 0",
        place=1,
    ),
    "savings_are_baseline_less_cost": FACT.format(
        change="savings_usd = savings_usd + 1", of="savings_usd > 0", place=2
    ),
    "failures_save_nothing": FACT.format(change="savings_usd = 0", of="status = 'failed'", place=3),
    "statuses_are_known": FACT.format(
        change="status = 'lost'", of="task_type = 'bug_fix'", place=4
    ),
    "nothing_ends_before_it_starts": FACT.format(
        change="end_time = start_time - interval '1 second'",
        of="status = 'failed' and duration_ms > 7",
        place=5,
    ),
    "completed_executions_took_time": FACT.format(
        change="duration_ms = 0", of="status = 'completed' and duration_ms > 5", place=6
    ),
    "statuses_follow_their_path": (
        "insert into quality.status_transition_violations "
        "select 'v', execution_id, organization_id, event_id, 'completed', updated_at, event_id, "
        "'running', updated_at from marts.fct_task_executions order by execution_id limit 1 "
        "returning execution_id"
    ),
    "costs_are_near_their_baseline": FACT.format(
        change="cost_usd = 10.01 * baseline_cost_usd",
        of="baseline_cost_usd > 0 and duration_ms > 9",
        place=7,
    ),
    "dear_executions_are_reviewed": FACT.format(
        change="cost_usd = 1.01", of="cost_usd > 0 and duration_ms > 99", place=8
    ),
    "predictions_are_not_negative": (
        "update marts.fct_routing_decisions set predicted_cost_usd = -1 where routing_decision_id "
        "= (select routing_decision_id from marts.fct_routing_decisions order by 1 limit 1) "
        "returning routing_decision_id"
    ),
    "confidence_is_a_share": (
        "update marts.fct_routing_decisions set confidence_score = 1.1 where routing_decision_id "
        "= (select routing_decision_id from marts.fct_routing_decisions order by 1 limit 1) "
        "returning routing_decision_id"
    ),
    "parts_are_no_more_than_the_whole": (
        "update intermediate.int_organization_days set unpriced_tasks = total_tasks + 1 "
        "where (organization_id, metric_date) = (select organization_id, metric_date "
        "from intermediate.int_organization_days order by 1, 2 limit 1) "
        "returning organization_id, metric_date"
    ),
    "savings_add_up": (
        "update intermediate.int_organization_days set compared_cost_usd = compared_cost_usd + 1 "
        "where (organization_id, metric_date) = (select organization_id, metric_date "
        "from intermediate.int_organization_days order by 1 desc, 2 desc limit 1) "
        "returning organization_id, metric_date"
    ),
    "volume_is_like_that_of_the_weekday": (
        "update intermediate.int_organization_days set total_tasks = 100000 "
        "where (organization_id, metric_date) = (select organization_id, metric_date "
        "from intermediate.int_organization_days where metric_date = '2026-10-29' limit 1) "
        "returning metric_date"
    ),
    "layers_reconcile": (
        "update quality.reconciled_days set differing_measures = 'total_tasks', is_equal = false "
        "where (comparison, organization_id, metric_date) = (select comparison, organization_id, "
        "metric_date from quality.reconciled_days limit 1) returning comparison, metric_date"
    ),
}

ALL_FAILED = "update intermediate.int_organization_days set failed_tasks = total_tasks"

# Rates: what makes them too high, and that all organizations are named.
RATES = {
    "costs_are_known": "update marts.fct_task_executions set cost_usd = null",
    "executions_have_cost_data": "update marts.fct_task_executions set cost_usd = null",
    "few_tasks_fail": ALL_FAILED,
    "most_tasks_succeed": ALL_FAILED,
    "few_tasks_cost_more_than_their_baseline": (
        "update intermediate.int_organization_days set negative_savings_tasks = compared_tasks"
    ),
    "decisions_are_followed": "update marts.fct_routing_decisions set actual_provider = 'other'",
}


def results_of(story: Story) -> dict[str, dict[str, Any]]:
    """Return the last result of every rule."""
    rows = story.rows(
        "select distinct on (rule) * from quality.check_results order by rule, checked_at desc"
    )
    return {row["rule"]: row for row in rows}


def test_every_rule_has_its_query_and_every_query_its_rule() -> None:
    folder = resources.files("orchestration.quality").joinpath("queries")
    found = {
        (suite.name, Path(file.name).stem)
        for suite in folder.iterdir()
        for file in suite.iterdir()
        if not file.name.startswith("batch")
    }
    assert found == {(name, rule.name) for name, suite in SUITES.items() for rule in suite.rules}
    assert len(RULES) == sum(len(suite.rules) for suite in SUITES.values()) + 1


def test_no_rule_about_what_must_be_true_is_broken_in_the_sample(story_of_sample: Story) -> None:
    outcome = check(story_of_sample, "--full")
    results = results_of(story_of_sample)
    assert results.keys() == RULES.keys()
    critical = {name for name, rule in RULES.items() if rule.severity == Severity.CRITICAL}
    assert not [name for name in critical if not results[name]["is_success"]], outcome.output
    assert outcome.exit_code == 0
    assert all(row["is_full"] for row in results.values())


def test_every_rule_can_be_broken(story_of_sample: Story) -> None:
    without_check_constraints(story_of_sample)
    # The spot check is broken below, the clock cannot be moved, and `test_price_checks.py` has a
    # book that breaks the rules about rates.
    assert RULES.keys() - BREAKS.keys() - RATES.keys() == {
        "landing_is_fresh",
        "price_changes_are_small",
        "fetched_prices_are_fresh",
        SPOT_CHECK.name,
    }
    with story_of_sample.database.connect() as connection:
        expected = {
            name: [str(part) for part in connection.execute(statement.encode()).fetchall()[-1]]
            for name, statement in BREAKS.items()
        }
    outcome = check(story_of_sample, "--full")
    assert outcome.exit_code == 1
    assert "critical rule(s) do not hold" in outcome.output
    found = results_of(story_of_sample)
    for name, ids in expected.items():
        row = found[name]
        assert not row["is_success"], name
        assert row["severity"] == RULES[name].severity
        if row["broken_rows"] <= 20:
            assert any(
                set(ids) <= set(map(str, broken.values())) for broken in row["broken_ids"]
            ), (
                name,
                ids,
                row["broken_ids"],
            )
        # The query that is kept finds the rows again.
        with story_of_sample.database.connect() as connection:
            again = connection.execute(row["query"].encode()).fetchall()
        assert len(again) == row["broken_rows"]


def test_rates_that_are_too_high_name_the_organizations(story_of_sample: Story) -> None:
    without_check_constraints(story_of_sample)
    with story_of_sample.database.connect() as connection:
        for statement in dict.fromkeys(RATES.values()):
            connection.execute(statement.encode())
    check(story_of_sample, "--full", "--suite", "rollups", "--suite", "decisions")
    found = results_of(story_of_sample)
    organizations = {
        row["organization_id"]
        for row in story_of_sample.rows("select organization_id from marts.dim_organizations")
    }
    for name in ("few_tasks_fail", "most_tasks_succeed"):
        named = {broken["organization_id"] for broken in found[name]["broken_ids"]}
        assert named == organizations
    assert not found["decisions_are_followed"]["is_success"]
    assert "executions_have_cost_data" not in found, "only the suites that were named ran"
    check(story_of_sample, "--full", "--suite", "executions")
    found = results_of(story_of_sample)
    for name in ("costs_are_known", "executions_have_cost_data"):
        named = {broken["organization_id"] for broken in found[name]["broken_ids"]}
        assert named == organizations
    assert found[SPOT_CHECK.name]["broken_rows"] > 0, (
        "a cost that is missing is not the computed one"
    )


def test_few_executions_are_no_share(story_of_sample: Story) -> None:
    without_check_constraints(story_of_sample)
    few, enough = (
        row["organization_id"]
        for row in story_of_sample.rows(
            "select organization_id from marts.fct_task_executions where status = 'completed' "
            "and pricing_status <> 'no_usage' group by organization_id having count(*) >= 20 "
            "order by organization_id limit 2"
        )
    )
    with story_of_sample.database.connect() as connection:
        for organization, finished in ((few, 19), (enough, 20)):
            connection.execute(
                "update marts.fct_task_executions set cost_usd = null, status = case "
                "when execution_id in (select execution_id from marts.fct_task_executions "
                "where organization_id = %(organization)s and status = 'completed' "
                "and pricing_status <> 'no_usage' limit %(finished)s) then status "
                "else 'pending' end where organization_id = %(organization)s",
                {"organization": organization, "finished": finished},
            )
    check(story_of_sample, "--full", "--suite", "executions")
    found = results_of(story_of_sample)
    for name in ("costs_are_known", "executions_have_cost_data"):
        named = {broken["organization_id"] for broken in found[name]["broken_ids"]}
        assert enough in named, name
        assert few not in named, name


def test_a_check_looks_at_what_builds_have_changed_since_the_last_one(
    story_of_sample: Story,
) -> None:
    assert check(story_of_sample).exit_code == 0
    without_check_constraints(story_of_sample)
    with story_of_sample.database.connect() as connection:
        connection.execute(BREAKS["cost_is_not_negative"].encode())
    assert check(story_of_sample).exit_code == 0, "no build has touched that day since"
    assert not results_of(story_of_sample)["cost_is_not_negative"]["is_full"]
    assert check(story_of_sample, "--full").exit_code == 1


def test_a_decision_that_no_execution_follows_is_looked_at_when_it_arrives(
    story_of_sample: Story,
) -> None:
    assert check(story_of_sample, "--suite", "decisions").exit_code == 0
    without_check_constraints(story_of_sample)
    event = decision(task_execution_id=None)
    story_of_sample.land(event)
    story_of_sample.build()
    with story_of_sample.database.connect() as connection:
        connection.execute(
            "update marts.fct_routing_decisions set confidence_score = 2 "
            "where routing_decision_id = %s",
            (event["id"],),
        )
    assert check(story_of_sample, "--suite", "decisions").exit_code == 1
    found = results_of(story_of_sample)["confidence_is_a_share"]
    assert not found["is_full"]
    assert found["broken_ids"] == [{"routing_decision_id": event["id"]}]


def test_a_decision_is_looked_at_when_its_execution_arrives_or_leaves_it(
    story_of_sample: Story,
) -> None:
    chosen = decision(1, task_execution_id=None)
    other = decision(2, task_execution_id=None)
    followed = execution(1, routing_decision_id=chosen["id"])
    story_of_sample.land(chosen, other, followed)
    story_of_sample.build()
    check(story_of_sample, "--suite", "decisions")
    assert not looked_at(story_of_sample, chosen)

    second = execution(
        2, routing_decision_id=chosen["id"], provider="openai", start_time="2026-03-01T10:00:05Z"
    )
    story_of_sample.land(second)
    story_of_sample.build()
    check(story_of_sample, "--suite", "decisions")
    assert not looked_at(story_of_sample, chosen), "the first attempt follows the decision"

    story_of_sample.land(
        followed
        | {
            "event_id": "00000000-0000-4000-8000-000000000009",
            "routing_decision_id": other["id"],
            "updated_at": "2026-03-01T10:00:10Z",
        }
    )
    story_of_sample.build()
    check(story_of_sample, "--suite", "decisions")
    assert looked_at(story_of_sample, chosen), "it is left to the second attempt"

    arriving = decision(3)
    story_of_sample.land(arriving)
    story_of_sample.build()
    check(story_of_sample, "--suite", "decisions")
    assert not looked_at(story_of_sample, arriving)
    named = execution(3, provider="openai")
    assert "routing_decision_id" not in named
    story_of_sample.land(named)
    story_of_sample.build()
    check(story_of_sample, "--suite", "decisions")
    assert looked_at(story_of_sample, arriving), "the decision named its execution"


def looked_at(story: Story, event: dict[str, Any]) -> bool:
    """Return whether the last check found that another provider than the chosen one worked."""
    found = results_of(story)["decisions_are_followed"]["broken_ids"]
    return {"routing_decision_id": event["id"]} in found


def test_a_rule_that_cannot_be_checked_is_an_error_and_no_result(story_of_sample: Story) -> None:
    with story_of_sample.database.connect() as connection:
        connection.execute("alter table marts.fct_task_executions rename column cost_usd to cost")
    outcome = check(story_of_sample, "--suite", "executions")
    assert outcome.exit_code == 1
    assert "could not be checked" in outcome.output
    assert 'column "cost_usd" does not exist' in outcome.output
    assert "Traceback" not in outcome.output
    assert story_of_sample.rows("select * from quality.check_results") == []
    assert story_of_sample.rows("select * from quality.checked_builds") == []


def test_what_a_constraint_promises_is_looked_at_only_without_it(story_of_sample: Story) -> None:
    promised = [
        (suite, rule) for suite in SUITES.values() for rule in suite.rules if rule.constraints
    ]
    assert len(promised) >= 6
    with story_of_sample.database.connect() as connection:
        for suite, rule in promised:
            explained = f"explain (analyze, format text) {suite.query_of(rule)}"
            query = explained.format(batch=f"({suite.batch}) as batch").encode()
            assert "never executed" in str(connection.execute(query).fetchall()), rule.name
        for suite, rule in promised:
            connection.execute(
                f"alter table {suite.table} drop constraint {rule.constraints[-1]}".encode()
            )
            explained = f"explain (analyze, format text) {suite.query_of(rule)}"
            query = explained.format(batch=f"({suite.batch}) as batch").encode()
            assert "never executed" not in str(connection.execute(query).fetchall()), rule.name


def test_before_anything_landed_nothing_is_late(story: Story) -> None:
    outcome = check(story, "--suite", "landing")
    assert outcome.exit_code == 0
    assert "Not so" not in outcome.output


def test_before_the_first_build_the_message_says_what_to_do(story: Story) -> None:
    with story.database.connect() as connection:
        connection.execute("drop schema intermediate cascade")
    outcome = check(story)
    assert outcome.exit_code == 1
    assert "make build" in outcome.output


def test_the_state_is_written_as_one_page_that_needs_nothing_else(
    story_of_sample: Story, tmp_path: Path
) -> None:
    folder = tmp_path / "site"
    check(story_of_sample, "--full", "--docs", str(folder))
    assert [path.name for path in folder.iterdir()] == ["index.html"]
    text = (folder / "index.html").read_text(encoding="utf-8")
    assert all(f"<summary>{name}</summary>" in text for name in RULES)
    assert "not checked yet" not in text
    assert "Last build" in text
    assert "none failed" in text
    assert not re.findall(r"<script|<link|<img|src=|@import|url\(|https?:", text)
    assert "models.html" not in text

    # What came from outside is text and nothing else.
    without_check_constraints(story_of_sample)
    with story_of_sample.database.connect() as connection:
        connection.execute("update marts.fct_task_executions set status = '<script>alert(1)'")
        connection.execute("update marts.dim_organizations set organization_name = '<b>x'")
        connection.execute(ALL_FAILED.encode())
    (folder / "models.html").touch()
    assert check(story_of_sample, "--full", "--docs", str(folder)).exit_code == 1
    text = (folder / "index.html").read_text(encoding="utf-8")
    assert re.search(r"\d critical rules broken, \d warning rules? broken", text)
    assert '<td class="number critical">3,000</td>' in text
    assert "&lt;b&gt;x" in text
    assert "<script" not in text
    assert "<b>" not in text
    assert 'href="models.html"' in text
    passfile = story_of_sample.database.settings.passfile
    assert passfile is not None
    assert passfile.read_text(encoding="utf-8").strip().rsplit(":", 1)[-1] not in text


# What is done to three executions of different days, and the measures that must be told to differ.
BLAMED = {
    "staging_to_facts": (
        "update marts.fct_task_executions set output_tokens = output_tokens + 7, "
        "total_tokens = total_tokens + 7 where execution_id = %s",
        "total_tokens, output_tokens",
    ),
    "facts_to_cost_lines": (
        "update marts.fct_task_executions set cost_usd = cost_usd + 1, "
        "savings_usd = savings_usd - 1, net_savings_usd = net_savings_usd - 1 "
        "where execution_id = %s",
        "cost_usd",
    ),
    "deleted": ("delete from marts.fct_task_executions where execution_id = %s", ""),
}


def test_the_executions_that_do_not_reconcile_are_named_with_their_amounts(
    story_of_sample: Story,
) -> None:
    without_check_constraints(story_of_sample)
    chosen = story_of_sample.rows(
        "select distinct on (organization_id, metric_date) execution_id, organization_id, "
        "metric_date, total_tokens, cost_usd from marts.fct_task_executions "
        "where savings_status = 'compared' and output_tokens is not null and cost_usd > 0 "
        "and tokens_used is null order by organization_id, metric_date, execution_id limit 3"
    )
    executions = dict(zip(BLAMED, chosen, strict=True))
    with story_of_sample.database.connect() as connection:
        for name, (statement, _) in BLAMED.items():
            connection.execute(statement.encode(), (executions[name]["execution_id"],))
    assert not story_of_sample.rows("select from quality.unreconciled_executions")
    everything = json.dumps({"now": NOW, "full_check": True})
    story_of_sample.project.run(
        story_of_sample.database,
        *("run", "--select", "reconciled_days", "--vars", everything),
        now=None,
    )

    found = {
        row["execution_id"]: row
        for row in story_of_sample.rows("select * from quality.unreconciled_executions")
    }
    assert found.keys() == {row["execution_id"] for row in chosen}
    for name in ("staging_to_facts", "facts_to_cost_lines"):
        was, row = executions[name], found[executions[name]["execution_id"]]
        assert row["comparison"] == name
        assert row["differing_measures"] == BLAMED[name][1]
        assert row["metric_date"] == was["metric_date"]
    tokens = executions["staging_to_facts"]["total_tokens"]
    row = found[executions["staging_to_facts"]["execution_id"]]
    assert (row["upstream_tokens"], row["downstream_tokens"]) == (tokens, tokens + 7)
    cost = executions["facts_to_cost_lines"]["cost_usd"]
    row = found[executions["facts_to_cost_lines"]["execution_id"]]
    assert (row["upstream_usd"], row["downstream_usd"]) == (cost + 1, cost)
    row = found[executions["deleted"]["execution_id"]]
    assert (row["upstream_tokens"], row["downstream_tokens"]) == (
        executions["deleted"]["total_tokens"],
        None,
    )

    assert check(story_of_sample, "--suite", "reconciliation").exit_code == 1
    named = {
        broken["execution_ids"]
        for broken in results_of(story_of_sample)["layers_reconcile"]["broken_ids"]
    }
    assert {str(row["execution_id"]) for row in chosen} <= named
