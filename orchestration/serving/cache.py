"""Answers that are kept while they hold: at most their lifetime, and until something lands.

What is kept has the tenant, the role and the user in its key: nobody is shown somebody else's.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

DASHBOARD_SECONDS = 5 * 60
COSTS_SECONDS = 15 * 60
PROVIDERS_SECONDS = 60 * 60
CURRENT_SECONDS = 5

_MOST_ANSWERS = 10_000


@dataclass
class Cache:
    """Answers kept in this process.

    Attributes:
        is_trusted: Whether news arrive, without which an answer may have become wrong unnoticed:
            nothing is kept then.
        hits: How many answers were found.
        misses: How many had to be asked for.
    """

    is_trusted: bool = False
    hits: int = 0
    misses: int = 0
    _kept: "OrderedDict[str, tuple[float, str]]" = field(default_factory=OrderedDict)
    _asked: dict[str, "asyncio.Task[str]"] = field(default_factory=dict)
    _generation: int = 0

    async def get(self, key: str, seconds: float, ask: Callable[[], Awaitable[str]]) -> str:
        """Return an answer, asking for it once however many wait for the same.

        Args:
            key: Whose and what.
            seconds: How long it holds.
            ask: Asks for it.

        Returns:
            The answer.
        """
        found = self._kept.get(key)
        if found is not None and found[0] > time.monotonic() and self.is_trusted:
            self.hits += 1
            return found[1]
        # Who asks after something landed must not be told what was asked for before.
        waiting = f"{self._generation} {key}"
        task = self._asked.get(waiting)
        if task is None:
            self.misses += 1
            task = asyncio.ensure_future(self._ask(key, seconds, ask, self._generation))
            self._asked[waiting] = task
            task.add_done_callback(lambda _: self._asked.pop(waiting, None))
        else:
            self.hits += 1
        return await asyncio.shield(task)

    async def _ask(
        self, key: str, seconds: float, ask: Callable[[], Awaitable[str]], generation: int
    ) -> str:
        answer = await ask()
        if generation == self._generation and self.is_trusted:
            self._kept[key] = (time.monotonic() + seconds, answer)
            self._kept.move_to_end(key)
            if len(self._kept) > _MOST_ANSWERS:
                self._kept.popitem(last=False)
        return answer

    def forget(self, tenant: str | None = None) -> None:
        """Forget what may have changed.

        Args:
            tenant: With what the keys begin, None for everything.
        """
        self._generation += 1
        if tenant is None:
            self._kept.clear()
        else:
            for key in [key for key in self._kept if key.startswith(tenant)]:
                del self._kept[key]
