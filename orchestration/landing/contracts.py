"""The landing contract: what an event may look like, checked line by line.

The shape (types, lengths, ranges, allowed names) is declared in the structs and checked by the
JSON decoder in C; only what concerns several fields, exact decimals or the clock is Python. A
reason for a rejection names fields and rules and never repeats what the line said, because a
rejected line is exactly the one that may hold a prompt or a password.

A line that the decoder refuses is looked at once more: times as PostgreSQL writes them, epoch
times, 10.0 for a whole number and null for what has a default mean something, so they are taken.
"""

import json
import re
import zoneinfo
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import (
    ROUND_HALF_UP,
    Context,
    Decimal,
    Inexact,
    InvalidOperation,
    Overflow,
    Subnormal,
)
from functools import cache, lru_cache
from operator import itemgetter
from typing import Annotated, Any, ClassVar, Literal, NoReturn, get_args
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from orchestration.errors import WarehouseError
from orchestration.landing.evaluations import REPORTED_COSTS, ShadowEvaluation
from orchestration.landing.families import (
    AMOUNTS,
    FAMILIES,
    AgentEvent,
    BillingEvent,
    CustomerEvent,
    FamilyEvent,
    ProviderEvent,
    SupportEvent,
    WebEvent,
)
from orchestration.landing.fields import (
    CellText,
    Count,
    Currency,
    FewIdentifiers,
    Identifier,
    Label,
    LongIdentifier,
    Moment,
    PagePath,
    Reference,
    ShortText,
    SmallInteger,
)
from orchestration.landing.scrubbing import scrub

EARLIEST = datetime(2020, 1, 1, tzinfo=UTC)
"""Times before this are rejected: they are clocks that were never set, not usage."""

AHEAD = timedelta(days=1)
"""How far a time may lie in the future, for clocks that are wrong or ahead of ours."""

MAXIMUM_USD = Decimal(1_000_000)
MAXIMUM_COMPUTE_UNITS = Decimal(10) ** 12
MAXIMUM_AMOUNT = Decimal(10) ** 9
AMOUNT_PLACES = 12

PERIOD_AHEAD = timedelta(days=3660)
"""How far the end of a period may lie in the future: what was paid for years in advance."""

MetadataKey = Literal[
    "attempt",
    "client",
    "client_version",
    "cost_center",
    "edit_format",
    "editor",
    "environment",
    "max_tokens",
    "priority",
    "project",
    "region",
    "source",
    "stream",
    "temperature",
]
"""The only keys that `metadata` may have; anything else could carry a prompt."""

ONE_REQUEST = Decimal(1)
"""What `request_count` is where it is not given: an object that tells it from a 1 that is."""

Status = Literal["pending", "running", "completed", "failed"]
Role = Literal["org_admin", "team_lead", "developer"]
Reason = Literal[
    "credit",
    "refund",
    "discount",
    "subscription",
    "included_plan",
    "commitment",
    "tax",
    "fee",
    "cost_report",
    "correction",
]

Scalar = str | int | float | bool | None


