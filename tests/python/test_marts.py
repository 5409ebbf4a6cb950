"""What people query: every mart adds up without a filter, is always there and says what it is.

A numeric column of a mart is additive unless its name or the mart's grain says otherwise
(NOT_ADDITIVE). For each additive one the truth is worked out from what the oracle computes of the
landed events; a new mart or column of which nothing is known here fails.
"""

import contextlib
import json
import re
import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from click.testing import CliRunner
from support.oracle import Oracle, Row, latest_versions, moment
from support.oracle_rollups import count, first_day, measures, total
from support.stories import AUDITS, NOW, SUMS, Story, environment_of

from orchestration.cli import main

pytest_plugins = ["support.stories"]

PRICED = {"priced", "gateway_cache_hit"}
NUMERIC = ("bigint", "integer", "smallint", "numeric", "double precision", "real")

NOT_ADDITIVE = {
    # Ratios, means, ranks, rates and limits; people and providers, of whom the same ones come back.
    ".*": (
        r"(avg|mean|median|p\d+|bias)_.*|.*_(percentage|rate|rate_low|rate_high|factor)|"
        r"(.*_)?usd_per_\w+|(total|active)_developers|providers_used|share_percentage"
    ),
    # Each row has a unit or currency of its own.
    "fct_adjustments": "amount",
    "fct_alerts": "observed|threshold",
    "fct_cost_lines": "quantity",
    # Of one execution or decision: shares of one, parts in units of their own, or no numbers.
    "fct_task_executions": "other_usage|tags|metadata|(baseline_)?(price_factors|other_costs)",
    "fct_routing_decisions": "confidence_score",
    # What a call cost stands in a row for each router that was evaluated on it.
    "fct_shadow_evaluations": ".*",
    # What stands beside a pair of models is of one of them, whatever it was compared with.
    "savings_quality": r"(baseline_)?(finished|scored)_tasks|baseline_mean_.*",
    # Every policy judges the same executions: see the test of it.
    "fct_savings_by_policy": ".*",
    # What was corrected twice was published three times.
    "(fct_cost|late)_corrections": "(old|new)_.*",
    "provider_call_days": "longest_.*",
    "unpriced_usage": "similarity",
    "cost_discrepancies": "factor_costs",
    "dim_dates": "(iso|calendar)_.*",
    "dim_price_factors": "factor",
    "dim_prices": "context_over_tokens",
    "dim_usage_prices": "context_over_tokens",
}
"""By marts, the names of numeric columns and maps whose sum over rows means nothing."""

MAPS = {
    "durations": "timed_tasks",
    "provider_usage": "total_tasks",
    "task_type_distribution": "total_tasks",
    "provider_costs": "total_spend_usd",
    "by_provider": "total_spend_usd",
    "by_task_type": "total_spend_usd",
}
"""What the numbers in a map add up to; in a map of maps those called spend."""


@pytest.fixture(scope="module")
def oracle(sample: Story) -> Oracle:
    return sample.oracle()


