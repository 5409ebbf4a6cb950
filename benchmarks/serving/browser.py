"""How soon a real browser shows the page, what it loads for it, and when an event is on it."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import WebDriverWait

from benchmarks.serving import PART
from benchmarks.serving.live import LANDINGS, PATIENCE_SECONDS, PAUSE_SECONDS, land_execution
from benchmarks.serving.tenants import Tenant
from benchmarks.shared.measures import Measure, Target, percentile

_PERIODS = (7, 30, 90, "all")
_TURNS = 3
# Nothing that a browser does of its own accord, such as looking for updates.
_OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
)  # fmt: skip

_TIMES = """
const [page] = performance.getEntriesByType("navigation");
const [paint] = performance.getEntriesByName("first-contentful-paint");
return page.loadEventEnd && paint ? [paint.startTime / 1000, page.loadEventEnd / 1000] : null
"""
_KILOBYTES = """
return [...performance.getEntriesByType("navigation"),
        ...performance.getEntriesByType("resource")]
  .reduce((sum, each) => sum + each.encodedBodySize, 0) / 1000
"""
_SCROLL = "document.querySelector('[data-chart=trend]').scrollIntoView()"
_CHARTS_ARE_DRAWN = """
return !document.querySelector(".chart > svg") && document.querySelector(".chart svg.marks")
"""
# By the clock of the machine, which is that of who lands events.
_NOTE_CHANGES = """
window.changes = [];
const figures = () => document.getElementById("figures").innerHTML;
let known = figures();
new MutationObserver(() => {
  if (figures() !== known) { known = figures(); window.changes.push(Date.now() / 1000); }
}).observe(document.body, {childList: true, subtree: true});
"""


def measure_page(
    port: int, tenant: Tenant, folder: Path, tell: Callable[[str], None]
) -> list[Measure]:
    """Look at an organization's page.

    Args:
        port: Where the application listens.
        tenant: The organization.
        folder: Where files are written meanwhile.
        tell: Told what happens.

    Returns:
        The measures.
    """
    tell(f"{PART}: the page in a browser")
    programs = shutil.which("chromium"), shutil.which("chromedriver")
    if None in programs:
        note = "chromium and chromium-driver are not installed"
        return [Measure(PART, "first paint of the page", "s", (), note=note)]
    # Whoever sits at this machine needs no token.
    address = f"http://127.0.0.1:{port}/organizations/{tenant.organization_id}"
    with _browser(*map(str, programs)) as opened:
        times = [_times_of(opened, f"{address}?days={days}") for days in _PERIODS * _TURNS]
        before = opened.execute_script(_KILOBYTES)
        opened.execute_script(_SCROLL)
        WebDriverWait(opened, PATIENCE_SECONDS).until(
            lambda _: opened.execute_script(_CHARTS_ARE_DRAWN)
        )
        altogether = opened.execute_script(_KILOBYTES)
        opened.get(address)
        landed = _landed_until_shown(opened, tenant, folder)
    paints, loads = zip(*times, strict=True)
    return [
        Measure(PART, "first paint of the page", "s", paints, Target("at most", 1)),
        Measure(PART, "load of the page", "s", loads, Target("at most", 0.5)),
        Measure(PART, "the page, its style and scripts", "kB", (before,), Target("at most", 40)),
        Measure(PART, "the same with charts", "kB", (altogether,), Target("at most", 350)),
        Measure(
            PART, "from the beginning of landing to the page, p95", "s",
            (percentile(landed, 95),), Target("at most", 1),
            f"median {percentile(landed, 50):.2f} s",
        ),
    ]  # fmt: skip


@contextmanager
def _browser(chromium: str, driver: str) -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for option in _OPTIONS:
        options.add_argument(option)
    with webdriver.Chrome(options=options, service=Service(driver)) as opened:
        # What a browser keeps would be faster, and count as nothing.
        opened.execute_cdp_cmd("Network.enable", {})
        opened.execute_cdp_cmd("Network.setCacheDisabled", {"cacheDisabled": True})
        yield opened


def _times_of(opened: webdriver.Chrome, address: str) -> tuple[float, float]:
    """Return the seconds until something is painted, and until the page is loaded."""
    opened.get(address)
    found = WebDriverWait(opened, PATIENCE_SECONDS).until(lambda _: opened.execute_script(_TIMES))
    paint, load = found
    return float(paint), float(load)


def _landed_until_shown(opened: webdriver.Chrome, tenant: Tenant, folder: Path) -> list[float]:
    """Return the seconds from the beginning of each landing until the page shows it."""
    opened.execute_script(_NOTE_CHANGES)
    found: list[float] = []
    for number in range(1, LANDINGS + 1):
        time.sleep(PAUSE_SECONDS)
        started = time.time()
        land_execution(tenant, folder)
        while opened.execute_script("return window.changes.length") < number:
            if time.time() > started + PATIENCE_SECONDS:
                return found
            time.sleep(0.02)
        found.append(opened.execute_script("return window.changes.at(-1)") - started)
    return found
