"""How much may be asked: by each tenant, and by each address that shows no valid token."""

import logging
import time
from dataclasses import dataclass, field

from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from limits.errors import StorageError

from orchestration.serving.cache import REDIS_TIMEOUT_SECONDS

EXPORTS_PER_HOUR = 5
UPDATES_PER_SECOND = 10

_SECONDS_WITHOUT_REDIS = 5.0

_log = logging.getLogger(__name__)


class TooMuchAskedError(Exception):
    """More was asked than is allowed.

    Attributes:
        allowed: How much is allowed, in words.
        retry_after_seconds: When to ask again.
    """

    def __init__(self, allowed: str, retry_after_seconds: int) -> None:
        """Say what is allowed.

        Args:
            allowed: How much, in words.
            retry_after_seconds: When to ask again.
        """
        super().__init__(f"Only {allowed} are allowed. Try again in {retry_after_seconds} s.")
        self.allowed = allowed
        self.retry_after_seconds = retry_after_seconds


@dataclass
class Limits:
    """How much may be asked.

    Attributes:
        requests_per_minute: Of a tenant.
        shared: Counts for several processes, None where there is one.
        own: Counts for this process, also while the shared one is away.
    """

    requests_per_minute: int
    shared: MovingWindowRateLimiter | None = None
    own: MovingWindowRateLimiter = field(
        default_factory=lambda: MovingWindowRateLimiter(MemoryStorage())
    )
    _away_until: float = 0.0

    @classmethod
    def counted_in(cls, redis_url: str | None, requests_per_minute: int) -> "Limits":
        """Return limits that several processes share by Redis, or that count in this one.

        Args:
            redis_url: The Redis, None for this process.
            requests_per_minute: How many requests a tenant may make.

        Returns:
            The limits.
        """
        if redis_url is None:
            return cls(requests_per_minute)
        storage = RedisStorage(
            f"async+{redis_url}",
            wrap_exceptions=True,
            implementation="redispy",
            key_prefix="warehouse:limits",
            socket_timeout=REDIS_TIMEOUT_SECONDS,
            socket_connect_timeout=REDIS_TIMEOUT_SECONDS,
        )
        return cls(requests_per_minute, MovingWindowRateLimiter(storage))

    async def count_request(self, who: str) -> None:
        """Count a request.

        Args:
            who: The tenant, or the address.

        Raises:
            TooMuchAskedError: It is one too many.
        """
        limit = RateLimitItemPerMinute(self.requests_per_minute)
        await self._count(limit, f"{self.requests_per_minute} requests a minute", who)

    async def count_export(self, who: str) -> None:
        """Count an export.

        Args:
            who: The tenant.

        Raises:
            TooMuchAskedError: It is one too many.
        """
        limit = RateLimitItemPerHour(EXPORTS_PER_HOUR)
        await self._count(limit, f"{EXPORTS_PER_HOUR} exports an hour", f"export {who}")

    async def _count(self, limit: RateLimitItem, allowed: str, who: str) -> None:
        if self.shared is not None and time.monotonic() >= self._away_until:
            try:
                await self._count_by(self.shared, limit, allowed, who)
            except StorageError as error:
                _log.warning("Redis is done without: %s", error)
                self._away_until = time.monotonic() + _SECONDS_WITHOUT_REDIS
            else:
                return
        await self._count_by(self.own, limit, allowed, who)

    @staticmethod
    async def _count_by(
        limiter: MovingWindowRateLimiter, limit: RateLimitItem, allowed: str, who: str
    ) -> None:
        if not await limiter.hit(limit, who):
            window = await limiter.get_window_stats(limit, who)
            raise TooMuchAskedError(allowed, max(1, round(window.reset_time - time.time())))