def truths_of(oracle: Oracle) -> Mapping[str, Mapping[str, Any]]:
    """Return what the columns of each mart add up to."""
    facts = list(oracle.task_executions.values())
    adjustments = list(oracle.adjustments.values())
    everything = measured(facts)
    adjusted = {
        "adjustments": len(adjustments),
        "unknown_adjustments": count(adjustments, amount_usd=None),
        "adjustments_usd": total(adjustments, "amount_usd"),
    }
    unpriced = [
        fact
        for priced_as, statuses in (
            ("pricing_status", {fact["pricing_status"] for fact in facts} - PRICED),
            ("baseline_pricing_status", ("no_model", "no_price_for_model", "before_first_price")),
        )
        for fact in facts
        if fact[priced_as] in statuses
    ]
    reported = [fact for fact in facts if fact["reported_cost_usd"] is not None]
    discrepant = [
        fact | {"difference_usd": difference}
        for fact in reported
        for difference in (difference_of(fact["reported_cost_usd"], fact["cost_usd"]),)
        if difference is None or abs(difference) > Decimal("0.000001")
    ]
    this_month = [
        fact
        for fact in facts
        if first_day(today_of(oracle, fact), "monthly") == first_day(fact["metric_date"], "monthly")
    ]
    rollups = (
        *(f"organization_{period}" for period in ("hours", "days", "weeks", "months")),
        *(f"user_{period}" for period in ("days", "weeks", "months")),
        *(f"team_{period}" for period in ("days", "months")),
        *(f"provider_{period}" for period in ("hours", "days", "weeks", "months")),
        "model_usage",
    )
    return {
        **dict.fromkeys(rollups, everything),
        "organization_bills": everything
        | adjusted
        | {"total_usd": everything["total_spend_usd"] + adjusted["adjustments_usd"]},
        "adjustment_days": adjusted,
        "live_organization_days": measured(this_month),
        "live_organization_month": measured(this_month),
        "live_organization_today": measured(
            [fact for fact in facts if today_of(oracle, fact) == fact["metric_date"]]
        ),
        "savings_quality": measured(
            [
                fact
                for fact in facts
                if (fact["provider"], fact["price_model"])
                != (fact["baseline_provider"], fact["baseline_price_model"])
            ]
        ),
        # No events of providers landed: executions alone tell of refusals and repetitions.
        "provider_call_days": everything
        | dict.fromkeys(("api_calls", "errors", "rate_limited_calls", "retries"), 0)
        | {
            "rate_limited_tasks": sum(
                fact["status"] == "failed" and fact["error_code"] in ("rate_limited", "429")
                for fact in facts
            ),
            "repeated_attempts": len(facts)
            - len(
                {
                    tuple(
                        fact[name]
                        for name in (
                            "organization_id",
                            "metric_date",
                            "provider",
                            "model",
                            "task_id",
                        )
                    )
                    for fact in facts
                }
            ),
        },
        "support_days": measured(of_groups(facts)),
        "unpriced_usage": measured(unpriced),
        "cost_discrepancies": sums(discrepant),
        "fct_task_executions": sums(latest_versions(oracle.events, "task_execution").values())
        | sums(facts),
        "fct_cost_lines": {"cost_usd": everything["total_spend_usd"]},
        "fct_routing_decisions": sums(oracle.routing_decisions.values()),
        "fct_measured_savings": sums(oracle.measured_savings.values()),
        "fct_adjustments": sums(adjustments),
        "dim_organizations": sums(oracle.organizations.values()),
        "dim_providers": sums(oracle.providers.values()),
        # One load, and nothing is sealed: test_build_corrections and test_retention have others.
        "fct_cost_corrections": NOTHING,
        "late_corrections": NOTHING,
        "sealed_periods": NOTHING,
        # The sample has none: test_shadow_evaluations has others.
        "fct_shadow_evaluations": NOTHING,
    }


def of_groups(facts: list[Row]) -> list[Row]:
    """Return the executions of days on which five people of an organization worked, or more."""
    people: dict[tuple[Any, Any], set[Any]] = defaultdict(set)
    for fact in facts:
        people[fact["organization_id"], fact["metric_date"]].add(fact["user_id"])
    return [
        fact
        for fact in facts
        if len(people[fact["organization_id"], fact["metric_date"]] - {None}) >= 5
    ]


def measured(facts: list[Row]) -> dict[str, Any]:
    """Return counts and sums under the names that all rollups have for them."""
    known = measures(facts)
    completed = [fact for fact in facts if fact["status"] == "completed"]
    scored = [fact for fact in completed if fact["quality_score"] is not None]
    overdue = known["timed_out_tasks"]
    open_tasks = known["total_tasks"] - known["successful_tasks"] - known["failed_tasks"]
    return {
        **known,
        "negative_savings_tasks": sum((fact["savings_usd"] or 0) < 0 for fact in facts),
        "unknown_overhead_tasks": sum(
            fact["savings_usd"] is not None and fact["net_savings_usd"] is None for fact in facts
        ),
        "input_tokens": total(facts, "input_tokens"),
        "output_tokens": total(facts, "output_tokens"),
        "total_net_savings_usd": total(facts, "net_savings_usd"),
        "finished_tasks": known["successful_tasks"] + known["failed_tasks"],
        "costed_tasks": sum(fact["cost_usd"] is not None for fact in completed),
        "scored_tasks": len(scored),
        "total_quality_score": total(scored, "quality_score"),
        "running_tasks": open_tasks - overdue,
        "active_errors": known["failed_tasks"] + overdue,
        "pending_executions": 0,
    }


class Sums(dict[str, Any]):
    """What columns add up to of which no row says anything: nothing."""

    def __missing__(self, name: str) -> int:
        return 0


NOTHING = Sums()


