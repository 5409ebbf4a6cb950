"""The figures of long histories, set side by side and beside their targets."""

from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path

from benchmarks.history.documents.refresh import SAME_INFORMATION
from benchmarks.history.floor import FloorRun
from benchmarks.history.histories import PART, History, HistoryPlan, measure_histories
from benchmarks.history.queries import CLIENTS
from benchmarks.shared.measures import Measure, Target

# What a query reads decides how fast it has to be.
# Queries by the end of their names, and milliseconds within which 95 of 100 are to be answered.
_P95_MS = {
    "organization_cost_dashboard": 20,
    "productivity_report": 20,
    "real_time_savings_counter": 50,
    "provider_performance_comparison": 30,
}


def measure_history(
    folder: Path, *, plan: HistoryPlan, tell: Callable[[str], None]
) -> list[Measure]:
    """Measure long histories and compare them.

    Args:
        folder: For the files and the databases; what is left there is of no use.
        plan: What to measure.
        tell: Told what happens.

    Returns:
        The measures; none beyond the build that failed.

    Raises:
        ClickException: The disk is too small.
    """
    histories = measure_histories(folder, plan=plan, tell=tell)
    measures = []
    for history in histories:
        measures += _builds(history)
        for executions in history.deltas:
            measures += _delta(history, executions)
        measures += _floors(history, plan.deltas[-1])
        measures += _checks(history)
    measures += _comparison(histories, plan)
    measures += _storage(histories[-1])
    measures += _queries(histories[-1])
    return measures


def _of(history: History) -> str:
    return f"history of {history.executions:,}"


def _ratios(over: Sequence[float], under: Sequence[float]) -> tuple[float, ...]:
    return tuple(one / other for one, other in zip(over, under, strict=False))


def _builds(history: History) -> list[Measure]:
    """Builds of everything and of nothing."""
    seconds, where = history.seconds, _of(history)
    measures = [
        Measure(
            PART, f"dbt build --full-refresh, {where}", "s", tuple(seconds["refresh"]),
            note=history.note,
        ),
        Measure(
            PART, f"the same, executions built, {where}", "executions/s",
            tuple(history.executions / each for each in seconds["refresh"]),
        ),
        Measure(PART, f"dbt build, nothing new, {where}", "s", tuple(seconds["idle"])),
        Measure(
            PART, f"the same, rows changed, {where}", "rows", tuple(history.idle_rows),
            Target("exactly", 0),
        ),
        Measure(PART, f"dbt build, empty tables, beside the {where}", "s", tuple(seconds["empty"])),
        Measure(
            PART, f"nothing new over empty tables, {where}", "ratio",
            _ratios(seconds["idle"], seconds["empty"]), Target("at most", 1.3),
        ),
    ]  # fmt: skip
    return [measure for measure in measures if measure.repetitions or measure.note]


def _delta(history: History, executions: int) -> list[Measure]:
    """Builds of further days, beside the refreshing of the documents' views."""
    name, where = f"{executions:,} further executions", _of(history)
    seconds = history.deltas[executions]
    measures = [
        Measure(
            PART, f"dbt build, {name}, {where}", "s", tuple(seconds),
            detail={"seconds_by_model": history.models[executions]},
        ),
    ]  # fmt: skip
    if history.refreshes:
        same = history.same_information_seconds(executions)
        refreshes = history.refresh_seconds()
        of_models = " + ".join(SAME_INFORMATION)
        measures += [
            Measure(PART, f"{of_models}, {name}, {where}", "s", tuple(same)),
            Measure(
                PART, f"refreshing both views over the dbt build, {name}, {where}", "ratio",
                _ratios(refreshes, seconds), Target("at least", 20),
            ),
            Measure(
                PART, f"refreshing both views over those models, {name}, {where}", "ratio",
                _ratios(refreshes, same), Target("at least", 20),
            ),
        ]  # fmt: skip
    return measures


