"""How much may be asked: by each tenant, and by each address that shows no valid token."""

import time
from dataclasses import dataclass

from limits import RateLimitItemPerHour, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisStorage, Storage
from limits.aio.strategies import MovingWindowRateLimiter

EXPORTS_PER_HOUR = 5
UPDATES_PER_SECOND = 10


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


@dataclass(frozen=True)
class Limits:
    """How much may be asked.

    Attributes:
        storage: Where it is counted.
        requests_per_minute: Of a tenant.
        exports_per_hour: Of a tenant.
    """

    storage: Storage
    requests_per_minute: int
    exports_per_hour: int = EXPORTS_PER_HOUR

    @classmethod
    def counted_in(cls, redis_url: str | None, requests_per_minute: int) -> "Limits":
        """Return limits that several processes share by Redis, or that count in this one.

        Args:
            redis_url: The Redis, None for this process.
            requests_per_minute: How many requests a tenant may make.

        Returns:
            The limits.
        """
        storage = (
            RedisStorage(f"async+{redis_url}", implementation="redispy")
            if redis_url
            else MemoryStorage()
        )
        return cls(storage, requests_per_minute)

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
        limit = RateLimitItemPerHour(self.exports_per_hour)
        await self._count(limit, f"{self.exports_per_hour} exports an hour", who)

    async def _count(
        self, limit: RateLimitItemPerMinute | RateLimitItemPerHour, allowed: str, who: str
    ) -> None:
        limiter = MovingWindowRateLimiter(self.storage)
        if not await limiter.hit(limit, who):
            window = await limiter.get_window_stats(limit, who)
            raise TooMuchAskedError(allowed, max(1, round(window.reset_time - time.time())))