class Alternative(Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """One provider that the router could have chosen instead."""

    provider: ShortText
    model: ShortText | None = None
    score: Decimal | None = None
    estimated_cost_usd: Decimal | None = None
    reasoning: str | None = None


class TaskExecution(
    Struct, tag_field="event", tag="task_execution", forbid_unknown_fields=True, kw_only=True
):
    """One version of an execution: one attempt by one provider at one task."""

    table: ClassVar[str] = "task_executions"

    event_id: UUID
    id: UUID
    organization_id: UUID
    task_id: ShortText
    task_type: ShortText
    provider: ShortText
    status: Status
    start_time: Moment
    updated_at: Moment
    user_id: UUID | None = None
    session_id: ShortText | None = None
    correlation_id: ShortText | None = None
    agent_id: ShortText | None = None
    workflow_id: ShortText | None = None
    code_language: ShortText | None = None
    request_type: ShortText | None = None
    model: ShortText | None = None
    service_tier: FewIdentifiers | None = None
    end_time: Moment | None = None
    input_tokens: Count | None = None
    cached_input_tokens: Count | None = None
    cache_write_tokens: Count | None = None
    output_tokens: Count | None = None
    reasoning_tokens: Count | None = None
    tokens_used: Count | None = None
    compute_units: Decimal | None = None
    # A whole number is the usual thing; a fraction is what some subscriptions count.
    request_count: Count | Decimal = ONE_REQUEST
    reported_cost_usd: Decimal | None = None
    quality_score: Decimal | None = None
    error_code: ShortText | None = None
    error_message: str | None = None
    routing_decision_id: UUID | None = None
    metadata: dict[MetadataKey, CellText | SmallInteger | float | bool | None] | None = None
    region: LongIdentifier | None = None
    # Whether it sums up a period of many requests, as the usage reports of providers do.
    is_bucket: bool = False
    # Whether the gateway answered from a cache of its own, which costs nothing.
    is_gateway_cache_hit: bool = False
    cache_write_1h_tokens: Count | None = None
    audio_input_tokens: Count | None = None
    image_input_tokens: Count | None = None
    audio_output_tokens: Count | None = None
    image_output_tokens: Count | None = None
    # What is priced and has no field of its own, such as web_search_requests or seats.
    other_usage: Annotated[dict[Identifier, Decimal], Meta(max_length=100)] | None = None
    # What the event was read from, such as litellm or claude_code.
    source: ShortText | None = None
    provider_request_id: ShortText | None = None
    time_to_first_token_ms: Count | None = None
    # Whom the provider bills, where that is not the organization as a whole.
    billing_account: ShortText | None = None
    # A key's name, never the key.
    api_key_alias: ShortText | None = None
    # The team as the source names it; users have the team that they belong to.
    team: ShortText | None = None
    # For whom the organization's own product asked.
    end_user_id: ShortText | None = None
    project: ShortText | None = None
    cost_center: ShortText | None = None
    repository: ShortText | None = None
    branch: ShortText | None = None
    tags: Annotated[list[CellText], Meta(max_length=50)] | None = None


class RoutingDecision(
    Struct, tag_field="event", tag="routing_decision", forbid_unknown_fields=True, kw_only=True
):
    """One version of a decision: why the router chose a provider."""

    table: ClassVar[str] = "routing_decisions"

    event_id: UUID
    id: UUID
    organization_id: UUID
    task_id: ShortText
    chosen_provider: ShortText
    decision_timestamp: Moment
    routing_strategy: ShortText
    updated_at: Moment
    task_execution_id: UUID | None = None
    chosen_model: ShortText | None = None
    alternative_providers: Annotated[list[Alternative], Meta(max_length=100)] | None = None
    algorithm_version: ShortText | None = None
    reasoning: str | None = None
    decision_factors: (
        Annotated[
            dict[Identifier, CellText | SmallInteger | float | bool | None], Meta(max_length=100)
        ]
        | None
    ) = None
    confidence_score: Decimal | None = None
    predicted_cost_usd: Decimal | None = None
    predicted_duration_ms: Count | None = None
    predicted_quality_score: Decimal | None = None
    routing_overhead_cost_usd: Decimal | None = None
    baseline_provider: ShortText | None = None
    baseline_model: ShortText | None = None


class Organization(
    Struct, tag_field="event", tag="organization", forbid_unknown_fields=True, kw_only=True
):
    """One version of an organization, the tenant that everything belongs to."""

    table: ClassVar[str] = "organizations"

    event_id: UUID
    id: UUID
    name: ShortText
    tier: ShortText
    timezone: ShortText
    baseline_provider: ShortText | None = None
    baseline_model: ShortText | None = None
    monthly_budget_usd: Decimal | None = None
    updated_at: Moment


class User(Struct, tag_field="event", tag="user", forbid_unknown_fields=True, kw_only=True):
    """One version of a user of an organization."""

    table: ClassVar[str] = "users"

    event_id: UUID
    id: UUID
    organization_id: UUID
    name: ShortText
    team: ShortText | None = None
    role: Role
    updated_at: Moment


class Adjustment(
    Struct, tag_field="event", tag="adjustment", forbid_unknown_fields=True, kw_only=True
):
    """One version of an amount of money that stands beside usage, such as a credit or a seat."""

    table: ClassVar[str] = "adjustments"

    event_id: UUID
    id: UUID
    organization_id: UUID
    reason: Reason
    # Signed: positive is a charge, negative is money back.
    amount: Decimal
    effective_at: Moment
    updated_at: Moment
    currency: Currency = "USD"
    provider: ShortText | None = None
    model: ShortText | None = None
    user_id: UUID | None = None
    period_start: Moment | None = None
    period_end: Moment | None = None
    reference: ShortText | None = None


Event = (
    TaskExecution
    | RoutingDecision
    | Organization
    | User
    | Adjustment
    | AgentEvent
    | ProviderEvent
    | BillingEvent
    | CustomerEvent
    | SupportEvent
    | WebEvent
    | ShadowEvaluation
)
EventType = (
    type[TaskExecution]
    | type[RoutingDecision]
    | type[Organization]
    | type[User]
    | type[Adjustment]
    | type[FamilyEvent]
    | type[ShadowEvaluation]
)

Checked = tuple[Event, tuple[Any, ...]]
"""An event that met the contract, and its values in the order of its fields."""

Read = Callable[[bytes], Checked]
"""Turns a line of JSON into the event that it is, or raises `ContractError`."""

KINDS: tuple[EventType, ...] = (
    TaskExecution,
    RoutingDecision,
    Organization,
    User,
    Adjustment,
    *FAMILIES,
    ShadowEvaluation,
)
KIND_NAMES = tuple(str(kind.__struct_config__.tag) for kind in KINDS)

COLUMN_OF: Mapping[str, str] = {"request_count": "requests"}
"""The fields whose column in schema raw has another name."""

INPUT_PARTS = (
    "cached_input_tokens",
    "cache_write_tokens",
    "audio_input_tokens",
    "image_input_tokens",
)
"""Parts of `input_tokens` that hold nothing in common."""

OUTPUT_PARTS = ("audio_output_tokens", "image_output_tokens")
"""Parts of `output_tokens` that hold nothing in common; reasoning may be any of its tokens."""

TEXT_COLUMNS_OF_JSON = frozenset(
    {"metadata", "decision_factors", "alternative_providers", "other_usage", "tags"}
)
"""The fields that hold an object or a list; in CSV their cells are JSON text."""


def fields_of(wanted: type) -> frozenset[str]:
    """Return the fields that are of a type, or may be.

    Args:
        wanted: The type.

    Returns:
        Their names, of all kinds of events.
    """
    return frozenset(
        info.name
        for kind in KINDS
        for info in msgspec.structs.fields(kind)
        if any(
            member is wanted or get_args(member)[:1] == (wanted,)
            for member in (info.type, *get_args(info.type))
        )
    )


INTEGERS = fields_of(int)
MOMENTS = fields_of(datetime)
YES_OR_NO = fields_of(bool)
BOOLEANS = {"true": True, "t": True, "1": True, "1.0": True} | {
    "false": False,
    "f": False,
    "0": False,
    "0.0": False,
}
"""How a text says yes or no, in lower case."""

FREE_TEXTS = frozenset({"error_message", "reasoning"})
"""The fields that are scrubbed instead of being held to the rules of short texts."""


class ContractError(ValueError):
    """A line that does not meet the contract; the message is the reason, free of content."""


# --- Reasons ------------------------------------------------------------------------------------

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}\Z")
_PATH = re.compile(r"`\$([A-Za-z0-9_.\[\]]*)`\Z")
# Messages of the decoder that hold nothing but types, field names of ours and numbers of ours.
_SAFE_MESSAGE = re.compile(
    r"Expected `[a-z |]+`, got `[a-z]+`"
    r"|Expected `[a-z]+`(?: of length)? [<>]= -?[0-9]+"
    r"|Expected `str` matching regex .*"
    r"|Expected `datetime` with a timezone component"
    r"|Expected `[a-z]+`"
    r"|Object missing required field `[a-z_]+`"
    r"|Invalid UUID|Invalid RFC3339 encoded datetime|Invalid decimal string|Number out of range"
)


