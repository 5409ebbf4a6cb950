"""How long `dbt build` takes: from nothing, with nothing new, and with a little more."""

import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

from psycopg import sql

from benchmarks.shared.dbt_runs import Dbt
from benchmarks.shared.measures import Measure, Target
from benchmarks.shared.processes import ProcessRun
from benchmarks.shared.sample_events import land_events, sample_settings
from benchmarks.shared.throwaway import new_folder, throwaway_database
from orchestration.database.connection import connect
from orchestration.sample.generator import generate

PART = "build"
DEMO_EXECUTIONS = 20_000
FURTHER_EXECUTIONS = 1_000
FACT = "fct_task_executions"

_BUILT_SCHEMAS = ["marts", "quality", "intermediate"]
_SETTLING_SECONDS = 30.0

# A table that was replaced counts anew under its new number, with all its rows.
_CHANGES = """
select relid, n_tup_ins + n_tup_upd + n_tup_del
from pg_catalog.pg_stat_user_tables
where schemaname = any(%s)
"""

# A connection adds to the counts when it ends at the latest.
_OTHER_CONNECTIONS = """
select count(*)
from pg_catalog.pg_stat_activity
where
    datname = current_database()
    and backend_type = 'client backend'
    and pid <> pg_backend_pid()
"""


def measure_build(
    folder: Path, *, repetitions: int, fact_executions: int, tell: Callable[[str], None]
) -> list[Measure]:
    """Measure builds of the bundled sample, and the fact model on a larger one.

    Args:
        folder: For the files and the databases; what is left there is of no use.
        repetitions: How often each is measured, each time on a new database.
        fact_executions: Executions in the larger sample; 0 leaves it out.
        tell: Told what happens.

    Returns:
        The measures: seconds, rows, rows per second.
    """
    builds = _Builds()
    for number in range(repetitions):
        place = new_folder(folder, f"build-{number + 1}")
        with throwaway_database(place) as environment:
            _measure_demo(
                Dbt(place, environment), builds, f"build {number + 1} of {repetitions}", tell
            )
    measures = builds.measures()
    if fact_executions:
        place = new_folder(folder, "fact")
        with throwaway_database(place) as environment:
            measures.append(
                _measure_fact(Dbt(place, environment), fact_executions, repetitions, tell)
            )
    return measures


class _Builds:
    """Collects the figures of the three builds over the repetitions."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, list[float]] = defaultdict(list)
        self.rows: defaultdict[str, list[float]] = defaultdict(list)
        self.notes: dict[str, str] = {}

    def keep(self, name: str, run: ProcessRun, failure_note: str) -> bool:
        """Keep the seconds of a build that succeeded, and the note of one that did not.

        Returns:
            Whether it succeeded.
        """
        if run.exit_code == 0:
            self.seconds[name].append(run.seconds)
        else:
            self.notes[name] = failure_note
        return run.exit_code == 0

    def measures(self) -> list[Measure]:
        """Return one measure for each figure; without repetitions where every build failed."""
        further = f"dbt build, {FURTHER_EXECUTIONS:,} further executions"
        return [
            self._seconds(
                "cold", f"cold dbt build, {DEMO_EXECUTIONS:,} executions", Target("at most", 40)
            ),
            self._seconds("idle", "second dbt build, nothing new"),
            self._rows("idle", "second dbt build, rows changed", Target("exactly", 0)),
            self._seconds("further", further),
            self._rows("further", f"{further}, rows changed"),
        ]

    def _seconds(self, key: str, name: str, target: Target | None = None) -> Measure:
        return Measure(PART, name, "s", tuple(self.seconds[key]), target, self.notes.get(key, ""))

    def _rows(self, key: str, name: str, target: Target | None = None) -> Measure:
        return Measure(PART, name, "rows", tuple(self.rows[key]), target)


def _measure_demo(dbt: Dbt, builds: _Builds, title: str, tell: Callable[[str], None]) -> None:
    """Build the bundled sample, build again, land a little more and build once more."""
    land_events(dbt.folder / "sample.ndjson", generate(sample_settings(DEMO_EXECUTIONS)))
    tell(f"{title}: cold")
    run = dbt.run("build")
    if not builds.keep("cold", run, dbt.failure_note(run, "the cold build")):
        return  # what follows would measure how the rest is caught up with
    before = changes()

    tell(f"{title}: nothing new")
    run = dbt.run("build")
    after = changes()
    if builds.keep("idle", run, dbt.failure_note(run, "the second build")):
        builds.rows["idle"].append(rows_changed(before, after))

    tell(f"{title}: {FURTHER_EXECUTIONS:,} further executions")
    land_events(dbt.folder / "further.ndjson", _further_events())
    run = dbt.run("build")
    if builds.keep("further", run, dbt.failure_note(run, "the incremental build")):
        builds.rows["further"].append(rows_changed(after, changes()))


def _measure_fact(
    dbt: Dbt, executions: int, repetitions: int, tell: Callable[[str], None]
) -> Measure:
    """Build the fact model alone, completely, over and over."""
    tell(f"fact model: landing {executions:,} executions and building what it reads")
    land_events(dbt.folder / "sample.ndjson", generate(sample_settings(executions)))
    name = f"{FACT} alone, full refresh of {executions:,}"
    note = ""
    for arguments in (("seed",), ("run", "--select", f"+{FACT}")):
        note = note or dbt.failure_note(dbt.run(*arguments), f"dbt {arguments[0]}")
    figures: list[float] = []
    for number in range(repetitions):
        tell(f"fact model: full refresh {number + 1} of {repetitions}")
        run = dbt.run("run", "--select", FACT, "--full-refresh")
        note = note or dbt.failure_note(run, "the full refresh")
        seconds = [
            float(result["execution_time"])
            for result in dbt.results()
            if result["unique_id"].endswith(f".{FACT}")
        ]
        if run.exit_code == 0 and seconds:
            figures.append(_row_count() / seconds[0])
    return Measure(PART, name, "rows/s", tuple(figures), note=note)


def _further_events() -> Iterator[bytes]:
    """Yield a busy last day of the same organizations and users, without their own events.

    Those are known already; landing them again would restate their whole history.
    """
    for line in generate(sample_settings(FURTHER_EXECUTIONS, days=1)):
        if json.loads(line)["event"] in ("task_execution", "routing_decision"):
            yield line


def changes() -> dict[int, int]:
    """Count what was ever written to the built schemas, once the server has settled.

    Returns:
        Rows inserted, updated and deleted, by the number of the table.
    """
    deadline = time.monotonic() + _SETTLING_SECONDS
    with connect(autocommit=True) as connection:
        while time.monotonic() < deadline:
            others = connection.execute(_OTHER_CONNECTIONS).fetchone()
            if others == (0,):
                break
            time.sleep(0.1)
        return dict(connection.execute(_CHANGES, (_BUILT_SCHEMAS,)).fetchall())


def rows_changed(before: dict[int, int], after: dict[int, int]) -> int:
    """Compare two counts.

    Args:
        before: What `changes` returned first.
        after: What it returned later.

    Returns:
        The rows that were written in between.
    """
    return sum(count - before.get(table, 0) for table, count in after.items())


def _row_count() -> int:
    with connect() as connection:
        row = connection.execute(
            sql.SQL("select count(*) from {}").format(sql.Identifier("marts", FACT))
        ).fetchone()
    return int(row[0]) if row else 0
