"""`warehouse ui`: an operator opens the real thing in a real browser."""

import os
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, TimeoutException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait
from support.interface import Interface, interface
from support.servers import Database, settings_of
from support.stories import Story, story_database

from orchestration.database.embedded import EmbeddedServer
from orchestration.instance.commands import ui
from orchestration.instance.home import is_new_to_built_warehouse, storage_url
from orchestration.project import project_root

pytest_plugins = ["support.stories"]

IMAGES = project_root() / "docs" / "images"
_LINEAGE = """{
    assetNodeOrError(assetKey: {path: ["marts", "organization_days"]}) {
        ... on AssetNode {
            assetMaterializations(limit: 1) {
                metadataEntries {
                    ... on TableColumnLineageMetadataEntry {
                        lineage { columnName columnDeps { assetKey { path } columnName } }
                    }
                }
            }
        }
    }
}"""
_ENDED = {"SUCCESS", "FAILURE", "CANCELED"}


@pytest.fixture(scope="module")
def operated(
    embedded_server: EmbeddedServer, sample: Story, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Interface]:
    """Yield the interface on the sample as `make demo` leaves it, after its first run."""
    folder = tmp_path_factory.mktemp("ui")
    with story_database(embedded_server, sample.database.settings.dbname) as database:
        environment = os.environ | database.environment
        environment |= {
            "WAREHOUSE_HOME": str(folder / "home"),
            "DBT_TARGET_PATH": str(folder / "target"),
        }
        environment.pop("DAGSTER_HOME", None)
        log = folder / "log"
        with interface(environment, log) as shown:
            # Nobody asked for it: there is something to see at the first look.
            run = shown.wait_for_run(lambda run: run["status"] in _ENDED)
            assert (run["jobName"], run["status"]) == ("full_check", "SUCCESS"), log.read_text()
            yield shown


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
        "--disable-sync", "--window-size=1600,1000",
    ):  # fmt: skip
        options.add_argument(argument)
    with webdriver.Chrome(options=options, service=Service(driver)) as opened:
        yield opened


def open_page(browser: webdriver.Chrome, url: str, *texts: str) -> None:
    """Open a page and wait until it shows all of the texts."""
    browser.get(url)

    def shows(_: webdriver.Chrome) -> bool:
        page = browser.find_element(By.TAG_NAME, "body").text
        return all(text in page for text in texts)

    try:
        WebDriverWait(browser, 90, ignored_exceptions=[StaleElementReferenceException]).until(shows)
    except TimeoutException:
        page = browser.find_element(By.TAG_NAME, "body").text
        missing = [text for text in texts if text not in page]
        pytest.fail(f"{url} does not show {missing}:\n{page[:3000]}")


def keep_picture(browser: webdriver.Chrome, folder: Path, name: str) -> None:
    """Take a picture; it becomes the README's when KEEP_PICTURES is set."""
    time.sleep(2)  # Pages move things into place after they have drawn them.
    picture = folder / name
    assert browser.save_screenshot(str(picture))
    assert picture.stat().st_size > 20_000
    if os.environ.get("KEEP_PICTURES"):
        IMAGES.mkdir(exist_ok=True)
        shutil.copy(picture, IMAGES / name)


def test_the_graph_of_a_folder_is_there_and_was_built(
    operated: Interface, browser: webdriver.Chrome, tmp_path: Path
) -> None:
    # Only what is in the window is drawn, which is a part of the graph at any size.
    browser.set_window_size(2400, 1500)
    groups = f"{operated.url}/locations/orchestration.definitions/asset-groups"
    open_page(
        browser, f"{groups}/marts_executions/lineage", "Asset checks", "Passed", "Materialized"
    )
    page = browser.find_element(By.TAG_NAME, "body").text
    assert "Never materialized" not in page
    assert "Failed" not in page
    keep_picture(browser, tmp_path, "lineage.png")


def test_a_mart_shows_columns_lineage_and_checks(
    operated: Interface, browser: webdriver.Chrome, tmp_path: Path
) -> None:
    mart = f"{operated.url}/assets/marts/organization_days"
    open_page(
        browser,
        f"{mart}?view=overview",
        "One row per organization",
        "Latest materialization",
        "AI Spend Warehouse maintainers",
        "savings_percentage",
    )
    keep_picture(browser, tmp_path, "mart.png")
    open_page(browser, f"{mart}?view=lineage", "int_user_days", "dim_organizations")
    table = f"{operated.url}/assets/intermediate/int_organization_days"
    open_page(browser, f"{table}?view=checks", "savings_add_up", "few_tasks_fail", "Succeeded")


def test_the_lineage_of_columns_lies_beside_every_build(operated: Interface) -> None:
    """The interface itself draws it in Dagster's paid edition only."""
    answer = requests.post(f"{operated.url}/graphql", json={"query": _LINEAGE}, timeout=60).json()
    (built,) = answer["data"]["assetNodeOrError"]["assetMaterializations"]
    (entry,) = [found for found in built["metadataEntries"] if "lineage" in found]
    assert {
        "columnName": "total_spend_usd",
        "columnDeps": [
            {
                "assetKey": {"path": ["intermediate", "int_organization_days"]},
                "columnName": "total_spend_usd",
            }
        ],
    } in entry["lineage"]


def test_a_check_that_failed_says_why(operated: Interface, browser: webdriver.Chrome) -> None:
    open_page(
        browser,
        f"{operated.url}/assets/marts/fct_task_executions?view=checks&checkDetail=costs_are_known",
        "costs_are_known",
        "Broken by",
        "broken_rows",
    )


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
    # Nothing is built yet, so there is nothing to run at once.
    assert not is_new_to_built_warehouse()

    (home / "dagster.yaml").write_text("# mine\n")
    # Where Dagster would end and let go of it.
    (home / "ui.lock").unlink()
    again = CliRunner().invoke(ui, ["--port", "3457"])
    assert again.exit_code == 0, again.output
    assert (home / "dagster.yaml").read_text() == "# mine\n"


def test_runs_and_events_lie_in_a_schema_of_their_own(embedded_server: EmbeddedServer) -> None:
    settings = settings_of(embedded_server)
    url = storage_url(settings)
    assert url.startswith(f"postgresql+psycopg2://warehouse@127.0.0.1:{settings.port}/warehouse?")
    assert url.endswith("&options=-csearch_path%3Ddagster")


def test_ui_says_when_its_folder_cannot_be_made(
    database_18: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert database_18
    (tmp_path / "file").touch()
    monkeypatch.setenv("WAREHOUSE_HOME", str(tmp_path / "file"))
    result = CliRunner().invoke(ui)
    assert result.exit_code == 1
    assert "Choose another state folder with WAREHOUSE_HOME" in result.output


def test_ui_refuses_a_busy_port_and_a_second_daemon(
    database_18: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert database_18
    monkeypatch.setenv("WAREHOUSE_HOME", str(tmp_path))
    started: list[str] = []
    monkeypatch.setattr("os.execve", lambda program, *_: started.append(program))
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        result = CliRunner().invoke(ui, ["--port", str(port)])
        assert result.exit_code == 1
        assert f"Port {port} cannot be used: Address already in use" in result.output
    assert not (tmp_path / "dagster").exists(), "nothing has begun"
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(ui, ["--port", str(port)])
    assert (result.exit_code, len(started)) == (0, 1), result.output
    result = CliRunner().invoke(ui, ["--port", str(port)])
    assert result.exit_code == 1
    assert f"Dagster already runs on this warehouse: http://127.0.0.1:{port}." in result.output
    assert len(started) == 1
