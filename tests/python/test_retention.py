"""History outlives raw: sealed figures stand through late events, refreshes, purges and replays.

The sample begins in June and now is the end of October: after 90 days June and July are sealed.
"""

import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.events import ORGANIZATION_ID, decision, execution, organization, user, uuid_of
from support.oracle import Row
from support.servers import STORY_DATABASE
from support.stories import (
    NOW,
    ROWS,
    Project,
    Seeds,
    Story,
    copy_of,
    environment_of,
    keep_as,
    price,
    sample_lines,
)

from orchestration.cli import main
from orchestration.database.embedded import EmbeddedServer
from orchestration.landing.loader import land
from orchestration.sample.generator import SampleSettings

pytest_plugins = ["support.stories"]

LONG_SAMPLE = SampleSettings(executions=1_500, organizations=6, users=30, days=150, seed=5)
SEALED_BEFORE = "2026-08-01"
MONTH_LATER = "2026-11-30T23:30:00Z"

KOLKATA = uuid_of(71)
LOS_ANGELES = uuid_of(72)
KIRITIMATI = uuid_of(73)

# Tables of single executions, decisions and hours: their rows leave when they are sealed.
DETAILS = (
    "fct_task_executions",
    "fct_routing_decisions",
    "fct_measured_savings",
    "int_organization_hours",
    "int_provider_hours",
)


def retention(story: Story, now: str = NOW, folder: Path | None = None) -> Result:
    with environment_of(story.database):
        return CliRunner().invoke(
            main, ["retention", "--now", now, "--archive", str(folder or story.folder / "archive")]
        )


def retain(story: Story, now: str = NOW) -> str:
    result = retention(story, now)
    assert result.exit_code == 0, result.output
    return result.output


def kept(marts: dict[str, Counter[str]]) -> dict[str, Counter[str]]:
    """Return the tables of which every row stays."""
    return {name: rows for name, rows in marts.items() if name not in DETAILS}


def partitions(story: Story) -> set[str]:
    found = story.rows("select inhrelid::regclass::text as name from pg_catalog.pg_inherits")
    return {row["name"].removeprefix("raw.") for row in found if "_y20" in row["name"]}


def totals(story: Story) -> Row:
    """Return what all days and all late corrections add up to."""
    return story.row(
        """
        select
            sum(tasks) as tasks, sum(tokens) as tokens, sum(spend) as spend, sum(savings) as savings
        from (
            select
                total_tasks as tasks, total_tokens as tokens, total_spend_usd as spend,
                total_savings_usd as savings
            from documents.organization_analytics where aggregation_period = 'daily'
            union all
            select tasks_delta, tokens_delta, spend_delta_usd, savings_delta_usd
            from marts.late_corrections
        ) as parts
        """
    )


def expected_totals(story: Story) -> Row:
    """Return the same from the events alone."""
    facts = story.oracle().task_executions.values()
    return {
        "tasks": len(facts),
        "tokens": sum(Decimal(fact["total_tokens"] or 0) for fact in facts),
        "spend": sum(Decimal(fact["cost_usd"] or 0) for fact in facts),
        "savings": sum(Decimal(fact["savings_usd"] or 0) for fact in facts),
    }


def late(story: Story) -> list[Row]:
    return story.rows("select * from marts.late_corrections order by corrected_at, execution_id")


@pytest.fixture(scope="module")
def long_sample() -> list[bytes]:
    return sample_lines(LONG_SAMPLE)


@pytest.fixture(scope="module")
def built_history(
    embedded_server: EmbeddedServer,
    built_on_nothing: Callable[[EmbeddedServer], Story],
    long_sample: list[bytes],
    tmp_path_factory: pytest.TempPathFactory,
) -> Story:
    """Return a warehouse with five months that was built once, to copy."""
    nothing = built_on_nothing(embedded_server)
    with copy_of(nothing, embedded_server, tmp_path_factory.mktemp("history")) as first:
        first.land_lines(long_sample)
        first.build()
        return keep_as(first, embedded_server, f"{STORY_DATABASE}_history")


@pytest.fixture
def history(
    built_history: Story, embedded_server: EmbeddedServer, tmp_path: Path
) -> Iterator[Story]:
    """Yield a copy of it, to go on with."""
    with copy_of(built_history, embedded_server, tmp_path) as made:
        yield made


