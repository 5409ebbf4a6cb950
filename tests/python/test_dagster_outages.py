"""Run worker, PostgreSQL and daemon are killed in the middle of a run: the next one mends it.

Everything is real: `warehouse ui` with its daemon as in production, files in the landing folder,
and runs that the sensor asks for.
"""

import json
import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
from support.events import execution, organization
from support.interface import Interface, interface
from support.servers import settings_of

from orchestration.database.embedded import EmbeddedServer
from orchestration.database.migrate import migrate

_EVENTS = """
query ($run: ID!) {
    logsForRun(runId: $run, limit: 1000) {
        ... on EventConnection { events { ... on MessageEvent { message eventType stepKey } } }
    }
}
"""
_SECONDS = 300


def events_of(shown: Interface, run_id: str) -> list[dict[str, Any]]:
    try:
        answer = requests.post(
            f"{shown.url}/graphql",
            json={"query": _EVENTS, "variables": {"run": run_id}},
            timeout=30,
        )
        found: list[dict[str, Any]] = answer.json()["data"]["logsForRun"]["events"]
    except (requests.RequestException, KeyError, TypeError, ValueError):
        return []
    return found


def wait_for_build(shown: Interface, run_id: str) -> int:
    """Wait until a run builds models; return the number of its process."""
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        events = events_of(shown, run_id)
        if any(
            event.get("eventType") == "STEP_START" and event["stepKey"] == "warehouse_models"
            for event in events
        ):
            for event in events:
                process = re.search(r"in process \(pid: (\d+)\)", event.get("message") or "")
                if process:
                    return int(process[1])
        time.sleep(0.2)
    pytest.fail(f"the run {run_id} builds nothing: {events_of(shown, run_id)[-3:]}")


def process_of_daemon(shown: Interface) -> int:
    """Return the daemon that belongs to this interface."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            is_daemon = b"dagster._daemon" in (folder / "cmdline").read_bytes()
            if is_daemon and os.getsid(int(folder.name)) == os.getsid(shown.process.pid):
                return int(folder.name)
        except (OSError, ProcessLookupError):
            continue
    pytest.fail("there is no daemon")


def postmaster_of(server: EmbeddedServer) -> int:
    (file,) = server.home.rglob("postmaster.pid")
    return int(file.read_text().splitlines()[0])


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="looks for processes in /proc")
def test_whatever_is_killed_the_next_run_makes_it_right(
    make_server: Callable[..., EmbeddedServer], tmp_path: Path
) -> None:
    server = make_server()
    server.start()
    settings = settings_of(server)
    migrate(settings)
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PG", "WAREHOUSE_", "DAGSTER_"))
    } | {
        **settings.environment(),
        "WAREHOUSE_HOME": str(tmp_path / "home"),
        "WAREHOUSE_ENVIRONMENT": "production",
        "DBT_TARGET_PATH": str(tmp_path / "target"),
    }
    inbox = tmp_path / "home" / "landing" / "inbox"
    inbox.mkdir(parents=True)
    dropped: list[str] = []
    seen: set[str] = set()
    log = tmp_path / "log"

    def drop(*events: dict[str, Any]) -> None:
        """Deliver one more execution, as a program would."""
        number = len(dropped) + 1
        event = execution(number)
        dropped.append(event["id"])
        hidden = inbox / f".{number}.ndjson"
        hidden.write_text("".join(json.dumps(line) + "\n" for line in (*events, event)))
        hidden.rename(inbox / f"{number}.ndjson")

    def next_run(shown: Interface, *statuses: str) -> str:
        """Wait for a run that was not there at the last call and has one of these statuses."""
        run = shown.wait_for_run(
            lambda run: (
                run["jobName"] == "near_real_time"
                and run["runId"] not in seen
                and run["status"] in statuses
            )
        )
        return str(run["runId"])

    def wait_until_it_is_built(shown: Interface) -> None:
        """Wait for a success after which everything that was dropped is in the marts, once."""
        while True:
            seen.add(next_run(shown, "SUCCESS"))
            if not list(inbox.iterdir()):
                break
        with psycopg.connect(
            host=settings.host, port=settings.port, user=settings.user, dbname=settings.dbname,
            passfile=str(settings.passfile),
        ) as connection:  # fmt: skip
            facts = connection.execute(
                "select cast(execution_id as text) from marts.fct_task_executions"
            ).fetchall()
            different = connection.execute(
                "select comparison from quality.reconciliation where status = 'different'"
            ).fetchall()
        assert sorted(facts) == [(execution_id,) for execution_id in sorted(dropped)]
        assert different == []

    with interface(environment, log) as shown:
        drop(organization())
        wait_until_it_is_built(shown)

        drop()
        run = next_run(shown, "STARTED")
        os.kill(wait_for_build(shown, run), signal.SIGKILL)
        shown.wait_for_run(lambda found: found["runId"] == run and found["status"] == "FAILURE")
        seen.add(run)
        drop()
        wait_until_it_is_built(shown)

        drop()
        run = next_run(shown, "STARTED")
        wait_for_build(shown, run)
        postmaster = postmaster_of(server)
        os.kill(postmaster, signal.SIGKILL)
        while Path(f"/proc/{postmaster}").exists():
            time.sleep(0.05)
        server.start()
        # The run may come through, because its step is tried again; it ends in any case.
        shown.wait_for_run(
            lambda found: found["runId"] == run and found["status"] in ("FAILURE", "SUCCESS")
        )
        seen.add(run)
        drop()
        wait_until_it_is_built(shown)

        drop()
        run = next_run(shown, "STARTED")
        wait_for_build(shown, run)
        os.kill(process_of_daemon(shown), signal.SIGKILL)
    # Whoever looks after services starts them again.
    with interface(environment, log) as shown:
        drop()
        wait_until_it_is_built(shown)
