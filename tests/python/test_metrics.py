"""`warehouse metrics`: figures and alerts that Prometheus accepts."""

import re
import shutil
import subprocess
from collections import Counter
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from click.testing import CliRunner, Result
from prometheus_client.parser import text_string_to_metric_families
from support.serving import serving
from support.stories import Story, environment_of

from orchestration.cli import main
from orchestration.project import project_root
from orchestration.quality.site import write_site

pytest_plugins = ["support.stories"]

ALERTS = project_root() / "orchestration" / "metrics" / "alerts.yml"

Samples = dict[tuple[str, str], float]


def metrics(story: Story, *arguments: str) -> Result:
    with environment_of(story.database):
        return CliRunner().invoke(main, ["metrics", *arguments], catch_exceptions=False)


def samples_of(text: str) -> Samples:
    """Return the samples by name and the value of their first label."""
    return {
        (sample.name, next(iter(sample.labels.values()), "")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def promtool() -> str:
    path = shutil.which("promtool")
    if path is None:
        pytest.skip("promtool (Debian's package prometheus) is not installed")
    return path


def test_figures_are_those_of_the_warehouse(story_of_sample: Story) -> None:
    with environment_of(story_of_sample.database):
        assert CliRunner().invoke(main, ["check", "--suite", "rollups"]).exit_code == 0
    found = samples_of(metrics(story_of_sample).stdout)

    facts = story_of_sample.rows("select * from marts.fct_task_executions")
    newest = max(fact["metric_date"] for fact in facts)
    recent = [fact for fact in facts if fact["metric_date"] > newest - timedelta(days=30)]
    negative = Counter(fact["organization_id"] for fact in recent if (fact["savings_usd"] or 0) < 0)
    assert sum(negative.values()) > 10
    for organization, count in Counter(fact["organization_id"] for fact in recent).items():
        assert found["warehouse_tasks", organization] == count
        name = "warehouse_tasks_with_negative_savings"
        assert found[name, organization] == negative[organization]
        spend = sum(
            fact["cost_usd"] or 0 for fact in recent if fact["organization_id"] == organization
        )
        assert found["warehouse_spend_usd", organization] == pytest.approx(float(spend))

    (load,) = story_of_sample.rows("select * from raw.loads")
    assert found["warehouse_last_landed_timestamp_seconds", ""] == pytest.approx(
        load["landed_at"].timestamp()
    )
    assert found["warehouse_lines_accepted", ""] == load["lines_accepted"]
    assert found["warehouse_build_failed_nodes", ""] == 0
    assert 0 < found["warehouse_build_duration_seconds", ""] < 3_600
    assert ("warehouse_check_broken_rows", "savings_add_up") in found
    open_alerts = Counter(
        alert["severity"]
        for alert in story_of_sample.rows("select * from marts.fct_alerts where is_open")
    )
    assert open_alerts["warning"] > 1
    for severity in ("critical", "warning", "info"):
        assert found["warehouse_open_alerts", severity] == open_alerts[severity]


def test_the_file_replaces_the_one_before(story_of_sample: Story, tmp_path: Path) -> None:
    file = tmp_path / "warehouse.prom"
    file.write_text("before", encoding="utf-8")
    assert metrics(story_of_sample, "--out", str(file)).exit_code == 0
    assert ("warehouse_lines_accepted", "") in samples_of(file.read_text(encoding="utf-8"))
    assert [path.name for path in tmp_path.iterdir()] == [file.name]
    outcome = metrics(story_of_sample, "--out", str(tmp_path / "nowhere" / "warehouse.prom"))
    assert outcome.exit_code == 1
    assert "cannot be written: No such file or directory" in outcome.output


def test_what_is_unknown_has_no_sample(story: Story) -> None:
    found = samples_of(metrics(story).stdout)
    assert found["warehouse_lines_accepted", ""] == 0
    assert ("warehouse_last_landed_timestamp_seconds", "") not in found
    assert not [name for name, _ in found if name == "warehouse_tasks"]


def test_a_build_that_fails_is_counted(story: Story) -> None:
    with story.database.connect() as connection:
        connection.execute("drop table raw.users cascade")
    with pytest.raises(AssertionError, match="stg_platform__users: error"):
        story.build("stg_platform__users")
    (build,) = story.rows(
        "select command, node_count, failed_count, ended_at > started_at as took_time "
        "from ledger.finished_builds order by ended_at desc limit 1"
    )
    assert build == {"command": "build", "node_count": 1, "failed_count": 1, "took_time": True}
    assert samples_of(metrics(story).stdout)["warehouse_build_failed_nodes", ""] == 1


def test_a_build_that_fails_in_other_schemas_concerns_nobody_else(
    story_of_sample: Story, tmp_path: Path
) -> None:
    with story_of_sample.database.connect() as connection:
        connection.execute(
            "insert into ledger.finished_builds "
            "values ('typo', 'analyst', 'build', now(), now() + interval '1 hour', 7919, 7919)"
        )
        write_site(connection, tmp_path)
    found = samples_of(metrics(story_of_sample).stdout)
    assert found["warehouse_build_failed_nodes", ""] == 0
    assert "7919" not in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_prometheus_accepts_figures_and_alerts(story_of_sample: Story) -> None:
    with environment_of(story_of_sample.database):
        CliRunner().invoke(main, ["check"])
    checked = subprocess.run(
        [promtool(), "check", "metrics"],
        input=metrics(story_of_sample).stdout,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    rules = subprocess.run(
        [promtool(), "check", "rules", str(ALERTS)], capture_output=True, text=True, check=False
    )
    assert rules.returncode == 0, rules.stdout + rules.stderr
    assert "13 rules found" in rules.stdout


def test_alerts_read_only_what_is_written(story_of_sample: Story) -> None:
    """An alert on a figure that nobody writes would never sound."""
    with environment_of(story_of_sample.database):
        CliRunner().invoke(main, ["check"])
    written = {name for name, _ in samples_of(metrics(story_of_sample).stdout)}
    token = str(uuid4())
    with serving(story_of_sample.database, metrics_token=token) as served:
        served.get("organizations", None)
        written |= {name for name, _ in samples_of(served.exposition(token))}
    read = set(re.findall(r"warehouse_[a-z_]+", ALERTS.read_text(encoding="utf-8")))
    assert read <= written