def _floors(history: History, executions: int) -> list[Measure]:
    """The documents' views, and what PostgreSQL needs at least for the rows of a build."""
    where, measures = _of(history), []
    if history.refreshes:
        measures.append(
            Measure(
                PART, f"refreshing the documents' two views, {where}", "s",
                tuple(history.refresh_seconds()), detail={"seconds_by_view": history.refreshes},
            )
        )  # fmt: skip
    if history.floor is not None:
        full = history.floor
        measures += [
            _floor(full, f"floor of the full refresh, {where}"),
            Measure(
                PART, f"full refresh over its floor, {where}", "ratio",
                tuple(each / full.seconds for each in history.seconds["refresh"]),
                Target("at most", 2),
            ),
        ]  # fmt: skip
    if history.delta_floor is not None:
        least = history.delta_floor
        measures += [
            _floor(least, f"floor of {executions:,} further executions, {where}"),
            Measure(
                PART, f"the delta less nothing new, over its floor, {where}", "ratio",
                tuple(
                    (each - history.idle_seconds) / least.seconds
                    for each in history.deltas[executions]
                ),
                Target("at most", 2.5),
            ),
        ]  # fmt: skip
    return measures


def _floor(run: FloorRun, name: str) -> Measure:
    differing = ", ".join(f"{rows:,} of {table}" for table, rows in run.differing.items())
    note = f"rows that differ from the warehouse's: {differing}" if differing else ""
    detail = {"rows": run.rows, "seconds_by_table": run.by_table}
    return Measure(PART, name, "s", (run.seconds,), note=note, detail=detail)


def _checks(history: History) -> list[Measure]:
    """All suites of rules, over everything and over what the deltas changed."""
    return [
        Measure(
            PART, f"warehouse check, {what}, {_of(history)}", "s", (sum(seconds.values()),),
            detail={"seconds_by_suite": seconds},
        )
        for what, seconds in history.checks.items()
    ]  # fmt: skip


def _comparison(histories: list[History], plan: HistoryPlan) -> list[Measure]:
    """The same delta in the longest and in the shortest history."""
    shortest, longest = histories[0], histories[-1]
    if shortest is longest:
        return []
    return [
        Measure(
            PART,
            f"{executions:,} further executions, {_of(longest)} over {shortest.executions:,}",
            "ratio",
            _ratios(longest.deltas[executions], shortest.deltas[executions]),
            Target("at most", 1.15) if executions == plan.deltas[-1] else None,
        )
        for executions in plan.deltas
        if longest.deltas[executions]
    ]


def _storage(history: History) -> list[Measure]:
    """Megabytes for each million executions, after the full refresh."""
    measures = []
    for layer, tables in groupby(
        sorted(history.sizes, key=lambda size: size.layer), key=lambda size: size.layer
    ):
        listed = list(tables)
        for kind, sizes in (
            ("tables", {size.table: size.table_bytes for size in listed}),
            ("indexes", {size.table: size.index_bytes for size in listed}),
        ):
            # Bytes for each execution are megabytes for each million.
            figure = sum(sizes.values()) / history.executions
            measures.append(
                Measure(
                    PART, f"{layer}, {kind}, {_of(history)}", "MB/million", (figure,),
                    detail={"bytes_by_table": sizes},
                )
            )  # fmt: skip
    return measures


def _queries(history: History) -> list[Measure]:
    """How fast the documents' queries were answered."""
    answers = history.answers
    if answers is None:
        return []
    measures = [
        Measure(
            PART, f"documents' queries, {CLIENTS} clients, {_of(history)}", "queries/s",
            tuple(answers.per_second), Target("at least", 1000), answers.note,
        )
    ]  # fmt: skip
    for query, figures in answers.p95_ms.items():
        asked = [bound for name, bound in _P95_MS.items() if query.endswith(name)]
        target = Target("at most", asked[0]) if asked else None
        detail = {"asked": answers.counts[query]}
        name = f"{query.replace('_', ' ')}, p95"
        measures.append(Measure(PART, name, "ms", tuple(figures), target, detail=detail))
    return measures