def sums(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the sum of every numeric column that rows have."""
    found: dict[str, Any] = {}
    for row in rows:
        for name, value in row.items():
            if value is None or isinstance(value, bool | str):
                found.setdefault(name, Decimal(0))
            elif isinstance(value, int | float | Decimal):
                found[name] = found.get(name, Decimal(0)) + Decimal(str(value))
    return found


def difference_of(reported: Decimal, computed: Decimal | None) -> Decimal | None:
    return None if computed is None else reported - computed


def today_of(oracle: Oracle, fact: Row) -> Any:
    """Return the day that it is now in the time zone of an execution's organization."""
    organization = oracle.organizations[fact["organization_id"]]
    return datetime.fromisoformat(NOW).astimezone(ZoneInfo(organization["timezone"])).date()


def columns_of(story: Story, schema: str = "marts") -> dict[str, dict[str, str]]:
    """Return the type of every column of every relation of a schema."""
    found: dict[str, dict[str, str]] = {}
    for row in story.rows(
        "select table_name, column_name, data_type from information_schema.columns "
        "where table_schema = %s order by table_name, ordinal_position",
        schema,
    ):
        found.setdefault(row["table_name"], {})[row["column_name"]] = row["data_type"]
    return found


def additive(mart: str, columns: Mapping[str, str]) -> dict[str, str]:
    """Return the additive columns of a mart, each with the expression that adds up a row's."""
    names = {
        "jsonb": "(select sum(cast({value} as numeric)) from jsonb_each({{name}}) as entries)",
    }
    found = {}
    for name, kind in columns.items():
        if any(
            re.fullmatch(marts, mart) and re.fullmatch(pattern, name)
            for marts, pattern in NOT_ADDITIVE.items()
        ):
            continue
        if kind == "jsonb":
            value = "entries.value ->> 'spend'" if name.startswith("by_") else "entries.value"
            found[name] = names[kind].format(value=value).format(name=name)
        elif kind in NUMERIC:
            found[name] = name
    return found


def test_every_additive_column_of_every_mart_adds_up_to_the_truth_without_a_filter(
    sample: Story, oracle: Oracle
) -> None:
    truths, found = truths_of(oracle), []
    marts = columns_of(sample)
    assert truths.keys() <= marts.keys()
    for mart, columns in marts.items():
        wanted = additive(mart, columns)
        if not wanted:
            continue
        listed = ", ".join(f"sum({value}) as {name}" for name, value in wanted.items())
        actual = sample.row(f"select {listed} from marts.{mart}")  # noqa: S608
        for name in wanted:
            try:
                truth = truths[mart][MAPS.get(name, name)]
            except KeyError:
                truth = "not known here"
            if (actual[name] or 0) != truth:
                found.append(f"{mart}.{name} adds up to {actual[name]}, and the truth is {truth}")
    assert not found, "\n".join(found)


def test_every_policy_of_the_savings_by_policy_adds_up_to_the_truth(
    sample: Story, oracle: Oracle
) -> None:
    columns = columns_of(sample)["fct_savings_by_policy"]
    names = [
        name for name, kind in columns.items() if kind in NUMERIC and name != "savings_percentage"
    ]
    rows: dict[str, list[Row]] = {}
    for row in oracle.savings_by_policy.values():
        rows.setdefault(row["policy"], []).append(row)
    listed = ", ".join(f"sum({name}) as {name}" for name in names)
    found = sample.rows(f"select policy, {listed} from marts.fct_savings_by_policy group by policy")  # noqa: S608
    assert {row.pop("policy"): row for row in found} == {
        policy: {name: total(part, name) for name in names} for policy, part in rows.items()
    }


def test_what_somebody_did_counts_for_the_team_that_they_were_in(
    sample: Story, oracle: Oracle
) -> None:
    zones = {
        organization_id: ZoneInfo(event["timezone"])
        for organization_id, event in latest_versions(oracle.events, "organization").items()
    }
    teams: dict[tuple[str, str], list[tuple[datetime, str | None]]] = defaultdict(list)
    for event in oracle.events:
        if event["event"] == "user":
            key = (event["organization_id"], event["id"])
            teams[key].append((moment(event["updated_at"]), event.get("team")))
    expected: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for fact in oracle.task_executions.values():
        team, zone = None, zones.get(fact["organization_id"], ZoneInfo("UTC"))
        for since, name in sorted(teams[fact["organization_id"], fact["user_id"]], reverse=True):
            team = name
            if since.astimezone(zone).date() <= fact["metric_date"]:
                break
        expected[fact["organization_id"], team, first_day(fact["metric_date"], "monthly")].append(
            fact
        )
    assert any(len({team for _, team in versions}) > 1 for versions in teams.values())
    found = sample.rows(
        "select organization_id, team, metric_date, total_tasks, total_spend_usd, "
        "active_developers from marts.team_months"
    )
    assert {
        (row["organization_id"], row["team"], row["metric_date"]): (
            row["total_tasks"], row["total_spend_usd"], row["active_developers"],
        )
        for row in found
    } == {
        key: (
            len(facts),
            total(facts, "cost_usd"),
            len({fact["user_id"] for fact in facts} - {None}),
        )
        for key, facts in expected.items()
    }  # fmt: skip


JOINS: dict[str, dict[str, tuple[str, ...]]] = {
    "dim_users": {"dim_organizations": ("organization_id",)},
    "fct_measured_savings": {
        "dim_organizations": ("organization_id",),
        "fct_task_executions": ("execution_id",),
    },
    "fct_routing_decisions": {
        "dim_organizations": ("organization_id",),
        "fct_task_executions": ("execution_id",),
    },
    "fct_task_executions": {
        "dim_organizations": ("organization_id",),
        "dim_providers": ("provider",),
        "dim_users": ("organization_id", "user_id"),
    },
    "late_corrections": {"dim_organizations": ("organization_id",)},
    "support_days": {"dim_organizations": ("organization_id",)},
}
"""By tables, the tables whose primary keys they hold, in which columns."""


def declared_joins(story: Story) -> dict[str, dict[str, tuple[str, ...]]]:
    """Return what a tool finds that asks the catalog for foreign keys."""
    found: dict[str, dict[str, tuple[str, ...]]] = defaultdict(dict)
    for row in story.rows(
        "select conrelid::regclass::text as name, confrelid::regclass::text as target, "
        "(select array_agg(attname::text order by place) "
        "from unnest(conkey) with ordinality as key (number, place) "
        "inner join pg_catalog.pg_attribute on attrelid = conrelid and attnum = number) as columns "
        "from pg_catalog.pg_constraint "
        "where contype = 'f' and connamespace = 'marts'::regnamespace"
    ):
        found[row["name"]][row["target"]] = tuple(row["columns"])
    return found


def test_tools_find_joins_that_lose_no_row(sample: Story) -> None:
    assert declared_joins(sample) == JOINS
    for name, targets in JOINS.items():
        for target, columns in targets.items():
            using = ", ".join(columns)
            known = " and ".join(f"{name}.{column} is not null" for column in columns)
            lost = sample.row(
                f"select count(*) as rows from marts.{name} left join marts.{target} "  # noqa: S608
                f"using ({using}) where {known} and {target}.ctid is null"
            )
            assert lost["rows"] == 0, (name, target)


def test_a_table_that_is_replaced_keeps_its_joins(story_of_sample: Story) -> None:
    story_of_sample.build("dim_organizations", "dim_users", full_refresh=True)
    assert declared_joins(story_of_sample) == JOINS


READ = ("marts", "documents", "quality")
"""Schemas that people read."""


def published(story: Story) -> list[str]:
    """Return every relation that the project builds for people to read."""
    return [
        f"{row['schema']}.{row['name']}"
        for row in story.rows(
            "select relnamespace::regnamespace::text as schema, relname as name "
            "from pg_catalog.pg_class where relkind in ('r', 'v') and ("
            "relnamespace in ('marts'::regnamespace, 'documents'::regnamespace) "
            "or relnamespace = 'quality'::regnamespace and (relkind = 'v' or relname = any(%s))"
            ") order by 1, 2",
            list(AUDITS),
        )
    ]


@contextlib.contextmanager
def readers(story: Story) -> Iterator[Counter[str]]:
    """Ask every published relation for a row all the time; fail when one once is not there."""
    relations = published(story)
    reads, failures = Counter[str](), list[str]()
    is_over = threading.Event()

    def read(order: list[str]) -> None:
        with story.database.connect(autocommit=True) as connection:
            while not is_over.is_set():
                for relation in order:
                    try:
                        # Without a row: what counts is that it can be asked at all.
                        connection.execute(f"select 1 from {relation} limit 0".encode())  # noqa: S608
                    except psycopg.Error as error:
                        failures.append(f"{relation}: {error}")
                    reads[relation] += 1
                is_over.wait(0.02)

    threads = [
        threading.Thread(target=read, args=(order,)) for order in (relations, relations[::-1])
    ]
    for thread in threads:
        thread.start()
    try:
        yield reads
    finally:
        is_over.set()
        for thread in threads:
            thread.join()
    assert not failures, failures[:10]
    assert reads.keys() == set(relations)
    assert min(reads.values()) > 10


def test_a_full_refresh_hides_nothing_from_who_reads(story_of_sample: Story) -> None:
    relations = published(story_of_sample)
    with readers(story_of_sample):
        story_of_sample.build(full_refresh=True)
    assert published(story_of_sample) == relations
    story_of_sample.assert_reconciles()


def test_a_full_check_that_is_red_hides_nothing_from_who_reads(story_of_sample: Story) -> None:
    relations = published(story_of_sample)
    with story_of_sample.database.connect() as connection:
        connection.execute(
            "update intermediate.int_organization_days set total_spend_usd = total_spend_usd + 1"
        )
    with readers(story_of_sample):
        with pytest.raises(AssertionError, match="assert_layers_reconcile: fail"):
            story_of_sample.project.run(
                story_of_sample.database,
                *("build", "--exclude-resource-type", "unit_test", "--threads", "2"),
                *("--vars", json.dumps({"full_check": True, "now": NOW})),
                now=None,
            )
        with environment_of(story_of_sample.database):
            result = CliRunner().invoke(main, ["check", "--full"])
    assert "layers_reconcile" in result.output
    assert published(story_of_sample) == relations


def test_everything_that_people_read_says_what_it_is(sample: Story) -> None:
    silent = sample.rows(
        "select attrelid::regclass::text || '.' || attname as name "
        "from pg_catalog.pg_attribute where attnum > 0 and not attisdropped "
        "and attrelid = any(cast(%s as regclass[])) and col_description(attrelid, attnum) is null "
        "union all select oid::regclass::text from pg_catalog.pg_class "
        "where oid = any(cast(%s as regclass[])) and obj_description(oid, 'pg_class') is null",
        published(sample),
        published(sample),
    )
    assert not silent


def test_a_description_that_changes_is_written_and_no_other(story_of_sample: Story) -> None:
    def versions() -> dict[str, str]:
        rows = story_of_sample.rows(
            "select objoid::regclass::text || '.' || objsubid as place, xmin::text as version "
            "from pg_catalog.pg_description where classoid = 'pg_class'::regclass"
        )
        return {row["place"]: row["version"] for row in rows}

    before = versions()
    with story_of_sample.database.connect() as connection:
        connection.execute("comment on column marts.organization_days.total_tasks is 'edited'")
        connection.execute("comment on table marts.fct_task_executions is null")
    story_of_sample.build("organization_days", "fct_task_executions", "users")
    after = versions()
    assert after.keys() == before.keys()
    changed = {place for place in before if before[place] != after[place]}
    assert {place.rsplit(".", 1)[0] for place in changed} == {
        "organization_days", "fct_task_executions",
    }  # fmt: skip
    assert len(changed) == 2
    test_everything_that_people_read_says_what_it_is(story_of_sample)


def test_dbt_show_shows_every_mart_with_its_columns(sample: Story) -> None:
    shown = sample.project.run(
        sample.database,
        *("show", "--select", "path:models/marts", *SUMS),
        *("--limit", "1", "--threads", "2"),
    )
    found = {
        f"{result.node.schema}.{result.node.name}": set(result.agate_table.column_names)
        for result in shown.results
        if result.node.resource_type == "model"
    }
    columns = {
        f"{schema}.{relation}": set(names)
        for schema in (*READ, "intermediate")
        for relation, names in columns_of(sample, schema).items()
    }
    assert found.keys() == {*published(sample), *(f"intermediate.{table}" for table in SUMS)}
    assert {name for name, names in found.items() if names != columns[name]} == set()


def test_what_stood_in_schema_marts_moves_with_its_rows_and_its_readers(
    story_of_sample: Story,
) -> None:
    moved = [name for name in published(story_of_sample) if not name.startswith("marts.")]
    with story_of_sample.database.connect() as connection:
        # As a build before the move left them, with history that nothing can compute again.
        for name in moved:
            schema, relation = name.split(".")
            connection.execute(f"alter table {schema}.{relation} set schema marts".encode())
        connection.execute("drop schema documents")
        connection.execute(
            "insert into marts.alert_episodes "
            "(alert_id, dedup_key, rule, severity, first_seen_at, last_seen_at, resolved_at) "
            "values ('old', 'r::', 'r', 'warning', '2025-01-01', '2025-01-02', '2025-01-03')"
        )
        connection.execute("create view public.of_an_analyst as select * from marts.users")
    identities = story_of_sample.rows("select oid, relname from pg_catalog.pg_class order by oid")
    with_old_names = set(published_in_marts(story_of_sample))
    story_of_sample.build("fct_alerts")
    assert with_old_names - set(published_in_marts(story_of_sample)) == {
        name.split(".")[1] for name in moved
    }
    assert story_of_sample.row("select rule from quality.alert_episodes where alert_id = 'old'")
    assert story_of_sample.rows("select id from public.of_an_analyst")
    after = story_of_sample.rows("select oid, relname from pg_catalog.pg_class order by oid")
    assert [row for row in identities if row not in after] == []
    story_of_sample.build()
    story_of_sample.assert_equals_oracle()


def published_in_marts(story: Story) -> list[str]:
    return list(columns_of(story))
