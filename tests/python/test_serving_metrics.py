"""`/metrics` of the application: what it counts, who sees it, and when its alerts sound."""

import subprocess
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest
import yaml
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from support.serving import Served, listening, org_admin, serving, token_header
from support.stories import Story
from test_metrics import ALERTS, promtool

pytest_plugins = ["support.stories"]

TOKEN = str(uuid4())
COSTS = "/api/v1/analytics/costs"


@pytest.fixture(scope="module")
def served(sample: Story) -> Iterator[Served]:
    with serving(sample.database, metrics_token=TOKEN) as found:
        yield found


@pytest.fixture(scope="module")
def organization_id(sample: Story) -> str:
    return str(
        sample.rows("select min(cast(organization_id as text)) as id from marts.organization_days")[
            0
        ]["id"]
    )


def value(served: Served, name: str, **labels: str) -> float:
    """Return the sum of the samples of a name that have these labels."""
    return sum(
        sample.value
        for family in text_string_to_metric_families(served.exposition(TOKEN))
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


def test_requests_are_counted_by_route_method_and_class_of_status(
    served: Served, organization_id: str
) -> None:
    admin = org_admin(organization_id)
    asked = {"route": COSTS, "method": "GET"}
    counted = "warehouse_api_requests_total"
    took = "warehouse_api_request_duration_seconds"
    before = [value(served, counted, **asked, status=status) for status in ("2xx", "4xx")]
    for _ in range(3):
        assert served.get("analytics/costs", admin).status_code == HTTPStatus.OK
    served.get("analytics/costs", None)
    after = [value(served, counted, **asked, status=status) for status in ("2xx", "4xx")]
    assert [after[0] - before[0], after[1] - before[1]] == [3, 1]
    assert value(served, f"{took}_count", **asked) == sum(after)
    assert 0 < value(served, f"{took}_sum", **asked) < 60
    for bucket in ("0.05", "0.2", "0.5"):
        assert value(served, f"{took}_bucket", **asked, le=bucket) <= sum(after)
    assert value(served, "warehouse_api_cache_hits_total") >= 2
    assert value(served, "warehouse_api_cache_misses_total") >= 1


def test_labels_hold_no_paths_methods_or_tenants_that_a_client_makes_up(
    served: Served, organization_id: str
) -> None:
    admin, unknown = org_admin(organization_id), uuid4()
    served.get(f"executions/{unknown}", admin)
    served.client.get(f"/{unknown}")
    served.client.request("BREW", COSTS)
    text = served.exposition(TOKEN)
    for made_up in (str(unknown), organization_id, "BREW"):
        assert made_up not in text
    described = set(served.app.openapi()["paths"])
    routes = {
        sample.labels["route"]
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if "route" in sample.labels
    }
    assert "other" in routes
    assert any("{" in route for route in routes)
    assert routes - {"other"} <= described


def test_a_stream_is_counted_and_not_timed_and_clients_are_seen(
    sample: Story, organization_id: str
) -> None:
    with serving(sample.database, metrics_token=TOKEN) as served:
        pass
    app = served.app
    route = "/api/v1/analytics/live"
    with listening(app) as address, httpx2.Client(base_url=f"http://{address}") as client:
        seen = Served(app, client)  # type: ignore[arg-type]
        headers = token_header(org_admin(organization_id))
        with client.stream("GET", route, headers=headers) as stream:
            lines = stream.iter_lines()
            while not next(lines).startswith("data:"):
                pass
            assert value(seen, "warehouse_api_live_clients") == 1
        assert value(seen, "warehouse_api_pool_max_connections") == 6
        idle = value(seen, "warehouse_api_pool_idle_connections")
        assert 0 <= idle <= value(seen, "warehouse_api_pool_connections") <= 10
    # The server has ended, and with it the stream.
    families = {family.name: family for family in app.state.metrics.registry.collect()}
    counted, timed = (
        [sample for sample in families[name].samples if sample.labels.get("route") == route]
        for name in ("warehouse_api_requests", "warehouse_api_request_duration_seconds")
    )
    assert counted
    assert timed == []


def test_what_is_not_answered_is_an_error(story: Story) -> None:
    with serving(story.database, metrics_token=TOKEN) as served:
        with story.database.connect() as connection:
            connection.execute("alter table audit.audit_log rename to gone")
        answer = served.get("analytics/costs", org_admin(uuid4()))
        assert answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
        assert value(served, "warehouse_api_requests_total", route=COSTS, status="5xx") == 1
        assert value(served, "warehouse_api_recording_failures_total") == 1


def test_only_this_machine_and_who_has_the_token_may_see_it(sample: Story, served: Served) -> None:
    def status(client: TestClient, **headers: str) -> int:
        return client.get("/metrics", headers=headers).status_code

    local = TestClient(served.app, client=("127.0.0.1", 5000))
    assert status(local) == HTTPStatus.OK
    assert status(TestClient(served.app, client=("::1", 5000))) == HTTPStatus.OK
    # Others ask through a proxy on this machine.
    assert status(local, **{"X-Forwarded-For": "127.0.0.1"}) == HTTPStatus.NOT_FOUND
    assert status(served.client) == HTTPStatus.NOT_FOUND
    for wrong in (f"Bearer {TOKEN}!", "Bearer", f"Basic {TOKEN}", "Bearer ünknown"):
        answer = served.client.get("/metrics", headers={b"Authorization": wrong.encode()})
        assert answer.status_code == HTTPStatus.NOT_FOUND, wrong
    unknown = served.client.get("/nowhere")
    assert served.client.get("/metrics").json() == unknown.json()
    assert "/metrics" not in served.app.openapi()["paths"]
    with serving(sample.database) as without:
        assert status(without.client, Authorization="Bearer ") == HTTPStatus.NOT_FOUND
        assert status(without.client, Authorization="Bearer None") == HTTPStatus.NOT_FOUND


def test_prometheus_accepts_it(served: Served) -> None:
    checked = subprocess.run(
        [promtool(), "check", "metrics"],
        input=served.exposition(TOKEN),
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize(
    ("alert", "series", "sounds"),
    [
        # Of 100 requests a minute, how many took longer than half a second.
        (
            "AnalyticsAPISlowResponse",
            {"bucket{le='0.5'}": 94, "bucket{le='1'}": 100, "bucket{le='+Inf'}": 100},
            True,
        ),
        (
            "AnalyticsAPISlowResponse",
            {"bucket{le='0.5'}": 96, "bucket{le='1'}": 100, "bucket{le='+Inf'}": 100},
            False,
        ),
        ("AnalyticsAPIErrors", {"{status='5xx'}": 2, "{status='2xx'}": 998}, True),
        ("AnalyticsAPIErrors", {"{status='5xx'}": 1, "{status='2xx'}": 999}, False),
        ("AnalyticsAPIErrors", {"{status='4xx'}": 500, "{status='2xx'}": 500}, False),
        ("AnalyticsAPIPoolSaturated", {"connections": 10, "idle": 1, "max": 10}, True),
        ("AnalyticsAPIPoolSaturated", {"connections": 10, "idle": 2, "max": 10}, False),
        ("AnalyticsAPIPoolSaturated", {"connections": 2, "idle": 0, "max": 10}, False),
        ("AnalyticsAPICacheMisses", {"hits": 89, "misses": 11}, True),
        ("AnalyticsAPICacheMisses", {"hits": 91, "misses": 9}, False),
    ],
)
def test_alerts_sound_when_they_should(
    alert: str, series: dict[str, int], sounds: bool, tmp_path: Path
) -> None:
    names = {
        "bucket": "warehouse_api_request_duration_seconds_bucket",
        "connections": "warehouse_api_pool_connections",
        "idle": "warehouse_api_pool_idle_connections",
        "max": "warehouse_api_pool_max_connections",
        "hits": "warehouse_api_cache_hits_total",
        "misses": "warehouse_api_cache_misses_total",
        "": "warehouse_api_requests_total",
    }
    lines = []
    for key, number in series.items():
        short, brace, labels = key.partition("{")
        course = f"{number}x300" if short in ("connections", "idle", "max") else f"0+{number}x300"
        lines.append({"series": names[short] + brace + labels, "values": course})
    (group,) = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    (rule,) = (rule for rule in group["rules"] if rule["alert"] == alert)
    sounding = {"exp_labels": rule["labels"], "exp_annotations": rule["annotations"]}
    expected = {"eval_time": "4h", "alertname": alert, "exp_alerts": [sounding] if sounds else []}
    file = tmp_path / "test.yml"
    test = {"interval": "1m", "input_series": lines, "alert_rule_test": [expected]}
    file.write_text(yaml.safe_dump({"rule_files": [str(ALERTS)], "tests": [test]}), "utf-8")
    outcome = subprocess.run(
        [promtool(), "test", "rules", str(file)], capture_output=True, text=True, check=False
    )
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
