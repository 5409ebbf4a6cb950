"""Pulls what changed in LiteLLM's database since the last time, as loads with their positions.

A row is pulled when it changed, and a little of what came before it again: rows are stamped when
they are written and can be read only when that is committed. What has landed already is left out.
"""

import datetime as dt
import io
import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import namedtuple_row
from psycopg.types.json import Jsonb

from orchestration.database.connection import connect
from orchestration.database.migrate import require_migrated
from orchestration.errors import WarehouseError
from orchestration.landing.loader import LandedFile, Stream, land_streams
from orchestration.landing.positions import Position, move, position_of
from orchestration.sources.litellm.database import (
    columns_of,
    opened,
    query,
    query_of_logs,
    readable,
)
from orchestration.sources.litellm.evaluations import Evaluations
from orchestration.sources.names import BEGINNINGS, PROVIDERS
from orchestration.sources.source import KNOWN_SINCE, UNKNOWN, Owner, identifier, line_of

SOURCE = "litellm"
OVERLAP = dt.timedelta(minutes=60)
"""How long LiteLLM may take to commit a row after it was stamped."""

BATCH_ROWS = 20_000
"""How many rows become one load."""

_FETCHED_ROWS = 2_000
_BEGINNING = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
_LANDED = """
select cast(event_id as text)
from raw.task_executions
where
    id = any(cast(%(executions)s as uuid[]))
    and start_time between %(first)s and %(last)s
union all
select cast(event_id as text)
from raw.routing_decisions
where
    id = any(cast(%(decisions)s as uuid[]))
    and decision_timestamp between %(first)s and %(last)s
"""

# What the imports themselves said last: whoever lands users with names has the last word.
_SAID_LAST = {
    "organization": """
        select distinct on (said.id) cast(said.id as text), said.name
        from raw.organizations as said
        inner join raw.loads on said._load_id = loads.load_id
        where said.id = any(cast(%s as uuid[])) and loads.source_name like 'litellm:%%'
        order by said.id, said.updated_at desc, said._load_id desc
        """,
    "user": """
        select distinct on (said.id) cast(said.id as text), said.team
        from raw.users as said
        inner join raw.loads on said._load_id = loads.load_id
        where said.id = any(cast(%s as uuid[])) and loads.source_name like 'litellm:%%'
        order by said.id, said.updated_at desc, said._load_id desc
        """,
}
_LANDED_PEOPLE = """
select cast(event_id as text) from raw.organizations where event_id = any(cast(%(ids)s as uuid[]))
union all
select cast(event_id as text) from raw.users where event_id = any(cast(%(ids)s as uuid[]))
"""


@dataclass(frozen=True)
class Pull:
    """What to pull.

    Attributes:
        owner: Whose the rows are that name no organization.
        time_zone: In which new organizations count their days.
        since: From which change on; None goes on where the last pull ended.
        overlap: How much of what was pulled is looked at again.
        batch_rows: How many rows become one load.
    """

    owner: Owner
    time_zone: str = "UTC"
    since: dt.datetime | None = None
    overlap: dt.timedelta = OVERLAP
    batch_rows: int = BATCH_ROWS


class _Row(NamedTuple):
    """A row of spend_logs.sql, which says what its columns are."""

    changed_at: dt.datetime
    started_at: dt.datetime
    organization: str | None
    owner_id: str
    person: str | None
    user_id: str | None
    execution_id: str
    execution_event_id: str
    execution: str
    decision_id: str | None
    decision_event_id: str | None
    routing: str | None


def pull(wanted: Pull, tell: Callable[[str], object] = lambda _: None) -> Iterator[LandedFile]:
    """Land what changed in LiteLLM's database.

    Args:
        wanted: What to pull.
        tell: Told what was left out, in a sentence for the user.

    Yields:
        What became of each load, once it is committed together with the position after it.

    Raises:
        WarehouseError: One of the databases cannot be reached or used, or another import of the
            same database runs. What has landed stays; the next pull goes on from there.
    """
    with opened() as source, connect(application_name="warehouse import", autocommit=True) as own:
        require_migrated(own)
        part = _part_of("spend_logs", source, wanted.owner)
        locked = own.execute(
            "select pg_try_advisory_lock(hashtext(%s), hashtext(%s))", (SOURCE, part)
        ).fetchone()
        if locked is None or not locked[0]:
            raise WarehouseError("Another import of the same database of LiteLLM runs.")
        batches = _Batches(source, own, part, wanted)
        evaluations = Evaluations(
            source,
            own,
            SOURCE,
            _part_of("shadow_evaluations", source, wanted.owner),
            wanted.owner.organization_id,
            wanted.since,
            wanted.overlap,
            wanted.batch_rows,
            tell,
        )
        for part_of_it in (batches, evaluations):
            yield from land_streams(part_of_it.streams())
            if part_of_it.left is not None:
                move(own, part_of_it.left)


