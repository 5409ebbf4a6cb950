"""Alerts that are open, and how one is told in a line."""

from collections.abc import Mapping
from importlib import resources
from typing import Any

import psycopg
from psycopg.rows import dict_row

_OPEN_ALERTS = resources.files(__package__).joinpath("open_alerts.sql").read_bytes()


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


def alert_line(alert: Mapping[str, Any]) -> str:
    """Return an alert as a line of a notification.

    Args:
        alert: A row of the open alerts.

    Returns:
        The line.
    """
    whom = ", ".join(text for text in (alert["organization"], alert["period"]) if text)
    observed, threshold = (
        "unknown" if alert[name] is None else f"{alert[name].normalize():f}"
        for name in ("observed", "threshold")
    )
    return (
        f"{alert['severity']}: {alert['rule']}{f' ({whom})' if whom else ''}: "
        f"{observed} {alert['unit']}, limit {threshold}"
    )
