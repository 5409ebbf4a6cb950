"""Who was erased, so that whatever lands later says the same of them as what landed before.

A tombstone is a hash of an id under the privacy key, which is not in the database: whoever reads
the table cannot try out ids. The key stays as long as the warehouse does.
"""

import hmac
import os
import re
import secrets
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import psycopg

from orchestration.errors import WarehouseError, reason
from orchestration.landing.contracts import (
    Adjustment,
    Checked,
    Event,
    EventType,
    Organization,
    Read,
    RoutingDecision,
    TaskExecution,
    User,
)
from orchestration.landing.evaluations import ShadowEvaluation
from orchestration.landing.families import FAMILIES, CustomerEvent, WebEvent
from orchestration.project import state_directory

KEY_VARIABLE = "WAREHOUSE_PRIVACY_KEY"
ERASED = "erased"
"""What stands in the place of a name."""

_OF_A_SESSION = ("session_id", "correlation_id")

CLEARED = {
    "task_execution": (
        "session_id",
        "correlation_id",
        "agent_id",
        "workflow_id",
        "error_message",
        "metadata",
        "provider_request_id",
        "api_key_alias",
        "end_user_id",
        "branch",
        "tags",
    ),
    "routing_decision": ("reasoning", "decision_factors"),
    "agent_event": (*_OF_A_SESSION, "agent_id"),
    "provider_event": (*_OF_A_SESSION, "agent_id"),
    "billing_event": _OF_A_SESSION,
    "customer_event": _OF_A_SESSION,
    "support_event": _OF_A_SESSION,
    "web_event": _OF_A_SESSION,
}
"""By kind of event, the fields that may tell who it was, and that no figure is made of."""

ID = r"[0-9A-Fa-f]{8}-?(?:[0-9A-Fa-f]{4}-?){3}[0-9A-Fa-f]{12}"
"""A regular expression for an id in a text."""

_ID_IN_TEXT = re.compile(ID)
_SHORTEST_ID = 32
_SHORTEST_KEY = 32
_REMEMBERED_IDS = 100_000

_HOLDERS: dict[EventType, tuple[str, ...]] = {
    TaskExecution: ("organization_id", "user_id"),
    RoutingDecision: ("organization_id",),
    Organization: ("id",),
    User: ("organization_id", "id"),
    Adjustment: ("organization_id", "user_id"),
    **dict.fromkeys(FAMILIES, ("organization_id", "user_id")),
    CustomerEvent: ("organization_id", "user_id", "visitor_id"),
    WebEvent: ("organization_id", "user_id", "visitor_id"),
    ShadowEvaluation: ("organization_id",),
}

# Decisions name nobody; executions tell whose they are. Both may come in the same load.
_CLEAR_DECISIONS = """
update raw.routing_decisions as decisions
set
    reasoning = null,
    decision_factors = null,
    alternative_providers = coalesce(
        (
            select jsonb_agg(entries.entry - 'reasoning' order by entries.place)
            from jsonb_array_elements(decisions.alternative_providers)
                with ordinality as entries (entry, place)
        ),
        decisions.alternative_providers
    )
where
    (
        decisions._load_id = %(load_id)s
        and exists (
            select 1
            from raw.task_executions as executions
            where
                executions.id = decisions.task_execution_id
                and executions.user_id = any(cast(%(pseudonyms)s as uuid[]))
        )
    )
    or decisions.id in (
        select executions.routing_decision_id
        from raw.task_executions as executions
        where
            executions._load_id = %(load_id)s
            and executions.user_id = any(cast(%(pseudonyms)s as uuid[]))
    )
"""


class PrivacyKey:
    """The key that tombstones are made with; it never leaves this object."""

    def __init__(self, key: bytes) -> None:
        """Take the key.

        Args:
            key: Its bytes.
        """
        self._key = key
        self.check = self._hash(b"check of the privacy key")

    def tombstone_of(self, subject: UUID) -> bytes:
        """Return the hash of an id.

        Args:
            subject: The id.

        Returns:
            32 bytes.
        """
        return self._hash(subject.bytes)

    def _hash(self, message: bytes) -> bytes:
        return hmac.digest(self._key, message, "sha256")


def privacy_key(connection: psycopg.Connection) -> PrivacyKey:
    """Return the privacy key, which is made when nobody has been erased yet.

    Args:
        connection: To the warehouse's database.

    Returns:
        The key of `WAREHOUSE_PRIVACY_KEY`, or of the file `privacy.key` in the local state.

    Raises:
        WarehouseError: It is missing, or another one than that of the tombstones.
    """
    rows = connection.execute("select distinct key_check from ledger.erasures").fetchall()
    return _right_key({bytes(check) for (check,) in rows})


def _right_key(checks: set[bytes]) -> PrivacyKey:
    """Return the key that made all these checks."""
    file = state_directory() / "privacy.key"
    try:
        key = PrivacyKey(_key_bytes(file, is_new=not checks))
    except OSError as error:
        raise WarehouseError(
            f"The privacy key {file} cannot be used: {reason(error)}. Without it, what lands could "
            f"bring back somebody who was erased. Put it back, or set {KEY_VARIABLE}."
        ) from error
    if checks - {key.check}:
        raise WarehouseError(
            f"The privacy key is not the one under which people were erased. Put {file} back, or "
            f"set {KEY_VARIABLE} to the right one: with this one they could not be recognized."
        )
    return key


