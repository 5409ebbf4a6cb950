"""One page about the state of the warehouse: a file without scripts or things from elsewhere."""

import datetime as dt
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import psycopg
from psycopg.rows import dict_row

from orchestration.notifications import moment
from orchestration.output import open_output
from orchestration.quality.alerts import open_alerts
from orchestration.quality.rules import SPOT_CHECK, SPOT_CHECKED, SUITES, Severity

_FILES = resources.files(__package__)


def write_site(connection: psycopg.Connection, folder: Path) -> None:
    """Write `index.html`: what landed, the last build, open alerts, and every rule's last result.

    Args:
        connection: To the warehouse's database.
        folder: Where; it is made when it is not there. Beside a `models.html`, the page links it.

    Raises:
        WarehouseError: The page cannot be written.
    """
    results = {row["rule"]: row for row in _rows(connection, "latest_results")}
    (state,) = _rows(connection, "state")
    suites = {
        name: [
            {
                "name": rule.name,
                "description": rule.description,
                "severity": rule.severity.value,
                "result": results.get(rule.name),
            }
            for rule in (*suite.rules, *([SPOT_CHECK] if name == SPOT_CHECKED else []))
        ]
        for name, suite in SUITES.items()
    }
    page = _template().render(
        written_at=dt.datetime.now(dt.UTC),
        landed_at=state["landed_at"],
        waiting_loads=state["waiting_loads"],
        build=state if state["ended_at"] else None,
        alerts=open_alerts(connection),
        suites=suites,
        state=_state(suites),
        has_models=(folder / "models.html").exists(),
    )
    folder.mkdir(parents=True, exist_ok=True)
    with open_output(folder / "index.html") as file:
        file.write(page.encode())


def _state(suites: dict[str, list[dict[str, Any]]]) -> str:
    """Say in a few words how many rules do not hold."""
    broken = {
        severity: sum(
            rule["severity"] == severity
            and rule["result"] is not None
            and not rule["result"]["is_success"]
            for rules in suites.values()
            for rule in rules
        )
        for severity in (Severity.CRITICAL, Severity.WARNING)
    }
    if not any(broken.values()):
        return "All rules hold"
    return ", ".join(
        f"{number} {severity} rule{'s' if number > 1 else ''} broken"
        for severity, number in broken.items()
        if number
    )


def _template() -> jinja2.Template:
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    environment.filters["moment"] = moment
    environment.filters["figure"] = _figure
    return environment.from_string(_FILES.joinpath("site.html.jinja").read_text("utf-8"))


def _figure(value: Decimal | None) -> str:
    return "" if value is None else f"{value.normalize():f}"


def _rows(connection: psycopg.Connection, name: str) -> list[dict[str, Any]]:
    query = _FILES.joinpath(f"{name}.sql").read_bytes()
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query).fetchall()