def _pattern_of(annotation: Any) -> str:
    """Return the pattern that a text must match."""
    return str(get_args(annotation)[1].pattern)


_PLAIN_WORDS = {
    "Expected `datetime` with a timezone component": "a time needs an offset from UTC",
    "Invalid RFC3339 encoded datetime": "not an ISO 8601 time with an offset",
    "Invalid UUID": "not a UUID",
    "Invalid decimal string": "not a number",
    "Number out of range": "number out of range",
    f"Expected `str` matching regex {_pattern_of(Identifier)!r}": "not an identifier",
    f"Expected `str` matching regex {_pattern_of(Currency)!r}": "not three capital letters",
    f"Expected `str` matching regex {_pattern_of(Label)!r}": "not a word of letters and digits",
    f"Expected `str` matching regex {_pattern_of(Reference)!r}": "not the id of anything",
    f"Expected `str` matching regex {_pattern_of(PagePath)!r}": "not the path of a page",
}
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "event": KIND_NAMES,
    "status": get_args(Status),
    "role": get_args(Role),
    "reason": get_args(Reason),
}


def explain(error: Exception) -> str:
    """Say why the decoder refused a line, without repeating anything that the line said.

    Args:
        error: What `Contract.decode` caught from the decoder.

    Returns:
        A short reason made of field names of the contract and rules; a field name that came
        from the line is repeated only if it looks like an identifier.
    """
    if isinstance(error, UnicodeDecodeError):
        return "not valid UTF-8"
    if isinstance(error, RecursionError):
        return "JSON is nested too deeply"
    message = str(error)
    if not isinstance(error, msgspec.ValidationError):
        position = re.search(r"\(byte [0-9]+\)\Z", message)
        return "malformed JSON" + (f" {position[0]}" if position else ": it ends too early")
    rule, _, place = message.rpartition(" - at ")
    if not rule:
        rule, place = message, ""
    if place.startswith("`key` in "):
        path = _path(place.removeprefix("`key` in "))
        if rule.startswith("Invalid enum value '"):
            key = rule[len("Invalid enum value '") : -1]
            return f"{path}: key {_shown(key)} is not allowed"
        return f"{path}: a key is not an identifier of at most 64 characters"
    path = _path(place)
    prefix = f"{path}: " if path else ""
    if rule.startswith("Object contains unknown field `"):
        name = rule[len("Object contains unknown field `") : -1]
        return f"{prefix}unknown field {_shown(name)}"
    if rule.startswith(("Invalid enum value ", "Invalid value ")):
        choices = ", ".join(_CHOICES.get(path, ()))
        return f"{prefix}not one of {choices}" if choices else f"{prefix}not an allowed value"
    if _SAFE_MESSAGE.fullmatch(rule):
        plain = _PLAIN_WORDS.get(rule, rule[0].lower() + rule[1:])
        return prefix + plain.replace("`", "")
    return f"{prefix}does not meet the contract"