def _key_bytes(file: Path, *, is_new: bool) -> bytes:
    given = os.environ.get(KEY_VARIABLE)
    if given:
        if len(given) < _SHORTEST_KEY:
            raise WarehouseError(
                f"{KEY_VARIABLE} is too short: at least {_SHORTEST_KEY} random characters."
            )
        return given.encode()
    if is_new and not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_name(f".{file.name}.{os.getpid()}.partial")
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as stream:
                stream.write(secrets.token_hex(32))
                stream.flush()
                os.fsync(stream.fileno())
            partial.replace(file)
        finally:
            partial.unlink(missing_ok=True)
    return file.read_bytes().strip()


class Tombstones:
    """Replaces erased ids in what lands, and leaves out what else would tell who it was."""

    def __init__(self, key: PrivacyKey, pseudonyms: dict[bytes, UUID]) -> None:
        """Take who was erased.

        Args:
            key: What tombstones are made with.
            pseudonyms: What stands for the id of each tombstone.
        """
        self._key = key
        self._pseudonyms = pseudonyms
        self._of_erased = frozenset(pseudonyms.values())
        self._pseudonym = lru_cache(_REMEMBERED_IDS)(self._look_up)

    @classmethod
    def read(cls, connection: psycopg.Connection) -> "Tombstones | None":
        """Read who was erased. An erasure waits until the transaction that asked has ended.

        Args:
            connection: To the warehouse's database.

        Returns:
            The tombstones; None when nobody was erased.

        Raises:
            WarehouseError: There are some, and the privacy key is missing or another one.
        """
        rows = connection.execute(
            "select tombstone, pseudonym, key_check from ledger.erasures"
        ).fetchall()
        if not rows:
            return None
        key = _right_key({bytes(check) for _, _, check in rows})
        return cls(key, {bytes(tombstone): pseudonym for tombstone, pseudonym, _ in rows})

    def reader(self, read: Read) -> Read:
        """Return what reads a line as `read` does, without anybody who was erased.

        Args:
            read: Turns a line into an event and its values.

        Returns:
            The same for lines that may name somebody who was erased.
        """

        def read_erased(line: bytes) -> Checked:
            event, values = read(line)
            is_changed = False
            for place, value in enumerate(values):
                kind = type(value)
                if (kind is str and len(value) >= _SHORTEST_ID) or kind is dict or kind is list:
                    replaced = self._in_value(value)
                    if replaced != value:
                        setattr(event, event.__struct_fields__[place], replaced)
                        is_changed = True
            is_changed |= self._replace_holders(event)
            return event, msgspec.structs.astuple(event) if is_changed else values

        return read_erased

    def known_as(self, subject: UUID) -> UUID:
        """Return the id under which somebody is held.

        Args:
            subject: The id that a line names.

        Returns:
            The pseudonym of somebody who was erased; the same id of anybody else.
        """
        return self._pseudonym(subject) or subject

    def clear_decisions(self, connection: psycopg.Connection, load_id: int) -> None:
        """Clear the free texts of decisions that a load shows to be those of erased people.

        Args:
            connection: In the transaction of the load.
            load_id: The load.
        """
        row = connection.execute(
            "select has_table_privilege('raw.routing_decisions', 'update') "
            "and has_table_privilege('raw.task_executions', 'select')"
        ).fetchone()
        if row is None or not row[0]:
            return  # who may only add cannot tell whose they are
        # As text: on the connection of a landing, lists are JSON.
        pseudonyms = f"{{{','.join(map(str, self._of_erased))}}}"
        connection.execute(_CLEAR_DECISIONS, {"load_id": load_id, "pseudonyms": pseudonyms})

    def _look_up(self, subject: UUID) -> UUID | None:
        """Return the pseudonym of somebody who was erased, also if that is what is given."""
        found = self._pseudonyms.get(self._key.tombstone_of(subject))
        return subject if found is None and subject in self._of_erased else found

    def _replace_holders(self, event: Event) -> bool:
        """Replace the ids of those whose event it is, and clear what else tells who they are.

        Returns:
            Whether it is somebody's who was erased.
        """
        is_theirs = False
        for name in _HOLDERS[type(event)]:
            holder = getattr(event, name)
            pseudonym = holder and self._pseudonym(holder)
            if pseudonym is not None:
                setattr(event, name, pseudonym)
                is_theirs = True
        if not is_theirs:
            return False
        if isinstance(event, User | Organization):
            event.name = ERASED
        for name in CLEARED.get(str(event.__struct_config__.tag), ()):
            setattr(event, name, None)
        if isinstance(event, RoutingDecision):
            for alternative in event.alternative_providers or ():
                alternative.reasoning = None
        return True

    def _in_value(self, value: Any) -> Any:
        """Replace ids in a text, an object or a list; alternatives are changed in place."""
        if isinstance(value, str):
            return _ID_IN_TEXT.sub(self._replaced, value)
        if isinstance(value, dict):
            texts = (*value, *(cell for cell in value.values() if isinstance(cell, str)))
            if max(map(len, texts), default=0) < _SHORTEST_ID:
                return value
            return {
                self._in_value(key): self._in_value(cell) if isinstance(cell, str) else cell
                for key, cell in value.items()
            }
        if value and isinstance(value[0], str):
            return [self._in_value(text) for text in value]
        for alternative in value:
            for part in alternative.__struct_fields__:
                text = getattr(alternative, part)
                if isinstance(text, str):
                    setattr(alternative, part, self._in_value(text))
        return value

    def _replaced(self, found: re.Match[str]) -> str:
        pseudonym = self._pseudonym(UUID(found[0]))
        if pseudonym is None:
            return found[0]
        return str(pseudonym) if "-" in found[0] else pseudonym.hex
