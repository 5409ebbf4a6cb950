"""Serves a large sample, and asks for everything that is promised of the application."""

import asyncio
import datetime as dt
import itertools
import json
import math
import random
from collections.abc import Callable
from pathlib import Path

from benchmarks.serving import PART, browser, live
from benchmarks.serving.application import application, figures_of
from benchmarks.serving.clients import Answers, Request, ask_together
from benchmarks.serving.foreign import ask_at_random
from benchmarks.serving.tenants import Tenant, tenants_of
from benchmarks.shared.measures import Measure, Target
from benchmarks.shared.sample_events import build_sample, require_space_for
from benchmarks.shared.throwaway import new_folder, throwaway_database
from orchestration.database.connection import connect
from orchestration.sample.generator import SampleSettings

_CLIENTS = 100
_LIVE_CLIENTS = 1_000
_SECONDS = 20.0
_SECONDS_OF_DASHBOARDS = 60.0
_POLL_SECONDS = 5.0
_DASHBOARD = (
    "analytics/dashboard",
    "analytics/savings/summary",
    "analytics/costs/by-provider",
    "analytics/tasks/performance",
    "analytics/usage/metrics",
    "metrics/current",
)
"""What a dashboard asks for every five seconds."""

_RANGED = _DASHBOARD[1:4]
_DAYS = 60
_EXECUTIONS_OF_AN_ORGANIZATION = 10_000
_USERS_OF_AN_ORGANIZATION = 15
_FEWEST_ORGANIZATIONS = 3


def measure_serving(
    folder: Path,
    *,
    executions: int,
    requests: int,
    repetitions: int,
    tell: Callable[[str], None],
) -> list[Measure]:
    """Build a sample that ends now, serve it, and ask.

    Args:
        folder: For the files and the database; what is left there is of no use.
        executions: Executions in the warehouse.
        requests: Random requests that look for rows of another tenant; 0 leaves them out.
        repetitions: How often each load is put on it.
        tell: Told what happens.

    Returns:
        The measures.
    """
    require_space_for(folder, executions, "--serving-executions")
    place = new_folder(folder, PART)
    with throwaway_database(place) as environment:
        tell(f"{PART}: building {executions:,} executions")
        note = build_sample(place, environment, _settings(executions))
        if note:
            return [Measure(PART, "requests a second", "requests/s", (), note=note)]
        with connect(autocommit=True) as owner:
            owner.execute("vacuum analyze")
            tenants = tenants_of(owner)
        with application(environment, place / "app.log") as port:
            measures = [
                *_measure_loads(port, tenants, repetitions, tell),
                *_measure_dashboards(port, tenants, place, tell),
                *live.measure_live(port, tenants[0], _LIVE_CLIENTS, place, tell),
                *browser.measure_page(port, tenants[0], place, tell),
            ]
            if requests:
                measures.append(ask_at_random(port, tenants[:2], requests, tell))
    return measures


