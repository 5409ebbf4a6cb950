"""The Dagster definitions: what they hold, and that they load without a database."""

import json
import os
import re
import subprocess
import sys
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from support.events import ORGANIZATION_ID

from orchestration.dbt.arguments import dbt_arguments
from orchestration.dbt.environment import environment_with, settings_for_reading
from orchestration.environments import RUNS_BY_ITSELF, Environment
from orchestration.errors import WarehouseError
from orchestration.project import project_root
from orchestration.quality.rules import SPOT_CHECK, SUITES
from orchestration.retention.run import moment

MARTS = [
    "marts/adjustment_days",
    "marts/cost_discrepancies",
    "marts/dim_dates",
    "marts/dim_organizations",
    "marts/dim_price_factors",
    "marts/dim_prices",
    "marts/dim_providers",
    "marts/dim_source_gaps",
    "marts/dim_usage_prices",
    "marts/dim_user_versions",
    "marts/dim_users",
    "marts/fct_adjustments",
    "marts/fct_alerts",
    "marts/fct_cost_corrections",
    "marts/fct_cost_lines",
    "marts/fct_measured_savings",
    "marts/fct_routing_decisions",
    "marts/fct_savings_by_policy",
    "marts/fct_shadow_evaluations",
    "marts/fct_task_executions",
    "marts/late_corrections",
    "marts/live_freshness",
    "marts/live_organization_days",
    "marts/live_organization_month",
    "marts/live_organization_today",
    "marts/model_usage",
    "marts/organization_bills",
    "marts/organization_days",
    "marts/organization_hours",
    "marts/organization_months",
    "marts/organization_weeks",
    "marts/provider_call_days",
    "marts/provider_days",
    "marts/provider_hours",
    "marts/provider_months",
    "marts/provider_weeks",
    "marts/savings_quality",
    "marts/sealed_periods",
    "marts/support_days",
    "marts/team_days",
    "marts/team_months",
    "marts/unpriced_usage",
    "marts/user_days",
    "marts/user_months",
    "marts/user_weeks",
]

DOCUMENTS = [
    "documents/analytics_aggregations",
    "documents/analytics_hourly",
    "documents/daily_savings",
    "documents/organization_analytics",
    "documents/organization_current_month",
    "documents/provider_performance_metrics",
    "documents/task_executions",
    "documents/user_analytics",
    "documents/users",
]

