"""How soon, and whether at all, a landed event reaches a thousand clients that watch."""

import asyncio
import datetime as dt
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

from benchmarks.serving import PART
from benchmarks.serving.clients import Connection, Request, connected
from benchmarks.serving.tenants import Tenant
from benchmarks.shared.measures import Measure, Target, percentile
from benchmarks.shared.sample_events import land_events

SECONDS_BETWEEN_LANDINGS = 10.0
"""While dashboards are looked at."""

LANDINGS = 20
PAUSE_SECONDS = 1.5
"""Between landings that are timed."""

PATIENCE_SECONDS = 60.0


def land_execution(tenant: Tenant, folder: Path) -> None:
    """Land one execution that has just ended.

    Args:
        tenant: Whose.
        folder: Where its file is written meanwhile.
    """
    now = dt.datetime.now(dt.UTC)
    number = uuid4()
    event = {
        "event": "task_execution",
        "event_id": str(uuid4()),
        "id": str(uuid4()),
        "organization_id": str(tenant.organization_id),
        "task_id": f"task-{number}",
        "task_type": "code_generation",
        "provider": "anthropic",
        "model": "claude-3-7-sonnet-20250219",
        "status": "completed",
        "start_time": (now - dt.timedelta(seconds=3)).isoformat(),
        "end_time": (now - dt.timedelta(seconds=1)).isoformat(),
        "updated_at": now.isoformat(),
        "input_tokens": 1000,
        "output_tokens": 200,
    }
    land_events(folder / f"{number}.ndjson", iter([json.dumps(event).encode() + b"\n"]))


async def land_from_time_to_time(tenants: list[Tenant], folder: Path) -> None:
    """Land an execution of one organization after the other, until cancelled.

    Args:
        tenants: Whose.
        folder: Where files are written meanwhile.
    """
    while True:
        for tenant in tenants:
            await asyncio.sleep(SECONDS_BETWEEN_LANDINGS)
            await asyncio.to_thread(land_execution, tenant, folder)


def measure_live(
    port: int, tenant: Tenant, clients: int, folder: Path, tell: Callable[[str], None]
) -> list[Measure]:
    """Let many clients watch one organization, and land its executions.

    Args:
        port: Where the application listens.
        tenant: The organization.
        clients: How many watch.
        folder: Where files are written meanwhile.
        tell: Told what happens.

    Returns:
        The measures.
    """
    tell(f"{PART}: {LANDINGS} landings, one client and {clients:,} clients watch")
    alone, _ = asyncio.run(_watch(port, tenant, 1, folder))
    together, lost = asyncio.run(_watch(port, tenant, clients, folder))
    name = "from the beginning of landing to a live client"
    return [
        Measure(
            PART, f"{name}, p95", "s", (percentile(alone, 95),), Target("at most", 1),
            f"median {percentile(alone, 50):.2f} s",
        ),
        Measure(
            PART, f"{name}, p95, the last of {clients:,}", "s", (percentile(together, 95),),
            None, f"median {percentile(together, 50):.2f} s",
        ),
        Measure(
            PART, f"of {clients:,} live clients, without the last update", "clients", (lost,),
            Target("exactly", 0),
        ),
    ]  # fmt: skip


async def _watch(port: int, tenant: Tenant, clients: int, folder: Path) -> tuple[list[float], int]:
    """Return the seconds until the last client was told, by landing, and who never was."""
    request = Request("/api/v1/analytics/live", tenant.token, accepts="text/event-stream")
    tasks_seen = [-1] * clients
    changed = asyncio.Condition()

    async def follow(number: int, connection: Connection) -> None:
        connection.send(request)
        await connection.head()
        async for update in _updates(connection):
            tasks_seen[number] = update["data"]["total_tasks"]
            async with changed:
                changed.notify_all()

    async def until_told(tasks: int) -> None:
        async with changed:
            await changed.wait_for(lambda: min(tasks_seen) >= tasks)

    found: list[float] = []
    async with AsyncExitStack() as stack:
        connections = [await stack.enter_async_context(connected(port)) for _ in range(clients)]
        following = [
            asyncio.create_task(follow(number, connection))
            for number, connection in enumerate(connections)
        ]
        await asyncio.wait_for(until_told(0), PATIENCE_SECONDS)
        first = tasks_seen[0]
        for number in range(1, LANDINGS + 1):
            await asyncio.sleep(PAUSE_SECONDS)
            started = time.perf_counter()
            await asyncio.to_thread(land_execution, tenant, folder)
            try:
                await asyncio.wait_for(until_told(first + number), PATIENCE_SECONDS)
            except TimeoutError:
                break
            found.append(time.perf_counter() - started)
        lost = sum(tasks < first + LANDINGS for tasks in tasks_seen)
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)
    return found, lost


async def _updates(connection: Connection) -> AsyncIterator[dict[str, Any]]:
    """Yield the messages of a stream of events."""
    text = ""
    async for chunk in connection.chunks():
        *events, text = (text + chunk.decode()).split("\n\n")
        for event in events:
            for line in event.splitlines():
                if line.startswith("data: "):
                    yield json.loads(line.removeprefix("data: "))
