"""Pulls the pages of a source's API and lands them, each time from where the last pull ended.

Reports of days that are over still change for a while, so the last ones are read again. What has
landed is left out. What says something else than what landed last is stamped with when it was read:
the stamps of reports are the ends of their periods and do not tell which version is the newer one.
"""

import contextlib
import datetime as dt
import io
import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import psycopg

from orchestration.database.connection import connect
from orchestration.database.migrate import require_migrated
from orchestration.errors import WarehouseError, reason
from orchestration.landing.loader import LandedFile, Stream, land_streams
from orchestration.landing.positions import Position, move, position_of
from orchestration.sources.pulls.apis import Api, Parameters, Report, Window
from orchestration.sources.pulls.asking import Client, MissingReportError, checked_url, secrets_in
from orchestration.sources.source import Owner, events_of, identifier, line_of, version_of

_DAY = dt.timedelta(days=1)
_INTRODUCTIONS = ("organization", "user")
_LANDED = """
with landed as (
    select id, event_id, updated_at, _load_id
    from raw.task_executions
    where
        id = any(cast(%(ids)s as uuid[]))
        and start_time >= %(since)s - interval '1 day'
        and start_time < %(until)s + interval '1 day'
    union all
    select id, event_id, updated_at, _load_id
    from raw.adjustments
    where id = any(cast(%(ids)s as uuid[]))
    union all
    select id, event_id, updated_at, _load_id
    from raw.organizations
    where id = any(cast(%(ids)s as uuid[]))
    union all
    select id, event_id, updated_at, _load_id
    from raw.users
    where id = any(cast(%(ids)s as uuid[]))
),

ranked as (
    select
        *,
        rank() over (partition by id order by updated_at desc, _load_id desc) as recency
    from landed
)

select distinct cast(id as text), cast(event_id as text), updated_at
from ranked
where recency = 1
"""


@dataclass(frozen=True)
class Pull:
    """What to pull.

    Attributes:
        api: From where.
        report: Which of its reports.
        url: Where the API is.
        account: Which account it is, where several belong to one organization.
        since: The first day; None goes on where the last pull ended.
        until: The day before which it ends; None reads all that there is.
        overlap_days: How many of the days that were read before are read again.
    """

    api: Api
    report: str
    url: str
    account: str = ""
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    overlap_days: int = 3

    def client(self) -> Client:
        """Return a client of the API, with the key of the environment.

        Raises:
            WarehouseError: There is no key, or the address is none to send it to.
        """
        api = self.api
        key = secrets_in(api.variables, api.needs)
        return Client(api.source.title, self.url, api.headers(key), api.variables, api.needs)


class Page(NamedTuple):
    """A page of a report.

    Attributes:
        name: What it is called, without where it comes from.
        window: What it is about.
        content: Its bytes.
        is_last: Whether it is the last one of its window.
    """

    name: str
    window: Window
    content: bytes
    is_last: bool


def pages_of(
    wanted: Pull, report: Report, client: Client, since: dt.datetime, now: dt.datetime
) -> Iterator[Page]:
    """Yield the pages of a report in order.

    Args:
        wanted: What to pull.
        report: One list of it.
        client: Who asks.
        since: The first day.
        now: When it is asked.

    Yields:
        The pages, each when it is needed.

    Raises:
        WarehouseError: The API gave no page, or one that is none of this report.
    """
    today = _midnight(now)
    end = today + _DAY if wanted.api.has_today else today
    end = min(end, wanted.until or end)
    path = report.path.format(account=quote(wanted.account, safe=""))
    while since < end:
        window = Window(since, min(since + report.days * _DAY, end), now)
        parameters: Parameters | None = report.asks(window)
        asked: set[str] = set()
        while parameters is not None:
            asked.add(json.dumps(parameters))
            answer = client.ask(path, parameters, by_post=report.by_post)
            parameters = report.following(answer, parameters)
            fault = None
            if not any(isinstance(answer.page.get(name), list) for name in report.lists):
                fault = f"answered with something that is no page: it has no list {report.lists[0]}"
            elif parameters is None and answer.page.get("has_more"):
                fault = "says that there are more pages and does not name the next one"
            elif json.dumps(parameters) in asked:
                fault = "names a page as the next one that was there before"
            if fault is not None:
                raise WarehouseError(f"{wanted.api.source.title}: {path} {fault}")
            name = f"{path} {since:%Y-%m-%d}, page {len(asked)}"
            yield Page(name, window, answer.content, parameters is None)
        since = window.until