def figures(story: Story) -> dict[str, Counter[str]]:
    """Return every mart but the comparisons, which a full refresh makes of open days only."""
    return {name: rows for name, rows in story.marts().items() if not name.startswith("reconciled")}


def test_sealed_history_outlives_raw_a_full_refresh_and_a_replay(history: Story) -> None:
    built = figures(history)
    printed = retain(history)
    assert "Sealed: everything before 2026-08-01 (UTC)" in printed

    after = figures(history)
    assert kept(after) == kept(built) | {"late_corrections": Counter()}
    left = built["fct_task_executions"] - after["fct_task_executions"]
    assert sum(left.values()) > 300
    assert after["fct_task_executions"] <= built["fct_task_executions"]
    oldest = history.row("select min(start_time)::text as moment from marts.fct_task_executions")
    assert oldest["moment"] >= SEALED_BEFORE
    oldest = history.row("select min(timestamp)::text as moment from documents.analytics_hourly")
    assert oldest["moment"] >= SEALED_BEFORE
    assert not {name for name in partitions(history) if name[-7:] in ("2026m06", "2026m07")} & {
        f"task_executions_y{month}" for month in ("2026m06", "2026m07")
    }

    oldest = history.row(
        "select min(event_date)::text as day from ledger.landed_totals "
        "where event_kind = 'task_execution'"
    )
    assert oldest["day"] >= SEALED_BEFORE[:10]

    written = history.rows_written()
    history.build(ROWS)
    assert history.rows_written() == written
    history.build(full_refresh=True, with_tests=True)
    assert figures(history) == after

    # The archive, landed again, changes nothing, and leaves again.
    with environment_of(history.database):
        report = land([history.folder / "archive"])
    assert not report.failures
    assert sum(file.lines_accepted for file in report.files) > sum(left.values())
    history.build(with_tests=True)
    assert figures(history) == after
    history.build(full_refresh=True)
    assert figures(history) == after
    assert "Left schema raw: 0" not in retain(history)
    history.build(full_refresh=True)
    assert figures(history) == after


def test_what_leaves_raw_is_all_in_the_archive(history: Story) -> None:
    def events() -> Counter[str]:
        columns = {
            "task_executions": "event_id, id, start_time, updated_at, metadata, reported_cost_usd",
            "routing_decisions": "event_id, id, decision_timestamp, alternative_providers",
        }
        found: Counter[str] = Counter()
        for table, names in columns.items():
            rows = history.rows(f"select row({names})::text as event from raw.{table}")  # noqa: S608
            found.update(str(row["event"]) for row in rows)
        return found

    before = events()
    retain(history)
    staying = events()
    archived = history.row("select sum(event_count) as events from ledger.archives")
    assert archived["events"] == sum((before - staying).values())
    with history.database.connect(autocommit=True) as connection:
        connection.execute("delete from raw.task_executions")
        connection.execute("delete from raw.routing_decisions")
    with environment_of(history.database):
        assert not land([history.folder / "archive"]).failures
    assert events() == before - staying