def _path(place: str) -> str:
    """Return the field that the decoder names as `$.a.b`, or nothing if it is not one of ours."""
    found = _PATH.fullmatch(place)
    return found[1].lstrip(".") if found else ""


def _shown(name: str) -> str:
    """Return a name from the line if it looks like an identifier."""
    return name if _NAME.fullmatch(name) else "(name withheld)"


# --- Rules that a decoder cannot state ------------------------------------------------------------

_IDENTIFIER = re.compile(_pattern_of(Identifier))


@lru_cache(maxsize=1024)
def _is_identifier(text: str) -> bool:
    return _IDENTIFIER.search(text) is not None


_ZERO = Decimal(0)
_ONE = Decimal(1)
_SMALLEST_AMOUNT = Decimal(1).scaleb(-AMOUNT_PLACES)
_EXECUTION_FIELDS = frozenset(TaskExecution.__struct_fields__)
# What the parts of a cost are called, each of which an execution has once.
_COST_PARTS = frozenset(
    {
        "uncached_input",
        "cached_input",
        "cache_write",
        "output",
        "unsplit_tokens",
        "request",
        "minute",
        "compute_unit",
    }
)
# The fields that are something when they are not given.
_DEFAULTS = frozenset(
    info.name
    for kind in KINDS
    for info in msgspec.structs.fields(kind)
    if info.default is not msgspec.NODEFAULT and info.default is not None
)
# More digits than any price or score has, and few enough for numeric; anything finer or longer
# raises here instead of failing the whole file in the server.
_EXACT = Context(prec=40, Emin=-40, Emax=40, traps=[Inexact, InvalidOperation, Overflow, Subnormal])
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def _exact(
    name: str, value: Decimal | None, maximum: Decimal, minimum: Decimal = _ZERO
) -> Decimal | None:
    """Return a decimal that lies in minimum..maximum and has at most 40 digits."""
    if value is None:
        return None
    try:
        # The same value with a bounded exponent (0e-999 becomes 0e-79), so that numeric takes it.
        exact = _EXACT.plus(value)
        inside = minimum <= exact <= maximum
    except InvalidOperation:  # NaN has no order
        raise ContractError(f"{name}: not a number") from None
    except ArithmeticError:
        raise ContractError(f"{name}: more digits than can be kept") from None
    if not inside:
        raise ContractError(f"{name}: outside {minimum:f}..{maximum:f}")
    return exact