@dataclass
class _Batches:
    """The loads of one pull.

    Attributes:
        source: To LiteLLM's database, in its transaction.
        own: To the warehouse's database, in no transaction.
        part: The part of the source that is pulled.
        wanted: What to pull.
        left: A position to which nothing has landed, because all of it had.
    """

    source: psycopg.Connection
    own: psycopg.Connection
    part: str
    wanted: Pull
    left: Position | None = None

    def streams(self) -> Iterator[Stream]:
        """Yield the loads, in the order in which their rows changed."""
        last = position_of(self.own, SOURCE, self.part) or {}
        read_until, landed_until = _moment(last.get("read_until")), _moment(last.get("latest"))
        latest = landed_until
        # Where the position is not known, such as that of a server that moved, anything may.
        may_have_landed = landed_until is not None or _has_loads(self.own)
        since = self.wanted.since
        if since is None and read_until is not None:
            since = read_until - self.wanted.overlap
        with readable():
            (now,) = self.source.execute("select now()").fetchone() or (None,)
            people = _People.read(self.source, self.own, self.wanted)
        for batch in _ahead(self._batches(since or _BEGINNING)):
            changed_at = batch[-1].changed_at.replace(tzinfo=dt.UTC)
            # Clocks that are ahead must not hide what others write until then.
            reached = min(changed_at, now) if now else changed_at
            read_until = max(read_until or reached, reached)
            first = batch[0].changed_at.replace(tzinfo=dt.UTC)
            is_later = landed_until is not None and first > landed_until
            landed = self._landed_of(batch) if may_have_landed and not is_later else set()
            latest = max(latest or changed_at, changed_at)
            position = Position(
                SOURCE,
                self.part,
                {"read_until": read_until.isoformat(), "latest": latest.isoformat()},
            )
            lines = people.introduced_in(batch) + _lines_of(batch, landed)
            self.left = None if lines else position
            if lines:
                content = io.BytesIO("".join(lines).encode())
                yield Stream(f"{SOURCE}:{batch[0].changed_at.isoformat()}Z", content, (position,))

    def _batches(self, since: dt.datetime) -> Iterator[list[_Row]]:
        """Yield what changed since a moment."""
        with (
            readable(),
            self.source.cursor(name="spend_logs", row_factory=namedtuple_row) as cursor,
        ):
            cursor.itersize = min(_FETCHED_ROWS, self.wanted.batch_rows)
            cursor.execute(
                query_of_logs(self.source),
                {
                    "since": since.astimezone(dt.UTC).replace(tzinfo=None),
                    "organization_id": str(self.wanted.owner.organization_id),
                    "providers": Jsonb(PROVIDERS),
                    "beginnings": Jsonb(BEGINNINGS),
                },
            )
            rows: Iterator[Any] = iter(cursor)
            while batch := list(itertools.islice(rows, self.wanted.batch_rows)):
                yield batch

    def _landed_of(self, batch: Sequence[_Row]) -> set[str]:
        """Return which versions of a batch have landed; of times, months are left out."""
        times = [row.started_at.replace(tzinfo=dt.UTC) for row in batch]
        parameters = {
            "executions": [row.execution_id for row in batch],
            "decisions": [row.decision_id for row in batch if row.decision_id],
            "first": min(times),
            "last": max(times),
        }
        return {str(event_id) for (event_id,) in self.own.execute(_LANDED, parameters)}


def _ahead(batches: Iterator[list[_Row]]) -> Iterator[list[_Row]]:
    """Yield batches, and let LiteLLM's server make the next one while one lands."""
    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = reader.submit(next, batches, None)
            yield batch


def _lines_of(batch: Iterable[_Row], landed: Collection[str]) -> list[str]:
    """Return the events of a batch, without those that have landed."""
    lines = []
    for row in batch:
        if row.routing is not None and row.decision_event_id not in landed:
            lines.append(f'{{"event_id":"{row.decision_event_id}",{row.routing[1:]}\n')
        if row.execution_event_id not in landed:
            lines.append(f'{{"event_id":"{row.execution_event_id}",{row.execution[1:]}\n')
    return lines


