"""What the application holds while it runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from orchestration.serving.cache import Cache, InProcess, InRedis
from orchestration.serving.database import Database
from orchestration.serving.limits import Limits
from orchestration.serving.live.news import News
from orchestration.serving.live.pushes import Pushes
from orchestration.serving.principal import Keys, TokenError
from orchestration.serving.recording import Recorder
from orchestration.serving.settings import Settings


@dataclass(frozen=True)
class State:
    """What the application holds while it runs.

    Attributes:
        settings: How it is set up.
        keys: What tokens are verified with.
        database: The warehouse.
        cache: Answers that still hold.
        limits: How much may be asked.
        recorder: Writes down what is shown.
        pushes: Tells those who watch.
    """

    settings: Settings
    keys: Keys
    database: Database
    cache: Cache
    limits: Limits
    recorder: Recorder
    pushes: Pushes

    def still_holds(self, token: str | None) -> bool:
        """Return whether a token, by which something was begun, has not expired."""
        try:
            # Who needed none at the beginning needs none later.
            return token is None or bool(self.keys.principal_of(token))
        except TokenError:
            return False


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[State]:
    """Yield the state of an application, and let go of it afterwards.

    A database that cannot be reached is not waited for: requests say so until it can.

    Args:
        settings: How it is set up.

    Yields:
        The state.
    """
    store = InRedis(settings.redis_url) if settings.redis_url else InProcess()
    cache = Cache(store)
    async with asyncpg.create_pool(**{**settings.database, "min_size": 0}) as pool:
        database = Database(pool)
        pushes = Pushes(database)

        def hear(organization_id: str | None) -> None:
            cache.forget(organization_id)
            pushes.hear(organization_id)

        news = News(listener_of(settings), hear, cache.trust)
        background = [asyncio.create_task(work) for work in (news.listen(), pushes.run())]
        try:
            yield State(
                settings,
                settings.keys,
                database,
                cache,
                Limits.counted_in(settings.redis_url, settings.requests_per_minute),
                Recorder(pool),
                pushes,
            )
        finally:
            for task in background:
                task.cancel()
            await asyncio.gather(*background, return_exceptions=True)
            if isinstance(store, InRedis):
                await store.close()


def listener_of(settings: Settings) -> dict[str, object]:
    """Return what a single connection takes of the pool's options."""
    return {
        name: value
        for name, value in settings.database.items()
        if name not in ("min_size", "max_size")
    }