def _settings(executions: int) -> SampleSettings:
    """Return a sample that ends now, of organizations as large as 1,000 that have ten million."""
    organizations = max(_FEWEST_ORGANIZATIONS, executions // _EXECUTIONS_OF_AN_ORGANIZATION)
    return SampleSettings(
        executions,
        organizations,
        organizations * _USERS_OF_AN_ORGANIZATION,
        _DAYS,
        seed=1,
        now=dt.datetime.now(dt.UTC),
    )


def _measure_loads(
    port: int, tenants: list[Tenant], repetitions: int, tell: Callable[[str], None]
) -> list[Measure]:
    """Let a hundred clients ask: what was never asked before, and what was."""
    chance = random.Random(3)  # noqa: S311

    def cold() -> Request:
        tenant = chance.choice(tenants)
        return Request(f"/api/v1/{chance.choice(_RANGED)}?{_days(chance, tenant)}", tenant.token)

    def warm() -> Request:
        tenant = chance.choice(tenants)
        return Request(f"/api/v1/{chance.choice(_RANGED)}", tenant.token)

    def roi() -> Request:
        tenant = chance.choice(tenants)
        wanted = {
            "developers": chance.randrange(1, 500),
            "hourly_rate_usd": chance.randrange(20, 200),
            "minutes_saved_per_task": chance.randrange(1, 60),
        }
        return Request("/api/v1/analytics/roi-calculator", tenant.token, json.dumps(wanted))

    def cost() -> Request:
        tenant = chance.choice(tenants)
        execution_id = chance.choice(tenant.execution_ids)
        return Request(f"/api/v1/executions/{execution_id}/explain", tenant.token)

    measures: list[Measure] = []
    everything = Answers()
    every_warm = (Request(f"/api/v1/{path}", each.token) for each in tenants for path in _RANGED)
    asyncio.run(ask_together(port, _CLIENTS, math.inf, lambda: next(every_warm, None)))
    for name, draw, pause, most_ms in (
        ("answers never asked for before", cold, _POLL_SECONDS, 200.0),
        ("answers that are kept", warm, 0.5, 50.0),
        ("the ROI calculator", roi, _POLL_SECONDS, 50.0),
        ("an execution's cost explained", cost, _POLL_SECONDS, 100.0),
    ):
        found = []
        for number in range(repetitions):
            tell(f"{PART}: {name}, {number + 1} of {repetitions}")
            found.append(_ask(port, draw, _SECONDS, pause, everything))
        each = f"each asks every {pause:g} s"
        measures.append(
            Measure(
                PART, f"{name}, p95, {_CLIENTS} clients", "ms",
                tuple(answers.p95_ms for answers in found), Target("at most", most_ms), each,
            )
        )  # fmt: skip
    for name, draw, least in (
        ("answers that are kept", warm, Target("at least", 1000)),
        ("answers never asked for before", cold, None),
    ):
        found = []
        for number in range(repetitions):
            tell(f"{PART}: {name}, without a pause, {number + 1} of {repetitions}")
            found.append(_ask(port, draw, _SECONDS, 0.0, everything))
        together = f"{name}, {_CLIENTS} clients without a pause"
        measures += [
            Measure(
                PART, together, "requests/s", tuple(answers.per_second for answers in found), least
            ),
            Measure(PART, f"{together}, p95", "ms", tuple(answers.p95_ms for answers in found)),
        ]
    share = 100 * everything.errors / len(everything.seconds)
    note = f"{everything.errors:,} of {len(everything.seconds):,}"
    measures.append(
        Measure(PART, "requests that failed", "%", (share,), Target("at most", 0.1), note)
    )
    return measures


def _ask(
    port: int, draw: Callable[[], Request], seconds: float, pause: float, everything: Answers
) -> Answers:
    answers = asyncio.run(ask_together(port, _CLIENTS, seconds, draw, pause=pause))
    everything.seconds += answers.seconds
    everything.errors += answers.errors
    return answers


def _measure_dashboards(
    port: int, tenants: list[Tenant], folder: Path, tell: Callable[[str], None]
) -> list[Measure]:
    """Let a hundred people look at dashboards that ask every five seconds, while events land."""
    tell(f"{PART}: {_CLIENTS} dashboards for {_SECONDS_OF_DASHBOARDS:g} s")
    chance = random.Random(5)  # noqa: S311
    people = [chance.choice(tenants) for _ in range(_CLIENTS)]
    asked = itertools.count()
    asked_of = len(_DASHBOARD)

    def draw() -> Request:
        number = next(asked)
        tenant = people[number % _CLIENTS]
        return Request(f"/api/v1/{_DASHBOARD[number // _CLIENTS % asked_of]}", tenant.token)

    async def look(seconds: float) -> Answers:
        landing = asyncio.create_task(live.land_from_time_to_time(tenants, folder))
        try:
            return await ask_together(port, _CLIENTS, seconds, draw, pause=_POLL_SECONDS / asked_of)
        finally:
            landing.cancel()

    opened = asyncio.run(look(_POLL_SECONDS))
    before = figures_of(port)
    answers = asyncio.run(look(_SECONDS_OF_DASHBOARDS))
    after = figures_of(port)
    hits, misses = (
        after[f"warehouse_api_cache_{kind}_total"] - before[f"warehouse_api_cache_{kind}_total"]
        for kind in ("hits", "misses")
    )
    name = f"{_CLIENTS} dashboards, {asked_of} answers every {_POLL_SECONDS:g} s"
    note = f"events of one organization land every {live.SECONDS_BETWEEN_LANDINGS:g} s"
    return [
        Measure(
            PART, f"{name}, found in the cache", "%", (100 * hits / (hits + misses),),
            Target("at least", 90), note,
        ),
        Measure(PART, f"{name}, p95", "ms", (answers.p95_ms,), Target("at most", 200)),
        Measure(PART, "while all of them are opened, p95", "ms", (opened.p95_ms,)),
    ]  # fmt: skip


def _days(chance: random.Random, tenant: Tenant) -> str:
    """Draw some days of a tenant and one of its providers."""
    ends = (tenant.first_day + dt.timedelta(days=chance.randrange(_DAYS)) for _ in range(2))
    first, last = sorted(ends)
    return f"start_date={first}&end_date={last}&provider={chance.choice(tenant.providers)}"
