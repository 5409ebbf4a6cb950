"""Rules of a mapping: where a field of an event comes from in a record of another system.

A rule takes a record and returns a value, None where the record does not say it. What is there and
cannot be understood is returned as it is: the landing contract refuses it, and says why.
"""

import datetime as dt
import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any

Record = dict[str, Any]
"""One record of a source: an object of JSON, with decimals for numbers with places, or a row."""

Rule = Callable[[Record], Any]
"""Returns the value of a field, None when the record does not say it."""

Table = Mapping[str, Rule]
"""Fields of an event, each with its rule."""

_LONGEST_TEXT = 255
_NO_TEXT = (bool, dict, list)
_WHOLE = re.compile(r"-?[0-9]{1,18}(?:\.0+)?\Z")
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_NAIVE = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?))?\Z")
# How many digits a number before its places has tells its unit, for times from 2001 to 2286.
_DIGITS_OF_SECONDS = 10
_MICROSECONDS = 1_000_000
_CENTS_PER_USD = 100


def found(record: Record, path: str) -> Any:
    """Return what lies at a path.

    Args:
        record: The record.
        path: Names separated by dots; a name may hold dots itself, as attributes of spans do.

    Returns:
        The value; None where there is none, or where it is an empty text.
    """
    value = record.get(path)
    if value is not None:
        return None if value == "" else value
    for name, rest in _splits(path):
        inner = record.get(name)
        if isinstance(inner, dict):
            value = found(inner, rest)
            if value is not None:
                return value
    return None


@cache
def _splits(path: str) -> tuple[tuple[str, str], ...]:
    """Return the ways to take a path for a name and a path below it."""
    names = path.split(".")
    return tuple(
        (".".join(names[:place]), ".".join(names[place:])) for place in range(1, len(names))
    )


def first(*paths: str) -> Rule:
    """Return a rule for the first value that is there, as it is.

    Args:
        *paths: Where to look, in order.

    Returns:
        The rule.
    """
    names = frozenset(
        name for path in paths for name in (path, *(before for before, _ in _splits(path)))
    )

    def rule(record: Record) -> Any:
        # Records say nothing of most fields: one look tells that no path begins in this one.
        if names.isdisjoint(record):
            return None
        for path in paths:
            value = found(record, path)
            if value is not None:
                return value
        return None

    return rule


def text(*paths: str) -> Rule:
    """Return a rule for a short text; longer ones end after 255 characters.

    Args:
        *paths: Where to look, in order.

    Returns:
        The rule.
    """
    value_of = first(*paths)

    def rule(record: Record) -> Any:
        value = value_of(record)
        if value is None or isinstance(value, _NO_TEXT):
            return None
        return str(value).strip()[:_LONGEST_TEXT] or None

    return rule


def whole(value: Any) -> Any:
    """Return a count that is written in some way.

    Args:
        value: A number, or the text of one.

    Returns:
        The whole number; what is none as it is.
    """
    if value is None or isinstance(value, int):
        return value
    written = str(value).strip().replace(",", "")
    return int(Decimal(written)) if _WHOLE.match(written) else value


def count(*paths: str) -> Rule:
    """Return a rule for a whole number.

    Args:
        *paths: Where to look, in order.

    Returns:
        The rule.
    """
    value_of = first(*paths)
    return lambda record: whole(value_of(record))


def total(*paths: str) -> Rule:
    """Return a rule for the sum of whole numbers that hold nothing in common.

    Args:
        *paths: Where they are; what is not there counts as nothing.

    Returns:
        The rule; None where none of them is there.
    """

    def rule(record: Record) -> Any:
        values = [whole(value) for path in paths if (value := found(record, path)) is not None]
        wrong = [value for value in values if not isinstance(value, int)]
        if wrong:
            return wrong[0]
        return sum(values) if values else None

    return rule


def usd(*paths: str) -> Rule:
    """Return a rule for an amount in US dollars, digit by digit.

    Args:
        *paths: Where to look, in order.

    Returns:
        The rule.
    """
    value_of = first(*paths)
    return lambda record: amount(value_of(record))


def cents(*paths: str) -> Rule:
    """Return a rule for an amount that the source has in cents of a US dollar.

    Args:
        *paths: Where to look, in order.

    Returns:
        The rule, for US dollars.
    """
    value_of = first(*paths)

    def rule(record: Record) -> Any:
        value = amount(value_of(record))
        return value / _CENTS_PER_USD if isinstance(value, Decimal) else value

    return rule


def amount(value: Any) -> Any:
    """Return an amount that is written in some way.

    Args:
        value: A number, or the text of one, which may begin with a dollar sign.

    Returns:
        The exact number; what is none as it is.
    """
    if value is None or isinstance(value, bool):
        return value
    try:
        number = Decimal(str(value).strip().removeprefix("$").replace(",", ""))
    except InvalidOperation:
        return value
    return number if number.is_finite() else value


def moment(*paths: str, zone: dt.tzinfo | None = None) -> Rule:
    """Return a rule for a point in time.

    Args:
        *paths: Where to look, in order.
        zone: The zone of times that name none, which are refused otherwise.

    Returns:
        The rule: an ISO 8601 time or a day with its offset, or an epoch time whose number of
        digits tells its unit.
    """
    value_of = first(*paths)
    return lambda record: moment_of(value_of(record), zone)


def moment_of(value: Any, zone: dt.tzinfo | None = None) -> Any:
    """Return a point in time that is written in some way.

    Args:
        value: A text or a number.
        zone: As in `moment`.

    Returns:
        A time with its offset; what is none as it is.
    """
    written = str(value).strip()
    if value is None or isinstance(value, bool):
        return value
    number, _, places = written.partition(".")
    if (
        number.isdecimal()
        and len(number) >= _DIGITS_OF_SECONDS
        and (not places or places.isdecimal())
    ):
        seconds = Decimal(written).scaleb(_DIGITS_OF_SECONDS - len(number))
        return _EPOCH + dt.timedelta(microseconds=int(seconds * _MICROSECONDS))
    if zone is not None and (naive := _NAIVE.match(written)):
        day, time = naive.groups()
        # Nine places are what some write; six are kept.
        clock = (time or "00:00")[: len("00:00:00.000000")]
        try:
            return dt.datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=zone)
        except ValueError:
            return value
    return value


def milliseconds(*paths: str, per_unit: int = 1) -> Rule:
    """Return a rule for a duration in milliseconds.

    Args:
        *paths: Where to look, in order.
        per_unit: How many milliseconds one of the source's units has.

    Returns:
        The rule; halves are rounded to even.
    """
    value_of = first(*paths)

    def rule(record: Record) -> Any:
        value = amount(value_of(record))
        return round(value * per_unit) if isinstance(value, Decimal) else value

    return rule


def one_of(meanings: Mapping[Any, Any], *paths: str) -> Rule:
    """Return a rule for a value that the contract calls otherwise.

    Args:
        meanings: What each value of the source means; others are returned as they are.
        *paths: Where to look, in order.

    Returns:
        The rule.
    """
    value_of = first(*paths)

    def rule(record: Record) -> Any:
        value = value_of(record)
        return meanings.get(value, value) if isinstance(value, str | int | None) else value

    return rule


def always(value: Any) -> Rule:
    """Return a rule for what is the same in every record.

    Args:
        value: The value.

    Returns:
        The rule.
    """
    return lambda _: value


def mapped(record: Record, table: Table) -> dict[str, Any]:
    """Return what a record says.

    Args:
        record: The record.
        table: The mapping.

    Returns:
        The fields that it says something about.
    """
    return {field: value for field, rule in table.items() if (value := rule(record)) is not None}
