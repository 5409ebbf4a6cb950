"""Live: what lands is told at once, to whom it belongs, and once, also to who comes back."""

import datetime as dt
import itertools
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx2
import pytest
from support.events import ORGANIZATION_ID, USER_ID, execution, organization, user, uuid_of
from support.serving import KEYS, LOGIN, listening, org_admin, settings_for, token_header
from support.stories import ROWS, Story
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from orchestration.database.embedded import EmbeddedServer
from orchestration.serving.app import create_app
from orchestration.serving.principal import Principal

pytest_plugins = ["support.stories"]

OTHER = uuid_of(77)
MINE = org_admin(ORGANIZATION_ID)
# The story's warehouse counts 31 October, 23:30 UTC, as now: half past midnight in Berlin.
NOW_ISH = {"start_time": "2026-10-31T23:10:00Z", "end_time": "2026-10-31T23:10:05Z"}
PATIENCE_SECONDS = 30
QUIET_SECONDS = 1.5
SUBSCRIBE = 'SUBSCRIBE {"type": "dashboard_updates"}'


@pytest.fixture
def address(story: Story) -> Iterator[str]:
    story.land(organization(), organization(id=OTHER, event_id=uuid_of(501)), user())
    with listening(create_app(settings_for(story.database))) as found:
        yield found


class Events:
    """A browser's EventSource, as far as a test needs one."""

    def __init__(self, response: httpx2.Response) -> None:
        self._lines = response.iter_lines()

    def next(self) -> tuple[str, dict[str, Any]]:
        fields: dict[str, str] = {}
        for line in self._lines:
            name, _, value = line.partition(": ")
            if line:
                fields[name] = value
            elif "data" in fields:
                assert fields["event"] == "savings_update"
                return fields["id"], json.loads(fields["data"])
            else:
                assert "" not in fields, "nothing but a sign of life came"
                fields = {}
        raise AssertionError("the stream has ended")


@contextmanager
def events(
    address: str, principal: Principal = MINE, seen: str | None = None, patience: float = 30
) -> Iterator[Events]:
    headers = token_header(principal) | ({"Last-Event-ID": seen} if seen else {})
    with (
        httpx2.Client(timeout=patience) as client,
        client.stream("GET", f"http://{address}/api/v1/analytics/live", headers=headers) as found,
    ):
        assert found.status_code == 200, found.read()
        yield Events(found)


@contextmanager
def subscribed(
    address: str, principal: Principal | None = MINE, message: str = SUBSCRIBE, **headers: str
) -> Iterator[ClientConnection]:
    given = token_header(principal) | headers
    url = f"ws://{address}/api/v1/analytics/live"
    with connect(url, additional_headers=given, close_timeout=1) as socket:
        socket.send(message)
        yield socket


def told(socket: ClientConnection) -> dict[str, Any]:
    message = json.loads(socket.recv(timeout=PATIENCE_SECONDS))
    assert message["type"] == "savings_update"
    return dict(message)


def refusal(socket: ClientConnection) -> tuple[int, str]:
    with pytest.raises(ConnectionClosed) as caught:
        socket.recv(timeout=PATIENCE_SECONDS)
    assert caught.value.rcvd is not None
    return caught.value.rcvd.code, caught.value.rcvd.reason


def spend(story: Story) -> Decimal:
    facts = story.oracle().task_executions.values()
    return sum(
        (fact["cost_usd"] for fact in facts if fact["organization_id"] == ORGANIZATION_ID),
        Decimal(0),
    )


def test_what_lands_is_told_with_what_it_costs_and_again_when_it_is_built(
    story: Story, address: str
) -> None:
    with events(address) as stream, subscribed(address) as socket:
        first_id, first = stream.next()
        assert (first["data"]["total_tasks"], first["data"]["total_spend_usd"]) == (0, None)
        assert told(socket) == first

        story.land(execution(1, **NOW_ISH))
        second_id, second = stream.next()
        assert second_id == second["id"] != first_id
        assert (second["data"]["total_tasks"], second["data"]["pending_executions"]) == (1, 1)
        assert Decimal(second["data"]["total_spend_usd"]) == spend(story)
        assert told(socket)["data"] == second["data"]

        story.build(ROWS)
        _, third = stream.next()
        assert third["data"] == second["data"] | {"pending_executions": 0}
        assert third["about"]["last_built_at"] > str(second["about"]["last_built_at"] or "")


def test_who_comes_back_is_told_what_happened_meanwhile_and_nothing_twice(
    story: Story, address: str
) -> None:
    with events(address) as stream:
        seen, _ = stream.next()
    with (
        events(address, seen=seen, patience=QUIET_SECONDS) as stream,
        pytest.raises(httpx2.ReadTimeout),
    ):
        stream.next()
    story.land(execution(1, **NOW_ISH))
    story.land(execution(2, **NOW_ISH))
    with events(address, seen=seen) as stream:
        now, update = stream.next()
        assert update["data"]["total_tasks"] == 2
    message = json.dumps({"type": "dashboard_updates", "last_event_id": now})
    with subscribed(address, message=message) as socket:
        with pytest.raises(TimeoutError):
            socket.recv(timeout=QUIET_SECONDS)
        story.land(execution(3, **NOW_ISH))
        assert told(socket)["data"]["total_tasks"] == 3