def test_what_arrives_late_stands_beside_the_sealed_days(story: Story) -> None:
    # 600 + 300 cached + 100 written + 200 out at 3, 0.3, 3.75 and 15 dollars per million tokens.
    cost = Decimal("0.005265")
    july = {"start_time": "2026-07-10T10:00:00Z", "end_time": "2026-07-10T10:00:05Z"}
    september = {"start_time": "2026-09-10T10:00:00Z", "end_time": "2026-09-10T10:00:05Z"}
    sealed = execution(1, updated_at="2026-07-10T10:00:09Z", **july)
    open_one = execution(2, updated_at="2026-09-10T10:00:09Z", **september)
    story.land(
        organization(1), sealed, open_one, execution(3, updated_at="2026-07-10T10:00:09Z", **july)
    )
    story.build()
    retain(story)
    before = figures(story)
    with environment_of(story.database):
        explained = CliRunner().invoke(main, ["explain", sealed["id"]])
    assert explained.exit_code == 1
    assert "was counted on 2026-07-10, a sealed day" in explained.output
    assert f"cost {cost}000000 USD (priced)" in explained.output

    # A version that is older than the sealed one, and the sealed one again: nothing.
    story.land(execution(4, id=sealed["id"], updated_at="2026-07-10T10:00:01Z", **july), sealed)
    story.build()
    assert figures(story) == before

    # An execution that nobody knew; a newer version of a sealed one, which doubles its output.
    story.land(
        execution(5, updated_at="2026-07-10T10:00:09Z", **july),
        execution(
            6,
            id=sealed["id"],
            updated_at="2026-10-01T00:00:00Z",
            output_tokens=400,
            # Where it moves to does not matter any more.
            **september,
        ),
    )
    story.build(with_tests=True)
    assert kept(figures(story)) | {"late_corrections": Counter()} == kept(before)
    by_execution = {row["execution_id"]: row for row in late(story)}
    assert set(by_execution) == {uuid_of(1_000_005), sealed["id"]}
    new = by_execution[uuid_of(1_000_005)]
    assert (new["is_new_execution"], new["tasks_delta"], new["spend_delta_usd"]) == (True, 1, cost)
    assert (str(new["metric_date"]), new["tokens_delta"]) == ("2026-07-10", 1200)
    changed = by_execution[sealed["id"]]
    assert (changed["is_new_execution"], changed["tasks_delta"]) == (False, 0)
    assert (changed["old_cost_usd"], changed["spend_delta_usd"]) == (cost, Decimal("0.003"))
    assert (str(changed["metric_date"]), changed["tokens_delta"]) == ("2026-07-10", 200)

    # An open execution moves into the sealed time: it leaves its day and is new there.
    story.land(execution(7, id=open_one["id"], updated_at="2026-10-02T00:00:00Z", **july))
    story.build()
    assert set(story.days(ORGANIZATION_ID)) == {"2026-07-10"}
    assert len(late(story)) == 3
    assert late(story)[-1]["spend_delta_usd"] == cost
    # And back: it stays where it was counted last.
    story.land(execution(8, id=open_one["id"], updated_at="2026-10-03T00:00:00Z", **september))
    story.build()
    assert set(story.days(ORGANIZATION_ID)) == {"2026-07-10"}
    assert len(late(story)) == 4
    assert late(story)[-1]["spend_delta_usd"] == 0

    assert totals(story) == expected_totals(story)
    state = figures(story), late(story)
    story.build(full_refresh=True)
    assert (figures(story), late(story)) == state
    retain(story)
    story.build(full_refresh=True)
    assert (figures(story), late(story)) == state
    (period,) = story.rows("select * from marts.sealed_periods")
    assert (period["late_corrections"], period["late_spend_usd"]) == (
        4,
        2 * cost + Decimal("0.003"),
    )


def spans(number: int, *days: str, **fields: object) -> list[dict[str, object]]:
    """Return an execution for each day, at noon in UTC."""
    return [
        execution(
            number + place,
            start_time=f"{day}T12:00:00Z",
            end_time=f"{day}T12:00:05Z",
            updated_at=f"{day}T12:00:09Z",
            **fields,
        )
        for place, day in enumerate(days)
    ]


def explained(story: Story, execution_id: object) -> str:
    with environment_of(story.database):
        result = CliRunner().invoke(main, ["explain", str(execution_id)])
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def test_where_nothing_was_nothing_is_sealed(story: Story) -> None:
    assert "Sealed: nothing" in retain(story)
    story.land(organization(1), organization(2, id=KOLKATA))
    story.build()
    assert "Sealed: nothing" in retain(story)
    for table in ("seals", "sealed_organizations", "sealed_executions", "archives"):
        assert story.rows(f"select * from ledger.{table}") == []  # noqa: S608

    days = ("2026-03-02", "2026-05-31", "2026-07-31", "2026-08-01", "2026-10-30")
    story.land(*spans(10, *days))
    assert "counts after the next build" in explained(story, uuid_of(1_000_010))
    story.build(with_tests=True)
    assert set(story.days(ORGANIZATION_ID)) == set(days)
    assert late(story) == []
    assert totals(story) == expected_totals(story)
    of_providers = story.row(
        "select sum(total_tasks) as tasks from documents.provider_performance_metrics "
        "where aggregation_period = 'daily'"
    )
    assert of_providers["tasks"] == len(days)
    # The day that the end of July cuts in two is sealed whole.
    assert "4 execution(s) of it now" in retain(story)
    sealed = story.rows("select organization_id from marts.sealed_periods")
    assert [row["organization_id"] for row in sealed] == [ORGANIZATION_ID]


