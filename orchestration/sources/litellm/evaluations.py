"""Pulls what LiteLLM's shadow evaluations measured, beside the calls that they judged."""

import datetime as dt
import io
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg.rows import namedtuple_row

from orchestration.landing.loader import Stream
from orchestration.landing.positions import Position, position_of
from orchestration.sources.litellm.database import query_of_evaluations, readable

_BEGINNING = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
_FETCHED_ROWS = 2_000
_LANDED = """
select cast(event_id as text)
from raw.shadow_evaluations
where id = any(cast(%s as uuid[]))
"""


class _Row(NamedTuple):
    """A row of evaluations.sql, which says what its columns are."""

    created_at: dt.datetime
    evaluation_id: str
    event_id: str | None
    evaluation: str | None


@dataclass
class Evaluations:
    """The loads of one pull that hold evaluations; they come after those of the calls.

    Attributes:
        source: To LiteLLM's database, in its transaction.
        own: To the warehouse's database, in no transaction.
        name: The source, as positions call it.
        part: The part of the source that is pulled.
        organization_id: Whose the calls are that name no organization.
        since: From which moment on; None goes on where the last pull ended.
        overlap: How much of what was pulled is looked at again: LiteLLM writes calls into its log
            later than their evaluations.
        batch_rows: How many rows become one load.
        tell: Told what was left out.
        left: A position to which nothing has landed, because all of it had.
    """

    source: psycopg.Connection
    own: psycopg.Connection
    name: str
    part: str
    organization_id: UUID
    since: dt.datetime | None
    overlap: dt.timedelta
    batch_rows: int
    tell: Callable[[str], object]
    left: Position | None = None

    def streams(self) -> Iterator[Stream]:
        """Yield the loads, in the order in which evaluations were written.

        Yields:
            Each with the position after it.

        Raises:
            WarehouseError: LiteLLM's database could not be read.
        """
        with readable():
            query = query_of_evaluations(self.source)
        if query is None:
            self.tell(
                "Shadow evaluations are left out: LiteLLM has no tables of them yet, or this login "
                "may not read them."
            )
            return
        last = position_of(self.own, self.name, self.part)
        read_until = last and dt.datetime.fromisoformat(last["read_until"])
        since = self.since or (read_until - self.overlap if read_until else _BEGINNING)
        with readable():
            (now,) = self.source.execute("select now()").fetchone() or (None,)
        without_call = 0
        for batch in self._batches(query, since):
            reached = batch[-1].created_at.replace(tzinfo=dt.UTC)
            # Clocks that are ahead must not hide what others write until then.
            reached = min(reached, now) if now else reached
            read_until = max(read_until or reached, reached)
            position = Position(self.name, self.part, {"read_until": read_until.isoformat()})
            landed = self._landed_of(batch)
            lines = [
                f'{{"event_id":"{row.event_id}",{row.evaluation[1:]}\n'
                for row in batch
                if row.evaluation is not None and row.event_id not in landed
            ]
            without_call += sum(row.evaluation is None for row in batch)
            self.left = None if lines else position
            if lines:
                load = f"{self.name}:evaluations:{batch[0].created_at.isoformat()}Z"
                yield Stream(load, io.BytesIO("".join(lines).encode()), (position,))
        if without_call:
            self.tell(
                f"{without_call:,} shadow evaluation(s) left out: LiteLLM's log does not have the "
                "call that they judged."
            )

    def _batches(self, query: psycopg.sql.Composed, since: dt.datetime) -> Iterator[list[_Row]]:
        """Yield what was evaluated since a moment."""
        with (
            readable(),
            self.source.cursor(name="evaluations", row_factory=namedtuple_row) as cursor,
        ):
            cursor.itersize = min(_FETCHED_ROWS, self.batch_rows)
            cursor.execute(
                query,
                {
                    "since": since.astimezone(dt.UTC).replace(tzinfo=None),
                    "organization_id": str(self.organization_id),
                },
            )
            rows: Iterator[Any] = iter(cursor)
            while batch := list(itertools.islice(rows, self.batch_rows)):
                yield batch

    def _landed_of(self, batch: Sequence[_Row]) -> set[str]:
        """Return which versions of a batch have landed."""
        ids = [row.evaluation_id for row in batch]
        return {str(event_id) for (event_id,) in self.own.execute(_LANDED, (ids,))}
