"""The Dagster definitions: what they hold, that they load without a database, that they build."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from click.testing import CliRunner
from conftest import Database

from orchestration.defs.commands import ui
from orchestration.defs.dbt.arguments import dbt_arguments
from orchestration.defs.dbt.environment import environment_with, settings_for_reading
from orchestration.landing.loader import land
from orchestration.project import project_root
from orchestration.sample.generator import DEFAULT_UNTIL, SampleSettings, generate

MARTS = [
    "marts/alert_conditions",
    "marts/alert_episodes",
    "marts/analytics_aggregations",
    "marts/analytics_hourly",
    "marts/cost_discrepancies",
    "marts/daily_savings",
    "marts/dim_dates",
    "marts/dim_organizations",
    "marts/dim_prices",
    "marts/dim_providers",
    "marts/dim_users",
    "marts/fct_alerts",
    "marts/fct_cost_corrections",
    "marts/fct_cost_lines",
    "marts/fct_measured_savings",
    "marts/fct_routing_decisions",
    "marts/fct_savings_by_policy",
    "marts/fct_task_executions",
    "marts/late_corrections",
    "marts/live_organization_days",
    "marts/live_organization_month",
    "marts/live_organization_today",
    "marts/model_usage",
    "marts/organization_analytics",
    "marts/organization_current_month",
    "marts/organization_duration_histogram",
    "marts/provider_duration_histogram",
    "marts/provider_performance_metrics",
    "marts/reconciled_days",
    "marts/reconciled_loads",
    "marts/reconciled_periods",
    "marts/reconciled_provider_periods",
    "marts/reconciliation",
    "marts/savings_quality",
    "marts/sealed_periods",
    "marts/status_transition_violations",
    "marts/task_executions",
    "marts/unpriced_usage",
    "marts/user_analytics",
    "marts/users",
]
RAW_TABLES = [
    "raw/event_totals",
    "raw/finished_builds",
    "raw/landed_totals",
    "raw/loads",
    "raw/organizations",
    "raw/routing_decisions",
    "raw/sealed_executions",
    "raw/sealed_organizations",
    "raw/seals",
    "raw/task_executions",
    "raw/users",
]
SOURCES = ["quality/check_results", *RAW_TABLES]
DESCRIBE = """
import json
from orchestration.definitions import defs

graph = defs.resolve_asset_graph()
nodes = {key.to_user_string(): graph.get(key) for key in graph.get_all_asset_keys()}
(schedule,) = defs.schedules
print(json.dumps({
    "groups": {name: node.group_name for name, node in nodes.items()},
    "owners": {name: sorted(node.owners) for name, node in nodes.items()},
    "parents": {
        name: sorted(key.to_user_string() for key in node.parent_keys)
        for name, node in nodes.items()
    },
    "observable": sorted(name for name, node in nodes.items() if node.is_observable),
    "partitioned": [name for name, node in nodes.items() if node.is_partitioned],
    "checks": sorted(key.name for key in graph.asset_check_keys),
    "schedule": [
        schedule.name, schedule.job_name, schedule.execution_timezone,
        schedule.default_status.value,
    ],
}))
"""


@pytest.fixture(scope="module")
def bare_environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return an environment that knows of no database, no virtual environment and no manifest."""
    folder = tmp_path_factory.mktemp("bare")
    (folder / "dagster").mkdir()
    return {
        "PATH": os.defpath,
        "HOME": str(folder),
        "DAGSTER_HOME": str(folder / "dagster"),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "DBT_TARGET_PATH": str(folder / "target"),
        "WAREHOUSE_HOME": str(folder / "state"),
    }


@pytest.fixture(scope="module")
def described(bare_environment: dict[str, str]) -> dict[str, Any]:
    """Return what the definitions hold when they are loaded without a database."""
    found: dict[str, Any] = json.loads(
        run_python("-c", DESCRIBE, environment=bare_environment).splitlines()[-1]
    )
    return found


