"""Alerts that are open, and how they are told."""

import re
from collections.abc import Mapping
from importlib import resources
from typing import Any

import psycopg
from psycopg.rows import dict_row

from orchestration.notifications import Notification, moment
from orchestration.quality.runbook import advice

_OPEN_ALERTS = resources.files(__package__).joinpath("open_alerts.sql").read_bytes()
_SUBJECT = resources.files(__package__).joinpath("alert_subject.sql").read_bytes()
# What stands in a command of the runbook for what an alert is about.
_PLACEHOLDERS = {
    "ID": "execution_id",
    "LOAD": "load_id",
    "ORGANIZATION": "organization_id",
    "PERIOD": "period",
}
_PLACEHOLDER = re.compile(rf"\b({'|'.join(_PLACEHOLDERS)})\b")
# Told by name, or too many.
_UNTOLD_IDS = ("organization_id", "provider", "execution_ids")


def open_alerts(connection: psycopg.Connection) -> list[dict[str, Any]]:
    """Return the alerts that are open, the severest first.

    Args:
        connection: To the warehouse's database.

    Returns:
        A row of `open_alerts.sql` for each.

    Raises:
        UndefinedTable: The marts are not built.
    """
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_OPEN_ALERTS).fetchall()


def opened(connection: psycopg.Connection, alert: Mapping[str, Any], page: str) -> Notification:
    """Return what to tell about an alert that has opened.

    Args:
        connection: To the warehouse's database.
        alert: A row of the open alerts.
        page: Where Dagster shows what it is about.

    Returns:
        The notification, with causes and command of the runbook's section about the rule.
    """
    with connection.cursor(row_factory=dict_row) as cursor:
        (subject,) = cursor.execute(_SUBJECT, alert).fetchall()
    ids = subject["ids"] or {}
    whom = [
        *filter(None, subject["whom"]),
        *(f"{name} {value}" for name, value in ids.items() if value and name not in _UNTOLD_IDS),
        *filter(None, [alert["period"]]),
    ]
    observed, threshold = (
        "unknown" if alert[name] is None else f"{alert[name].normalize():f}"
        for name in ("observed", "threshold")
    )
    said, known = advice(alert["rule"]), {**alert, **ids}
    queries = [_history(alert["dedup_key"])]
    if alert["unit"] == "rows":
        queries.append(
            "select broken_ids, query from quality.check_results "  # noqa: S608
            f"where rule = '{alert['rule']}' and not is_success order by checked_at desc limit 1"
        )
    return Notification(
        f"{alert['severity']}: {alert['rule']}: {', '.join(whom) or 'the warehouse'}: "
        f"{observed} {alert['unit']}, limit {threshold}, since {moment(alert['first_seen_at'])}",
        said.cause,
        _PLACEHOLDER.sub(
            lambda found: str(known.get(_PLACEHOLDERS[found[0]]) or found[0]),
            said.commands[0],
        ),
        (page, *queries),
    )


def resolved(dedup_key: str, summary: str, page: str) -> Notification:
    """Return what to tell about an alert that is no longer open.

    Args:
        dedup_key: What it was about.
        summary: As it was told when it had opened.
        page: Where Dagster shows what it is about.

    Returns:
        The notification.
    """
    said = advice("recovered_runs")
    return Notification(
        f"resolved: {summary}", said.cause, said.commands[0], (page, _history(dedup_key))
    )


def _history(dedup_key: str) -> str:
    """Return the query of every time that the same alert was open, for people to run."""
    return (
        "select observed, threshold, first_seen_at, resolved_at, resolution from marts.fct_alerts "  # noqa: S608
        f"where dedup_key = '{dedup_key}' order by first_seen_at desc"
    )
