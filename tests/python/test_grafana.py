"""Grafana's dashboards: every query runs as a reader, and shows what the oracle computes."""

import datetime as dt
import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
import yaml
from click.testing import CliRunner
from support.oracle_rollups import grouped, measures
from support.servers import Database
from support.serving import serving
from support.stories import Story, environment_of
from test_metrics import metrics, promtool, samples_of

from orchestration.access.roles import allow
from orchestration.cli import main
from orchestration.project import project_root

pytest_plugins = ["support.stories"]

FOLDER = project_root() / "orchestration" / "serving" / "grafana"
DASHBOARDS = {path.stem: json.loads(path.read_text("utf-8")) for path in FOLDER.glob("*.json")}
POSTGRESQL, PROMETHEUS = "grafana-postgresql-datasource", "prometheus"

EVER = (dt.datetime(2000, 1, 1, tzinfo=dt.UTC), dt.datetime(2099, 12, 31, tzinfo=dt.UTC))
WEEK = (
    dt.datetime(2026, 10, 7, 5, 1, 17, tzinfo=dt.UTC),
    dt.datetime(2026, 10, 13, 23, tzinfo=dt.UTC),
)

Row = dict[str, Any]
Times = tuple[dt.datetime, dt.datetime]


def panels_of(kind: str) -> list[tuple[str, Row, Row]]:
    """Return the targets of a kind of source, with their dashboard and panel."""
    return [
        (name, panel, target)
        for name, dashboard in sorted(DASHBOARDS.items())
        for panel in dashboard["panels"]
        for target in panel["targets"]
        if target["datasource"]["type"] == kind
    ]


def expanded(query: str, times: Times, organizations: list[str]) -> str:
    """Return a query as Grafana sends it to PostgreSQL."""
    first, last = (f"'{time:%Y-%m-%dT%H:%M:%SZ}'" for time in times)
    query = query.replace(
        "${organization:sqlstring}", ",".join(f"'{name}'" for name in organizations)
    )
    macros = {"timeFilter": rf"\1 BETWEEN {first} AND {last}", "timeFrom": first, "timeTo": last}
    for macro, text in macros.items():
        query = re.sub(rf"\$__{macro}\(([^)]*)\)", text, query)
    assert "$" not in query
    return query


@dataclass(frozen=True)
class Reader:
    """A login in role bi_reader, and the organizations that it may speak for."""

    database: Database
    allowed: list[str]
    every: list[str]

    def ask(
        self, query: str, times: Times, organizations: list[str] | None = None
    ) -> tuple[list[psycopg.Column], list[tuple[Any, ...]]]:
        """Return the columns and the rows of a query."""
        chosen = self.every if organizations is None else organizations
        with self.database.connect() as connection:
            cursor = connection.execute(expanded(query, times, chosen).encode())
            return cursor.description or [], cursor.fetchall()

    def rows(
        self, title: str, times: Times = EVER, organizations: list[str] | None = None
    ) -> list[Row]:
        """Return the rows of the one panel of a title, or of the first of several alike."""
        query = next(
            target["rawSql"]
            for _, panel, target in panels_of(POSTGRESQL)
            if panel["title"] == title
        )
        columns, rows = self.ask(query, times, organizations)
        return [
            {column.name: value for column, value in zip(columns, row, strict=True)} for row in rows
        ]


