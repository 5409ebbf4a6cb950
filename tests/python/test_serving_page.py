"""The customers' page: asked as a program would, and looked at in a real browser."""

import csv
import datetime as dt
import gzip
import io
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser
from importlib import resources
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait
from support.events import ORGANIZATION_ID, execution, organization, user
from support.oracle import Row
from support.serving import KEYS, Served, listening, org_admin, serving, settings_for, token_header
from support.stories import ROWS, Story

from orchestration.project import project_root
from orchestration.serving.api.requests import COOKIE
from orchestration.serving.app import create_app
from orchestration.serving.page.dashboard import csv_of
from orchestration.serving.page.formats import duration, share, usd
from orchestration.serving.principal import Principal

pytest_plugins = ["support.stories"]

STATIC = project_root() / "orchestration" / "serving" / "page" / "static"
LARGEST_PAGE_BYTES = 40_000
HTML = {"Accept": "text/html"}
EVERYTHING = {"days": "all"}
ANALYST = Principal("analyst", None, None)
# It has only just been opened when the test ends.
STREAM = "/api/v1/analytics/live"


class Page(HTMLParser):
    """What a document consists of: its elements with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def figure(self, name: str) -> Decimal:
        """Return a figure with all the digits that the page has of it."""
        found = re.search(
            rf'data-figure="{name}">(?:<span title="([^ ]+) USD"|([\d,.]+))', self.text
        )
        assert found, name
        return Decimal((found[1] or found[2]).replace(",", ""))


@pytest.fixture(scope="module")
def served(sample: Story) -> Iterator[Served]:
    with serving(sample.database) as found:
        yield found


@pytest.fixture(scope="module")
def organizations(sample: Story) -> list[list[Row]]:
    """Return the facts of each organization, first of the one that did most."""
    found: dict[str, list[Row]] = {}
    for fact in sample.oracle().task_executions.values():
        found.setdefault(fact["organization_id"], []).append(fact)
    return sorted(found.values(), key=len, reverse=True)


@pytest.fixture(scope="module")
def facts(organizations: list[list[Row]]) -> list[Row]:
    return organizations[0]


@pytest.fixture(scope="module")
def address(facts: list[Row]) -> str:
    return f"/organizations/{facts[0]['organization_id']}"


@pytest.fixture(scope="module")
def admin(facts: list[Row]) -> dict[str, str]:
    return token_header(org_admin(facts[0]["organization_id"]))


@contextmanager
def local(sample: Story, address: str = "127.0.0.1") -> Iterator[TestClient]:
    """Yield a browser, by default on the machine of a warehouse that is for it alone."""
    app = create_app(settings_for(sample.database, is_local=True))
    with TestClient(
        app,
        base_url="http://localhost:8000",
        client=(address, 50_000),
        raise_server_exceptions=False,
    ) as client:
        yield client


def spend_of(facts: list[Row]) -> Decimal:
    return sum((fact["cost_usd"] for fact in facts if fact["cost_usd"] is not None), Decimal(0))


def savings_of(facts: list[Row]) -> Decimal:
    compared = (fact["savings_usd"] for fact in facts if fact["savings_status"] == "compared")
    return sum(compared, Decimal(0))


def assert_shows(page: Page, facts: list[Row]) -> None:
    assert page.figure("spend") == spend_of(facts)
    assert page.figure("savings") == savings_of(facts)
    assert page.figure("tasks") == len(facts)
    assert page.figure("failed") == sum(fact["status"] == "failed" for fact in facts)


def test_the_page_shows_what_the_oracle_computes(
    served: Served, address: str, admin: dict[str, str], facts: list[Row]
) -> None:
    answer = served.client.get(address, params=EVERYTHING, headers=admin)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert_shows(Page(answer.text), facts)
    unpriced = sum(fact["cost_usd"] is None for fact in facts)
    assert unpriced > 0
    assert f"{share(1 - unpriced / len(facts))} priced" in answer.text
    assert f"{unpriced} of {len(facts):,} executions" in answer.text


def test_a_filter_is_for_everything_on_the_page(
    served: Served, address: str, admin: dict[str, str], facts: list[Row]
) -> None:
    provider, task_type = facts[0]["provider"], facts[0]["task_type"]
    filtered = {"provider": provider, "task_type": task_type, "days": "all"}
    wanted = [f for f in facts if (f["provider"], f["task_type"]) == (provider, task_type)]
    assert 0 < len(wanted) < len(facts)
    answer = served.client.get(address, params=filtered, headers=admin)
    assert_shows(Page(answer.text), wanted)
    document = served.client.get(f"{address}.json", params=filtered, headers=admin).json()
    people = {(fact["metric_date"], fact["user_id"]) for fact in wanted if fact["user_id"]}
    days = [row for row in document["activity"] if row["date"] is not None]
    assert sum(row["active_users"] for row in days) == len(people)
    for part in ("course", "providers", "task_types", "models", "activity"):
        rows = days if part == "activity" else document[part]
        assert sum(row["tasks"] for row in rows) == len(wanted) or part == "models"


def test_its_twins_say_the_same(
    served: Served, address: str, admin: dict[str, str], facts: list[Row]
) -> None:
    page = Page(served.client.get(address, params=EVERYTHING, headers=admin).text)
    document = served.client.get(f"{address}.json", params=EVERYTHING, headers=admin).json()
    assert Decimal(document["total_spend_usd"]) == page.figure("spend")
    assert document["total_tasks"] == page.figure("tasks")
    assert document["course"][-1]["cumulative_savings_usd"] == document["total_savings_usd"]
    assert ("link", {
        "rel": "alternate",
        "type": "application/json",
        "href": f"{address}.json?days=all",
    }) in page.elements  # fmt: skip
    answer = served.client.get(
        f"{address}.csv", params=EVERYTHING | {"table": "providers"}, headers=admin
    )
    assert answer.headers["content-disposition"] == 'attachment; filename="providers.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert {row["provider"]: Decimal(row["spend_usd"]) for row in rows} == {
        provider: spend_of([fact for fact in facts if fact["provider"] == provider])
        for provider in {fact["provider"] for fact in facts}
    }
    fragment = served.client.get(f"{address}/figures", params=EVERYTHING, headers=admin).text
    assert_shows(Page(fragment), facts)
    assert "<html" not in fragment


def test_a_month_on_paper_has_the_figures_of_its_executions(
    served: Served, address: str, admin: dict[str, str], facts: list[Row]
) -> None:
    month = max(fact["metric_date"] for fact in facts).replace(day=1)
    wanted = [fact for fact in facts if fact["metric_date"].replace(day=1) == month]
    answer = served.client.get(f"{address}.pdf", params={"month": f"{month:%Y-%m}"}, headers=admin)
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-")
    program = shutil.which("pdftotext")
    if program is None:
        pytest.skip("pdftotext is missing: install poppler-utils")
    text = subprocess.run(
        [program, "-", "-"], input=answer.content, capture_output=True, check=True
    ).stdout.decode()
    assert usd(str(savings_of(wanted))) in text
    assert usd(str(spend_of(wanted))) in text
    assert "Not counted: usage without a known price" in text
    for month_of_nothing in ("2026-13", "26-01", "2026-1", "x"):
        parameters = {"month": month_of_nothing}
        refused = served.client.get(f"{address}.pdf", params=parameters, headers=admin)
        assert refused.status_code == 422


def test_the_page_is_complete_without_scripts(
    served: Served, address: str, admin: dict[str, str]
) -> None:
    text = served.client.get(address, params=EVERYTHING, headers=admin).text
    page = Page(text)
    charts = [found for tag, found in page.elements if "data-chart" in found and tag == "figure"]
    assert [chart["role"] for chart in charts] == ["img"] * 3
    assert all(chart["aria-label"] for chart in charts)
    assert text.count('<svg aria-hidden="true" focusable="false"') == len(charts)
    assert text.count("<table") >= 6
    links = {found["href"] for tag, found in page.elements if tag == "a"}
    assert {f"{address}?days={days}" for days in ("7", "30", "90", "all")} <= links


def test_nothing_is_inline_or_from_elsewhere(
    served: Served, address: str, admin: dict[str, str]
) -> None:
    answer = served.client.get(address, params=EVERYTHING, headers=admin)
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    for tag, found in Page(answer.text).elements:
        assert tag != "style"
        assert "style" not in found, (tag, found)
        assert not any(name.startswith("on") for name in found)
        assert tag != "script" or found["src"]
        for name in ("href", "src", "action", "xlink:href"):
            target = urlsplit(found.get(name) or "")
            assert not target.netloc
            assert target.scheme in ("", "data")
    for file in STATIC.iterdir():
        assert "//" not in re.sub(r"^ *//.*|; //.*|, // .*", "", file.read_text(), flags=re.M)


def test_what_a_browser_loads_first_is_small_and_kept(
    served: Served, address: str, admin: dict[str, str]
) -> None:
    text = served.client.get(address, params=EVERYTHING, headers=admin).text
    targets = re.findall(r'(?:src|href)="(/static/[^"]+)"', text)
    assert len(targets) == 3
    size = len(gzip.compress(text.encode()))
    for target in targets:
        answer = served.client.get(target)
        assert "immutable" in answer.headers["cache-control"]
        size += len(gzip.compress(answer.content))
    assert size < LARGEST_PAGE_BYTES
    assert served.client.get("/static/page.css").status_code == 404


def test_whoever_has_it_already_is_not_given_it_again(
    served: Served, address: str, admin: dict[str, str]
) -> None:
    first = served.client.get(address, headers=admin)
    again = served.client.get(address, headers=admin | {"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304


def test_what_is_shown_is_recorded(
    served: Served, sample: Story, address: str, admin: dict[str, str]
) -> None:
    def recorded() -> list[tuple[str, bool]]:
        with sample.database.connect() as connection:
            return connection.execute(
                "select action, is_denied from audit.audit_log where resource_id like %s",
                (f"{address}%",),
            ).fetchall()

    before = recorded()
    served.client.get(address, headers=admin)
    served.client.get(f"{address}.csv", headers=admin)
    served.client.get(address)
    new = recorded()
    for known in before:
        new.remove(known)
    assert sorted(new) == [
        ("export_data", False), ("view_analytics", False), ("view_analytics", True)
    ]  # fmt: skip


@pytest.mark.parametrize("form", ["", ".json", ".csv", ".pdf", "/figures", "/charts.json"])
def test_other_tenants_see_nothing(
    served: Served, organizations: list[list[Row]], address: str, form: str
) -> None:
    other = organizations[1][0]["organization_id"]
    refused = served.client.get(f"{address}{form}", headers=token_header(org_admin(other)) | HTML)
    assert refused.status_code == 403
    assert "another organization" in refused.text
    assert "data-figure" not in refused.text
    unknown = f"/organizations/00000000-0000-4000-8000-000000000000{form}"
    assert served.client.get(unknown, headers=token_header(ANALYST)).status_code == 404
    assert served.client.get(f"{address}{form}").status_code == 401


def test_a_developer_sees_own_executions_alone(
    served: Served, address: str, facts: list[Row]
) -> None:
    users = [fact["user_id"] for fact in facts if fact["user_id"]]
    user = max(set(users), key=users.count)
    principal = Principal("developer", UUID(address.rpartition("/")[2]), UUID(str(user)))
    text = served.client.get(address, params=EVERYTHING, headers=token_header(principal)).text
    assert_shows(Page(text), [fact for fact in facts if fact["user_id"] == user])
    assert "You see your own executions alone." in text
    assert 'id="alerts"' not in text
    assert 'id="budget"' not in text


def test_an_operator_sees_every_organization(
    sample: Story, organizations: list[list[Row]], facts: list[Row]
) -> None:
    with local(sample) as client:
        page = Page(client.get("/").text)
        links = {found["href"] for tag, found in page.elements if tag == "a"}
        assert {f"/organizations/{found[0]['organization_id']}" for found in organizations} <= links
        text = client.get(f"/organizations/{facts[0]['organization_id']}?days=all").text
        assert_shows(Page(text), facts)


def test_only_this_machine_needs_no_token(sample: Story) -> None:
    with local(sample) as client:
        for host in ("127.0.0.1:8000", "[::1]:8000", "localhost"):
            assert client.get("/", headers={"Host": host}).status_code == 200
        # A name of somebody else's that leads here.
        for host in ("rebound.example:8000", "localhost.example", "[", ""):
            refused = client.get("/", headers={"Host": host} | HTML)
            assert refused.status_code == 401, host
            assert "/organizations/" not in refused.text
            path = "/api/v1/analytics/savings/summary"
            assert client.get(path, headers={"Host": host}).status_code == 401
    with local(sample, "192.0.2.7") as stranger:
        assert stranger.get("/", headers=HTML).status_code == 401


def test_a_browser_signs_in_and_out(served: Served, address: str, facts: list[Row]) -> None:
    site, client = "https://spend.example", served.client
    asked = client.get(f"{site}/", headers=HTML)
    assert asked.status_code == 401
    assert 'action="/session"' in asked.text
    wrong = client.post(f"{site}/session", data={"token": "no token"}, headers=HTML)
    assert wrong.status_code == 401
    assert 'role="alert"' in wrong.text
    form = {"token": KEYS.token_for(org_admin(facts[0]["organization_id"]), dt.timedelta(hours=1))}
    elsewhere = client.post(f"{site}/session", data=form, headers={"Sec-Fetch-Site": "cross-site"})
    assert elsewhere.status_code == 403
    assert COOKIE not in client.cookies
    signed_in = client.post(f"{site}/session", data=form, follow_redirects=False)
    assert (signed_in.status_code, signed_in.headers["location"]) == (303, "/")
    kept = signed_in.headers["set-cookie"].lower()
    assert all(word in kept for word in ("httponly", "samesite=lax", "secure"))
    shown = client.get(f"{site}/")
    assert shown.url.path == address
    assert 'action="/session/end"' in shown.text
    assert client.post(f"{site}/session/end", follow_redirects=False).status_code == 303
    assert client.get(f"{site}{address}").status_code == 401
    plain = client.post("http://plain.example/session", data=form, follow_redirects=False)
    assert "secure" not in plain.headers["set-cookie"].lower()


def test_errors_are_pages_to_who_asks_for_pages(
    sample: Story, served: Served, address: str, admin: dict[str, str]
) -> None:
    missing = served.client.get("/nothing", headers=HTML)
    assert (missing.status_code, missing.text[:15]) == (404, "<!doctype html>")
    assert served.client.get("/nothing").json()["status"] == 404
    wrong = served.client.get(address, params={"days": "8"}, headers=admin | HTML)
    assert (wrong.status_code, wrong.text[:15]) == (422, "<!doctype html>")
    settings = settings_for(sample.database)
    closed = replace(settings, database=settings.database | {"port": 1})
    with TestClient(create_app(closed), raise_server_exceptions=False) as client:
        answer = client.get(address, headers=admin | HTML)
        assert (answer.status_code, answer.text[:15]) == (503, "<!doctype html>")
        assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (usd("1247.320000000000"), "$1,247.32"),
        (usd("-3.5"), "-$3.50"),
        (usd("0.018635"), "$0.0186"),
        (usd("0"), "$0.00"),
        (usd(None), "unknown"),
        (share(0.984), "98.4 %"),
        (share(0.99999), "99.9 %"),
        (share(1), "100 %"),
        (share(None), "unknown"),
        (duration(850), "850 ms"),
        (duration(12_500), "12.5 s"),
    ],
)
def test_figures_are_written_for_people(written: str, expected: str) -> None:
    assert written == expected


def test_a_spreadsheet_runs_nothing() -> None:
    rows = [{"model": '=HYPERLINK("x")', "spend": -1.0, "spend_usd": "-1.000000000000"}]
    assert csv_of(rows) == 'model,spend_usd\r\n"\'=HYPERLINK(""x"")",-1.000000000000\r\n'
    assert csv_of([]) == ""


@pytest.fixture(scope="module")
def site(sample: Story) -> Iterator[str]:
    """Yield the address of the application on a port, as on the embedded server."""
    with listening(create_app(settings_for(sample.database, is_local=True))) as address:
        yield f"http://{address}"


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not driver:
        pytest.skip("Chromium is missing: install chromium and chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in (
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update",
        "--disable-sync",
    ):  # fmt: skip
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with webdriver.Chrome(options=options, service=Service(driver)) as opened:
        yield opened


def look(browser: webdriver.Chrome, url: str, width: int = 1280, scheme: str = "light") -> None:
    """Open a page as on a screen of a width, for a reader who likes it light or dark."""
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    browser.get(url)


def complaints(browser: webdriver.Chrome) -> list[str]:
    entries = browser.get_log("browser")  # type: ignore[no-untyped-call]
    return [entry["message"] for entry in entries if STREAM not in entry["message"]]


def test_the_browser_draws_the_charts_within_the_policy(
    browser: webdriver.Chrome, site: str, address: str
) -> None:
    look(browser, f"{site}{address}?days=all")
    browser.find_element(By.CSS_SELECTOR, "[data-chart=trend]").location_once_scrolled_into_view  # noqa: B018
    WebDriverWait(browser, 60).until(
        lambda _: not browser.find_elements(By.CSS_SELECTOR, ".chart > svg")
    )
    assert len(browser.find_elements(By.CSS_SELECTOR, ".chart svg.marks")) == 3
    assert complaints(browser) == []


def test_a_click_on_a_bar_filters(
    browser: webdriver.Chrome, site: str, address: str, facts: list[Row]
) -> None:
    look(browser, f"{site}{address}?days=all")
    bar = browser.find_element(By.CSS_SELECTOR, ".bars a")
    provider = bar.get_attribute("data-filter")
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", bar)
    bar.click()
    WebDriverWait(browser, 30).until(lambda _: f"provider={provider}" in browser.current_url)
    assert_shows(Page(browser.page_source), [f for f in facts if f["provider"] == provider])
    assert complaints(browser) == []


@pytest.mark.parametrize("width", [390, 800, 1280])
def test_nothing_is_wider_than_the_screen(
    browser: webdriver.Chrome, site: str, address: str, width: int
) -> None:
    for path in (f"{address}?days=all", "/"):
        look(browser, f"{site}{path}", width)
        browser.execute_script(
            "document.querySelectorAll('details').forEach(found => { found.open = true })"
        )
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width


def test_dark_is_dark(browser: webdriver.Chrome, site: str, address: str) -> None:
    found = {}
    for scheme in ("light", "dark"):
        look(browser, f"{site}{address}?days=all", scheme=scheme)
        color = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
        found[scheme] = [int(part) for part in re.findall("[0-9]+", color)[:3]]
    assert min(found["light"]) > 200
    assert max(found["dark"]) < 50


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_rule_of_accessibility_is_broken(
    browser: webdriver.Chrome, site: str, address: str, scheme: str
) -> None:
    rules = (resources.files("axe_core_python") / "axe.min.js").read_text("utf-8")
    for path in (f"{address}?days=all", "/", "/nothing"):
        look(browser, f"{site}{path}", scheme=scheme)
        browser.execute_script(rules)
        found = browser.execute_async_script("axe.run().then(arguments[0])")
        assert len(found["passes"]) > 10
        broken = [
            (rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found["violations"]
        ]
        assert broken == [], path


def test_what_lands_is_on_the_open_page(browser: webdriver.Chrome, story: Story) -> None:
    # The story's warehouse counts 31 October, 23:30 UTC, as now: half past midnight in Berlin.
    today = {"start_time": "2026-10-31T23:10:00Z", "end_time": "2026-10-31T23:10:05Z"}
    story.land(organization(), user(), execution(1, **today))
    story.build(ROWS)

    def shown() -> Decimal:
        return Page(browser.page_source).figure("saved")

    with listening(create_app(settings_for(story.database, is_local=True))) as here:
        look(browser, f"http://{here}/organizations/{ORGANIZATION_ID}")
        before = shown()
        story.land(execution(2, **today))
        WebDriverWait(browser, 30).until(lambda _: shown() == 2 * before)
        assert before != 0
        look(browser, "about:blank")


def test_pages_left_behind_keep_no_connection(
    browser: webdriver.Chrome, site: str, address: str
) -> None:
    # A browser has six connections to a host; what waits for a seventh runs into this.
    browser.set_page_load_timeout(20)
    for days in ("7", "30", "90", "all") * 3:
        look(browser, f"{site}{address}?days={days}")
        browser.find_element(By.ID, "figures")


def test_a_page_that_was_out_of_sight_shows_what_landed_meanwhile(
    browser: webdriver.Chrome, story: Story
) -> None:
    today = {"start_time": "2026-10-31T23:10:00Z", "end_time": "2026-10-31T23:10:05Z"}
    story.land(organization(), user(), execution(1, **today))
    story.build(ROWS)

    def shown() -> Decimal:
        return Page(browser.page_source).figure("saved")

    with listening(create_app(settings_for(story.database, is_local=True))) as here:
        look(browser, f"http://{here}/organizations/{ORGANIZATION_ID}")
        before = shown()
        page = browser.current_window_handle
        browser.switch_to.new_window("tab")
        story.land(execution(2, **today))
        browser.close()
        browser.switch_to.window(page)
        WebDriverWait(browser, 30).until(lambda _: shown() == 2 * before)
        look(browser, "about:blank")