def _exact_usage(usage: dict[str, Decimal]) -> dict[str, Decimal]:
    """Return other usage with exact amounts, none of which has a field of its own."""
    for name, amount in usage.items():
        if name in _EXECUTION_FIELDS or name in _COST_PARTS:
            raise ContractError(f"other_usage: {name} is a field of its own")
        usage[name] = _exact("other_usage", amount, MAXIMUM_COMPUTE_UNITS) or _ZERO
    return usage


def _refuse_parts(event: TaskExecution, parts: Sequence[str], whole: str) -> NoReturn:
    """Refuse parts that do not fit into their whole, by the names of those that are given."""
    given = [part for part in parts if getattr(event, part) is not None]
    if getattr(event, whole) is None:
        raise ContractError(f"{', '.join(given)}: given without {whole}")
    raise ContractError(f"{' + '.join(given)}: more than {whole}")


def _check_short_texts(event: Struct) -> None:
    """Refuse control characters and line breaks in everything but free text."""
    for name in event.__struct_fields__:
        value = getattr(event, name)
        if isinstance(value, str):
            _check_text(name, value)
        elif isinstance(value, dict):
            for cell in value.values():
                if isinstance(cell, str):
                    _check_text(name, cell)
        elif isinstance(value, list):
            for item in value:
                if isinstance(item, str):
                    _check_text(name, item)
                else:
                    _check_short_texts(item)


def _check_text(name: str, value: str) -> None:
    """Refuse control characters in a short text, and in free text the one that cannot be kept."""
    if value.isprintable():
        return
    if "\x00" in value:
        raise ContractError(f"{name}: contains a NUL character")
    if name not in FREE_TEXTS and _CONTROL.search(value):
        raise ContractError(f"{name}: contains a control character or a line break")


@cache
def known_time_zones() -> frozenset[str]:
    """Return the IANA zones that this Python knows."""
    return frozenset(zoneinfo.available_timezones())


def require_time_zone(name: str) -> None:
    """Refuse a name that is none of a time zone, as the option `--time-zone` has it.

    Args:
        name: The name.

    Raises:
        WarehouseError: IANA lists none of that name.
    """
    if name not in known_time_zones():
        raise WarehouseError(f"--time-zone {name} is none that IANA lists")


# --- Names that are given twice -------------------------------------------------------------------


_Take = Callable[[Sequence[Any]], tuple[Any, ...]]


def _fields_to_count(kind: EventType) -> tuple[int, _Take, _Take]:
    """Return what it takes to count the fields that a line gives.

    Args:
        kind: The kind of event.

    Returns:
        How many names a line has that gives all of them, the one of the kind included; what takes
        the optional fields that are counted at once from all values; and what takes those that
        are looked at one by one, because they compare slowly.
    """
    fields = msgspec.structs.fields(kind)
    # Two places that are never empty, so that a tuple is taken in any case.
    quick, slow = ([kind.__struct_fields__.index("updated_at")] * 2 for _ in range(2))
    for place, field in enumerate(fields):
        if field.default is None:
            types = (field.type, *get_args(field.type))
            (slow if UUID in types or Decimal in types else quick).append(place)
    return 1 + len(fields), itemgetter(*quick), itemgetter(*slow)


_FIELDS = {kind: _fields_to_count(kind) for kind in KINDS}


def _expected_colons(event: Event, values: tuple[Any, ...]) -> int:
    """Return how many colons a line has at least: one after each name, two in each time."""
    most, quick_of, slow_of = _FIELDS[type(event)]
    colons = most - quick_of(values).count(None)
    for value in slow_of(values):
        if value is None:
            colons -= 1
    if isinstance(event, TaskExecution):
        # What has a value without being given.
        if event.request_count is ONE_REQUEST:
            colons -= 1
        if not event.is_bucket:
            colons -= 1
        if not event.is_gateway_cache_hit:
            colons -= 1
        if event.metadata:
            colons += len(event.metadata)
        if event.other_usage:
            colons += len(event.other_usage)
        return colons + (4 if event.end_time is None else 6)
    if isinstance(event, RoutingDecision):
        for alternative in event.alternative_providers or ():
            for value in msgspec.structs.astuple(alternative):
                if value is not None:
                    colons += 1
        return colons + len(event.decision_factors or ()) + 4
    if isinstance(event, Adjustment):
        return colons - (event.currency == "USD") + (4 if event.period_start is None else 8)
    return colons + (4 if isinstance(event, FamilyEvent | ShadowEvaluation) else 2)