def test_what_is_sealed_belongs_to_each_organization(story: Story) -> None:
    tenants = {"known": KOLKATA, "new": LOS_ANGELES}
    story.land(
        organization(1),
        organization(2, id=KOLKATA, timezone="Asia/Kolkata", updated_at="2026-01-01T00:00:00Z"),
        *spans(10, "2026-07-10", "2026-09-10"),
    )
    story.build()
    retain(story)
    # Of the last one the day is sealed and a provider's, too: its organization had nothing then.
    days = ("2026-02-28", "2026-07-10", "2026-07-31", "2026-08-15", "2026-10-30")
    story.land(
        organization(3, id=LOS_ANGELES, timezone="America/Los_Angeles"),
        *spans(20, *days, organization_id=KOLKATA),
        *spans(30, *days, organization_id=LOS_ANGELES),
        decision(1, organization_id=KOLKATA, decision_timestamp="2026-07-10T11:00:00Z"),
        *spans(40, "2026-07-11"),
    )
    assert "counts after the next build" in explained(story, uuid_of(1_000_020))
    # It waits for a build, so that it does not leave.
    assert "Left schema raw: 0" in retain(story)
    assert "its day is sealed, so that it will stand in late_corrections" in explained(
        story, uuid_of(1_000_040)
    )
    story.build(with_tests=True)
    for tenant in tenants.values():
        assert set(story.days(tenant)) == set(days)
    assert [row["execution_id"] for row in late(story)] == [uuid_of(1_000_040)]
    text = explained(story, uuid_of(1_000_040))
    assert "arrived after its day, 2026-07-11, was sealed" in text
    assert "next build" not in text
    assert "make build" not in text
    assert story.rows("select * from marts.fct_routing_decisions")
    assert totals(story) == expected_totals(story)

    def all_of_providers() -> Row:
        return story.row(
            """
            select sum(tasks) as tasks, sum(spend) as spend
            from (
                select total_tasks as tasks, total_spend_usd as spend
                from documents.provider_performance_metrics where aggregation_period = 'daily'
                union all
                select count_difference, usd_difference from quality.reconciliation
                where comparison = 'arrived_to_sealed_providers'
                union all
                select tasks_delta, spend_delta_usd from marts.late_corrections
            ) as parts
            """
        )

    expected = {name: expected_totals(story)[name] for name in ("tasks", "spend")}
    assert all_of_providers() == expected
    state = figures(story), late(story)
    story.build(full_refresh=True, with_tests=True)
    assert (figures(story), late(story)) == state

    # Built, they are as old as the others: now they are sealed, and leave.
    assert "6 execution(s) of it now" in retain(story)
    staying = story.row("select min(start_time)::text as moment from raw.task_executions")
    assert staying["moment"] >= SEALED_BEFORE
    assert totals(story) == expected_totals(story)
    assert all_of_providers() == expected
    state = figures(story), late(story)
    story.build(full_refresh=True, with_tests=True)
    assert (figures(story), late(story)) == state
    # What was sealed late of an organization is final as well.
    story.land(*spans(50, "2026-07-12", organization_id=KOLKATA))
    story.build()
    assert len(late(story)) == 2
    assert totals(story) == expected_totals(story)


