"""The arithmetic of one usage at one price, done again outside the database.

Exact: fractions until the one rounding of each part, half away from zero to 12 places. Pure
functions over rows of the facts and of the price book; nothing here reads a database.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

Row = Mapping[str, Any]

MONEY_PLACES = 12
# As the macro max_cost_usd: a larger cost of one execution is taken for a mistake.
LARGEST_COST_USD = 98_999_999
MS_PER_MINUTE = 60_000

TOKEN_RATES = (
    "input_usd_per_mtok",
    "cached_input_usd_per_mtok",
    "cache_write_usd_per_mtok",
    "output_usd_per_mtok",
)

# From the most to the least decisive; the context threshold comes after them.
SCOPES = ("organization_id", "model", "task_type", "service_tier")


@dataclass(frozen=True)
class Line:
    """One part of a cost.

    Attributes:
        part: As in `fct_cost_lines`.
        quantity: How much was used, in units; minutes to 12 places.
        unit: token, request, minute or compute unit.
        usd_per_unit: USD per unit, exact.
        cost_usd: Quantity times rate in USD, rounded once to 12 places.
    """

    part: str
    quantity: Decimal
    unit: str
    usd_per_unit: Decimal
    cost_usd: Decimal


@dataclass(frozen=True)
class Calculation:
    """A usage at a price.

    Attributes:
        status: As `pricing_status`: priced, or why the usage has no cost at this price.
        lines: The parts of which something was used and that the price charges for; none when
            the usage does not state all that it charges for.
        missing: What the price charges for and the usage does not state; None when nothing.
    """

    status: str
    lines: tuple[Line, ...] = ()
    missing: str | None = None

    @property
    def total_usd(self) -> Decimal:
        """The sum of the lines in USD."""
        return rounded(sum((Fraction(line.cost_usd) for line in self.lines), Fraction(0)))

    @property
    def cost_usd(self) -> Decimal | None:
        """The cost in USD; None when it is unknown."""
        return self.total_usd if self.status == "priced" else None


def rounded(value: Fraction, places: int = MONEY_PLACES) -> Decimal:
    """Round half away from zero.

    Args:
        value: An exact value.
        places: Digits to keep after the point.

    Returns:
        The decimal, with that many places whatever its size.
    """
    scaled = abs(value) * 10**places
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    digits = tuple(int(digit) for digit in str(whole))
    return Decimal((int(value < 0), digits, -places))


def calculate(usage: Row, price: Row) -> Calculation:
    """Compute what a usage costs at a price.

    Args:
        usage: `input_tokens`, `cached_input_tokens`, `cache_write_tokens`, `output_tokens`,
            `tokens_used`, `request_count`, `duration_ms` and `compute_units`, as in the facts.
        price: A row of `dim_prices`: rates in USD, cache rates already fallen back to the input
            rate.

    Returns:
        The parts and whether they make a cost.
    """
    has_split = usage["input_tokens"] is not None and usage["output_tokens"] is not None
    if price["input_usd_per_mtok"] is not None and not has_split:
        counts = (usage["input_tokens"], usage["output_tokens"], usage["tokens_used"])
        if all(count is None for count in counts):
            return Calculation("no_usage", missing="tokens")
        if usage["tokens_used"] is None or len({price[rate] for rate in TOKEN_RATES}) > 1:
            return Calculation("token_split_unknown", missing="the split of its tokens")
    if price["usd_per_minute"] is not None and usage["duration_ms"] is None:
        return Calculation("no_usage", missing="an end, and so a duration")
    if price["usd_per_compute_unit"] is not None and usage["compute_units"] is None:
        return Calculation("no_usage", missing="compute units")
    calculation = Calculation("priced", tuple(_lines(usage, price, has_split)))
    if calculation.total_usd > LARGEST_COST_USD:
        return dataclasses.replace(calculation, status="cost_out_of_range")
    return calculation


def _lines(usage: Row, price: Row, has_split: bool) -> Iterable[Line]:
    """Yield the parts of which something was used and for which the price has a rate."""
    if has_split:
        cached, written = usage["cached_input_tokens"] or 0, usage["cache_write_tokens"] or 0
        tokens = [
            ("uncached_input", usage["input_tokens"] - cached - written),
            ("cached_input", cached),
            ("cache_write", written),
            ("output", usage["output_tokens"]),
        ]
    else:
        # calculate() has made sure that every token costs the same.
        tokens = [("unsplit_tokens", usage["tokens_used"])]
    for (part, count), rate in zip(tokens, TOKEN_RATES, strict=False):
        if count and price[rate] is not None:
            exact = Fraction(price[rate]) / 10**6
            yield Line(part, Decimal(count), "token", rounded(exact, 18), rounded(count * exact))
    per_minute = price["usd_per_minute"]
    if usage["request_count"] and price["usd_per_request"] is not None:
        yield _line("request", usage["request_count"], price["usd_per_request"])
    if usage["duration_ms"] and per_minute is not None:
        minutes = Fraction(usage["duration_ms"], MS_PER_MINUTE)
        cost = rounded(usage["duration_ms"] * Fraction(per_minute) / MS_PER_MINUTE)
        yield Line("minute", rounded(minutes), "minute", per_minute, cost)
    if usage["compute_units"] and price["usd_per_compute_unit"] is not None:
        yield _line("compute_unit", usage["compute_units"], price["usd_per_compute_unit"])


def _line(part: str, quantity: int | Decimal, usd_per_unit: Decimal) -> Line:
    cost = rounded(Fraction(quantity) * Fraction(usd_per_unit))
    return Line(part, Decimal(quantity), part.replace("_", " "), usd_per_unit, cost)


def rows_that_fit(book: Iterable[Row], usage: Row, provider: str, model: str | None) -> list[Row]:
    """Return the rows of the price book that claim a usage, the one that wins first.

    Args:
        book: Rows of `dim_prices`.
        usage: A row of the facts: `organization_id`, `task_type`, `service_tier`, `start_time`
            and `input_tokens` decide.
        provider: The provider to price as.
        model: The model to price as, under the name of the price book; None when there is none.

    Returns:
        The rows in the order of the book's precedence: organization, model, task type, service
        tier, highest context threshold exceeded, then the one recorded last.
    """
    wanted = {"model": model} | {
        name: usage[name] for name in ("organization_id", "task_type", "service_tier")
    }
    fitting = [
        row
        for row in book
        if row["provider"] == provider
        and all(row[scope] is None or row[scope] == wanted[scope] for scope in SCOPES)
        and row["effective_from"] <= usage["start_time"]
        and (row["effective_until"] is None or usage["start_time"] < row["effective_until"])
        and _threshold(row) < (usage["input_tokens"] or 0)
    ]
    # Two stable sorts: of equal rows the smaller key wins.
    fitting.sort(key=lambda row: str(row["price_id"]))
    fitting.sort(key=_precedence, reverse=True)
    return fitting


def why_not(row: Row, winner: Row) -> str:
    """Say why a row of the price book that fits a usage does not price it.

    Args:
        row: The row that lost.
        winner: The row that won.

    Returns:
        recorded_earlier, less_specific_organization, less_specific_model,
        less_specific_task_type, less_specific_service_tier, lower_context_threshold, or outranked
        when by these rules the row comes first.
    """
    for scope in SCOPES:
        if (row[scope] is None) != (winner[scope] is None):
            if winner[scope] is None:
                return "outranked"
            return f"less_specific_{scope.removesuffix('_id')}"
    if _threshold(row) != _threshold(winner):
        return "lower_context_threshold" if _threshold(row) < _threshold(winner) else "outranked"
    return "recorded_earlier" if row["recorded_at"] <= winner["recorded_at"] else "outranked"


def _precedence(row: Row) -> tuple[Any, ...]:
    return (
        *(row[scope] is not None for scope in SCOPES),
        _threshold(row),
        row["recorded_at"],
    )


def _threshold(row: Row) -> int:
    """Return the tokens that must be exceeded; every request has more than minus one."""
    return -1 if row["context_over_tokens"] is None else int(row["context_over_tokens"])