def kept(
    wanted: Pull, folder: Path, now: dt.datetime, tell: Callable[[str], None]
) -> Iterator[tuple[Path, bytes]]:
    """Yield the pages of a source as files, of which nothing lands.

    Args:
        wanted: What to pull, with its first day.
        folder: Where the files are to be.
        now: When it is asked.
        tell: Hears of reports that are not there.

    Yields:
        The files and what is to be in them, under the same names at every call.

    Raises:
        WarehouseError: As in `pages_of`.
    """
    if wanted.since is None:
        raise WarehouseError("--out goes on from nowhere: --since says from which day on")
    with contextlib.closing(wanted.client()) as client:
        for report in wanted.api.reports[wanted.report]:
            pages = pages_of(wanted, report, client, wanted.since, now)
            for number, page in enumerate(_unless_missing(report, pages, tell), start=1):
                stem = report.path.rsplit("/", 1)[-1]
                name = f"{wanted.report}_{stem}_{page.window.since:%Y-%m-%d}_{number}.json"
                yield folder / name, page.content


def pull(
    wanted: Pull, owner: Owner, now: dt.datetime, tell: Callable[[str], None]
) -> Iterator[LandedFile]:
    """Land what an API has.

    Args:
        wanted: What to pull.
        owner: Whose it is.
        now: When it is asked.
        tell: Hears of pages of which nothing is new.

    Yields:
        What became of each page, once it is committed; together with the last one of a window the
        position after that.

    Raises:
        WarehouseError: The API or the database cannot be reached or used, or another pull of the
            same runs. What has landed stays; the next pull goes on from there.
    """
    source = wanted.api.source.name
    place = identifier("part", checked_url(wanted.url), wanted.account, owner.organization_id)
    parts = {report: f"{report.path} {place}" for report in wanted.api.reports[wanted.report]}
    with (
        connect(application_name="warehouse pull", autocommit=True) as own,
        contextlib.closing(wanted.client()) as client,
    ):
        require_migrated(own)
        for part in parts.values():
            locked = own.execute(
                "select pg_try_advisory_lock(hashtext(%s), hashtext(%s))", (source, part)
            ).fetchone()
            if locked is None or not locked[0]:
                raise WarehouseError(f"Another pull of the same {source} runs.")
        landing = _Landing(wanted, owner, own, now, tell, parts)
        for report in parts:
            yield from land_streams(landing.streams(client, report))


