"""What correcting a price costs for the same executions in a short and in a long history."""

import datetime as dt
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import LiteralString

from benchmarks.prices.book import Row, add_prices
from benchmarks.prices.pricing import PART
from benchmarks.shared.dbt_runs import Dbt, copy_of_project
from benchmarks.shared.measures import Measure, Target
from benchmarks.shared.sample_events import (
    ACTIVITY_EVENTS,
    land_file,
    require_space_for,
    sample_settings,
)
from benchmarks.shared.throwaway import new_folder, settle, throwaway_database
from orchestration.database.connection import connect
from orchestration.sample.commands import write_lines
from orchestration.sample.generator import DEFAULT_UNTIL, generate

HISTORY_DAYS = 90
# The shorter history is the last quarter of the longer one, day for day the same events.
_SHORTER = 4
_CORRECTED_SHARE = 30
_WITHOUT_TESTS = ("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")

# The model that so many executions used or were compared with in the shortest time until the end.
_MOST_USED = """
with uses as (
    select execution_id, start_time, provider, price_model as model
    from marts.fct_task_executions
    where price_id is not null
    union
    select execution_id, start_time, baseline_provider as provider, baseline_price_model as model
    from marts.fct_task_executions
    where baseline_price_id is not null
),
numbered as (
    select
        provider,
        model,
        start_time,
        row_number() over (
            partition by provider, model order by start_time desc, execution_id
        ) as position
    from uses
)
select provider, model, start_time
from numbered
where position = %s
order by start_time desc
limit 1
"""


@dataclass(frozen=True)
class _Correction:
    """What corrected prices are for.

    Attributes:
        provider: The provider.
        model: The model as the price book spells it.
        since: First moment that they cover; they end with the sample.
    """

    provider: str
    model: str
    since: dt.datetime

    def price(self, number: int) -> Row:
        """Return a row of the price book, with other rates for each number."""
        until = dt.datetime.combine(DEFAULT_UNTIL, dt.time(), dt.UTC)
        return {
            "provider": self.provider,
            "model": self.model,
            "input_usd_per_mtok": str(7 + number),
            "output_usd_per_mtok": str(21 + number),
            "effective_from": self.since.isoformat(),
            "effective_until": until.isoformat(),
        }


@dataclass
class _History:
    """The figures of one warehouse.

    Attributes:
        executions: About how many it holds.
        idle: Seconds of the builds with nothing new.
        correcting: Seconds of the builds after a corrected price.
        restated: Executions that each of the latter restated.
        note: What went wrong.
    """

    executions: int
    idle: list[float] = field(default_factory=list)
    correcting: list[float] = field(default_factory=list)
    restated: list[int] = field(default_factory=list)
    note: str = ""

    def measure(self, name: str, unit: str, figures: list[float], note: str = "") -> Measure:
        """Return a measure of this history."""
        return Measure(
            PART, f"{name}, history of {self.executions:,}", unit, tuple(figures), note=note
        )

    def restated_per_second(self) -> list[float]:
        """Return the executions restated for each second beyond a build with nothing new."""
        pairs = zip(self.restated, self.correcting, strict=True)
        return [
            rows / (seconds - statistics.median(self.idle))
            for rows, seconds in pairs
            if seconds > statistics.median(self.idle)
        ]


