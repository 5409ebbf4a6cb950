"""The queries that the source documents publish, asked by many clients at once with pgbench."""

import datetime as dt
import re
import shutil
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.shared.measures import percentile
from benchmarks.shared.processes import last_line, run_measured
from benchmarks.shared.throwaway import new_folder
from orchestration.database.connection import connect
from orchestration.database.embedded import embedded_bin_directory
from orchestration.project import project_root

CLIENTS = 16

_WARM_UP_SECONDS = 5
_SECONDS = 30
# As printed it reads every hour, day, week and month of a month, of all organizations.
_ALONE = "design_3_3_provider_performance_comparison"
_FOLDER = Path("tests", "python", "published_queries")

# What a client asks about is drawn from tables with a number for each: every organization alike.
_LISTS = """
create schema benchmark;
create table benchmark.organizations as
select
    cast(row_number() over (order by organization_id) as integer) as number,
    organization_id as drawn
from (select distinct organization_id from marts.fct_task_executions) as organizations;
create table benchmark.task_types as
select
    cast(row_number() over (order by task_type) as integer) as number,
    task_type as drawn
from (select distinct task_type from marts.fct_task_executions) as task_types;
alter table benchmark.organizations add primary key (number);
alter table benchmark.task_types add primary key (number);
analyze benchmark.organizations;
analyze benchmark.task_types;
"""


@dataclass
class Answers:
    """How fast questions were answered.

    Attributes:
        per_second: Queries of the 16 clients each second, all together, by repetition.
        p95_ms: Milliseconds within which 95 of 100 were answered, by query and repetition.
        counts: How often each was asked, all repetitions together.
        note: Why there are no figures.
    """

    per_second: list[float] = field(default_factory=list)
    p95_ms: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    counts: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    note: str = ""


def ask_published_queries(
    folder: Path, environment: Mapping[str, str], now: dt.datetime, repetitions: int
) -> Answers:
    """Let 16 clients ask the published queries, each as often as every other, and one client one.

    The comparison of providers is asked alone.

    Args:
        folder: For the scripts and the logs.
        environment: Leads to the database, whose marts are built.
        now: What the queries take for the present, instead of CURRENT_TIMESTAMP.
        repetitions: How often 30 seconds are measured of both.

    Returns:
        The figures; none but a note where pgbench or the queries are missing.
    """
    answers = Answers()
    pgbench = _pgbench()
    queries = sorted((project_root() / _FOLDER).glob("*.pgsql"))
    if pgbench is None or not queries:
        answers.note = f"{'pgbench' if pgbench is None else _FOLDER} was not found"
        return answers
    place = new_folder(folder, "queries")
    scripts = [_script(query, place, now) for query in queries]
    with connect() as connection:
        connection.execute(_LISTS)
    with connect(autocommit=True) as connection:
        connection.execute("vacuum analyze")
    surroundings = {**environment, "PGOPTIONS": "-c search_path=documents,marts"}
    together = [script for script in scripts if script.stem != _ALONE]
    alone = [script for script in scripts if script.stem == _ALONE]
    for number in range(repetitions + 1):
        seconds = _SECONDS if number else _WARM_UP_SECONDS
        for asked, clients in ((together, CLIENTS), (alone, 1)):
            prefix = f"log_{clients}_{number}"
            run = run_measured(
                [
                    *_command(pgbench, asked, clients, now),
                    f"--time={seconds}",
                    f"--log-prefix={place / prefix}",
                ],
                environment=surroundings,
                log_file=place / "pgbench.log",
            )
            if run.exit_code != 0:
                answers.note = f"pgbench ended with exit code {run.exit_code}: " + last_line(
                    place / "pgbench.log"
                )
                return answers
            if not number:
                continue
            latencies = _latencies(place, prefix)
            if asked is together:
                answers.per_second.append(sum(map(len, latencies.values())) / seconds)
            for position, milliseconds in latencies.items():
                name = asked[position].stem
                answers.p95_ms[name].append(percentile(milliseconds, 95))
                answers.counts[name] += len(milliseconds)
    return answers


def _pgbench() -> str | None:
    """Return the pgbench of the embedded server, or the one that is installed."""
    own = embedded_bin_directory() / "pgbench"
    return str(own) if own.exists() else shutil.which("pgbench")


def _command(pgbench: str, scripts: list[Path], clients: int, now: dt.datetime) -> list[str]:
    with connect() as connection:
        row = connection.execute(
            "select (select count(*) from benchmark.organizations), "
            "(select count(*) from benchmark.task_types)"
        ).fetchone()
    organizations, task_types = row or (0, 0)
    return [
        pgbench,
        f"--client={clients}",
        f"--jobs={min(clients, 2)}",
        "--no-vacuum",
        "--protocol=prepared",
        "--log",
        f"--define=organizations={organizations}",
        f"--define=task_types={task_types}",
        f"--define=since={_first_of_month(now).isoformat()}",
        f"--define=until={now.isoformat()}",
        *(f"--file={script}" for script in scripts),
    ]


def _script(query: Path, folder: Path, now: dt.datetime) -> Path:
    """Write a published query as a script that draws whom it asks about."""
    text = re.sub(r"^--.*\n", "", query.read_text(encoding="utf-8"), flags=re.MULTILINE)
    text = text.replace("CURRENT_TIMESTAMP", f"timestamptz '{now.isoformat()}'")
    text = text.replace("CURRENT_DATE", f"date '{now.date().isoformat()}'")
    about = "task_types" if "task_type = $1" in text else "organizations"
    for parameter, variable in (("$1", ":drawn"), ("$2", ":since"), ("$3", ":until")):
        text = text.replace(parameter, variable)
    script = folder / f"{query.stem}.pgbench"
    script.write_text(
        f"\\set number random(1, :{about})\n"
        f"select drawn from benchmark.{about} where number = :number \\gset\n"
        f"{text}",
        encoding="utf-8",
    )
    return script


def _latencies(folder: Path, prefix: str) -> dict[int, list[float]]:
    """Return the milliseconds of every question, by the position of its script."""
    latencies: defaultdict[int, list[float]] = defaultdict(list)
    for log in folder.glob(f"{prefix}.*"):
        with log.open(encoding="ascii") as lines:
            for line in lines:
                _, _, microseconds, script, *_ = line.split()
                latencies[int(script)].append(int(microseconds) / 1000)
    return dict(sorted(latencies.items()))


def _first_of_month(now: dt.datetime) -> dt.datetime:
    return now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
