"""What row-level security costs, and whether anything of another tenant ever comes through."""

import datetime as dt
import random
import re
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import psycopg
from psycopg import sql

from benchmarks.shared.measures import Measure, Target
from benchmarks.shared.sample_events import build_sample, require_space_for, sample_settings
from benchmarks.shared.throwaway import new_folder, throwaway_database
from orchestration.access.roles import apply_roles
from orchestration.database.connection import connect
from orchestration.project import project_root

PART = "access"

_QUERIES = Path("tests", "python", "published_queries")
_ROUNDS = 5
_LOGIN = "benchmark_api"
_READS_IN_A_REQUEST = 50
_RELATIONS = (
    "documents.organization_analytics",
    "documents.task_executions",
    "marts.fct_task_executions",
    "marts.fct_routing_decisions",
    "marts.dim_users",
    "marts.model_usage",
    "marts.organization_days",
    "marts.user_days",
)


def measure_access(
    folder: Path,
    *,
    executions: int,
    reads: int,
    repetitions: int,
    tell: Callable[[str], None],
) -> list[Measure]:
    """Ask the documents' queries with and without policies, and read at random as two tenants.

    Args:
        folder: For the files and the database; what is left there is of no use.
        executions: Executions in the warehouse.
        reads: How many random reads; 0 leaves them out.
        repetitions: How often the queries are asked, each of every organization and in turn.
        tell: Told what happens.

    Returns:
        The measures: ratios, and foreign rows.
    """
    require_space_for(folder, executions, "--access-executions")
    place = new_folder(folder, PART)
    with throwaway_database(place) as environment:
        tell(f"{PART}: building {executions:,} executions")
        settings = sample_settings(executions)
        with connect(autocommit=True) as owner:
            apply_roles(owner)
        note = build_sample(place, environment, settings)
        if note:
            return [Measure(PART, "the documents' queries", "ratio", (), note=note)]
        now = dt.datetime.combine(settings.until, dt.time(), dt.UTC) - dt.timedelta(hours=1)
        password = secrets.token_urlsafe(12)
        with connect(autocommit=True) as owner:
            owner.execute("vacuum analyze")
            login = sql.Identifier(_LOGIN)
            owner.execute(
                sql.SQL(
                    "create role {login} login noinherit password {password}; "
                    "grant org_admin, developer, bi_reader to {login}"
                ).format(login=login, password=sql.Literal(password))
            )
            owner.execute("insert into access.logins (login) values (%s)", (_LOGIN,))
            with connect(
                autocommit=True, user=_LOGIN, password=password, passfile="/dev/null"
            ) as reader:
                measures = _ask_queries(owner, reader, now, repetitions, tell)
                if reads:
                    measures.append(_read_at_random(owner, reader, reads, tell))
    return measures


def _ask_queries(
    owner: psycopg.Connection,
    reader: psycopg.Connection,
    now: dt.datetime,
    repetitions: int,
    tell: Callable[[str], None],
) -> list[Measure]:
    organizations = _ids(owner)
    reader.execute("set role bi_reader")
    for connection in (owner, reader):
        connection.execute("set search_path = documents, marts")
    ratios: dict[str, list[float]] = {}
    together = []
    for number in range(repetitions):
        tell(f"{PART}: the documents' queries, {number + 1} of {repetitions}")
        sums = {owner: 0.0, reader: 0.0}
        for path in sorted((project_root() / _QUERIES).glob("*.pgsql")):
            seconds = {owner: 0.0, reader: 0.0}
            for organization_id in organizations:
                statements = _statements(path, organization_id, now)
                # What adds organizations up is for whoever may read them all.
                asked = str(organization_id) if str(organization_id) in statements else ""
                reader.execute("select set_config('app.current_organization', %s, false)", (asked,))
                for turn in range(_ROUNDS):
                    for connection in (owner, reader) if turn % 2 else (reader, owner):
                        started = time.perf_counter()
                        connection.execute(statements.encode())
                        if turn:
                            seconds[connection] += time.perf_counter() - started
            ratios.setdefault(path.stem, []).append(seconds[reader] / seconds[owner])
            for connection in sums:
                sums[connection] += seconds[connection]
        together.append(sums[reader] / sums[owner])
    reader.execute("reset all")
    return [
        Measure(
            PART, "the documents' queries over the same without policies", "ratio",
            tuple(together), Target("at most", 1.2),
        ),
        *(
            Measure(PART, f"  {name}", "ratio", tuple(figures), Target("at most", 1.2))
            for name, figures in ratios.items()
        ),
    ]  # fmt: skip


def _read_at_random(
    owner: psycopg.Connection, reader: psycopg.Connection, reads: int, tell: Callable[[str], None]
) -> Measure:
    tell(f"{PART}: {reads:,} random reads in two tenants")
    tenants = _ids(owner)[:2]
    users = {
        tenant: [
            user_id
            for (user_id,) in owner.execute(
                "select user_id from marts.dim_users where organization_id = %s", (tenant,)
            )
        ]
        for tenant in tenants
    }
    chance = random.Random(7)  # noqa: S311
    done = rows = foreign = 0
    started = time.perf_counter()
    while done < reads:
        tenant = chance.choice(tenants)
        role = chance.choice(("org_admin", "developer", "bi_reader"))
        with reader.transaction(), reader.pipeline():
            reader.execute(sql.SQL("set local role {}").format(sql.Identifier(role)))
            reader.execute(
                "select set_config('app.current_organization', %s, true), "
                "set_config('app.current_user', %s, true)",
                (str(tenant), str(chance.choice(users[tenant]))),
            )
            answers = []
            for _ in range(_READS_IN_A_REQUEST):
                relation = chance.choice(_RELATIONS)
                if role == "developer":
                    relation = "marts.fct_task_executions"
                answers.append(
                    reader.execute(
                        f"select organization_id from {relation} "  # noqa: S608 - a constant
                        "where organization_id = any (%s) limit 3".encode(),
                        (chance.sample(tenants, chance.choice((1, 2))),),
                    )
                )
            for answer in answers:
                found = answer.fetchall()
                rows += len(found)
                foreign += sum(owner_id != tenant for (owner_id,) in found)
        done += _READS_IN_A_REQUEST
    seconds = time.perf_counter() - started
    return Measure(
        PART, f"foreign rows in {done:,} random reads", "rows", (foreign,), Target("exactly", 0),
        note=f"{rows:,} rows in {seconds:,.0f} s",
    )  # fmt: skip


def _statements(path: Path, organization_id: UUID, now: dt.datetime) -> str:
    """Return a published query about somebody, with the end of the sample as its present."""
    text = re.sub(r"^--.*\n", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    text = text.replace("CURRENT_TIMESTAMP", f"timestamptz '{now.isoformat()}'")
    text = text.replace("CURRENT_DATE", f"date '{now.date().isoformat()}'")
    about = "refactor" if "task_type = $1" in text else str(organization_id)
    first_day = now.date().replace(day=1)
    for parameter, value in (("$1", about), ("$2", first_day), ("$3", now.isoformat())):
        text = text.replace(parameter, f"'{value}'")
    return text


def _ids(owner: psycopg.Connection) -> list[UUID]:
    found = owner.execute(
        "select organization_id from marts.fct_task_executions group by 1 order by count(*) desc"
    )
    return [organization_id for (organization_id,) in found]