class _Listed(NamedTuple):
    """What LiteLLM lists of an organization or a user: a name, or a team, and when it changed."""

    name: str | None
    updated_at: dt.datetime | None


@dataclass
class _People:
    """Introduces organizations and users when a batch is the first that names them."""

    own: psycopg.Connection
    wanted: Pull
    organizations: dict[str, _Listed]
    users: dict[str, _Listed]
    _known: set[str] = field(default_factory=set)

    @classmethod
    def read(cls, source: psycopg.Connection, own: psycopg.Connection, wanted: Pull) -> "_People":
        """Return whom LiteLLM lists now; its logs name others, which are gone."""
        listed = {}
        for name, table in (
            ("organizations", "LiteLLM_OrganizationTable"),
            ("users", "LiteLLM_UserTable"),
        ):
            rows = source.execute(query(name)) if columns_of(source, table) else ()
            listed[name] = {key: _Listed(said, changed) for key, said, changed in rows}
        return cls(own, wanted, listed["organizations"], listed["users"])

    def introduced_in(self, batch: Iterable[_Row]) -> list[str]:
        """Return the events that have to land with a batch, without those that have landed."""
        events: dict[str, dict[str, Any]] = {}
        changed: dict[str, _Listed] = {}
        for row in batch:
            if row.owner_id not in self._known:
                self._known.add(row.owner_id)
                event = self._organization(row)
                if event is not None:
                    events[row.owner_id] = event
                    changed[row.owner_id] = self.organizations.get(
                        row.organization or "", _Listed(None, None)
                    )
            if row.user_id is not None and row.user_id not in self._known:
                self._known.add(row.user_id)
                listed = self.users.get(row.person or "", _Listed(None, None))
                events[row.user_id] = self._user(row, listed)
                changed[row.user_id] = listed
        return self._unsaid(events, changed) if events else []

    def _organization(self, row: _Row) -> dict[str, Any] | None:
        if row.organization is None:
            return self.wanted.owner.organization
        listed = self.organizations.get(row.organization)
        return {
            "event": "organization",
            "id": row.owner_id,
            "name": ((listed and listed.name) or row.organization)[:255],
            "tier": UNKNOWN,
            "timezone": self.wanted.time_zone,
            "updated_at": KNOWN_SINCE,
        }

    def _user(self, row: _Row, listed: _Listed) -> dict[str, Any]:
        event = {
            "event": "user",
            "id": row.user_id,
            "organization_id": row.owner_id,
            # As in `Owner.introductions`: the user's name may be an address.
            "name": f"user {str(row.user_id)[:8]}",
            "role": "developer",
            "updated_at": KNOWN_SINCE,
        }
        return event | ({"team": listed.name[:255]} if listed.name else {})

    def _unsaid(self, events: dict[str, dict[str, Any]], changed: dict[str, _Listed]) -> list[str]:
        """Return the events that say something new, stamped with when it changed."""
        said: dict[str, str | None] = {}
        for statement in _SAID_LAST.values():
            said |= self.own.execute(statement, ([*events],)).fetchall()
        written = {}
        for key, event in events.items():
            now_said = event.get("team") if event["event"] == "user" else event["name"]
            when = changed[key].updated_at
            if key in said and (said[key] == now_said or when is None):
                continue
            version = event | ({"updated_at": when.isoformat()} if key in said and when else {})
            line = line_of(version).decode()
            written[line[len('{"event_id":"') :][:36]] = line
        landed = self.own.execute(_LANDED_PEOPLE, {"ids": [*written]})
        for (event_id,) in landed:
            written.pop(event_id, None)
        return [*written.values()]


def _part_of(name: str, source: psycopg.Connection, owner: Owner) -> str:
    """Return what tells this database and owner from others, without saying where it is."""
    info = source.info
    place = (info.host, info.port, info.dbname, _schema(source))
    return f"{name} {identifier('part', *place, owner.organization_id)}"


def _schema(source: psycopg.Connection) -> str:
    found = source.execute("select current_schema()").fetchone()
    return str(found[0]) if found else ""


def _has_loads(own: psycopg.Connection) -> bool:
    return (
        own.execute("select 1 from raw.loads where source_name like 'litellm:%' limit 1").fetchone()
        is not None
    )


def _moment(text: str | None) -> dt.datetime | None:
    return None if text is None else dt.datetime.fromisoformat(text)