def test_a_day_that_the_end_of_the_month_cuts_is_sealed_whole(story: Story) -> None:
    zones = {
        # In each zone: a start on the last sealed day and one on the first open one.
        KOLKATA: ("Asia/Kolkata", "2026-08-01T18:29:59Z", "2026-08-01T18:30:00Z", "2026-08-02"),
        LOS_ANGELES: (
            "America/Los_Angeles",
            "2026-08-01T06:59:59Z",
            "2026-08-01T07:00:00Z",
            "2026-08-01",
        ),
        KIRITIMATI: (
            "Pacific/Kiritimati",
            "2026-08-01T09:59:59Z",
            "2026-08-01T10:00:00Z",
            "2026-08-02",
        ),
        ORGANIZATION_ID: ("UTC", "2026-07-31T23:59:59Z", "2026-08-01T00:00:00Z", "2026-08-01"),
    }
    events = []
    for number, (tenant, (zone, last, first, _)) in enumerate(zones.items(), start=1):
        events += [
            organization(number, id=tenant, timezone=zone, updated_at="2026-01-01T00:00:00Z"),
            *(
                execution(
                    10 * number + place,
                    organization_id=tenant,
                    start_time=start,
                    end_time=start,
                    updated_at=start,
                )
                for place, start in enumerate(("2026-07-20T12:00:00Z", last, first))
            ),
        ]
    story.land(*events)
    story.build()
    before = figures(story)
    retain(story)
    until = story.rows("select organization_id, sealed_until from marts.sealed_periods")
    assert {row["organization_id"]: str(row["sealed_until"]) for row in until} == {
        tenant: sealed_until for tenant, (*_, sealed_until) in zones.items()
    }
    sealed = {row["execution_id"] for row in story.rows("select * from ledger.sealed_executions")}
    assert sealed == {
        uuid_of(1_000_000 + 10 * number + place) for number in (1, 2, 3, 4) for place in (0, 1)
    }
    # The providers' day, in UTC, is open: what is sealed of it still counts there, also when the
    # same events come again.
    story.land(
        *events,
        execution(99, start_time="2026-08-01T12:00:00Z", end_time="2026-08-01T12:00:01Z"),
    )
    story.build()
    (day,) = story.rows(
        "select total_tasks from documents.provider_performance_metrics "
        "where aggregation_period = 'daily' and metric_date = '2026-08-01'"
    )
    assert day["total_tasks"] == 8
    after = figures(story)
    assert before["int_user_days"] - after["int_user_days"]  # the open day has one more
    story.build(full_refresh=True)
    assert figures(story) == after
    assert totals(story) == expected_totals(story)


def test_prices_names_and_people_change_nothing_that_is_sealed(
    history: Story, seeds: Seeds
) -> None:
    retain(history)

    def sealed_rows() -> dict[str, Counter[str]]:
        return {
            name: Counter(
                str(row)
                for row in history.rows(
                    f"select days.* from {name} as days "  # noqa: S608
                    "inner join marts.sealed_periods as sealed using (organization_id) "
                    "where days.metric_date < sealed.sealed_until"
                    + (
                        " and (aggregation_period = 'daily' or days.metric_date < '2026-07-01')"
                        if name in ("organization_analytics", "user_analytics")
                        else ""
                    )
                )
            )
            for name in (
                "organization_analytics",
                "user_analytics",
                "model_usage",
                "fct_savings_by_policy",
                "organization_days",
            )
        }

    before = sealed_rows()
    assert all(before.values())
    # Under its own name, which is shown beside sealed days as it is today.
    tenant, name = history.row(
        "select organization_id, organization_name from marts.dim_organizations "
        "order by organization_id limit 1"
    ).values()
    used = history.row(
        "select provider, price_model from marts.fct_task_executions "
        "where price_id is not null group by 1, 2 order by count(*) desc limit 1"
    )
    seeds.add("provider_pricing", price(used["provider"], used["price_model"]))
    history.land(
        organization(
            1,
            id=tenant,
            name=name,
            timezone="Asia/Tokyo",
            updated_at="2026-06-15T00:00:00Z",
            baseline_model="o3",
        ),
        user(1, organization_id=tenant, updated_at="2026-06-01T00:00:00Z"),
        decision(
            1,
            organization_id=tenant,
            decision_timestamp="2026-07-01T00:00:00Z",
            task_execution_id=None,
        ),
    )
    history.build()
    assert sealed_rows() == before
    corrected = history.row(
        "select count(*) as rows, min(metric_date)::text as first from marts.fct_cost_corrections"
    )
    assert corrected["rows"] > 10
    assert corrected["first"] >= SEALED_BEFORE
    state = figures(history)
    history.build(full_refresh=True)
    assert figures(history) == state
    assert sealed_rows() == before


