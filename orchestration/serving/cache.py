"""Answers that are kept while they hold: at most their lifetime, and until something lands.

What is kept has the tenant, the role and the user in its key: nobody is shown somebody else's.
"""

import asyncio
import hashlib
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Protocol, cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

DASHBOARD_SECONDS = 5 * 60
COSTS_SECONDS = 15 * 60
PROVIDERS_SECONDS = 60 * 60
CURRENT_SECONDS = 5

REDIS_TIMEOUT_SECONDS = 0.5
"""How long a Redis that does not answer is waited for."""

_MOST_ANSWERS = 10_000
_SECONDS_WITHOUT_REDIS = 5.0

_log = logging.getLogger(__name__)


class Store(Protocol):
    """Where answers are kept, by tenant and key."""

    async def find(self, tenant: str, key: str) -> str | None:
        """Return an answer that is kept and still young enough."""

    async def keep(self, tenant: str, key: str, answer: str, seconds: float) -> None:
        """Keep an answer."""

    async def forget(self, tenant: str | None) -> None:
        """Forget the answers of a tenant, None for everybody's."""


class InProcess:
    """Answers kept in this process."""

    def __init__(self) -> None:
        """Begin with none."""
        self._kept: OrderedDict[tuple[str, str], tuple[float, str]] = OrderedDict()

    async def find(self, tenant: str, key: str) -> str | None:
        """Return an answer that is kept and still young enough."""
        until, answer = self._kept.get((tenant, key), (0.0, None))
        return answer if until > time.monotonic() else None

    async def keep(self, tenant: str, key: str, answer: str, seconds: float) -> None:
        """Keep an answer, and let the oldest go when there are too many."""
        self._kept[tenant, key] = time.monotonic() + seconds, answer
        self._kept.move_to_end((tenant, key))
        if len(self._kept) > _MOST_ANSWERS:
            self._kept.popitem(last=False)

    async def forget(self, tenant: str | None) -> None:
        """Forget the answers of a tenant, None for everybody's."""
        for kept in [kept for kept in self._kept if tenant in (None, kept[0])]:
            del self._kept[kept]


class InRedis:
    """Answers that several processes share. A Redis that is away is done without for a while."""

    def __init__(self, url: str) -> None:
        """Take where it is.

        Args:
            url: Such as redis://localhost:6379/0.
        """
        self._redis = Redis.from_url(
            url,
            decode_responses=True,
            socket_timeout=REDIS_TIMEOUT_SECONDS,
            socket_connect_timeout=REDIS_TIMEOUT_SECONDS,
        )
        self._away_until = 0.0
        self._has_missed_news = False

    async def find(self, tenant: str, key: str) -> str | None:
        """Return an answer that is kept and still young enough."""
        found: str | None = None

        async def ask() -> None:
            nonlocal found
            found = cast("str | None", await self._redis.get(self._name(tenant, key)))

        await self._try(ask)
        return found

    async def keep(self, tenant: str, key: str, answer: str, seconds: float) -> None:
        """Keep an answer."""

        async def ask() -> None:
            await self._redis.set(self._name(tenant, key), answer, px=round(seconds * 1000))

        await self._try(ask)

    async def forget(self, tenant: str | None) -> None:
        """Forget the answers of a tenant, None for everybody's."""
        if not await self._try(lambda: self._remove(tenant)):
            self._has_missed_news = True

    async def close(self) -> None:
        """Let go of the connections."""
        await self._redis.aclose()

    async def _try(self, ask: Callable[[], Awaitable[None]]) -> bool:
        """Ask something of Redis, unless it was away just now; return whether it was done."""
        if time.monotonic() < self._away_until:
            return False
        try:
            if self._has_missed_news:
                # What it holds may be older than what was told while it was away.
                await self._remove(None)
                self._has_missed_news = False
            await ask()
        except (RedisError, OSError) as error:
            _log.warning("Redis is done without: %s: %s", type(error).__name__, error)
            self._away_until = time.monotonic() + _SECONDS_WITHOUT_REDIS
            self._has_missed_news = True
            return False
        return True

    async def _remove(self, tenant: str | None) -> None:
        pattern = f"warehouse:answers:{tenant or '*'}:*"
        names = [name async for name in self._redis.scan_iter(match=pattern, count=1000)]
        if names:
            await self._redis.unlink(*names)

    def _name(self, tenant: str, key: str) -> str:
        return f"warehouse:answers:{tenant}:{hashlib.sha256(key.encode()).hexdigest()}"


class Cache:
    """Answers that are asked for once, however many wait for the same."""

    def __init__(self, store: Store) -> None:
        """Begin without trust: nothing is kept before news arrive.

        Args:
            store: Where answers are kept.
        """
        self._store = store
        self._asked: dict[str, asyncio.Task[str]] = {}
        self._is_trusted = False
        self._generation = 0
        self._forgetting: set[asyncio.Task[None]] = set()
        self.hits = 0
        self.misses = 0

    async def get(
        self, tenant: str, key: str, seconds: float, ask: Callable[[], Awaitable[str]]
    ) -> str:
        """Return an answer.

        Args:
            tenant: Whose; it goes when something of this tenant lands.
            key: What, and for whom.
            seconds: How long it holds.
            ask: Asks the database for it.

        Returns:
            The answer.
        """
        generation = self._generation
        found = await self._store.find(tenant, key) if self._holds(generation) else None
        if found is not None and self._holds(generation):
            self.hits += 1
            return found
        # Who asks after something landed must not be told what was asked for before.
        waiting = f"{self._generation} {tenant} {key}"
        task = self._asked.get(waiting)
        if task is None:
            self.misses += 1
            task = asyncio.ensure_future(self._ask(tenant, key, seconds, ask))
            self._asked[waiting] = task
            task.add_done_callback(lambda _: self._asked.pop(waiting, None))
        else:
            self.hits += 1
        # Who goes away must not take the answer from others who wait for it.
        return await asyncio.shield(task)

    async def _ask(
        self, tenant: str, key: str, seconds: float, ask: Callable[[], Awaitable[str]]
    ) -> str:
        generation = self._generation
        answer = await ask()
        if self._holds(generation):
            await self._store.keep(tenant, key, answer, seconds)
        return answer

    def _holds(self, generation: int) -> bool:
        """Return whether what is kept holds: news arrive, and none came since."""
        return self._is_trusted and generation == self._generation and not self._forgetting

    def trust(self, is_listening: bool) -> None:
        """Take in whether news arrive from now on: what is kept may become wrong unnoticed else.

        Args:
            is_listening: Whether they do.
        """
        self._is_trusted = is_listening

    def forget(self, tenant: str | None = None) -> None:
        """Forget what may have changed.

        Args:
            tenant: Whose, None for everybody's.
        """
        self._generation += 1
        task = asyncio.ensure_future(self._store.forget(tenant))
        self._forgetting.add(task)
        task.add_done_callback(self._forgetting.discard)
