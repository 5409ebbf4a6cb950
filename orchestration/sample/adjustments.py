"""What a sample's organizations pay beside usage, and what they get back."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

import msgspec

from orchestration.sample.arrivals import DAY
from orchestration.sample.draws import Identifiers
from orchestration.sample.executions import timestamp
from orchestration.sample.population import Organization

_EPOCH = date(1970, 1, 1)
_SEAT_USD = 19
_CREDIT_USD = -50
_REFUND_EUR = -12.5


def adjustment_events(
    organizations: Sequence[Organization], identifiers: Identifiers, period: tuple[int, int]
) -> Iterator[bytes]:
    """Yields the adjustments of a period, as they are known at its end.

    Each organization pays for its seats on the first of every month, or on the first day where the
    period has none, and gets a credit; every other one gets a refund in another currency.

    Args:
        organizations: The tenants.
        identifiers: Where ids are taken from.
        period: Its first moment and the one after its last, microseconds since 1970-01-01 UTC.
    """
    start, end = period
    first_day, stop = start // DAY, end // DAY
    months = [day for day in range(first_day, stop) if _date(day).day == 1] or [first_day]
    middle = first_day + (stop - first_day) // 2
    for position, organization in enumerate(organizations):
        seats = _SEAT_USD * len(organization.users)
        given: list[tuple[str, float, str, int]] = [
            ("subscription", seats, "USD", day) for day in months
        ]
        given.append(("credit", _CREDIT_USD, "USD", middle))
        if position % 2:
            given.append(("refund", _REFUND_EUR, "EUR", middle))
        for reason, amount, currency, day in given:
            event = {
                "event": "adjustment",
                "event_id": identifiers.take(),
                "id": identifiers.take(),
                "organization_id": organization.id,
                "reason": reason,
                "amount": amount,
                "currency": currency,
                "effective_at": timestamp(day * DAY) + organization.utc_suffix,
                "updated_at": timestamp(end) + organization.utc_suffix,
                "provider": organization.baseline.provider,
            }
            if reason == "subscription":
                following = (_date(day).replace(day=28) + timedelta(days=4)).replace(day=1)
                next_month = (following - _EPOCH).days
                event["period_start"] = event["effective_at"]
                event["period_end"] = timestamp(next_month * DAY) + organization.utc_suffix
            yield msgspec.json.encode(event) + b"\n"


def _date(day: int) -> date:
    return _EPOCH + timedelta(days=day)
