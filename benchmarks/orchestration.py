"""What Dagster adds to a build with nothing new: its own start, events, checks and figures."""

import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.build import DEMO_EXECUTIONS
from benchmarks.shared.dbt_runs import Dbt
from benchmarks.shared.measures import Measure, Target
from benchmarks.shared.processes import ProcessRun, last_line, run_measured
from benchmarks.shared.sample_events import land_events, sample_settings
from benchmarks.shared.throwaway import new_folder, throwaway_database
from orchestration.dbt.arguments import dbt_arguments
from orchestration.instance.home import instance_environment
from orchestration.sample.generator import generate

PART = "orchestration"
_JOB = "near_real_time"


def measure_orchestration(
    folder: Path, *, repetitions: int, tell: Callable[[str], None]
) -> list[Measure]:
    """Measure the job that runs every few minutes against the dbt command in it.

    Args:
        folder: For the files and the database; what is left there is of no use.
        repetitions: How often each is measured, in turn, on one database.
        tell: Told what happens.

    Returns:
        The measures, in seconds.
    """
    place = new_folder(folder, PART)
    with throwaway_database(place) as environment:
        dbt = Dbt(place, environment)
        variables = environment | {
            **instance_environment(),
            "DBT_TARGET_PATH": str(place / "dagster target"),
        }

        def run_job() -> ProcessRun:
            program = Path(sys.executable).with_name("dagster")
            return run_measured(
                [str(program), "job", "execute", "-m", "orchestration.definitions", "-j", _JOB],
                environment=variables,
                log_file=place / "dagster.log",
            )

        tell(f"{PART}: building the sample")
        land_events(place / "sample.ndjson", generate(sample_settings(DEMO_EXECUTIONS)))
        run = dbt.run(*dbt_arguments())
        note = dbt.failure_note(run, "the build")
        tell(f"{PART}: first run, which also reads the project and the lineage of columns")
        run = run_job()
        if run.exit_code != 0:
            note = note or f"{_JOB} failed: {last_line(place / 'dagster.log')}"
        arguments = dbt_arguments(leave_views=True, leave_seeds=True)
        builds, jobs = [], []
        for number in range(0 if note else repetitions):
            tell(f"{PART}: nothing new, {number + 1} of {repetitions}")
            builds.append(dbt.run(*arguments).seconds)
            jobs.append(run_job().seconds)
    added = tuple(job - build for build, job in zip(builds, jobs, strict=True))
    return [
        Measure(PART, "scheduled dbt build, nothing new", "s", tuple(builds), note=note),
        Measure(PART, f"{_JOB}, nothing new", "s", tuple(jobs)),
        Measure(PART, f"{_JOB} beyond that build", "s", added, Target("at most", 15)),
    ]
