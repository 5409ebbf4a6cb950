"""What the database tells: that something landed, and that a build ended."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import asyncpg

from orchestration.serving.problems import DOWN

_CHANNEL = "warehouse"
_SECONDS_UNTIL_NEXT_TRY = 1.0
_SECONDS_BETWEEN_LOOKS = 5.0

_log = logging.getLogger(__name__)


class News:
    """One connection that listens, and listens again when it was lost.

    What happened while nobody listened is unknown: whoever hears is told so when that begins and
    when it has ended.
    """

    def __init__(
        self,
        database: dict[str, Any],
        hear: Callable[[str | None], None],
        listening: Callable[[bool], None],
    ) -> None:
        """Take where to listen, and who hears.

        Args:
            database: What `asyncpg.connect` takes.
            hear: Called with the organization of which something landed, None when any of them may
                have changed.
            listening: Called when listening begins, and when it ends.
        """
        self._database = database
        self._hear = hear
        self._listening = listening

    async def listen(self) -> None:
        """Listen until cancelled."""
        while True:
            try:
                await self._listen_once()
            except DOWN as error:
                _log.warning("No news from the database: %s: %s", type(error).__name__, error)
            await asyncio.sleep(_SECONDS_UNTIL_NEXT_TRY)

    async def _listen_once(self) -> None:
        connection = await asyncpg.connect(**self._database)
        try:
            await connection.add_listener(_CHANNEL, self._on_notification)
            self._listening(True)
            self._hear(None)
            # A server that is gone without a word shows only to who asks.
            while True:
                await asyncio.sleep(_SECONDS_BETWEEN_LOOKS)
                await connection.execute("select 1")
        finally:
            self._listening(False)
            connection.terminate()

    def _on_notification(self, _: Any, __: int, ___: str, payload: object) -> None:
        _, _, organization_id = str(payload).partition(" ")
        self._hear(organization_id or None)