def run_python(*arguments: str, environment: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=project_root(),
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_definitions_load_without_a_database(
    described: dict[str, Any], bare_environment: dict[str, str]
) -> None:
    assert described["groups"]
    # Nothing started the embedded server either.
    assert not Path(bare_environment["WAREHOUSE_HOME"]).exists()


def test_marts_and_raw_tables_are_the_expected_assets(described: dict[str, Any]) -> None:
    names = sorted(described["groups"])
    assert [name for name in names if name.startswith("marts/")] == MARTS
    assert [name for name in names if name.startswith("raw/")] == RAW_TABLES
    assert described["observable"] == SOURCES
    assert described["partitioned"] == []


def test_assets_are_grouped_by_layer(described: dict[str, Any]) -> None:
    groups = described["groups"]
    layers = {"raw", "quality", "reference", "snapshots", "staging", "intermediate", "marts"}
    assert set(groups.values()) == layers
    assert {name for name, group in groups.items() if name.split("/")[0] != group} == set()


def test_staging_models_stand_on_the_sources(described: dict[str, Any]) -> None:
    assert described["parents"]["staging/stg_platform__users"] == ["raw/users"]
    children = {
        parent
        for name, parents in described["parents"].items()
        if name.startswith("staging/")
        for parent in parents
    }
    assert children == set(SOURCES)


def test_every_model_has_an_owner(described: dict[str, Any]) -> None:
    unowned = [name for name, owners in described["owners"].items() if not owners]
    assert sorted(unowned) == SOURCES


def test_every_dbt_data_test_is_an_asset_check(
    described: dict[str, Any], bare_environment: dict[str, str]
) -> None:
    manifest = json.loads(Path(bare_environment["DBT_TARGET_PATH"], "manifest.json").read_bytes())
    tests = {node["name"] for node in manifest["nodes"].values() if node["resource_type"] == "test"}
    # One with several parents must say where it belongs: config(meta={'dagster': {'ref': ...}}).
    assert tests - set(described["checks"]) == set()


def test_the_schedule_is_stopped_and_in_utc(described: dict[str, Any]) -> None:
    assert described["schedule"] == ["nightly_build", "build_warehouse", "UTC", "STOPPED"]


def test_dagster_accepts_the_definitions(
    described: dict[str, Any], bare_environment: dict[str, str]
) -> None:
    assert described
    run_python(
        "-m",
        "dagster",
        *("definitions", "validate", "-m", "orchestration.definitions"),
        environment=bare_environment,
    )


def test_dbt_builds_without_unit_tests() -> None:
    assert dbt_arguments() == ["build", "--exclude-resource-type", "unit_test"]
    assert dbt_arguments(full_refresh=True) == [*dbt_arguments(), "--full-refresh"]


def test_reading_the_project_needs_names_but_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings_for_reading() == {
        "PGHOST": "127.0.0.1",
        "PGUSER": "warehouse",
        "PGDATABASE": "warehouse",
    }
    for name, value in {"PGHOST": "db.test", "PGUSER": "jo", "PGPASSWORD": "secret"}.items():
        monkeypatch.setenv(name, value)
    assert settings_for_reading() == {
        "PGHOST": "db.test",
        "PGPORT": "5432",
        "PGUSER": "jo",
        "PGDATABASE": "jo",
    }


def test_the_environment_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAREHOUSE_TEST_OLD", "before")
    changes = {"WAREHOUSE_TEST_OLD": "during", "WAREHOUSE_TEST_NEW": "during"}
    with environment_with(changes):
        assert changes.items() <= os.environ.items()
    assert os.environ["WAREHOUSE_TEST_OLD"] == "before"
    assert "WAREHOUSE_TEST_NEW" not in os.environ


def test_one_job_builds_and_checks_everything(
    database_18: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = tmp_path / "sample.ndjson"
    sample.write_bytes(b"".join(generate(SampleSettings(60, 2, 4, 3, 3, DEFAULT_UNTIL))))
    (landed,) = land([sample]).files
    definitions = load_definitions(monkeypatch, tmp_path / "target")
    with dg.DagsterInstance.ephemeral() as instance:
        result = definitions.resolve_job_def("build_warehouse").execute_in_process(
            instance=instance
        )
        (users,) = instance.fetch_observations(dg.AssetKey(["raw", "users"]), limit=1).records
    assert result.success

    # What has landed was noted, before the build.
    steps = [event.step_key for event in result.all_events if event.is_step_start]
    assert steps == ["raw_tables", "warehouse_models"]
    assert users.asset_observation
    metadata = users.asset_observation.metadata
    assert metadata["loads"].value == 1
    assert metadata["last_load"].value == landed.load_id
    with database_18.connect() as connection:
        assert connection.execute("select count(*) from raw.users").fetchone() == (
            metadata["rows_landed"].value,
        )
        # Every execution is in the marts, once.
        assert connection.execute(
            "select count(*), count(distinct execution_id) from marts.fct_task_executions"
        ).fetchone() == (60, 60)

    graph = definitions.resolve_asset_graph()
    built = {event.asset_key for event in result.get_asset_materialization_events()}
    assert built == graph.materializable_asset_keys
    checks = result.get_asset_check_evaluations()
    assert {check.asset_check_key for check in checks} == graph.asset_check_keys
    # The history of list prices is full of changes, and one price is listed with a known error.
    assert sorted(check.check_name for check in checks if not check.passed) == [
        "assert_output_costs_no_less_than_input",
        "assert_price_changes_are_small",
    ]
    assert {check.severity for check in checks if not check.passed} == {dg.AssetCheckSeverity.WARN}
    (schema,) = [
        event.materialization.metadata["dagster/column_schema"]
        for event in result.get_asset_materialization_events()
        if event.asset_key == dg.AssetKey(["marts", "dim_users"])
    ]
    assert isinstance(schema, dg.TableSchemaMetadataValue)
    assert schema.value.columns[0].name == "user_id"
    # Each run's own copy of the manifest is gone.
    assert [path for path in (tmp_path / "target").iterdir() if path.is_dir()] == []


def load_definitions(monkeypatch: pytest.MonkeyPatch, target: Path) -> dg.Definitions:
    """Load the definitions anew, for the database that the environment names now."""
    monkeypatch.setenv("DBT_TARGET_PATH", str(target))
    for name in list(sys.modules):
        if name == "orchestration.definitions" or name.startswith("orchestration.defs.dbt."):
            monkeypatch.delitem(sys.modules, name)
    definitions = importlib.import_module("orchestration.definitions").defs
    assert isinstance(definitions, dg.Definitions)
    return definitions


def test_ui_runs_dagster_on_the_same_database(
    database_18: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    calls: list[tuple[Path, list[str], dict[str, str]]] = []
    monkeypatch.setattr(os, "execve", lambda *call: calls.append(call))
    monkeypatch.chdir(project_root() / "models")
    result = CliRunner().invoke(ui, ["--port", "3456"])
    assert result.exit_code == 0, result.output
    assert Path.cwd() == project_root()
    ((program, arguments, environment),) = calls
    assert program == Path(sys.executable).with_name("dagster")
    assert arguments[1:] == [
        *("dev", "-m", "orchestration.definitions"),
        *("--host", "127.0.0.1", "--port", "3456"),
    ]
    assert database_18.environment.items() <= environment.items()
    home = tmp_path / "warehouse home" / "dagster"
    assert environment["DAGSTER_HOME"] == str(home)
    assert "telemetry:\n  enabled: false\n" in (home / "dagster.yaml").read_text()

    (home / "dagster.yaml").write_text("# mine\n")
    assert CliRunner().invoke(ui).exit_code == 0
    assert (home / "dagster.yaml").read_text() == "# mine\n"


def test_ui_says_when_its_folder_cannot_be_made(
    database_18: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert database_18
    (tmp_path / "file").touch()
    monkeypatch.setenv("WAREHOUSE_HOME", str(tmp_path / "file"))
    result = CliRunner().invoke(ui)
    assert result.exit_code == 1
    assert "Choose another state folder with WAREHOUSE_HOME" in result.output
