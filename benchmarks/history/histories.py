"""Long histories: what builds take in them, beside other ways to the same rows."""

import datetime as dt
import shutil
import statistics
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from benchmarks.build import changes, rows_changed
from benchmarks.history.checks import check_seconds
from benchmarks.history.documents.refresh import SAME_INFORMATION, refresh_seconds
from benchmarks.history.events import Lateness, activity_settings, delta_events, land_stream
from benchmarks.history.floor import (
    FloorRun,
    FloorTable,
    drop_floor,
    floor_tables,
    write_delta,
    write_everything,
)
from benchmarks.history.queries import Answers, ask_published_queries
from benchmarks.history.storage import TableSize, table_sizes
from benchmarks.shared.dbt_runs import Dbt, copy_of_project
from benchmarks.shared.sample_events import require_space_for
from benchmarks.shared.throwaway import new_folder, settle, throwaway_database
from orchestration.database.connection import connect
from orchestration.sample.generator import DEFAULT_UNTIL, generate

PART = "history"

# A copy of the marts, what sorting it and logging its writes take, and room for the deltas.
_FLOOR_FACTOR = 2.5
_DISK_RESERVE_BYTES = 5_000_000_000


@dataclass(frozen=True)
class HistoryPlan:
    """What to measure.

    Attributes:
        sizes: Executions in each history, ascending.
        organizations: Organizations in all of them.
        deltas: Executions in the deltas, ascending; the floor is found for the largest.
        lateness: How the late executions of a delta are spread.
        repetitions: How often most figures are measured.
    """

    sizes: tuple[int, ...]
    organizations: int
    deltas: tuple[int, ...]
    lateness: Lateness
    repetitions: int

    def days(self) -> list[tuple[dt.date, int]]:
        """Return the days after the history, each with the executions of its delta.

        The last one is the last day of the bundled sample, so that nothing lies in the future and
        every run has the same events. The largest delta comes first: the floor stands beside it.
        """
        sizes = [size for _ in range(self.repetitions) for size in reversed(self.deltas)]
        first = DEFAULT_UNTIL - dt.timedelta(days=len(sizes))
        return [(first + dt.timedelta(days=number), size) for number, size in enumerate(sizes)]