def measure_corrections(
    folder: Path, *, executions: int, repetitions: int, tell: Callable[[str], None]
) -> list[Measure]:
    """Correct the same price for the same executions in a shorter and in a longer history.

    Args:
        folder: For the files and the databases; what is left there is of no use.
        executions: Executions in the longer history.
        repetitions: How often the price is corrected in each history.
        tell: Told what happens.

    Returns:
        The measures: seconds, their ratio, executions.

    Raises:
        ClickException: The disk is too small.
    """
    require_space_for(folder, executions, "--history-executions")
    shorter, longer = _History(executions // _SHORTER), _History(executions)
    corrected = executions // _CORRECTED_SHARE
    tell(f"corrections: writing {executions:,} executions")
    whole, end = folder / "history.ndjson", folder / "end_of_history.ndjson"
    lines = write_lines(generate(sample_settings(executions, HISTORY_DAYS)), str(whole))
    _write_end(whole, lines, end)
    # Both now, so that nobody's edits meanwhile come between the two.
    places = [new_folder(folder, file.stem) for file in (end, whole)]
    projects = [copy_of_project(place) for place in places]
    correction: _Correction | None = None
    for history, file, place, project in zip(
        (shorter, longer), (end, whole), places, projects, strict=True
    ):
        title = f"history of {history.executions:,}"
        with throwaway_database(place) as environment:
            dbt = Dbt(place, environment, project)
            tell(f"corrections: landing and building a {title}")
            land_file(file)
            file.unlink()
            history.note = dbt.failure_note(dbt.run("build", *_WITHOUT_TESTS), "the first build")
            if history.note:
                break
            # As the server would do in the background, some time during the measurements.
            _execute("vacuum analyze")
            correction = correction or _find_correction(corrected)
            if correction is None:
                history.note = f"no model has {corrected:,} executions"
                break
            for number in range(repetitions):
                tell(f"corrections: {title}, correction {number + 1} of {repetitions}")
                _correct(dbt, history, correction.price(number))
    return _measures(shorter, longer, corrected)


def _write_end(whole: Path, lines: int, end: Path) -> None:
    """Write the last lines of a history, with all organizations and users of before."""
    first = lines - lines // _SHORTER
    with whole.open("rb") as file:
        kept = (
            line
            for number, line in enumerate(file)
            if number >= first or not line.startswith(ACTIVITY_EVENTS)
        )
        write_lines(kept, str(end))


def _find_correction(executions: int) -> _Correction | None:
    """Choose a model and a moment since which it was used so many times."""
    with connect() as connection:
        row = connection.execute(_MOST_USED, (executions,)).fetchone()
    return None if row is None else _Correction(*row)


def _correct(dbt: Dbt, history: _History, price: Row) -> None:
    """Build with nothing new, then with the price; keep the figures if both succeeded."""
    before = _restated()
    settle()
    idle = dbt.run("build", *_WITHOUT_TESTS)
    history.note = history.note or dbt.failure_note(idle, "the build with nothing new")
    add_prices(dbt.project, [price])
    settle()
    correcting = dbt.run("build", *_WITHOUT_TESTS)
    history.note = history.note or dbt.failure_note(correcting, "the correcting build")
    if idle.exit_code == 0 and correcting.exit_code == 0:
        history.idle.append(idle.seconds)
        history.correcting.append(correcting.seconds)
        history.restated.append(_restated() - before)


def _restated() -> int:
    with connect() as connection:
        row = connection.execute("select count(*) from marts.fct_cost_corrections").fetchone()
    return int(row[0]) if row else 0


def _execute(statement: LiteralString) -> None:
    with connect(autocommit=True) as connection:
        connection.execute(statement)


def _measures(shorter: _History, longer: _History, corrected: int) -> list[Measure]:
    """Set the histories side by side."""
    correcting = f"dbt build, {corrected:,} executions corrected"
    idle = "dbt build, nothing new"
    speed = "restated in the seconds beyond nothing new"
    ratios = [
        more / less for more, less in zip(longer.correcting, shorter.correcting, strict=False)
    ]
    same = shorter.restated == longer.restated
    return [
        shorter.measure(correcting, "s", shorter.correcting, shorter.note),
        longer.measure(correcting, "s", longer.correcting, longer.note),
        Measure(
            PART, "the same, longer history over shorter", "ratio", tuple(ratios),
            Target("at most", 1.5),
        ),
        shorter.measure(idle, "s", shorter.idle),
        longer.measure(idle, "s", longer.idle),
        longer.measure(
            "executions restated", "rows", [float(rows) for rows in longer.restated],
            "" if same else f"in the shorter one: {shorter.restated}",
        ),
        shorter.measure(speed, "executions/s", shorter.restated_per_second()),
        longer.measure(speed, "executions/s", longer.restated_per_second()),
    ]  # fmt: skip
