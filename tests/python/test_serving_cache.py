"""What is kept holds: it goes when something lands, is nobody else's, and no Redis is needed."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from support.events import ORGANIZATION_ID, execution, organization, user, uuid_of
from support.processes import wait_for
from support.serving import Served, org_admin, serving
from support.stories import ROWS, Story

pytest_plugins = ["support.stories"]

OTHER = uuid_of(77)
MINE, THEIRS = org_admin(ORGANIZATION_ID), org_admin(OTHER)
PATH = "analytics/savings/summary"
RANGE = {"start_date": "2026-03-01", "end_date": "2026-03-31"}


@dataclass
class RunningRedis:
    """A Redis of Debian's, of this test alone."""

    url: str
    process: subprocess.Popen[bytes]


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RunningRedis]:
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    process = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)
    try:
        url = f"redis://127.0.0.1:{port}/0"
        with Redis.from_url(url) as client:
            wait_for(lambda: _answers(client))
        yield RunningRedis(url, process)
    finally:
        os.kill(process.pid, signal.SIGCONT)
        process.kill()
        process.wait()


def _answers(client: "Redis") -> bool:
    try:
        return bool(client.ping())
    except RedisConnectionError:
        return False


@pytest.fixture
def landed(story: Story) -> Story:
    story.land(
        organization(),
        organization(id=OTHER, event_id=uuid_of(501), name="Another"),
        user(),
        execution(1),
        execution(2, organization_id=OTHER, user_id=uuid_of(9)),
    )
    story.build(ROWS)
    return story


def tasks(served: Served, principal: object = MINE) -> int:
    return int(served.get(PATH, principal, **RANGE).json()["total_tasks"])  # type: ignore[arg-type]


def misses(served: Served) -> int:
    return int(served.app.state.serving.cache.misses)


def ask_until_kept(served: Served, tenant: object = MINE) -> None:
    def is_found() -> bool:
        before = misses(served)
        tasks(served, tenant)
        return misses(served) == before

    wait_for(is_found)


@pytest.mark.parametrize("is_shared", [False, True])
def test_an_answer_is_kept_until_something_of_its_tenant_lands(
    landed: Story, redis: RunningRedis, is_shared: bool
) -> None:
    with serving(landed.database, redis_url=redis.url if is_shared else None) as served:
        ask_until_kept(served)
        ask_until_kept(served, THEIRS)
        assert (tasks(served), tasks(served, THEIRS)) == (1, 1)
        landed.land(execution(3))
        # What has landed is not built yet, but the answer was asked for again.
        before = misses(served)
        wait_for(lambda: tasks(served) == 1 and misses(served) > before)
        landed.build(ROWS)
        wait_for(lambda: tasks(served) == 2)
        assert tasks(served, THEIRS) == 1


def test_processes_share_what_they_keep_and_what_they_forget(
    landed: Story, redis: RunningRedis
) -> None:
    settings = {"redis_url": redis.url}
    with serving(landed.database, **settings) as one, serving(landed.database, **settings) as two:
        ask_until_kept(one)
        ask_until_kept(two)
        assert tasks(one) == tasks(two) == 1
        landed.land(execution(3))
        landed.build(ROWS)
        wait_for(lambda: tasks(one) == tasks(two) == 2)
        with Redis.from_url(redis.url, decode_responses=True) as client:
            names = list(client.scan_iter("warehouse:answers:*"))
            assert {name.split(":")[2] for name in names} <= {ORGANIZATION_ID}
            assert all(0 < client.pttl(name) <= 15 * 60 * 1000 for name in names)


def test_a_limit_counts_for_all_processes(landed: Story, redis: RunningRedis) -> None:
    settings = {"redis_url": redis.url, "requests_per_minute": 4}
    with serving(landed.database, **settings) as one, serving(landed.database, **settings) as two:
        found = [each.get(PATH, MINE, **RANGE).status_code for each in (one, two, one, two, one)]
    assert found == [200, 200, 200, 200, 429]


@pytest.mark.parametrize("how", [signal.SIGSTOP, signal.SIGKILL])
def test_without_redis_every_answer_is_right_and_none_hangs(
    landed: Story, redis: RunningRedis, how: signal.Signals
) -> None:
    with serving(landed.database, redis_url=redis.url) as served:
        ask_until_kept(served)
        assert tasks(served) == 1
        os.kill(redis.process.pid, how)
        landed.land(execution(3))
        landed.build(ROWS)
        wait_for(lambda: tasks(served) == 2)
        for _ in range(20):
            assert tasks(served) == 2
        os.kill(redis.process.pid, signal.SIGCONT)
        # What it had kept before it went is not what holds.
        for _ in range(20):
            assert tasks(served) == 2
            time.sleep(0.3 if how is signal.SIGSTOP else 0)
