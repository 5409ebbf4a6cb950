"""The jobs, schedules and sensors of Dagster on a real database, in this process."""

import contextlib
import datetime as dt
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest
from dagster_dbt import DagsterDbtProjectPreparer, DbtProject
from support.checks import RULES, without_check_constraints
from support.events import decision, execution, organization
from support.price_books import for_three_usd
from support.servers import Database
from support.stories import ROWS, Project, Story, environment_of
from support.webhooks import Webhook, serving

from orchestration.dbt.built_project import current_checksums, record_checksums
from orchestration.defs.notifications import Notifier
from orchestration.defs.retries import is_lost_connection, retried_when_connection_is_lost
from orchestration.errors import WarehouseError
from orchestration.landing.loader import land
from orchestration.project import project_root

pytest_plugins = ["support.stories"]

_COLUMN = "alter table marts.dim_users rename column {} to {}"
_MISCOUNT = (
    "update quality.reconciled_days set downstream_count = downstream_count {} 1, "
    "is_equal = not is_equal, "
    "differing_measures = case when is_equal then 'count' end"
)
TICK = dt.datetime(2026, 11, 26, 10, 5, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def known_lineage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where the lineage of columns is kept from one instance to the next."""
    return tmp_path_factory.mktemp("lineage") / "column_lineage.json"


@contextlib.contextmanager
def knowing(lineage: Path, instance: dg.DagsterInstance) -> Iterator[dg.DagsterInstance]:
    """Open an instance with the lineage that an earlier one worked out."""
    with instance as made:
        file = Path(made.storage_directory(), lineage.name)
        file.parent.mkdir(parents=True, exist_ok=True)
        if lineage.exists():
            shutil.copy(lineage, file)
        yield made
        if file.exists():
            shutil.copy(file, lineage)


@pytest.fixture
def instance(tmp_path: Path, known_lineage: Path) -> Iterator[dg.DagsterInstance]:
    """Yield one in memory: on disk, each of a run's some hundred events would wait for it."""
    folder = tmp_path / "instance"
    folder.mkdir()
    with knowing(known_lineage, dg.DagsterInstance.ephemeral(tempdir=str(folder))) as made:
        yield made


@pytest.fixture
def instance_on_disk(tmp_path: Path, known_lineage: Path) -> Iterator[dg.DagsterInstance]:
    """Yield one for schedules, whose ticks open it anew."""
    folder = tmp_path / "instance"
    folder.mkdir()
    with knowing(known_lineage, dg.DagsterInstance.local_temp(str(folder))) as made:
        yield made


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home of dagster"
    monkeypatch.setenv("WAREHOUSE_HOME", str(folder))
    (folder / "landing" / "inbox").mkdir(parents=True)
    return folder


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    with serving(Webhook()) as server:
        monkeypatch.setenv("WAREHOUSE_NOTIFY_URLS", server.url)
        yield server


def drop(home: Path, name: str, *events: dict[str, Any]) -> None:
    text = "".join(json.dumps(event) + "\n" for event in events)
    (home / "landing" / "inbox" / name).write_text(text, encoding="utf-8")


def run(
    definitions: dg.Definitions, instance: dg.DagsterInstance, job: str, **options: Any
) -> dg.ExecuteInProcessResult:
    return definitions.resolve_job_def(job).execute_in_process(
        instance=instance, raise_on_error=False, **options
    )


def red(result: dg.ExecuteInProcessResult) -> list[str]:
    return sorted(
        check.check_name
        for check in result.get_asset_check_evaluations()
        if not check.passed and check.severity is dg.AssetCheckSeverity.ERROR
    )


def steps(result: dg.ExecuteInProcessResult) -> list[str | None]:
    return [event.step_key for event in result.all_events if event.is_step_start]


def sensor(definitions: dg.Definitions, name: str) -> Callable[..., Any]:
    found = next(item for item in definitions.sensors or [] if item.name == name)
    assert callable(found)
    return found


def sensor_context() -> dg.SensorEvaluationContext:
    return dg.build_sensor_context(resources={"notifier": Notifier()})


def assert_is_complete(message: str) -> None:
    """Fail unless all that is told says since when, why, what to do next and where to look."""
    for told in message.split("\n\n"):
        summary, *lines = told.split("\n")
        assert re.search(r"since \d{4}-\d\d-\d\d \d\d:\d\d UTC", summary), told
        labels = [re.split(": (?=.)", line)[0] for line in lines]
        assert [label for label in labels if label != "Red check"] in (
            ["Likely cause", "Next", "Look"],
            ["Likely cause", "Next", "Look", "Look"],
            ["Likely cause", "Next", "Look", "Look", "Look"],
        ), told


def test_near_real_time_lands_builds_and_checks_twice(
    story: Story, definitions: dg.Definitions, instance: dg.DagsterInstance, home: Path
) -> None:
    drop(home, "first.ndjson", organization(), *map(execution, range(1, 8)), {"event": "nonsense"})
    with environment_of(story.database):
        first = run(definitions, instance, "near_real_time")
        assert first.success
        assert sorted(filter(None, steps(first))) == [
            "outputs__prometheus_metrics", "quality_checks", "raw_tables", "warehouse_models",
        ]  # fmt: skip
        rows = "select count(*) as rows from marts.fct_task_executions"
        assert story.row(rows) == {"rows": 7}
        loads = instance.get_latest_materialization_event(dg.AssetKey(["raw", "loads"]))
        assert loads
        assert loads.asset_materialization
        metadata = {
            name: value.value for name, value in loads.asset_materialization.metadata.items()
        }
        assert metadata["files_landed_by_this_run"] == 1
        assert metadata["lines_rejected"] == 1
        assert instance.get_dynamic_partitions("organizations") == [organization()["id"]]

        # Everything is there: each asset that the job selects, each check that it plans.
        graph = definitions.resolve_asset_graph()
        job = definitions.resolve_job_def("near_real_time")
        built = {event.asset_key for event in first.get_asset_materialization_events()}
        assert built == set(job.asset_layer.selected_asset_keys)
        checks = first.get_asset_check_evaluations()
        assert {check.asset_check_key for check in checks} >= {
            key for key in graph.asset_check_keys if key.name != "stored_figures_can_be_recomputed"
        }
        assert red(first) == []

        drop(home, "second.ndjson", *map(execution, range(8, 11)))
        second = run(definitions, instance, "near_real_time")
        assert second.success
        assert story.row(rows) == {"rows": 10}
        # Views and seeds stand. Whatever looks at a table is looked at, and so is every rule.
        seeds = relations_of(story, schemas="reference snapshots")
        assert built_by_dbt(second) == relations_of(story, "r") - seeds
        checked = {check.check_name for check in second.get_asset_check_evaluations()}
        assert checked > RULES.keys() - {"stored_figures_can_be_recomputed"}
        assert {"assert_layers_reconcile", "assert_facts_hold_every_landed_execution"} <= checked
    assert list((home / "landing" / "inbox").iterdir()) == []
    assert (home / "warehouse.prom").read_text().count("\nwarehouse_") > 20
    # The lineage of columns is shown since the tables were there.
    (days,) = [
        event.materialization
        for event in second.get_asset_materialization_events()
        if event.asset_key == dg.AssetKey(["intermediate", "int_organization_days"])
    ]
    lineage = days.metadata["dagster/column_lineage"]
    assert isinstance(lineage, dg.TableColumnLineageMetadataValue)
    changes = dg.AssetKey(["intermediate", "int_execution_changes"])
    assert list(lineage.value.deps_by_column["total_spend_usd"]) == [
        dg.TableColumnDep(changes, "cost_usd"),
        dg.TableColumnDep(changes, "sign"),
        dg.TableColumnDep(dg.AssetKey(["marts", "fct_task_executions"]), "cost_usd"),
    ]


def test_a_red_rule_keeps_the_archive_and_the_documentation_as_they_are(
    story: Story, definitions: dg.Definitions, instance: dg.DagsterInstance, home: Path
) -> None:
    story.land(organization(), execution(), decision())
    story.build()
    with environment_of(story.database):
        without_check_constraints(story)
        with story.database.connect() as connection:
            connection.execute("update marts.fct_routing_decisions set confidence_score = 2")
        result = run(definitions, instance, "nightly")
        assert not result.success
        assert red(result) == ["confidence_is_a_share"]
        assert "outputs__event_archive" not in steps(result)
        assert "outputs__documentation" not in steps(result)
        # What Prometheus reads is written all the same.
        assert "outputs__prometheus_metrics" in steps(result)
        assert not (home / "docs" / "models.html").exists()
    # Seen red: what a rule found lies beside the result.
    (check,) = [
        check
        for check in result.get_asset_check_evaluations()
        if check.check_name == "confidence_is_a_share"
    ]
    assert check.asset_key == dg.AssetKey(["marts", "fct_routing_decisions"])
    assert check.metadata["broken_rows"].value == 1
    assert check.description == (
        "Confidence and predicted quality lie between 0 and 1. Broken by 1 row(s)."
    )


def test_nightly_looks_at_everything_and_writes_the_documentation(
    story: Story, definitions: dg.Definitions, instance: dg.DagsterInstance, home: Path
) -> None:
    story.land(organization(), *map(execution, range(1, 4)))
    with environment_of(story.database):
        result = run(definitions, instance, "nightly")
    assert result.success, [event.message for event in result.all_events if event.is_failure]
    checked = {check.check_name for check in result.get_asset_check_evaluations()}
    assert "stored_figures_can_be_recomputed" in checked
    graph = definitions.resolve_asset_graph()
    assert checked == {key.name for key in graph.asset_check_keys}
    for page in ("index.html", "models.html"):
        assert (home / "docs" / page).stat().st_size > 0
    (facts,) = [
        event.materialization
        for event in result.get_asset_materialization_events()
        if event.asset_key == dg.AssetKey(["marts", "fct_task_executions"])
    ]
    assert facts.metadata["dagster/row_count"].value == 3
    # All of it is older than 90 days, so it was sealed.
    assert story.row("select count(*) as seals from ledger.seals") == {"seals": 1}


def test_a_month_and_an_organization_are_computed_again_as_partitions(
    definitions: dg.Definitions,
) -> None:
    def options(job: str, key: str) -> Any:
        config = definitions.resolve_job_def(job).partitioned_config
        assert config
        return config.get_run_config_for_partition_key(key)["ops"]["warehouse_models"]["config"]

    assert options("rebuild_month", "2026-12-01") == {
        "rebuild_from": "2026-12-01",
        "rebuild_until": "2027-01-01",
    }
    assert options("rebuild_organization", organization()["id"]) == {
        "rebuild_organizations": [organization()["id"]]
    }


def test_a_rebuild_from_the_launchpad(
    story: Story, definitions: dg.Definitions, instance: dg.DagsterInstance, home: Path
) -> None:
    assert home
    story.land(organization(), execution())
    story.build()
    with environment_of(story.database):
        with story.database.connect() as connection:
            connection.execute("update marts.fct_task_executions set error_code = 'damaged'")
        config = {"ops": {"warehouse_models": {"config": {"rebuild_from": "2026-03-01"}}}}
        assert run(definitions, instance, "rebuild", run_config=config).success
    assert story.row("select error_code from marts.fct_task_executions") == {"error_code": None}


def test_weekly_maintenance(
    story: Story, definitions: dg.Definitions, instance: dg.DagsterInstance, home: Path
) -> None:
    assert home
    old = instance.create_run_for_job(
        definitions.resolve_job_def("weekly"), status=dg.DagsterRunStatus.SUCCESS
    )
    with environment_of(story.database), pytest.MonkeyPatch.context() as patched:
        patched.setattr("orchestration.defs.maintenance.KEPT_DAYS", 0)
        result = run(definitions, instance, "weekly")
    assert result.success
    assert [run.run_id for run in instance.get_runs()] == [result.run_id]
    assert old.run_id != result.run_id
    vacuumed = story.row(
        "select count(*) as tables from pg_stat_user_tables "
        "where schemaname = 'marts' and last_vacuum is null"
    )
    assert vacuumed == {"tables": 0}


def tick(definitions: dg.Definitions, instance: dg.DagsterInstance, name: str) -> Any:
    """Evaluate a schedule."""
    schedules = {schedule.name: schedule for schedule in definitions.schedules or []}
    schedule = schedules[name]
    assert isinstance(schedule, dg.ScheduleDefinition)
    context = dg.build_schedule_context(instance=instance, scheduled_execution_time=TICK)
    return schedule.evaluate_tick(context)


def test_ticks_ask_for_runs_with_their_own_time(
    story: Story, definitions: dg.Definitions, instance_on_disk: dg.DagsterInstance
) -> None:
    def request(name: str) -> Any:
        with environment_of(story.database):
            return tick(definitions, instance_on_disk, name)

    for name in ("every_five_minutes", "every_night", "every_week"):
        (asked,) = request(name).run_requests
        assert asked.run_key == "2026-11-26T10:05:00+00:00"
        assert asked.tags["warehouse/tick"] == "2026-11-26T10:05:00+00:00"
    (asked,) = request("every_night").run_requests
    assert asked.run_config["ops"]["outputs__event_archive"]["config"] == {
        "now": "2026-11-26T10:05:00+00:00"
    }

    # One that waits is enough.
    instance_on_disk.create_run_for_job(
        definitions.resolve_job_def("near_real_time"), status=dg.DagsterRunStatus.NOT_STARTED
    )
    assert request("every_five_minutes").run_requests == []
    assert request("every_night").run_requests != []


def built_by_dbt(result: dg.ExecuteInProcessResult) -> set[str]:
    """Return the tables and views that a run built."""
    return {
        event.asset_key.to_user_string()
        for event in result.get_asset_materialization_events()
        if event.asset_key
        and event.asset_key.path[0] not in ("raw", "ledger", "quality", "outputs")
    }


def relations_of(story: Story, kinds: str = "rv", schemas: str = "") -> set[str]:
    """Return the tables (r) and views (v) that stand, in all of dbt's schemas unless given."""
    rows = story.rows(
        "select relnamespace::regnamespace || '/' || relname as relation from pg_class "
        "where strpos(%s, relkind::text) > 0 and relnamespace::regnamespace::text = any(%s)",
        kinds,
        (schemas or "reference snapshots staging intermediate marts documents").split(),
    )
    return {row["relation"] for row in rows}


def change(story: Story, statement: str) -> None:
    with story.database.connect() as connection:
        connection.execute(statement.encode())


def test_a_tick_asks_for_a_run_only_when_something_waits(
    story: Story,
    definitions: dg.Definitions,
    instance_on_disk: dg.DagsterInstance,
    home: Path,
    project: Project,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def waits() -> str | None:
        """Return why the tick asks for a run; None when it does not."""
        began = time.monotonic()
        answer = tick(definitions, instance_on_disk, "every_five_minutes")
        seconds.append(time.monotonic() - began)
        if answer.skip_message:
            assert answer.skip_message == "Nothing waits."
            return None
        (asked,) = answer.run_requests
        return str(asked.tags["warehouse/waits"])

    seconds: list[float] = []
    root = tmp_path / "checkout"
    shutil.copytree(project.root, root)
    monkeypatch.chdir(root)
    with environment_of(story.database):
        assert waits() == ("the project changed; a seed changed; the last build was long ago"), (
            "Dagster has not built it yet"
        )
        everything = relations_of(story)
        assert built_by_dbt(run(definitions, instance_on_disk, "near_real_time")) == everything
        assert waits() is None

        begun = "2026-10-31T23:00:00Z"
        running = execution(3, status="running", end_time=None, start_time=begun, updated_at=begun)
        story.land(organization(), execution(1), running)
        assert waits() == "a load has landed"
        # At the moment that counts as now in a story the execution is still young. The views have
        # the clock of the run before.
        story.build("*")
        assert waits() == "an execution timed out"
        story.build(now=None)
        assert waits() is None

        story.land(execution(2))
        # By hand, without the rollups.
        story.build("fct_task_executions", now=None)
        assert waits() == "models are behind the facts"
        story.build(ROWS, now=None)
        assert waits() is None

        change(story, "delete from intermediate.int_bookmarks where model_name = 'int_user_days'")
        assert waits() == "models are behind the facts"
        story.build(ROWS, now=None)

        change(story, "insert into ledger.running_builds values ('public', 'killed')")
        assert waits() == "a build has not ended"
        change(story, "delete from ledger.running_builds")

        change(story, _MISCOUNT.format("+"))
        with pytest.raises(AssertionError, match="assert_layers_reconcile"):
            story.build("reconciled_days", now=None, with_tests=True)
        assert waits() == "the last build failed"
        change(story, _MISCOUNT.format("-"))
        story.build("reconciled_days", now=None, with_tests=True)
        assert waits() is None

        change(story, "drop view documents.users")
        assert waits() == "a relation is missing"
        assert built_by_dbt(run(definitions, instance_on_disk, "near_real_time")) == everything
        assert waits() is None

        change(story, "update ledger.built_projects set built_at = built_at - interval '1 hour'")
        assert waits() == "the last build was long ago"
        change(story, "update ledger.built_projects set built_at = built_at + interval '1 hour'")

        drop(home, "new.ndjson", organization(2))
        assert waits() == "a file is in the inbox"
        (home / "landing" / "inbox" / "new.ndjson").unlink()

        for file, reason in (
            ("models/marts/dates/dim_dates.sql", "the project changed"),
            ("macros/time/local_date.sql", "the project changed"),
            ("dbt_project.yml", "the project changed"),
            ("seeds/retention/raw_retention.csv", "a seed changed"),
        ):
            before = (root / file).read_bytes()
            (root / file).write_bytes(before + b"\n")
            assert waits() == reason, file
            (root / file).write_bytes(before)
        assert waits() is None
        assert min(seconds) < 1

        prices = root / "seeds" / "pricing" / "usage_prices.csv"
        prices.write_bytes(prices.read_bytes() + b"\n")
        built = built_by_dbt(run(definitions, instance_on_disk, "near_real_time"))
        assert built == everything - relations_of(story, "v")
        assert waits() is None


def test_a_tick_asks_for_a_run_where_nothing_was_built_or_nobody_answers(
    database_18: Database,
    definitions: dg.Definitions,
    instance_on_disk: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def waits() -> str:
        (asked,) = tick(definitions, instance_on_disk, "every_five_minutes").run_requests
        return str(asked.tags["warehouse/waits"])

    assert waits() == "the database could not be asked (UndefinedTable)"
    with database_18.connect(autocommit=True) as connection:
        connection.execute("drop schema raw cascade")
    assert waits() == "the database could not be asked (UndefinedTable)"
    monkeypatch.setenv("PGPORT", "1")
    assert waits() == "the database could not be asked (WarehouseError)"


def test_files_in_the_inbox_ask_for_a_run(
    definitions: dg.Definitions, instance: dg.DagsterInstance, home: Path
) -> None:
    inbox = sensor(definitions, "landing_inbox")
    assert isinstance(inbox(dg.build_sensor_context(instance)), dg.SkipReason)
    drop(home, "first.ndjson", organization())
    first = inbox(dg.build_sensor_context(instance))
    assert isinstance(first, dg.RunRequest)
    # The same files ask for the same run, once.
    assert inbox(dg.build_sensor_context(instance)).run_key == first.run_key
    queued = instance.create_run_for_job(
        definitions.resolve_job_def("near_real_time"), status=dg.DagsterRunStatus.NOT_STARTED
    )
    assert isinstance(inbox(dg.build_sensor_context(instance)), dg.SkipReason)
    # They are still there after it: it could not land them, so they ask again.
    instance.report_run_failed(queued)
    assert inbox(dg.build_sensor_context(instance)).run_key != first.run_key


def test_changed_prices_are_told_and_built(
    definitions: dg.Definitions,
    webhook: Webhook,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    project: Any,
) -> None:
    root = tmp_path / "checkout"
    shutil.copytree(project.root, root)
    shutil.copytree(project_root() / "docs", root / "docs")
    monkeypatch.chdir(root)
    price_files = sensor(definitions, "price_files")
    context = sensor_context()
    assert isinstance(price_files(context), dg.SkipReason)
    assert isinstance(price_files(context), dg.SkipReason)
    prices = root / "seeds" / "pricing" / "provider_pricing.csv"
    prices.write_text(prices.read_text() + "\n", encoding="utf-8")
    assert isinstance(price_files(context), dg.RunRequest)
    (message,) = webhook.told
    assert_is_complete(message)
    assert message.startswith("Price files changed: 1 file(s), provider_pricing.csv, since ")
    assert "\nLikely cause: somebody added prices or deployed.\nNext: git log " in message
    assert isinstance(price_files(context), dg.SkipReason)


def test_alerts_are_told_once_and_when_they_are_resolved(
    story: Story, definitions: dg.Definitions, webhook: Webhook
) -> None:
    now = dt.datetime.now(dt.UTC)
    this_month = {
        "start_time": now.isoformat(),
        "end_time": now.isoformat(),
        "updated_at": now.isoformat(),
    }
    dear = for_three_usd(1, **this_month)
    alerts = sensor(definitions, "alerts")
    context = sensor_context()
    with environment_of(story.database):
        story.land(organization(monthly_budget_usd=5), dear)
        story.build(now=None)
        open_rules = {
            row["rule"] for row in story.rows("select rule from marts.fct_alerts where is_open")
        }
        assert "spend_is_below_budget_notice" in open_rules
        alerts(context)
        alerts(context)
        (message,) = webhook.told
        assert_is_complete(message)
        assert message.count("Likely cause: ") == len(open_rules)
        assert re.search(
            r"info: spend_is_below_budget_notice: Acme, mostly \w+ .*: 3 usd, limit 2\.5, since",
            message,
        )

        story.land(
            organization(2, monthly_budget_usd=500, updated_at=now.isoformat()),
        )
        story.build(now=None)
        # One that cannot be delivered is told again.
        webhook.status = 503
        with pytest.raises(WarehouseError, match="could not be delivered by JSON"):
            alerts(context)
        webhook.status = 200
        alerts(context)
        assert webhook.told[-1].count("resolved: info: spend_is_below_budget_notice") == 1
        assert_is_complete(webhook.told[-1])
        assert webhook.told[-2:] == [webhook.told[-1]] * 2


def test_what_is_behind_is_told_once_and_when_it_caught_up(
    story: Story, definitions: dg.Definitions, webhook: Webhook, home: Path
) -> None:
    freshness = sensor(definitions, "freshness")
    context = sensor_context()
    with environment_of(story.database):
        drop(home, "new.ndjson", organization())
        waiting = home / "landing" / "inbox" / "new.ndjson"
        freshness(context)
        assert webhook.told == []
        os.utime(waiting, (0, 0))
        freshness(context)
        freshness(context)
        (message,) = webhook.told
        assert message.startswith(
            "The live views are behind: 1 file(s) wait in the inbox, new.ndjson since "
            "1970-01-01 00:00 UTC, limit 1 minute(s)\n"
        )
        land([waiting])
        waiting.unlink()
        with story.database.connect() as connection:
            connection.execute("update raw.loads set landed_at = '2026-11-26 10:00:00+00'")
        freshness(context)
        behind, over = webhook.told[-1].split("\n\n")
        assert behind.startswith(
            "The marts are behind: 1 load(s) wait, the first since 2026-11-26 10:00 UTC, "
            "limit 5 minute(s) (and 1 more)\n"
        )
        assert over.startswith("The live views are up to date again, since ")
        story.build()
        freshness(context)
        assert webhook.told[-1].startswith("The marts are up to date again, since ")
        assert len(webhook.told) == 3
        for message in webhook.told:
            assert_is_complete(message)


def test_a_failed_run_is_told_with_its_red_checks_and_the_next_success(
    story: Story,
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    webhook: Webhook,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert home
    story.land(organization(), execution())
    story.build()
    with story.database.connect() as connection:
        # As if Dagster had built it: the runs leave views and seeds.
        record_checksums(connection, current_checksums(project_root()))
    failed_runs = sensor(definitions, "failed_runs")
    recovered_runs = sensor(definitions, "recovered_runs")

    def tell(result: dg.ExecuteInProcessResult, of: Callable[..., Any]) -> None:
        is_failure = of is failed_runs
        (event,) = [
            event
            for event in result.all_events
            if event.is_run_failure or event.event_type is dg.DagsterEventType.RUN_SUCCESS
        ]
        context = dg.build_run_status_sensor_context(
            sensor_name="told", dagster_event=event, dagster_instance=instance,
            dagster_run=result.dagster_run,
            resources={"notifier": Notifier()},
        )  # fmt: skip
        of(context.for_run_failure() if is_failure else context)

    with environment_of(story.database):
        # A day that does not reconcile: a test of dbt is red.
        with story.database.connect() as connection:
            connection.execute(_MISCOUNT.format("+"))
        first = run(definitions, instance, "near_real_time")
        tell(first, failed_runs)
        second = run(definitions, instance, "near_real_time")
        tell(second, failed_runs)
        (message,) = webhook.told
        assert message.startswith("near_real_time failed in warehouse_models: 1 run(s), since ")
        assert "\nRed check: quality/reconciled_days: assert_layers_reconcile\n" in message
        assert re.search(r"Likely cause: .*FAIL \d+ assert_layers_reconcile", message)
        (query,) = re.findall(r'Next: warehouse db psql -c "(.*)"', message)
        assert {row["differing_measures"] for row in story.rows(query)} == {"count"}
        assert f"Look: /runs/{first.run_id} in Dagster" in message
        # The first failure is mended, and another one takes its place.
        with story.database.connect() as connection:
            connection.execute(_MISCOUNT.format("-"))
            connection.execute(_COLUMN.format("member_since", "since"))
        third = run(definitions, instance, "near_real_time")
        tell(third, failed_runs)
        *_, message = webhook.told
        assert len(webhook.told) == 2
        assert message.startswith("near_real_time failed in warehouse_models: 1 run(s), since ")
        assert "Red check" not in message
        assert re.search("Likely cause: .* model dim_users .* out of sync!", message)
        assert "\nNext: warehouse db status\n" in message
        # The same failure, hours after its first one.
        monkeypatch.setattr("orchestration.defs.sensors.REPEATED_AFTER", dt.timedelta(seconds=1))
        fourth = run(definitions, instance, "near_real_time")
        tell(fourth, failed_runs)
        *_, message = webhook.told
        assert message.startswith(
            "near_real_time still fails in warehouse_models: 2 run(s), since "
        )
        with story.database.connect() as connection:
            connection.execute(_COLUMN.format("since", "member_since"))
        fifth = run(definitions, instance, "near_real_time")
        assert fifth.success
        tell(fifth, recovered_runs)
        (message,) = webhook.told[3:]
        assert message.startswith("near_real_time succeeds again, since ")
        assert f"Look: /runs/{fifth.run_id} in Dagster" in message
        for message in webhook.told:
            assert_is_complete(message)


def test_the_project_is_read_again_when_it_or_the_database_changed(
    definitions: dg.Definitions, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert definitions
    from orchestration.defs.dbt.resources import prepare

    def read(_: DagsterDbtProjectPreparer, project: DbtProject) -> None:
        project.manifest_path.parent.mkdir(exist_ok=True)
        project.manifest_path.write_text("{}", encoding="utf-8")
        reads.append(project)

    def reads_until_now(database: str = "one") -> int:
        prepare(made, {"PGDATABASE": database})
        return len(reads)

    monkeypatch.setattr(DagsterDbtProjectPreparer, "prepare", read)
    reads: list[DbtProject] = []
    root = tmp_path / "checkout"
    shutil.copytree(project.root, root)
    made = DbtProject(root, target_path=tmp_path / "target")
    assert reads_until_now() == 1
    # A manifest that is there is used as it is, unless `dagster dev` loads the definitions.
    assert reads_until_now("other") == 1
    monkeypatch.setenv("DAGSTER_IS_DEV_CLI", "1")
    assert reads_until_now() == 1
    assert reads_until_now("other") == 2
    assert reads_until_now() == 3
    monkeypatch.setenv("WAREHOUSE_SCHEMA", "other")
    assert reads_until_now() == reads_until_now() == 4
    for number, name in enumerate(
        ("models/marts/dates/dim_dates.sql", "selectors.yml", "profiles/profiles.yml"), 5
    ):
        (root / name).write_bytes((root / name).read_bytes() + b"\n")
        assert reads_until_now() == reads_until_now() == number, name
    made.manifest_path.unlink()
    assert reads_until_now() == 8


def test_only_lost_connections_are_tried_again() -> None:
    lost = psycopg.OperationalError("server closed the connection unexpectedly")
    wrapped = WarehouseError("Nothing of this file was landed.")
    wrapped.__cause__ = lost
    assert is_lost_connection(lost)
    assert is_lost_connection(wrapped)
    assert not is_lost_connection(psycopg.errors.DiskFull("no space left on device"))
    assert not is_lost_connection(WarehouseError("Schema raw is not migrated."))
    assert not is_lost_connection(ValueError("server closed the connection unexpectedly"))
    with pytest.raises(dg.RetryRequested), retried_when_connection_is_lost():
        raise lost
    with pytest.raises(WarehouseError), retried_when_connection_is_lost():
        raise WarehouseError("Schema raw is not migrated.")
