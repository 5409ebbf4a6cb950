"""What the application holds while it runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from orchestration.serving.cache import Cache
from orchestration.serving.database import Database
from orchestration.serving.limits import Limits
from orchestration.serving.live.news import News
from orchestration.serving.principal import Keys
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
    """

    settings: Settings
    keys: Keys
    database: Database
    cache: Cache
    limits: Limits
    recorder: Recorder


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[State]:
    """Yield the state of an application, and let go of it afterwards.

    A database that cannot be reached is not waited for: requests say so until it can.

    Args:
        settings: How it is set up.

    Yields:
        The state.
    """
    cache = Cache()

    def hear(organization_id: str | None) -> None:
        cache.forget(organization_id)

    def trust(is_listening: bool) -> None:
        cache.is_trusted = is_listening

    pool = asyncpg.create_pool(**{**settings.database, "min_size": 0})
    listening = asyncio.create_task(News(listener_of(settings), hear, trust).listen())
    try:
        async with pool:
            yield State(
                settings,
                settings.keys,
                Database(pool),
                cache,
                Limits.counted_in(settings.redis_url, settings.requests_per_minute),
                Recorder(pool),
            )
    finally:
        listening.cancel()


def listener_of(settings: Settings) -> dict[str, object]:
    """Return what a single connection takes of the pool's options."""
    return {
        name: value
        for name, value in settings.database.items()
        if name not in ("min_size", "max_size")
    }
