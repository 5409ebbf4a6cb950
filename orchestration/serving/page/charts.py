"""Charts of the page: one Vega-Lite specification each, drawn here and again in the browser."""

import datetime as dt
import gzip
import re
from collections.abc import Sequence
from functools import cache
from importlib import metadata
from typing import Any

import altair as alt
import vl_convert

Rows = Sequence[dict[str, Any]]
Spec = dict[str, Any]

# Colours are the style sheet's, so that one drawing fits light, dark and print.
_SAVED, _SPENT, _INK, _FAINT = "var(--saved)", "var(--spent)", "var(--ink-2)", "var(--line)"
_WIDTH, _HEIGHT = 560, 210
_BAR_SHARE = 0.8
_ROWS = "rows"
# A tenth of a pixel is enough, at a third of the size.
_FRACTION = re.compile(r"([0-9]\.[0-9])[0-9]+")


def savings_trend(rows: Rows, days_a_step: int) -> Spec:
    """Return what each step saved, as bars, and what that had come to, as a line.

    Args:
        rows: Rows of the query `page_course`.
        days_a_step: How many days each of them is about.

    Returns:
        The specification.
    """
    return _filled(_savings_trend(), rows, ("savings_usd", "cumulative_savings_usd"), days_a_step)


@cache
def _savings_trend() -> Spec:
    tooltip = [
        _day(),
        _money("savings_usd", "Saved (USD)"),
        _money("cumulative_savings_usd", "In total (USD)"),
    ]
    bars = _chart().mark_bar(color=_SAVED, fillOpacity=0.55)
    bars = bars.encode(
        x2="end:T", y=_axis("savings_usd", "Saved (USD)"), y2=alt.datum(0), tooltip=tooltip
    )
    line = _chart().mark_line(color="var(--ink)", strokeWidth=2)
    line = line.encode(
        x=_time("end"),
        y=_axis("cumulative_savings_usd", "In total (USD)", grid=False),
        tooltip=tooltip,
    )
    return _finished(alt.LayerChart(layer=[bars, line]).resolve_scale(y="independent"))


def roi_timeline(rows: Rows, days_a_step: int) -> Spec:
    """Return what savings and spend had come to by each step.

    Args:
        rows: Rows of the query `page_course`.
        days_a_step: How many days each of them is about.

    Returns:
        The specification.
    """
    sums = ("cumulative_spend_usd", "cumulative_savings_usd")
    return _filled(_roi_timeline(), rows, sums, days_a_step)


@cache
def _roi_timeline() -> Spec:
    tooltip = [
        _day(),
        _money("cumulative_spend_usd", "Spent (USD)"),
        _money("cumulative_savings_usd", "Saved (USD)"),
    ]
    line = {"color": _SAVED, "strokeWidth": 2}
    saved = _chart().mark_area(color=_SAVED, fillOpacity=0.18, line=line)
    spent = _chart().mark_line(color=_SPENT, strokeWidth=2, strokeDash=[6, 3])
    title = "In total (USD)"
    return _finished(
        alt.LayerChart(
            layer=[
                saved.encode(y=_axis("cumulative_savings_usd", title), tooltip=tooltip),
                spent.encode(y=_axis("cumulative_spend_usd", title), tooltip=tooltip),
            ]
        )
    )


def active_people(rows: Rows) -> Spec:
    """Return how many people worked on each day.

    Args:
        rows: Rows of the query `page_activity` that have a date.

    Returns:
        The specification.
    """
    return _filled(_active_people(), rows, ("active_users", "tasks"), 1)


@cache
def _active_people() -> Spec:
    bars = _chart().mark_bar(color=_SPENT)
    bars = bars.encode(
        x2="end:T",
        y=_axis("active_users", "People", whole=True),
        y2=alt.datum(0),
        tooltip=[
            _day(),
            alt.Tooltip("active_users:Q", title="People"),
            alt.Tooltip("tasks:Q", title="Tasks", format=","),
        ],
    )
    return _finished(bars, height=150)


def drawn(spec: Spec) -> str:
    """Return a chart as SVG, to stand in a page.

    Args:
        spec: The specification.

    Returns:
        An element `svg` without anything that a browser runs. Its name stands on what is around it.
    """
    svg = _FRACTION.sub(r"\1", vl_convert.vegalite_to_svg(spec))
    return svg.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1)


@cache
def bundle() -> bytes:
    """Return what draws charts in a browser: a compressed ES module that exports `vegaEmbed`."""
    code = vl_convert.javascript_bundle("export { vegaEmbed };")
    return gzip.compress(code.encode(), mtime=0)


def bundle_version() -> str:
    """Return what changes when the bundle does."""
    return metadata.version("vl-convert-python")


def _filled(spec: Spec, rows: Rows, columns: Sequence[str], days_a_step: int) -> Spec:
    """Return a specification with its data: Altair takes longer than all the rest."""
    values = []
    for row in rows:
        # With a time it is a day of the reader's: without, it would be one of UTC's.
        start = dt.datetime.fromisoformat(row["date"])
        end = start + dt.timedelta(days=days_a_step * _BAR_SHARE)
        values.append(
            {"date": start.isoformat(), "end": end.isoformat()}
            | {name: None if row[name] is None else float(row[name]) for name in columns}
        )
    return spec | {"datasets": {_ROWS: values}}


def _chart() -> alt.Chart:
    return alt.Chart(alt.NamedData(_ROWS)).encode(x=_time("date"))


def _time(column: str) -> alt.X:
    axis = alt.Axis(grid=False, tickCount=6, labelOverlap=True, format="%-d %b")
    return alt.X(f"{column}:T", title=None, axis=axis)


def _axis(column: str, title: str, *, grid: bool = True, whole: bool = False) -> alt.Y:
    ticks = alt.Axis(grid=grid, tickCount=5, tickMinStep=1 if whole else alt.Undefined)
    return alt.Y(f"{column}:Q", title=title, axis=ticks)


def _money(column: str, title: str) -> alt.Tooltip:
    return alt.Tooltip(f"{column}:Q", title=title, format=",.2f")


def _day() -> alt.Tooltip:
    return alt.Tooltip("date:T", title="From", format="%-d %B %Y")


def _finished(chart: alt.Chart | alt.LayerChart, height: int = _HEIGHT) -> Spec:
    spec: Spec = (
        chart.properties(width=_WIDTH, height=height)
        .configure(font="system-ui, sans-serif", background="transparent", aria=False, padding=2)
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=_INK,
            titleColor=_INK,
            titleFontWeight="normal",
            labelFontSize=12,
            titleFontSize=12,
            gridColor=_FAINT,
            domainColor=_FAINT,
            tickColor=_FAINT,
        )
        .to_dict()
    )
    return spec