def _colons_of_tags(line: bytes, tags: Sequence[str]) -> int:
    """Return how many colons stand in tags, which usually are a name, a colon and a value.

    None count where they could hide a name that is given twice: escaped ones are not in the line,
    and a tag may end as an offset does.
    """
    if b"\\" in line or any(tag.endswith(":00") for tag in tags):
        return 0
    return sum(tag.count(":") for tag in tags)


def _refuse_double_names(line: bytes) -> None:
    """Refuse a line in which an object names something twice, of which the decoder drops one."""
    # Numbers stay text: Python has limits for them that the decoder has not.
    json.loads(line, object_pairs_hook=_refuse_double, parse_int=str, parse_float=str)


def _refuse_double(pairs: list[tuple[str, Any]]) -> None:
    names = set()
    for name, _ in pairs:
        if name in names:
            raise ContractError(f"{_shown(name)}: given twice")
        names.add(name)


# --- Other ways to write a value ------------------------------------------------------------------

_MOMENT = re.compile(
    rb'"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d)?(?:[.,](\d+))? ?(?:(Z|UTC)|([+-]\d\d):?(\d\d)?)"\Z'
)
# How many digits an epoch time has tells its unit: seconds, milliseconds, and so on.
_EPOCH_TIME = re.compile(rb'"?(\d{10}|\d{13}|\d{16}|\d{19})(\.\d{1,20})?"?\Z')
_NUMBER = re.compile(rb"-?\d{1,20}(?:\.\d{1,20})?(?:[eE][+-]?\d{1,2})?\Z")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BOOLEANS = {
    f"{quote}{text}{quote}".encode(): value
    for text, value in BOOLEANS.items()
    for quote in ("", '"')
}


def _rewritten(line: bytes) -> bytes | None:
    """Write what databases and data frames write in ways of their own as the contract has it.

    Args:
        line: A line that the decoder refused.

    Returns:
        The line with times, whole numbers, booleans and absent values as the decoder wants them;
        None when nothing in it is written in one of the known other ways.

    Raises:
        ContractError: A name is given twice, or a number is no time.
    """
    try:
        values = _RAW_DECODER.decode(line)
        _refuse_double_names(line)
    except ContractError:
        raise
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    changed = False
    for name, raw in list(values.items()):
        text = bytes(raw)
        other: bytes | None = None
        if name in _DEFAULTS and text == b"null":
            del values[name]
            changed = True
        elif name in MOMENTS:
            other = _moment(name, text)
        elif name in INTEGERS:
            other = _whole_number(text)
        elif name in YES_OR_NO and text.lower() in _BOOLEANS:
            other = b"true" if _BOOLEANS[text.lower()] else b"false"
        if other is not None:
            values[name] = msgspec.Raw(other)
            changed = True
    return msgspec.json.encode(values) if changed else None


def _moment(name: str, text: bytes) -> bytes | None:
    """Return a moment as ISO 8601, given as PostgreSQL writes it or as an epoch time."""
    if found := _MOMENT.match(text):
        day, minute, second, fraction, utc, hours, minutes = found.groups()
        offset = b"Z" if utc else hours + b":" + (minutes or b"00")
        return b'"%s"' % b"".join(
            (day, b"T", minute, second or b":00", b"." + fraction if fraction else b"", offset)
        )
    if found := _EPOCH_TIME.match(text):
        number = Decimal((found[1] + (found[2] or b"")).decode())
        microseconds = number.scaleb(16 - len(found[1])).to_integral_value(ROUND_HALF_UP)
        return msgspec.json.encode(_EPOCH + timedelta(microseconds=int(microseconds)))
    if _NUMBER.match(text):
        raise ContractError(f"{name}: a number that is no epoch time in seconds or milliseconds")
    return None


def _whole_number(text: bytes) -> bytes | None:
    """Return a whole number that is written with places or an exponent."""
    if not _NUMBER.match(text):
        return None
    number = Decimal(text.decode())
    return str(int(number)).encode() if number == number.to_integral_value() else None