@dataclass
class _Landing:
    """How the pages of reports land.

    Attributes:
        wanted: What to pull.
        owner: Whose it is.
        own: To the warehouse's database, in no transaction.
        now: When it is asked.
        tell: Hears of pages of which nothing is new.
        parts: Under what the position of each report is kept.
    """

    wanted: Pull
    owner: Owner
    own: psycopg.Connection
    now: dt.datetime
    tell: Callable[[str], None]
    parts: dict[Report, str]

    def streams(self, client: Client, report: Report) -> Iterator[Stream]:
        """Yield the loads of a report, one a page."""
        source, part = self.wanted.api.source.name, self.parts[report]
        since = self._since(report)
        pages = pages_of(self.wanted, report, client, since, self.now)
        for page in _unless_missing(report, pages, self.tell):
            last = position_of(self.own, source, part) or self._begin(since)
            read_until = dt.datetime.fromisoformat(last["read_until"])
            first = min(since, dt.datetime.fromisoformat(last["first"]))
            positions: tuple[Position, ...] = ()
            # Days before this window that were left out are still to be read.
            if page.is_last and page.window.since <= read_until:
                # The day that is running is read again.
                reached = max(read_until, min(page.window.until, _midnight(self.now)))
                positions = (Position(source, part, _value(first, reached)),)
            name = f"{source}:{page.name}"
            lines = self._lines_of(page)
            if lines:
                yield Stream(name, io.BytesIO(b"".join(lines)), positions)
            else:
                self.tell(f"{name}: nothing new")
                for position in positions:
                    move(self.own, position)

    def _since(self, report: Report) -> dt.datetime:
        """Return the first day that is to be read."""
        if self.wanted.since is not None:
            return self.wanted.since
        source = self.wanted.api.source.name
        last = position_of(self.own, source, self.parts[report])
        if last is None:
            raise WarehouseError(
                f"Nothing of {source} was pulled so far: --since says from which day on"
            )
        read_until = _midnight(dt.datetime.fromisoformat(last["read_until"]))
        overlap = self.wanted.overlap_days * _DAY
        return max(dt.datetime.fromisoformat(last["first"]), read_until - overlap)

    def _begin(self, since: dt.datetime) -> dict[str, str]:
        """Note where all reports begin, once there is an answer: whoever is killed goes on."""
        source, beginning = self.wanted.api.source.name, _value(since, since)
        for part in self.parts.values():
            if position_of(self.own, source, part) is None:
                move(self.own, Position(source, part, beginning))
        return beginning

    def _lines_of(self, page: Page) -> list[bytes]:
        """Return the events of a page, without what landed last."""
        events = self._events_of(page)
        found = self.own.execute(
            _LANDED,
            {
                "ids": [str(event["id"]) for event in events if not isinstance(event, bytes)],
                "since": page.window.since,
                "until": page.window.until,
            },
        ).fetchall()
        landed: dict[str, dict[str, dt.datetime]] = {}
        for key, version, stamp in found:
            landed.setdefault(key, {})[version] = stamp
        lines = []
        for event in events:
            if isinstance(event, bytes):
                lines.append(event)
            elif event["event"] in _INTRODUCTIONS:
                # Whoever has landed, under whatever name, needs no introduction.
                lines += [] if str(event["id"]) in landed else [line_of(event)]
            else:
                version = _unless_landed(event, landed.get(str(event["id"]), {}), self.now)
                lines += [] if version is None else [line_of(version)]
        return lines

    def _events_of(self, page: Page) -> list[dict[str, Any] | bytes]:
        try:
            with tempfile.NamedTemporaryFile(suffix=".json") as file:
                file.write(page.content)
                file.flush()
                try:
                    return [
                        *events_of(self.wanted.api.source, Path(file.name), self.owner.afresh())
                    ]
                except WarehouseError as error:
                    raise WarehouseError(error.message.replace(file.name, page.name)) from error
        except OSError as error:
            raise WarehouseError(
                f"A temporary file in {tempfile.gettempdir()} cannot be written: {reason(error)}. "
                "TMPDIR names another folder."
            ) from error


def _unless_landed(
    event: dict[str, Any], landed: dict[str, dt.datetime], now: dt.datetime
) -> dict[str, Any] | None:
    """Return the version of an event that is to land, None where it is the one that landed last."""
    if not landed:
        return event
    stamp = max(landed.values()).astimezone(dt.UTC)
    as_stamped = event | {"updated_at": stamp.isoformat()}
    if not {str(version_of(event)), str(version_of(as_stamped))}.isdisjoint(landed):
        return None
    if now <= stamp or _is_later(event.get("updated_at"), stamp):
        return event
    return event | {"updated_at": now.isoformat()}


def _is_later(moment: Any, stamp: dt.datetime) -> bool:
    """Return whether a source's own stamp tells that this version is the newer one."""
    try:
        known = moment if isinstance(moment, dt.datetime) else dt.datetime.fromisoformat(moment)
    except (TypeError, ValueError):
        return True
    return known.tzinfo is None or known > stamp


def _unless_missing(
    report: Report, pages: Iterator[Page], tell: Callable[[str], None]
) -> Iterator[Page]:
    """Yield the pages of a report, none where the account does not have it."""
    try:
        yield from pages
    except MissingReportError as error:
        if not report.is_optional:
            raise
        tell(error.message)


def _value(first: dt.datetime, read_until: dt.datetime) -> dict[str, str]:
    return {"first": first.isoformat(), "read_until": read_until.isoformat()}


def _midnight(moment: dt.datetime) -> dt.datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)