@pytest.fixture(scope="module")
def reader(sample: Story, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    facts = sample.rows("select distinct organization_id from marts.fct_task_executions order by 1")
    every = [str(row["organization_id"]) for row in facts]
    allowed = every[:-1]
    login, password = f"grafana_{uuid4().hex}", uuid4().hex
    with sample.database.connect(autocommit=True) as connection:
        connection.execute(f"create role {login} login password '{password}'".encode())
        allow(connection, login, "bi_reader", [UUID(name) for name in allowed])
    folder = tmp_path_factory.mktemp("grafana")
    database = sample.database.as_login(login, password, folder)
    try:
        yield Reader(database, allowed, every)
    finally:
        with sample.database.connect(autocommit=True) as connection:
            connection.execute("delete from access.logins where login = %s", (login,))
            connection.execute(f"drop role {login}".encode())


@pytest.fixture(scope="module")
def facts(sample: Story, reader: Reader) -> list[Row]:
    return [
        fact
        for fact in sample.oracle().task_executions.values()
        if fact["organization_id"] in reader.allowed
    ]


def during(facts: list[Row], times: Times) -> list[Row]:
    first, last = (time.date() for time in times)
    return [fact for fact in facts if first <= fact["metric_date"] <= last]


def test_dashboards_are_as_grafana_reads_them() -> None:
    assert sorted(DASHBOARDS) == ["pipeline_health", "providers", "savings", "spend"]
    for names in ("uid", "title"):
        assert len({dashboard[names] for dashboard in DASHBOARDS.values()}) == len(DASHBOARDS)
    for dashboard in DASHBOARDS.values():
        assert dashboard["schemaVersion"] >= 39
        # Days are dates: a browser's time zone would move them.
        assert dashboard["timezone"] == "utc"
        sources = {
            variable["name"]: variable["query"]
            for variable in dashboard["templating"]["list"]
            if variable["type"] == "datasource"
        }
        panels = dashboard["panels"]
        assert 6 <= len(panels) <= 10
        assert len({panel["id"] for panel in panels}) == len(panels)
        assert len({panel["title"] for panel in panels}) == len(panels)
        for panel in panels:
            assert panel["description"].endswith(".")
            for source in (panel["datasource"], *(each["datasource"] for each in panel["targets"])):
                assert sources[source["uid"].strip("${}")] == source["type"]
            references = [target["refId"] for target in panel["targets"]]
            assert len(set(references)) == len(references) > 0
        places = [panel["gridPos"] for panel in panels]
        assert all(place["x"] >= 0 and place["x"] + place["w"] <= 24 for place in places)
        for one, other in combinations(places, 2):
            assert (
                one["x"] + one["w"] <= other["x"]
                or other["x"] + other["w"] <= one["x"]
                or one["y"] + one["h"] <= other["y"]
                or other["y"] + other["h"] <= one["y"]
            )


def test_money_has_its_unit_and_shares_have_theirs() -> None:
    units = {
        (name, panel["title"]): panel["fieldConfig"]["defaults"].get("unit")
        for name, dashboard in DASHBOARDS.items()
        for panel in dashboard["panels"]
    }
    for _, panel, target in panels_of(POSTGRESQL):
        if panel["type"] == "table":
            named = {
                override["matcher"]["options"]: override["properties"][0]["value"]
                for override in panel["fieldConfig"]["overrides"]
            }
            for name in re.findall(r"_usd\W[^,\n]* as (\w+)", target["rawSql"]):
                assert named[name] in ("currencyUSD", "percentunit"), (panel["title"], name)
            shown = re.findall(r"(?:as |\.)(\w+),?$", target["rawSql"], re.M)
            assert named.keys() <= {*shown, *re.findall(r"^    (\w+),?$", target["rawSql"], re.M)}
    assert units["spend", "Spend"] == units["savings", "Savings"] == "currencyUSD"
    for name in ("spend", "savings", "providers"):
        assert units[name, "Unpriced share"] == "percentunit"
        assert (name, "Coverage") in units


@pytest.mark.parametrize("times", [EVER, WEEK])
def test_every_query_gives_what_its_panel_needs(reader: Reader, times: Times) -> None:
    numbers = {psycopg.adapters.types[name].oid for name in ("int4", "int8", "numeric", "float8")}
    dates = {psycopg.adapters.types[name].oid for name in ("date", "timestamptz")}
    text = psycopg.adapters.types["text"].oid
    for name, panel, target in panels_of(POSTGRESQL):
        columns, rows = reader.ask(target["rawSql"], times)
        where = (name, panel["title"])
        kinds = {column.name: column.type_code for column in columns}
        assert len(kinds) == len(columns), where
        if panel["title"] != "Budgets of this month":  # of the real clock: nothing began since
            assert rows, where
        if panel["type"] == "timeseries":
            assert target["format"] == "time_series", where
            assert kinds.pop("time") in dates, where
            if "metric" in kinds:
                assert kinds.pop("metric") == text, where
                keys = [row[:2] for row in rows]
                assert len(set(keys)) == len(keys), where
            assert kinds, where
            assert set(kinds.values()) <= numbers, where
            assert [row[0] for row in rows] == sorted(row[0] for row in rows), where
        else:
            assert target["format"] == "table", where
            assert set(kinds.values()) <= {*numbers, *dates, text}, where
        if panel["type"] == "stat":
            (row,) = rows
            assert len(row) == 1, where
            # Baselines that were run as well are rare.
            assert row[0] is not None or panel["title"] == "Error of estimated baselines", where
            shows_text = panel["options"]["reduceOptions"]["fields"] == "/.*/"
            assert set(kinds.values()) <= ({text} if shows_text else numbers), where


def test_a_reader_chooses_among_its_own_organizations(reader: Reader) -> None:
    found = [
        variable["query"]
        for dashboard in DASHBOARDS.values()
        for variable in dashboard["templating"]["list"]
        if variable["type"] == "query"
    ]
    assert len(found) == 3
    for query in found:
        columns, rows = reader.ask(query, EVER)
        assert [column.name for column in columns] == ["__text", "__value"]
        assert sorted(value for _, value in rows) == reader.allowed
    assert len(reader.every) == len(reader.allowed) + 1


@pytest.mark.parametrize("times", [EVER, WEEK])
def test_spend_is_what_the_oracle_computes(reader: Reader, facts: list[Row], times: Times) -> None:
    expected = measures(during(facts, times))
    spend = expected["total_spend_usd"]
    assert spend > 0
    assert reader.rows("Spend", times) == [{"spend": spend}]
    assert reader.rows("Spend on failed executions", times) == [
        {"failed": expected["failed_cost_usd"]}
    ]
    for title in ("Spend by day", "Spend by organization", "Models"):
        assert sum(row["spend"] for row in reader.rows(title, times)) == spend, title
    share = Decimal(expected["unpriced_tasks"]) / expected["total_tasks"]
    (unpriced,) = reader.rows("Unpriced share", times)
    assert unpriced["unpriced_share"] == pytest.approx(share)
    (coverage,) = reader.rows("Coverage", times)
    assert coverage["coverage"].startswith(
        f"{expected['total_tasks']:,} executions, {expected['unpriced_tasks']:,} without a price; "
    )
    models = reader.rows("Models", times)
    for name, measure in {"executions": "total_tasks", "unpriced": "unpriced_tasks"}.items():
        assert sum(row[name] for row in models) == expected[measure]
    assert sum(row["tokens"] for row in models) == expected["total_tokens"]


def test_one_organization_is_shown_alone(reader: Reader, facts: list[Row]) -> None:
    chosen = reader.allowed[0]
    own = measures([fact for fact in facts if fact["organization_id"] == chosen])
    assert reader.rows("Spend", EVER, [chosen]) == [{"spend": own["total_spend_usd"]}]
    hidden = reader.every[-1]
    assert reader.rows("Spend", EVER, [hidden]) == [{"spend": None}]
    assert reader.rows("Models", EVER, [hidden]) == []


def test_teams_and_bills_are_those_of_the_marts(sample: Story, reader: Reader) -> None:
    parameters = (reader.allowed,)
    (teams,) = sample.rows(
        "select sum(total_spend_usd) as spend, sum(total_savings_usd) as savings "
        "from marts.team_days where organization_id = any(%s::uuid[])",
        *parameters,
    )
    found = reader.rows("Teams")
    for name, expected in teams.items():
        assert sum(row[name] for row in found) == expected > 0
    bills = reader.rows("Bills by month")
    (bill,) = sample.rows(
        "select sum(total_usd) as total, count(*) as bills "
        "from marts.organization_bills where organization_id = any(%s::uuid[])",
        *parameters,
    )
    assert (sum(row["total"] for row in bills), len(bills)) == (bill["total"], bill["bills"])
    # A month that has begun before the time range is shown as a whole.
    october = [row for row in bills if row["month"] == "2026-10"]
    assert reader.rows("Bills by month", WEEK) == october != []


@pytest.mark.parametrize("times", [EVER, WEEK])
def test_savings_are_what_the_oracle_computes(
    sample: Story, reader: Reader, facts: list[Row], times: Times
) -> None:
    expected = measures(during(facts, times))
    savings = expected["total_savings_usd"]
    assert reader.rows("Savings", times) == [{"savings": savings}]
    (share,) = reader.rows("Savings of baseline", times)
    assert share["savings_share"] == pytest.approx(savings / expected["total_baseline_cost_usd"])
    (compared,) = reader.rows("Compared share", times)
    assert compared["compared_share"] == pytest.approx(
        Decimal(expected["compared_tasks"]) / expected["successful_tasks"]
    )
    days = reader.rows("Cost and baseline by day", times)
    assert sum(row["cost"] for row in days) == expected["compared_cost_usd"]
    assert sum(row["baseline"] for row in days) == expected["total_baseline_cost_usd"]
    assert sum(row["savings"] for row in reader.rows("Savings by day", times)) == savings
    (headline,) = (
        row for row in reader.rows("Baseline policies", times) if row["policy"] == "headline"
    )
    measured = sample.rows(
        "select * from marts.fct_measured_savings "
        "where organization_id = any(%s::uuid[]) and metric_date between %s and %s",
        reader.allowed,
        *times,
    )
    (error,) = reader.rows("Error of estimated baselines", times)
    if measured:
        cost = sum(row["measured_baseline_cost_usd"] for row in measured)
        estimated = sum(row["estimated_baseline_cost_usd"] for row in measured)
        assert error["estimate_error"] == pytest.approx(estimated / cost - 1)
    assert (headline["savings"], headline["compared"]) == (savings, expected["compared_tasks"])


@pytest.mark.parametrize("times", [EVER, WEEK])
def test_providers_are_what_the_oracle_computes(
    reader: Reader, facts: list[Row], times: Times
) -> None:
    of_range = during(facts, times)
    assert reader.rows("Executions", times) == [{"executions": len(of_range)}]
    days = reader.rows("Executions by day", times)
    assert sum(row["executions"] for row in days) == len(of_range)
    success = {
        (row["time"], row["metric"]): row["success"] for row in reader.rows("Success by day", times)
    }
    slowest = {
        (row["time"], row["metric"]): row["p95"]
        for row in reader.rows("95th percentile of durations by day", times)
    }
    for key, part in grouped(of_range, lambda fact: (fact["metric_date"], fact["provider"])):
        row = measures(part)
        finished = row["successful_tasks"] + row["failed_tasks"]
        expected = Decimal(row["successful_tasks"]) / finished if finished else None
        assert success[key] == (None if expected is None else pytest.approx(expected))
        durations = sorted(fact["duration_ms"] for fact in part if fact["duration_ms"] is not None)
        if durations:
            # The smallest of which 95 % are not longer.
            exact = durations[-(-95 * len(durations) // 100) - 1]
            assert float(slowest[key]) == pytest.approx(exact, rel=0.011, abs=1)
    unpriced = reader.rows("Unpriced usage", times)
    assert sum(row["executions"] for row in unpriced) == measures(of_range)["unpriced_tasks"] > 0
    assert {row["reason"] for row in unpriced} == {
        fact["pricing_status"] for fact in of_range if fact["cost_usd"] is None
    }


def test_health_is_that_of_the_marts(sample: Story, reader: Reader) -> None:
    (fresh,) = sample.rows("select * from marts.live_freshness")
    for title, name in (("Last landed", "last_landed"), ("Last built", "last_built")):
        (row,) = reader.rows(title)
        assert float(row[name]) == pytest.approx(1000 * fresh[f"{name}_at"].timestamp(), abs=1)
    visible = sample.rows(
        "select rule from marts.fct_alerts where is_open and organization_id = any(%s::uuid[])",
        reader.allowed,
    )
    found = [row["rule"] for row in reader.rows("Open alerts") if row["organization"] is not None]
    assert sorted(found) == sorted(row["rule"] for row in visible) != []


def test_prometheus_reads_every_expression_and_its_figures_exist(
    story_of_sample: Story, tmp_path: Path
) -> None:
    expressions = [
        target["expr"].replace("$__rate_interval", "5m") for *_, target in panels_of(PROMETHEUS)
    ]
    assert len(expressions) > 8
    rules = [
        {"record": f"panel:{number}", "expr": expression}
        for number, expression in enumerate(expressions)
    ]
    file = tmp_path / "panels.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}), "utf-8")
    checked = subprocess.run(
        [promtool(), "check", "rules", str(file)], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    with environment_of(story_of_sample.database):
        assert CliRunner().invoke(main, ["check", "--suite", "rollups"]).exit_code == 0
    written = {name for name, _ in samples_of(metrics(story_of_sample).stdout)}
    token = str(uuid4())
    with serving(story_of_sample.database, metrics_token=token) as served:
        served.get("analytics/costs", None)
        written |= {name for name, _ in samples_of(served.exposition(token))}
    read = set(re.findall(r"warehouse_\w+", " ".join(expressions)))
    assert read <= written


def test_provisioning_names_the_sources_and_is_packaged() -> None:
    sources = yaml.safe_load((FOLDER / "datasources.yml").read_text("utf-8"))["datasources"]
    assert {source["type"] for source in sources} == {POSTGRESQL, PROMETHEUS}
    (provider,) = yaml.safe_load((FOLDER / "dashboards.yml").read_text("utf-8"))["providers"]
    assert provider["type"] == "file"
    packaged = (project_root() / "pyproject.toml").read_text("utf-8")
    assert '"serving/grafana/*"' in packaged
