"""How figures are written on the page."""

import datetime as dt
from decimal import Decimal
from zoneinfo import ZoneInfo

UNKNOWN = "unknown"


def usd(amount: str | None) -> str:
    """Return money in US dollars: in cents, and below a dollar with two more digits.

    Args:
        amount: All digits; None where it is unknown.

    Returns:
        Such as $1,247.32, -$3.50 or $0.0186.
    """
    if amount is None:
        return UNKNOWN
    value = Decimal(amount)
    digits = 2 if abs(value) >= 1 or value == 0 else 4
    return f"{'-' if value < 0 else ''}${abs(value):,.{digits}f}"


def number(count: float | None) -> str:
    """Return a number with separators.

    Args:
        count: The number; None where it is unknown.

    Returns:
        Such as 1,250.
    """
    return UNKNOWN if count is None else f"{round(count, 4):,}"


def share(part: float | None) -> str:
    """Return a share as a percentage.

    Args:
        part: From 0 to 1; None where it is unknown.

    Returns:
        Such as 98.4 %. Only all of something is 100 %.
    """
    if part is None:
        return UNKNOWN
    rounded = round(100 * part, 1)
    if rounded == 100 and part < 1:
        rounded = 99.9
    return f"{rounded:g} %"


def duration(milliseconds: float | None) -> str:
    """Return a duration.

    Args:
        milliseconds: How long; None where it is unknown.

    Returns:
        Such as 850 ms or 12.5 s.
    """
    if milliseconds is None:
        return UNKNOWN
    return f"{milliseconds:.0f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:,.1f} s"


def moment(text: str | None, zone: str) -> str:
    """Return a moment in a time zone.

    Args:
        text: ISO 8601; None where there is none.
        zone: The time zone's name.

    Returns:
        Such as 31 Oct 2026, 19:30.
    """
    if text is None:
        return "never"
    return f"{dt.datetime.fromisoformat(text).astimezone(ZoneInfo(zone)):%-d %b %Y, %H:%M}"


def words(name: str | None) -> str:
    """Return a name of a program's as words.

    Args:
        name: Such as code_generation; None where there is none.

    Returns:
        Such as code generation.
    """
    return UNKNOWN if name is None else name.replace("_", " ")