AUDITS = [
    "quality/alert_conditions",
    "quality/alert_episodes",
    "quality/disputed_versions",
    "quality/reconciled_days",
    "quality/reconciled_loads",
    "quality/reconciled_provider_days",
    "quality/reconciliation",
    "quality/status_transition_violations",
    "quality/unreconciled_executions",
]
RAW_TABLES = [
    "raw/adjustments",
    "raw/agent_events",
    "raw/billing_events",
    "raw/customer_events",
    "raw/event_totals",
    "raw/loads",
    "raw/organizations",
    "raw/provider_events",
    "raw/routing_decisions",
    "raw/shadow_evaluations",
    "raw/support_events",
    "raw/task_executions",
    "raw/users",
    "raw/web_events",
]
LEDGERS = [
    "ledger/finished_builds",
    "ledger/landed_totals",
    "ledger/sealed_executions",
    "ledger/sealed_organizations",
    "ledger/seals",
]
SOURCES = ["quality/check_results", *RAW_TABLES, *LEDGERS]
OUTPUTS = ["outputs/documentation", "outputs/event_archive", "outputs/prometheus_metrics"]
BUILD_STEPS = ["quality_checks", "raw_tables", "warehouse_models"]
JOBS = {
    "near_real_time": sorted([*BUILD_STEPS, "outputs__prometheus_metrics"]),
    "full_check": sorted([*BUILD_STEPS, "outputs__documentation", "outputs__prometheus_metrics"]),
    "nightly": sorted(
        [
            *BUILD_STEPS,
            "outputs__documentation",
            "outputs__event_archive",
            "outputs__prometheus_metrics",
        ]
    ),
    "weekly": ["forget_old_runs", "prove_models", "vacuum"],
    "rebuild": BUILD_STEPS,
    "rebuild_month": BUILD_STEPS,
    "rebuild_organization": BUILD_STEPS,
}
SCHEDULES = {
    "every_five_minutes": ["near_real_time", "*/5 * * * *", "UTC"],
    "every_night": ["nightly", "5 0 * * *", "UTC"],
    "every_week": ["weekly", "0 3 * * 0", "UTC"],
}
SENSORS = [
    "alerts", "failed_runs", "freshness", "landing_inbox", "price_files", "recovered_runs",
]  # fmt: skip
# Each line is an asset, a check on it, and whether what stands on the asset waits for it.
CHECKS = Path(__file__).with_name("expected_checks.txt")
DESCRIBE = """
import json
import sys
from orchestration.definitions import defs

graph = defs.resolve_asset_graph()
nodes = {key.to_user_string(): graph.get(key) for key in graph.get_all_asset_keys()}
checks = [graph.get(key) for key in graph.asset_check_keys]
print(json.dumps({
    "groups": {name: node.group_name for name, node in nodes.items()},
    "owners": {name: sorted(node.owners) for name, node in nodes.items()},
    "described": sorted(name for name, node in nodes.items() if node.description),
    "versioned": sorted(name for name, node in nodes.items() if node.code_version),
    "linked": sorted(name for name, node in nodes.items() if "documentation" in node.metadata),
    "fresh": sorted(name for name, node in nodes.items() if node.freshness_policy),
    "parents": {
        name: sorted(key.to_user_string() for key in node.parent_keys)
        for name, node in nodes.items()
    },
    "materializable": sorted(name for name, node in nodes.items() if node.is_materializable),
    "partitioned": [name for name, node in nodes.items() if node.is_partitioned],
    "checks": sorted(
        f"{check.key.asset_key.to_user_string()} {check.key.name}"
        f" {'blocks' if check.blocking else 'warns'}"
        for check in checks
    ),
    "jobs": {
        job.name: sorted(node.name for node in defs.resolve_job_def(job.name).nodes)
        for job in defs.jobs
    },
    "turns": [defs.resolve_job_def(job.name).tags.get("warehouse/turn") for job in defs.jobs],
    "schedules": {
        schedule.name: [schedule.job_name, schedule.cron_schedule, schedule.execution_timezone]
        for schedule in defs.schedules
    },
    "sensors": sorted(sensor.name for sensor in defs.sensors),
    "on": sorted({item.default_status.value for item in [*defs.schedules, *defs.sensors]}),
    "undescribed": sorted([
        *(check.key.name for check in checks if not check.description),
        *(
            item.name
            for item in [*defs.schedules, *defs.sensors, *defs.jobs]
            if not item.description
        ),
    ]),
    "imported": sorted({"great_expectations"} & set(sys.modules)),
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
    assert described["imported"] == []


def test_marts_raw_tables_and_outputs_are_the_expected_assets(described: dict[str, Any]) -> None:
    names = sorted(described["groups"])
    assert [name for name in names if name.startswith("marts/")] == MARTS
    assert [name for name in names if name.startswith("documents/")] == DOCUMENTS
    audits = [name for name in names if name.startswith("quality/") and name not in SOURCES]
    assert audits == AUDITS
    assert [name for name in names if name.startswith("raw/")] == RAW_TABLES
    assert [name for name in names if name.startswith("ledger/")] == LEDGERS
    assert [name for name in names if name.startswith("outputs/")] == OUTPUTS
    assert described["materializable"] == names
    assert described["partitioned"] == []


def test_assets_are_grouped_by_folder(described: dict[str, Any]) -> None:
    folders = {
        file.stem: "_".join(file.relative_to(project_root() / "models").parts[:-1])
        for file in (project_root() / "models").rglob("*.sql")
    }
    for name, group in described["groups"].items():
        schema, table = name.split("/")
        from_dbt = schema not in ("raw", "ledger", "reference", "snapshots", "outputs")
        assert group == (folders.get(table, schema) if from_dbt else schema), name
    # What the engine keeps for itself stands apart from what the business reads.
    assert described["groups"]["intermediate/int_execution_changes"] == "intermediate_changes"
    assert described["groups"]["marts/fct_measured_savings"] == "marts_savings"


def test_staging_models_stand_on_the_sources(described: dict[str, Any]) -> None:
    assert described["parents"]["staging/stg_platform__users"] == ["raw/loads", "raw/users"]
    children = {
        parent
        for name, parents in described["parents"].items()
        if name.startswith("staging/")
        for parent in parents
    }
    assert children == set(SOURCES)


def test_outputs_stand_on_what_is_checked(described: dict[str, Any]) -> None:
    checked = {
        "intermediate/int_organization_days",
        "marts/dim_prices",
        "marts/fct_task_executions",
        "marts/fct_routing_decisions",
        "quality/reconciled_days",
        "quality/reconciled_loads",
    }
    assert set(described["parents"]["outputs/event_archive"]) == checked
    assert set(described["parents"]["outputs/documentation"]) == checked
    # What Prometheus reads is written whatever becomes of a build.
    assert described["parents"]["outputs/prometheus_metrics"] == []


def test_every_asset_says_what_it_is_and_whose(described: dict[str, Any]) -> None:
    names = set(described["groups"])
    assert {name for name, owners in described["owners"].items() if not owners} == set()
    assert names - set(described["described"]) == set()
    built_by_dbt = {name for name in names if name not in [*SOURCES, *OUTPUTS]}
    assert built_by_dbt - set(described["linked"]) == set()
    models = {name for name in built_by_dbt if name.split("/")[0] not in ("reference", "snapshots")}
    assert models - set(described["versioned"]) == set()


def test_checks_schedules_sensors_and_jobs_say_what_they_do(described: dict[str, Any]) -> None:
    assert described["undescribed"] == []


def test_checks_are_the_expected_ones(described: dict[str, Any]) -> None:
    assert described["checks"] == CHECKS.read_text(encoding="utf-8").splitlines()


def test_every_dbt_data_test_is_an_asset_check(
    described: dict[str, Any], bare_environment: dict[str, str]
) -> None:
    manifest = json.loads(Path(bare_environment["DBT_TARGET_PATH"], "manifest.json").read_bytes())
    tests = {
        f"{node['name']} {'blocks' if node['config']['severity'].lower() == 'error' else 'warns'}"
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test"
    }
    # One with several parents must say where it belongs: config(meta={'dagster': {'ref': ...}}).
    assert tests - {line.split(" ", 1)[1] for line in described["checks"]} == set()


def test_every_rule_of_great_expectations_is_an_asset_check(described: dict[str, Any]) -> None:
    rules = {
        f"{rule.name} {'blocks' if rule.severity == 'critical' else 'warns'}"
        for rule in [*(rule for suite in SUITES.values() for rule in suite.rules), SPOT_CHECK]
    }
    assert rules - {line.split(" ", 1)[1] for line in described["checks"]} == set()


def test_jobs_have_the_expected_steps_and_take_turns(described: dict[str, Any]) -> None:
    assert described["jobs"] == JOBS
    assert described["turns"] == ["build"] * len(JOBS)


def test_the_settings_of_the_instance_let_builds_run_one_at_a_time() -> None:
    text = resources.files("orchestration.instance").joinpath("dagster.yaml").read_text("utf-8")
    limit = "      - key: warehouse/turn\n        value: build\n        limit: 1\n"
    assert f"    tag_concurrency_limits:\n{limit}" in text
    # Not in files: runs and events outlive a container.
    assert "    config:\n      postgres_url:\n        env: WAREHOUSE_DAGSTER_URL\n" in text
    assert "storage:\n  custom:\n    module: orchestration.instance.storage\n" in text


def test_schedules_and_sensors_are_the_expected_ones_and_off(described: dict[str, Any]) -> None:
    assert described["schedules"] == SCHEDULES
    assert described["sensors"] == SENSORS
    assert described["on"] == ["STOPPED"]
    assert described["fresh"] == []


def test_in_production_everything_is_on_and_marts_must_be_fresh(
    bare_environment: dict[str, str], described: dict[str, Any]
) -> None:
    assert described
    production = bare_environment | {"WAREHOUSE_ENVIRONMENT": "production"}
    found = json.loads(run_python("-c", DESCRIBE, environment=production).splitlines()[-1])
    assert found["on"] == ["RUNNING"]
    assert found["fresh"] == sorted([*MARTS, *DOCUMENTS, *AUDITS, *OUTPUTS])


def test_an_unknown_environment_is_refused(bare_environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import orchestration.definitions"],
        cwd=project_root(),
        env=bare_environment | {"WAREHOUSE_ENVIRONMENT": "prod"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode != 0
    assert (
        "WAREHOUSE_ENVIRONMENT is 'prod'; it must be one of local, test, staging, production."
        in done.stderr
    )


def test_every_environment_says_what_runs_by_itself() -> None:
    assert set(RUNS_BY_ITSELF) == set(Environment)


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
    build = ["build", "--exclude-resource-type", "unit_test"]
    assert dbt_arguments() == build
    assert dbt_arguments(full_refresh=True) == [*build, "--full-refresh"]
    assert dbt_arguments(full_check=True) == [*build, "--vars", '{"full_check": true}']
    assert dbt_arguments(leave_views=True, leave_seeds=True) == [
        *build,
        "--exclude",
        "config.materialized:view resource_type:seed resource_type:snapshot",
        "--indirect-selection",
        "cautious",
    ]
    assert dbt_arguments(
        rebuild_from="2026-10-01",
        rebuild_until="2026-11-01",
        rebuild_organizations=[ORGANIZATION_ID],
    ) == [
        *build,
        "--vars",
        '{"rebuild_from": "2026-10-01", "rebuild_until": "2026-11-01", '
        f'"rebuild_organizations": ["{ORGANIZATION_ID}"]}}',
    ]
    # As the launchpad shows them.
    assert dbt_arguments(rebuild_from="", rebuild_until="", rebuild_organizations=[]) == build


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"rebuild_from": "October"}, "rebuild_from is 'October'; it must be a day"),
        ({"rebuild_until": "2026-02-30"}, "rebuild_until is '2026-02-30'; it must be a day"),
        (
            {"rebuild_from": "2026-10-02", "rebuild_until": "2026-10-02"},
            "rebuild_from, 2026-10-02, must lie before rebuild_until, 2026-10-02",
        ),
        ({"rebuild_organizations": ["x'; drop"]}, "in rebuild_organizations is no id"),
    ],
)
def test_what_cannot_be_computed_again_is_refused(options: dict[str, Any], reason: str) -> None:
    with pytest.raises(WarehouseError, match=re.escape(reason)):
        dbt_arguments(**options)


@pytest.mark.parametrize("text", ["2026-10-31", "2026-10-31T00:00:00", "31.10.2026"])
def test_a_time_without_an_offset_is_refused(text: str) -> None:
    with pytest.raises(WarehouseError, match=r"now is .* must be a time with an offset"):
        moment("now", text)


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
        "PGSSLMODE": "verify-full",
    }


def test_the_environment_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAREHOUSE_TEST_OLD", "before")
    changes = {"WAREHOUSE_TEST_OLD": "during", "WAREHOUSE_TEST_NEW": "during"}
    with environment_with(changes):
        assert changes.items() <= os.environ.items()
    assert os.environ["WAREHOUSE_TEST_OLD"] == "before"
    assert "WAREHOUSE_TEST_NEW" not in os.environ
