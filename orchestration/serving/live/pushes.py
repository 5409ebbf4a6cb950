"""Pushes the figures of this month and today to whoever watches, when they have changed."""

import asyncio
import hashlib
import json
import logging
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from orchestration.serving.database import Answer, Database
from orchestration.serving.limits import UPDATES_PER_SECOND
from orchestration.serving.principal import Principal
from orchestration.serving.problems import DOWN

TOO_MANY_WATCH = "Too many watch already. Ask from time to time instead."
"""What is said to who may not watch because the application is full."""

_MOST_WATCHERS = 5_000
_ASKED_AT_ONCE = 2
_SECONDS_UNTIL_NEXT_TRY = 1.0
_ANSWERS = {
    scope: Answer(f"live_{scope}", rows={"about": "live_freshness"})
    for scope in ("organization", "people")
}

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Update:
    """Figures as they were at a moment.

    Attributes:
        update_id: The same for the same figures, so that whoever comes back is told only if they
            have changed meanwhile.
        text: The message, as JSON.
    """

    update_id: str
    text: str


@dataclass(eq=False)
class Watcher:
    """Somebody who watches. Who is slow misses what was overtaken, never what holds.

    Attributes:
        principal: Who.
        seen: The last update that was taken, or that was seen before a connection was lost.
    """

    principal: Principal
    seen: str | None = None
    _latest: Update | None = None
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)
    _may_take_at: float = 0.0

    def tell(self, update: Update) -> None:
        """Put an update in the place of the one before."""
        if update.update_id != self.seen:
            self._latest = update
            self._arrived.set()

    async def next(self) -> Update:
        """Return the newest update that was not seen yet, when there is one.

        Returns:
            The update; not more often than a connection may be told.
        """
        clock = asyncio.get_running_loop().time
        await self._arrived.wait()
        await asyncio.sleep(max(0.0, self._may_take_at - clock()))
        self._may_take_at = clock() + 1 / UPDATES_PER_SECOND
        update = self._latest
        assert update is not None  # noqa: S101
        self._arrived.clear()
        self.seen = update.update_id
        return update


class Pushes:
    """Who watches what, and what they were told."""

    def __init__(self, database: Database) -> None:
        """Take the warehouse.

        Args:
            database: The warehouse.
        """
        self._database = database
        self._watchers: defaultdict[Principal, set[Watcher]] = defaultdict(set)
        self._stale: set[Principal] = set()
        self._has_stale = asyncio.Event()

    @property
    def count(self) -> int:
        """How many watch."""
        return sum(map(len, self._watchers.values()))

    @property
    def is_full(self) -> bool:
        """Whether nobody else may watch."""
        return self.count >= _MOST_WATCHERS

    @contextmanager
    def watched_by(self, principal: Principal, seen: str | None = None) -> Iterator[Watcher]:
        """Tell somebody about changes, beginning with how it is now.

        Args:
            principal: Who watches.
            seen: The last update that was seen, by somebody who comes back.

        Yields:
            What is told about updates.
        """
        watcher = Watcher(principal, seen)
        self._watchers[principal].add(watcher)
        self._mark({principal})
        try:
            yield watcher
        finally:
            self._watchers[principal].discard(watcher)
            if not self._watchers[principal]:
                del self._watchers[principal]

    def hear(self, organization_id: str | None) -> None:
        """Take in that something has changed.

        Args:
            organization_id: Whose figures, None when anybody's may have.
        """
        self._mark(
            {
                principal
                for principal in self._watchers
                if organization_id in (None, str(principal.organization_id))
            }
        )

    async def run(self) -> None:
        """Tell those who watch, until cancelled."""
        while True:
            await self._has_stale.wait()
            stale, self._stale = self._stale, set()
            self._has_stale.clear()
            at_once = asyncio.Semaphore(_ASKED_AT_ONCE)
            await asyncio.gather(*(self._tell(principal, at_once) for principal in stale))

    async def _tell(self, principal: Principal, at_once: asyncio.Semaphore) -> None:
        async with at_once:
            try:
                update = await self._update_for(principal)
            except DOWN as error:
                _log.warning("Nobody was told: %s: %s", type(error).__name__, error)
                asyncio.get_running_loop().call_later(
                    _SECONDS_UNTIL_NEXT_TRY, self._mark, {principal}
                )
                return
        for watcher in self._watchers.get(principal, ()):
            watcher.tell(update)

    async def _update_for(self, principal: Principal) -> Update:
        """Return the figures of now."""
        parameters = {"organization_id": principal.organization_id}
        answer = _ANSWERS[principal.scope]
        figures = json.loads(await self._database.answer(principal, answer, parameters))
        about = figures.pop("about")
        update_id = hashlib.sha256(json.dumps(figures).encode()).hexdigest()[:32]
        message = {
            "type": "savings_update",
            "id": update_id,
            "organization_id": str(principal.organization_id),
            "data": figures,
            "about": about,
        }
        return Update(update_id, json.dumps(message))

    def _mark(self, principals: set[Principal]) -> None:
        self._stale |= principals
        if self._stale:
            self._has_stale.set()