def test_nobody_is_told_of_another_organization(story: Story, address: str) -> None:
    with (
        subscribed(address, org_admin(OTHER)) as other,
        subscribed(address, Principal("developer", UUID(ORGANIZATION_ID), UUID(uuid_of(5)))) as dev,
        subscribed(address) as mine,
    ):
        for socket in (other, dev, mine):
            told(socket)
        story.land(execution(1, **NOW_ISH), execution(2, user_id=USER_ID, **NOW_ISH))
        assert told(mine)["data"]["total_tasks"] == 2
        story.build(ROWS)
        for socket in (other, dev):
            with pytest.raises(TimeoutError):
                socket.recv(timeout=QUIET_SECONDS)


def test_people_are_told_of_their_own_executions(story: Story, address: str) -> None:
    story.land(execution(1, **NOW_ISH), execution(2, user_id=uuid_of(5), **NOW_ISH))
    with subscribed(address, Principal("developer", UUID(ORGANIZATION_ID), UUID(USER_ID))) as mine:
        assert told(mine)["data"]["total_tasks"] == 0
        story.build(ROWS)
        assert told(mine)["data"]["total_tasks"] == 1


def test_who_reads_slowly_gets_what_holds_and_keeps_nobody_waiting(
    story: Story, address: str
) -> None:
    with subscribed(address) as slow, subscribed(address) as quick:
        told(quick)
        for number in range(1, 6):
            story.land(execution(number, **NOW_ISH))
            while told(quick)["data"]["total_tasks"] < number:
                pass
        found = [told(slow)]
        while found[-1]["data"]["total_tasks"] < 5:
            found.append(told(slow))
        numbers = [update["data"]["total_tasks"] for update in found]
        assert numbers == sorted(set(numbers))


def test_after_the_database_cut_every_connection_updates_go_on(story: Story, address: str) -> None:
    with subscribed(address) as socket:
        told(socket)
        with story.database.connect(autocommit=True) as connection:
            connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where usename = %s and datname = current_database()",
                (LOGIN,),
            )
        story.land(execution(1, **NOW_ISH))
        assert told(socket)["data"]["total_tasks"] == 1


def test_a_database_that_restarts_under_load_is_said_and_comes_back(
    story: Story, address: str, embedded_server: EmbeddedServer
) -> None:
    is_over = threading.Event()

    def ask(number: int) -> list[tuple[int, str]]:
        """Ask for days that nobody asked about until it is over; what hangs raises."""
        found = []
        with httpx2.Client(timeout=PATIENCE_SECONDS, headers=token_header(MINE)) as client:
            for days in itertools.count(number * 1_000):
                parameters = {"start_date": str(dt.date(1990, 1, 1) + dt.timedelta(days=days))}
                url = f"http://{address}/api/v1/analytics/savings/summary"
                answer = client.get(url, params=parameters)
                detail = answer.json().get("detail", "") if answer.status_code != 200 else ""
                found.append((answer.status_code, detail))
                if is_over.is_set():
                    return found
        raise AssertionError

    with ThreadPoolExecutor(8) as clients, subscribed(address) as socket:
        told(socket)
        asking = [clients.submit(ask, number) for number in range(8)]
        try:
            embedded_server.stop()
            time.sleep(QUIET_SECONDS)
            embedded_server.start()
            story.land(execution(1, **NOW_ISH))
            assert told(socket)["data"]["total_tasks"] == 1
        finally:
            is_over.set()
        found = [each.result() for each in asking]
    away = (503, "The warehouse cannot answer now. Try again.")
    assert {answer for answers in found for answer in answers} == {(200, ""), away}
    assert {answers[-1] for answers in found} == {(200, "")}


@pytest.mark.parametrize(
    ("principal", "message", "code", "reason"),
    [
        (MINE, "SUBSCRIBE", 4422, "Say SUBSCRIBE"),
        (MINE, '{"type": "everything"}', 4422, "Say SUBSCRIBE"),
        (MINE, "[]", 4422, "Say SUBSCRIBE"),
        (MINE, '{"type": "dashboard_updates", "depth": "1"}', 4422, "only these"),
        (MINE, '{"type": "dashboard_updates", "token": 1}', 4422, "only these"),
        (MINE, '{"type": "dashboard_updates", "organization_id": "x"}', 4422, "hexadecimal"),
        (None, SUBSCRIBE, 4401, "A token is needed"),
        (None, '{"type": "dashboard_updates", "token": "x"}', 4401, "not valid"),
        (Principal("analyst", None, None), SUBSCRIBE, 4422, "Name an organization_id"),
        (
            MINE,
            json.dumps({"type": "dashboard_updates", "organization_id": OTHER}),
            4403,
            "another organization",
        ),
    ],
)  # fmt: skip
def test_a_wrong_subscription_is_refused_with_its_reason(
    address: str, principal: Principal | None, message: str, code: int, reason: str
) -> None:
    with subscribed(address, principal, message) as socket:
        found, said = refusal(socket)
    assert found == code
    assert reason in said


def test_a_page_of_another_site_may_not_use_the_cookie(address: str) -> None:
    token = KEYS.token_for(MINE, dt.timedelta(hours=1))
    cookie = {"Cookie": f"warehouse_session={token}"}
    with (
        pytest.raises(InvalidStatus, match="403"),
        subscribed(address, None, **cookie, Origin="https://elsewhere.example"),
    ):
        pass
    with subscribed(address, None, **cookie, Origin=f"http://{address}") as socket:
        told(socket)


def test_a_stream_ends_with_its_token(story: Story, address: str) -> None:
    lifetime = dt.timedelta(seconds=-24)  # clocks may differ by 30
    token = KEYS.token_for(MINE, lifetime)
    message = json.dumps({"type": "dashboard_updates", "token": token})
    with subscribed(address, None, message) as socket:
        told(socket)
        time.sleep(6.5)
        story.land(execution(1, **NOW_ISH))
        assert refusal(socket) == (4401, "The token has expired.")
