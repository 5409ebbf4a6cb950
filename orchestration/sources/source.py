"""What a source is, and how its records become events that land."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from orchestration.errors import WarehouseError
from orchestration.landing.scrubbing import scrub
from orchestration.sources.mapping import Record, Table, mapped

NAMESPACE = UUID("0b9f5f5a-7c1e-5d7e-9a55-3a1d8c1f60b2")
"""All identifiers are derived from this one, so that a second conversion gives the same events."""

UNKNOWN = "unknown"
"""What stands where the contract wants a text and the source has none."""

KNOWN_SINCE = "2020-01-01T00:00:00Z"
"""Whatever the platform itself says of an organization or a user is later than this."""

_encode = msgspec.json.Encoder(decimal_format="number").encode


class Found(NamedTuple):
    """One record of a file.

    Attributes:
        kind: Which mapping of its source it is read by: the kind of event, and after a colon what
            tells several mappings apart; None for a record that cannot be read.
        key: What tells it from all other records of its source, also when it is read again.
        record: The record; of one that cannot be read its line.
        source: The name of the source whose record it is, where that is not the one that is read.
    """

    kind: str | None
    key: tuple[Any, ...]
    record: Any
    source: str | None = None


@dataclass(frozen=True)
class Source:
    """One system whose records become events.

    Attributes:
        name: Its name in commands and in the column `source`.
        title: What people call it.
        reads: What it reads, in words.
        tables: Its mappings, by what `Found.kind` says.
        unknown: Fields that it cannot tell, each with the reason.
        records: Returns the records of a file, those that are usage, in any order.
        is_its: Whether the first record of a file is of this source.
        endings: How the names of its files end, when a folder is read.
    """

    name: str
    title: str
    reads: str
    tables: Mapping[str, Table]
    unknown: Mapping[str, str]
    records: Callable[[Path], Iterable[Found]]
    is_its: Callable[[Record], bool]
    endings: tuple[str, ...]


@dataclass
class Owner:
    """Whose the events of an import are.

    Attributes:
        organization_id: The organization.
        organization: The event that introduces it; None where the warehouse knows it already.
        user: The name of the person whose all of it is; None where the records tell, or nobody can.
        introduced: The ids of those whose introduction was yielded.
    """

    organization_id: UUID
    organization: dict[str, Any] | None = None
    user: str | None = None
    introduced: set[UUID] = field(default_factory=set)

    @classmethod
    def named(cls, organization: str, time_zone: str = "UTC", user: str | None = None) -> "Owner":
        """Return an owner by what a person calls it.

        Args:
            organization: A name, or the id of an organization that the warehouse knows.
            time_zone: The IANA time zone of the days that it reports, for one that is new.
            user: As in the attributes.

        Returns:
            The owner; the same name is the same organization at every import.
        """
        try:
            return cls(UUID(organization), None, user)
        except ValueError:
            organization_id = identifier("organization", organization)
        introduction = {
            "event": "organization",
            "id": organization_id,
            "name": organization,
            "tier": UNKNOWN,
            "timezone": time_zone,
            "updated_at": KNOWN_SINCE,
        }
        return cls(organization_id, introduction, user)

    def afresh(self, introduced: Iterable[UUID] = ()) -> "Owner":
        """Return the same owner for another load.

        Args:
            introduced: Who needs no introduction in it.

        Returns:
            The owner.
        """
        return Owner(self.organization_id, self.organization, self.user, set(introduced))

    def introductions(self, user: str | None) -> Iterator[dict[str, Any]]:
        """Yield the events that have to land before one of a user.

        Args:
            user: Who it is, as the source has it; None for nobody.

        Yields:
            The organization and the user, each once.
        """
        if self.organization is not None and self.organization_id not in self.introduced:
            self.introduced.add(self.organization_id)
            yield self.organization
        user_id = self.user_id(user)
        if user_id is None or user_id in self.introduced:
            return
        self.introduced.add(user_id)
        yield {
            "event": "user",
            "id": user_id,
            "organization_id": self.organization_id,
            # Sources name people by address: whoever wants names here lands users with names.
            "name": self.user or f"user {str(user_id)[:8]}",
            "role": "developer",
            "updated_at": KNOWN_SINCE,
        }

    def user_id(self, user: str | None) -> UUID | None:
        """Return the id of a person.

        Args:
            user: As in `introductions`.

        Returns:
            The id; None for nobody.
        """
        name = self.user or user
        return identifier("user", self.organization_id, name.strip().casefold()) if name else None


def identifier(*parts: Any) -> UUID:
    """Return an identifier made of what tells something from all others.

    Args:
        *parts: What that is.

    Returns:
        The same id for the same parts.
    """
    return _uuid5("\x1f".join(map(str, parts)).encode())


def _uuid5(said: bytes) -> UUID:
    """Return what `uuid.uuid5` does, in half of its time: every event has two of them."""
    digest = hashlib.sha1(NAMESPACE.bytes + said, usedforsecurity=False).digest()
    return UUID(bytes=digest[:16], version=5)


def version_of(event: Mapping[str, Any]) -> UUID:
    """Return the id of a version of an event.

    Args:
        event: The event, without an id of its version.

    Returns:
        An id that follows from what it says.
    """
    return _uuid5(_encoded(event))


def line_of(event: Mapping[str, Any]) -> bytes:
    """Return an event as it lands.

    Args:
        event: The event.

    Returns:
        A line of JSON with its line ending; the id of this version follows from what it says,
        unless it has one.
    """
    said = _encoded(event)
    version = _uuid5(said)
    if "event_id" not in event and said.startswith(b'{"event":"'):
        # As nearly always, and without writing all of it once more.
        return b'{"event_id":"%s",%s\n' % (str(version).encode(), said[1:])
    return _encoded({"event_id": version} | dict(event)) + b"\n"


def _encoded(event: Mapping[str, Any]) -> bytes:
    try:
        return _encode(event)
    except UnicodeEncodeError:
        # Half of a pair, which JSON can write and text cannot hold: refused when it lands.
        return json.dumps(event, default=str).encode()


def lines_of(source: Source, path: Path, owner: Owner) -> Iterator[bytes]:
    """Yield the events of a file as lines of JSON, the same ones at every call.

    Args:
        source: What wrote it.
        path: The file.
        owner: Whose it is.

    Yields:
        Lines with their line ending. One that cannot be read is passed on as it is, and rejected
        when it lands.

    Raises:
        WarehouseError: The file cannot be read, or is none of this source.
    """
    for event in events_of(source, path, owner):
        yield event if isinstance(event, bytes) else line_of(event)


def events_of(source: Source, path: Path, owner: Owner) -> Iterator[dict[str, Any] | bytes]:
    """Yield the events of a file.

    Args:
        source: As in `lines_of`.
        path: As in `lines_of`.
        owner: As in `lines_of`.

    Yields:
        The events, each after those that introduce whose it is; of a line that cannot be read its
        bytes.

    Raises:
        WarehouseError: As in `lines_of`.
    """
    for found in source.records(path):
        if found.kind is None:
            yield bytes(found.record).rstrip(b"\r\n") + b"\n"
            continue
        event, user = event_of(source, found, owner)
        yield from owner.introductions(user)
        yield event


def event_of(source: Source, found: Found, owner: Owner) -> tuple[dict[str, Any], str | None]:
    """Return the event that a record becomes.

    Args:
        source: What wrote it.
        found: The record.
        owner: Whose it is.

    Returns:
        The event, and the person whom the record names.
    """
    if found.kind is None:
        raise ValueError("a record that cannot be read is no event")
    kind = found.kind.partition(":")[0]
    values = mapped(found.record, source.tables[found.kind])
    user = values.pop("user", None)
    event: dict[str, Any] = {
        "event": kind,
        "id": identifier(found.source or source.name, owner.organization_id, kind, *found.key),
        "organization_id": owner.organization_id,
    }
    if kind != "routing_decision":
        event["user_id"] = owner.user_id(user)
    if kind == "task_execution":
        event |= _execution(source, found, values)
        if user is not None and user in found.key:
            # Names of people are kept nowhere but as the id that they become.
            event["task_id"] = str(event["id"])
    event |= values
    if "error_message" in event:
        event["error_message"] = scrub(str(event["error_message"]))
    return {name: value for name, value in event.items() if value is not None}, user


def _execution(source: Source, found: Found, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an execution is where its mapping says nothing else."""
    return {
        # A call of its own: attempts at one task are compared with each other.
        "task_id": "/".join(map(str, found.key))[:255],
        "task_type": UNKNOWN,
        "provider": UNKNOWN,
        "status": "completed",
        "source": found.source or source.name,
        "updated_at": values.get("end_time") or values.get("start_time"),
    }


def refuse(path: Path, title: str, why: str) -> WarehouseError:
    """Return the error for a file that is none of a source.

    Args:
        path: The file.
        title: The source, as people call it.
        why: What is missing.

    Returns:
        The error.
    """
    return WarehouseError(f"{path} is not {title}: {why}")
