"""Records what the application shows, and to whom, before it shows it."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

import asyncpg

from orchestration.serving.principal import Principal

# Many at once: a transaction for each would cost more than what it records.
_RECORD = """
select
    audit.record(
        read.action, read.resource_type, read.resource_id, read.organization_id, read.user_id,
        read.is_denied, read.details, read.ip_address, read.user_agent
    )
from jsonb_to_recordset($1::jsonb) as read (
    action text, resource_type text, resource_id text, organization_id uuid, user_id uuid,
    is_denied boolean, details jsonb, ip_address inet, user_agent text
)
"""
_LONGEST_USER_AGENT = 300


@dataclass(frozen=True)
class Read:
    """Something that was asked for.

    Attributes:
        action: `view_analytics`, `export_data` or another deed of the audit log.
        path: What was asked for.
        principal: By whom, None where that is not known.
        ip_address: From where, None where that is not known.
        user_agent: With what.
        is_denied: Whether it was refused.
        details: What else is worth knowing.
    """

    action: str
    path: str
    principal: Principal | None
    ip_address: str | None
    user_agent: str | None
    is_denied: bool = False
    details: dict[str, Any] | None = None

    def as_row(self) -> dict[str, Any]:
        """Return the row of the audit log."""
        who = self.principal
        role = {"role": who.role} if who else {}
        agent = (self.user_agent or "")[:_LONGEST_USER_AGENT]
        return {
            "action": self.action,
            "resource_type": "api",
            "resource_id": self.path,
            "organization_id": who and who.organization_id and str(who.organization_id),
            "user_id": who and who.user_id and str(who.user_id),
            "is_denied": self.is_denied,
            "details": role | (self.details or {}),
            "ip_address": self.ip_address,
            # A NUL is no text to PostgreSQL.
            "user_agent": agent.replace("\0", ""),
        }


class Recorder:
    """Writes reads into the audit log: those that wait together, in one transaction."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        """Take a pool.

        Args:
            pool: Connections of the application's login.
        """
        self._pool = pool
        self._waiting: list[tuple[dict[str, Any], asyncio.Future[None]]] = []
        self._writing = asyncio.Lock()
        self.failures = 0

    async def record(self, read: Read) -> None:
        """Record a read; when this returns, it stands in the audit log.

        Args:
            read: The read.

        Raises:
            asyncpg.PostgresError: It cannot be recorded, and must not be answered.
            OSError: The database cannot be reached.
        """
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((read.as_row(), done))
        async with self._writing:
            # Whoever had the lock before may have written this one along.
            if not done.done():
                await self._write_waiting()
        await done

    async def _write_waiting(self) -> None:
        taken, self._waiting = self._waiting, []
        rows = json.dumps([row for row, _ in taken])
        try:
            async with self._pool.acquire() as connection:
                await connection.execute(_RECORD, rows)
        except BaseException as error:
            self.failures += len(taken)
            for _, done in taken:
                if not done.done():
                    done.set_exception(
                        error if isinstance(error, Exception) else ConnectionError("cancelled")
                    )
            if not isinstance(error, Exception):
                raise
        else:
            for _, done in taken:
                if not done.done():
                    done.set_result(None)