def test_any_arrival_after_the_sealing_adds_up(story: Story, long_sample: list[bytes]) -> None:
    # What is not known of an organization when its days are sealed stays unknown in them.
    people = [line for line in long_sample if b'"event":"organization"' in line or b"user" in line]
    assert people
    work = [line for line in long_sample if b'"event":"organization"' not in line]
    story.land_lines([*people, *work[::2]])
    story.build()
    retain(story)
    before = kept(figures(story))
    for part in (work[1::4], [*work[3::4], *work[:300]]):
        story.land_lines(part)
        story.build(ROWS)
        retain(story)
    assert late(story)
    assert totals(story) == expected_totals(story)
    state = figures(story), late(story)
    story.build(full_refresh=True)
    assert (figures(story), late(story)) == state
    sealed_days = story.rows(
        "select t::text as row from intermediate.int_organization_days as t "
        "where metric_date < '2026-07-01'"
    )
    assert sealed_days
    assert all(row["row"] in before["int_organization_days"] for row in sealed_days)

    # A month later August is sealed as well, with what had arrived for it until then.
    story.build(now=MONTH_LATER)
    built = kept(figures(story))
    assert "Sealed: everything before 2026-09-01" in retain(story, MONTH_LATER)
    assert kept(figures(story)) == built
    story.build(full_refresh=True, now=MONTH_LATER)
    assert kept(figures(story)) == built


def test_an_organization_may_keep_its_events_for_longer(
    history: Story, project_retention: Path
) -> None:
    tenant = history.row("select organization_id from marts.fct_task_executions limit 1")[
        "organization_id"
    ]
    project_retention.write_text(f"organization_id,raw_days,notes\n{tenant},365,contract\n")
    history.build("raw_retention", "int_retention_limits")
    retain(history)
    staying = history.rows(
        "select distinct organization_id from raw.task_executions where start_time < '2026-08-01'"
    )
    assert [row["organization_id"] for row in staying] == [tenant]
    assert {"task_executions_y2026m06", "task_executions_y2026m07"} <= partitions(history)
    state = figures(history)
    history.build(full_refresh=True)
    assert figures(history) == state
    # Nothing leaves twice.
    assert "Left schema raw: 0 event(s)" in retain(history)

    project_retention.write_text(f"organization_id,raw_days,notes\n{tenant},30,too short\n")
    history.build("raw_retention", "int_retention_limits")
    result = retention(history)
    assert result.exit_code == 1
    assert "it would leave before it is sealed" in result.output


@pytest.fixture
def project_retention(project: Project) -> Iterator[Path]:
    path = project.root / "seeds" / "retention" / "raw_retention.csv"
    before = path.read_text()
    yield path
    path.write_text(before)


def test_nothing_is_sealed_that_is_not_built(history: Story) -> None:
    history.land(organization(1), execution(1))
    result = retention(history)
    assert result.exit_code == 1
    assert "1 load(s) wait for a build" in result.output
    history.build("fct_task_executions")
    result = retention(history)
    assert result.exit_code == 1
    assert "model(s) wait for a build" in result.output
    assert history.rows("select * from ledger.seals") == []


def test_retention_needs_a_build_first(story: Story) -> None:
    with story.database.connect(autocommit=True) as connection:
        connection.execute("drop schema intermediate cascade")
    result = retention(story)
    assert result.exit_code == 1
    assert "run `dbt build` first" in result.output


def test_killed_at_any_moment_it_can_be_repeated(history: Story) -> None:
    built = figures(history)
    raw = history.row("select count(*) as events from raw.task_executions")["events"]
    command = [sys.executable, "-m", "orchestration.cli", "retention", "--now", NOW]
    with environment_of(history.database):
        for milliseconds in (900, 1000, 1100, 1200, 1350, 1500, 1700, 2000):
            process = subprocess.Popen(
                [*command, "--archive", str(history.folder / "archive")],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            time.sleep(milliseconds / 1000)
            process.send_signal(signal.SIGKILL)
            process.wait()
    retain(history)
    assert kept(figures(history)) == kept(built)
    history.build(full_refresh=True)
    assert kept(figures(history)) == kept(built)
    archived = history.row(
        "select sum(event_count) as events from ledger.archives "
        "where table_name = 'task_executions'"
    )
    left = history.row("select count(*) as events from raw.task_executions")["events"]
    assert archived["events"] + left == raw
    with environment_of(history.database):
        assert not land([history.folder / "archive"]).failures
    again = history.row("select count(*) as events from raw.task_executions")["events"]
    assert again == raw