@dataclass
class History:
    """The figures of one history.

    Attributes:
        executions: How many it begins with.
        seconds: Seconds of builds, by what was built: `refresh`, `idle`, `empty`.
        idle_rows: Rows that builds with nothing new changed.
        deltas: Seconds of the builds of a delta, by its executions.
        models: Seconds of each model in those builds, likewise.
        sizes: What the tables take after the full refresh.
        floor: What a full build takes at least.
        delta_floor: What the first of the largest deltas takes at least.
        checks: Seconds of each suite of rules, over `everything` and over what `changed`.
        refreshes: Seconds of each refresh of the documents' views.
        answers: How fast the documents' queries were answered.
        note: What went wrong.
    """

    executions: int
    seconds: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    idle_rows: list[float] = field(default_factory=list)
    deltas: defaultdict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    models: defaultdict[int, defaultdict[str, list[float]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    sizes: list[TableSize] = field(default_factory=list)
    floor: FloorRun | None = None
    delta_floor: FloorRun | None = None
    checks: dict[str, dict[str, float]] = field(default_factory=dict)
    refreshes: dict[str, list[float]] = field(default_factory=dict)
    answers: Answers | None = None
    note: str = ""

    @property
    def idle_seconds(self) -> float:
        """Median of the builds with nothing new, seconds."""
        return statistics.median(self.seconds["idle"])

    def refresh_seconds(self) -> list[float]:
        """Return the seconds of both views together."""
        return [sum(both) for both in zip(*self.refreshes.values(), strict=True)]

    def same_information_seconds(self, executions: int) -> list[float]:
        """Return the seconds of the models that hold what the views hold, in each delta."""
        models = self.models[executions]
        return [
            sum(seconds)
            for seconds in zip(*(models[name] for name in SAME_INFORMATION), strict=True)
        ]


def measure_histories(
    folder: Path, *, plan: HistoryPlan, tell: Callable[[str], None]
) -> list[History]:
    """Build one history after the other, each in a database of its own that is deleted afterwards.

    Args:
        folder: For the files and the databases; what is left there is of no use.
        plan: What to measure.
        tell: Told what happens.

    Returns:
        The figures of the histories, as far as they came.

    Raises:
        ClickException: The disk is too small.
    """
    require_space_for(folder, plan.sizes[-1], "--history-sizes")
    histories = []
    # One copy for all, so that nobody's edits meanwhile come between them.
    project = copy_of_project(folder)
    place = new_folder(folder, "empty")
    with throwaway_database(place) as environment:
        empty = Dbt(place, environment, project)
        tell("history: building empty tables")
        note = empty.failure_note(empty.run("build"), "the build of empty tables")
        for executions in plan.sizes:
            history = History(executions, note=note)
            histories.append(history)
            if history.note:
                break
            place = new_folder(folder, f"history_{executions}")
            with throwaway_database(place) as environment:
                measurement = _Measurement(
                    history, Dbt(place, environment, project), empty, plan, tell
                )
                try:
                    measurement.run()
                except (psycopg.Error, OSError) as error:
                    # A full disk or a server that is gone after hours: what was measured stays.
                    history.note = f"stopped: {str(error).splitlines()[0]}"
            if history.note:
                break
    return histories


@dataclass(frozen=True)
class _Measurement:
    """Everything that happens to one history, in order."""

    history: History
    dbt: Dbt
    empty: Dbt
    plan: HistoryPlan
    tell: Callable[[str], None]

    def run(self) -> None:
        """Measure until something fails."""
        tables = self._build_everything()
        if tables is None:
            return
        for number in range(self.plan.repetitions):
            self._tell(f"nothing new, {number + 1} of {self.plan.repetitions}")
            if not self._build_nothing():
                return
        self._tell("checking everything")
        self.history.checks["everything"] = check_seconds(full=True)
        if not self._build_deltas(tables):
            return
        self._tell("checking what has changed")
        self.history.checks["changed"] = check_seconds(full=False)
        self._tell("the documents' own design")
        now = dt.datetime.combine(DEFAULT_UNTIL, dt.time(), dt.UTC) - dt.timedelta(seconds=1)
        self.history.refreshes = refresh_seconds(now, self.plan.repetitions)
        if self.history.executions == self.plan.sizes[-1]:
            self._tell("the documents' queries")
            self.history.answers = ask_published_queries(
                self.dbt.folder, self.dbt.environment, now, self.plan.repetitions
            )

    def _tell(self, text: str) -> None:
        self.tell(f"history of {self.history.executions:,}: {text}")

    def _build(self, dbt: Dbt, name: str, *arguments: str) -> float | None:
        """Build everything with its tests; return the seconds, or keep why it failed."""
        run = dbt.run("build", *arguments)
        self.history.note = dbt.failure_note(run, name)
        return None if self.history.note else run.seconds

    def _build_everything(self) -> list[FloorTable] | None:
        """Build all that has landed, write the same rows without dbt; return the tables.

        None when a build failed, and no tables when the disk is too small for a second copy.
        """
        history = self.history
        self._tell("landing")
        first_day, _ = self.plan.days()[0]
        settings = activity_settings(history.executions, self.plan.organizations, first_day)
        land_stream(self.dbt.folder, generate(settings))
        self._tell("the full refresh")
        settle()
        seconds = self._build(self.dbt, "the full refresh", "--full-refresh")
        if seconds is None:
            return None
        history.seconds["refresh"].append(seconds)
        # As the server would do in the background, some time during the measurements.
        with connect(autocommit=True) as connection:
            connection.execute("vacuum analyze")
        history.sizes = table_sizes()
        marts = sum(
            size.table_bytes + size.index_bytes
            for size in history.sizes
            if size.layer.startswith("marts")
        )
        free = shutil.disk_usage(self.dbt.folder).free
        if free < marts * _FLOOR_FACTOR + _DISK_RESERVE_BYTES:
            self._tell(f"{free / 1e9:.0f} GB are free, too little for the floor: left out")
            return []
        self._tell("the floor of the full refresh")
        tables = floor_tables(self.dbt)
        history.floor = write_everything(tables)
        return tables

    def _build_nothing(self) -> bool:
        """Build with nothing new, here and on empty tables, right after one another."""
        before = changes()
        for key, dbt in (("idle", self.dbt), ("empty", self.empty)):
            settle()
            seconds = self._build(dbt, f"the build with nothing new ({key})")
            if seconds is None:
                return False
            self.history.seconds[key].append(seconds)
        self.history.idle_rows.append(rows_changed(before, changes()))
        return True

    def _build_deltas(self, tables: list[FloorTable]) -> bool:
        """Build what arrives on the following days; write the rows of the first without dbt."""
        plan, history = self.plan, self.history
        for number, (day, executions) in enumerate(plan.days()):
            self._tell(f"{executions:,} further executions on {day}")
            lines = delta_events(executions, plan.organizations, day, plan.lateness)
            land_stream(new_folder(self.dbt.folder, f"day_{number}"), lines)
            settle()
            seconds = self._build(self.dbt, f"the delta of {executions:,}")
            if seconds is None:
                return False
            history.deltas[executions].append(seconds)
            for result in self.dbt.results():
                kind, _, name = result["unique_id"].split(".")[:3]
                if kind == "model":
                    history.models[executions][name].append(float(result["execution_time"]))
            if number == 0 and tables:
                self._tell("the floor of this delta")
                history.delta_floor = write_delta(tables)
                drop_floor()
        return True