_DECODER: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)
_RAW_DECODER = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass
class Contract:
    """The checks of one landing, with the clock that they compare with.

    Attributes:
        latest: Times after this are rejected.
    """

    latest: datetime

    @classmethod
    def at(cls, now: datetime | None = None) -> "Contract":
        """Return the contract as it holds at a moment.

        Args:
            now: The moment, with a time zone; None means this very moment.

        Returns:
            The checks.
        """
        return cls(latest=(now or datetime.now(UTC)) + AHEAD)

    def decode(self, line: bytes) -> Event:
        """Turn one line of JSON into a checked event whose free texts are scrubbed.

        Args:
            line: The line, UTF-8, without its line ending.

        Returns:
            The event.

        Raises:
            ContractError: The line does not meet the contract; the message is the reason.
        """
        return self.read(line)[0]

    def read(self, line: bytes) -> Checked:
        """Turn one line of JSON into a checked event and its values, in the order of its fields.

        Args:
            line: The line, UTF-8, without its line ending.

        Returns:
            The event and its values.

        Raises:
            ContractError: The line does not meet the contract; the message is the reason.
        """
        try:
            event = _DECODER.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            line, event = self._read_otherwise(line, error)
        # A control character in a JSON string is always escaped (the decoder refuses a bare one)
        # except for those beyond ASCII, so three scans in C clear nearly every line.
        if b"\\" in line or b"\x7f" in line or not line.isascii():
            _check_short_texts(event)
        if isinstance(event, TaskExecution):
            self._check_execution(event)
        elif isinstance(event, RoutingDecision):
            self._check_decision(event)
        else:
            self._check_moment("updated_at", event.updated_at)
            if isinstance(event, Organization):
                self._check_organization(event)
            elif isinstance(event, Adjustment):
                self._check_adjustment(event)
            elif isinstance(event, FamilyEvent):
                self._check_family_event(event)
            elif isinstance(event, ShadowEvaluation):
                self._check_evaluation(event)
        values = msgspec.structs.astuple(event)
        # The decoder takes the last of what is given twice, in silence. Counting colons is the
        # cheapest thing to do with a line that finds it out; other colons than those expected
        # stand in texts and in offsets, of which the usual ones are at the end of a time.
        colons = line.count(b":")
        expected = _expected_colons(event, values)
        if colons != expected and isinstance(event, TaskExecution) and event.tags:
            expected += _colons_of_tags(line, event.tags)
        if colons != expected and colons != expected + line.count(b':00"'):
            _refuse_double_names(line)
        return event, values

    def _read_otherwise(self, line: bytes, error: Exception) -> tuple[bytes, Event]:
        """Read a line that the decoder has refused, if it says the same thing in another way."""
        if b"\x00" in line:
            raise ContractError("contains a NUL character") from None
        rewritten = _rewritten(line)
        if rewritten is None:
            raise ContractError(explain(error)) from None
        try:
            return rewritten, _DECODER.decode(rewritten)
        except (msgspec.DecodeError, UnicodeDecodeError) as left:
            raise ContractError(explain(left)) from None

    def _check_moment(self, name: str, moment: datetime) -> None:
        if not EARLIEST <= moment <= self.latest:
            rule = "before 2020" if moment < EARLIEST else "more than a day ahead"
            raise ContractError(f"{name}: {rule}")

    def _check_execution(self, event: TaskExecution) -> None:
        latest = self.latest
        start = event.start_time
        # The comparisons are written out here because this is the one kind that arrives in
        # millions; the slower method only words the refusal.
        if not EARLIEST <= start <= latest:
            self._check_moment("start_time", start)
        if not EARLIEST <= event.updated_at <= latest:
            self._check_moment("updated_at", event.updated_at)
        if event.updated_at < start:
            raise ContractError("updated_at: before start_time")
        tier = event.service_tier
        if tier is not None and not _is_identifier(tier):
            raise ContractError("service_tier: not an identifier")
        end = event.end_time
        if end is not None:
            if end < start:
                raise ContractError("end_time: before start_time")
            if end > latest:
                self._check_moment("end_time", end)
        cached = event.cached_input_tokens
        written = event.cache_write_tokens
        audio = event.audio_input_tokens
        image = event.image_input_tokens
        if (
            cached is not None or written is not None or audio is not None or image is not None
        ) and (
            event.input_tokens is None
            or (cached or 0) + (written or 0) + (audio or 0) + (image or 0) > event.input_tokens
        ):
            _refuse_parts(event, INPUT_PARTS, "input_tokens")
        if event.cache_write_1h_tokens is not None and (
            written is None or event.cache_write_1h_tokens > written
        ):
            _refuse_parts(event, ("cache_write_1h_tokens",), "cache_write_tokens")
        reasoning = event.reasoning_tokens
        if reasoning is not None and (
            event.output_tokens is None or reasoning > event.output_tokens
        ):
            _refuse_parts(event, ("reasoning_tokens",), "output_tokens")
        audio = event.audio_output_tokens
        image = event.image_output_tokens
        if (audio is not None or image is not None) and (
            event.output_tokens is None or (audio or 0) + (image or 0) > event.output_tokens
        ):
            _refuse_parts(event, OUTPUT_PARTS, "output_tokens")
        requests = event.request_count
        if isinstance(requests, Decimal) and requests is not ONE_REQUEST:
            event.request_count = _exact("request_count", requests, MAXIMUM_COMPUTE_UNITS) or 0
        if event.other_usage is not None:
            event.other_usage = _exact_usage(event.other_usage)
        if event.reported_cost_usd is not None:
            event.reported_cost_usd = _exact(
                "reported_cost_usd", event.reported_cost_usd, MAXIMUM_USD
            )
        if event.quality_score is not None:
            event.quality_score = _exact("quality_score", event.quality_score, _ONE)
        if event.compute_units is not None:
            event.compute_units = _exact(
                "compute_units", event.compute_units, MAXIMUM_COMPUTE_UNITS
            )
        if event.error_message is not None:
            event.error_message = scrub(event.error_message)

    def _check_decision(self, event: RoutingDecision) -> None:
        self._check_moment("decision_timestamp", event.decision_timestamp)
        self._check_moment("updated_at", event.updated_at)
        if event.updated_at < event.decision_timestamp:
            raise ContractError("updated_at: before decision_timestamp")
        event.confidence_score = _exact("confidence_score", event.confidence_score, _ONE)
        event.predicted_quality_score = _exact(
            "predicted_quality_score", event.predicted_quality_score, _ONE
        )
        event.predicted_cost_usd = _exact(
            "predicted_cost_usd", event.predicted_cost_usd, MAXIMUM_USD
        )
        event.routing_overhead_cost_usd = _exact(
            "routing_overhead_cost_usd", event.routing_overhead_cost_usd, MAXIMUM_USD
        )
        event.reasoning = scrub(event.reasoning)
        for alternative in event.alternative_providers or ():
            try:
                alternative.score = _exact("score", alternative.score, MAXIMUM_COMPUTE_UNITS)
                alternative.estimated_cost_usd = _exact(
                    "estimated_cost_usd", alternative.estimated_cost_usd, MAXIMUM_USD
                )
            except ContractError as error:
                raise ContractError(f"alternative_providers: {error}") from None
            alternative.reasoning = scrub(alternative.reasoning)

    def _check_adjustment(self, event: Adjustment) -> None:
        self._check_moment("effective_at", event.effective_at)
        event.amount = _exact("amount", event.amount, MAXIMUM_AMOUNT, -MAXIMUM_AMOUNT) or _ZERO
        try:
            event.amount.quantize(_SMALLEST_AMOUNT, context=_EXACT)
        except ArithmeticError:
            raise ContractError(f"amount: more than {AMOUNT_PLACES} places") from None
        start, end = event.period_start, event.period_end
        if start is None and end is None:
            return
        if start is None or end is None:
            raise ContractError("period_start, period_end: one is given without the other")
        if start < EARLIEST:
            self._check_moment("period_start", start)
        if end <= start:
            raise ContractError("period_end: not after period_start")
        if end > self.latest + PERIOD_AHEAD:
            raise ContractError("period_end: more than ten years ahead")

    def _check_family_event(self, event: FamilyEvent) -> None:
        self._check_moment("occurred_at", event.occurred_at)
        if event.updated_at < event.occurred_at:
            raise ContractError("updated_at: before occurred_at")
        for name in AMOUNTS:
            value = getattr(event, name, None)
            if value is not None:
                setattr(event, name, _exact(name, value, MAXIMUM_COMPUTE_UNITS))
        if isinstance(event, BillingEvent) and (event.amount is None) != (event.currency is None):
            raise ContractError("amount, currency: one is given without the other")

    def _check_evaluation(self, event: ShadowEvaluation) -> None:
        self._check_moment("evaluated_at", event.evaluated_at)
        if event.updated_at < event.evaluated_at:
            raise ContractError("updated_at: before evaluated_at")
        event.confidence = _exact("confidence", event.confidence, _ONE)
        for name in REPORTED_COSTS:
            setattr(event, name, _exact(name, getattr(event, name), MAXIMUM_USD))

    def _check_organization(self, event: Organization) -> None:
        event.monthly_budget_usd = _exact(
            "monthly_budget_usd", event.monthly_budget_usd, MAXIMUM_COMPUTE_UNITS
        )
        if event.timezone not in known_time_zones():
            raise ContractError("timezone: not a known IANA time zone")
