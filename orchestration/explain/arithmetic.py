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
RATE_PLACES = 24
# As the macro max_cost_usd: a larger cost of one execution is taken for a mistake.
LARGEST_COST_USD = 98_999_999
MS_PER_MINUTE = 60_000

TOKEN_RATES = (
    "input_usd_per_mtok",
    "cached_input_usd_per_mtok",
    "cache_write_usd_per_mtok",
    "output_usd_per_mtok",
)
OTHER_RATES = ("usd_per_request", "usd_per_minute", "usd_per_compute_unit")

# As the macro token_parts: kinds of tokens that have price rows of their own, and the rate that
# such a row charges if it has none.
TOKEN_PARTS = {
    "cache_write_1h_tokens": "cache_write_usd_per_mtok",
    "audio_input_tokens": "input_usd_per_mtok",
    "image_input_tokens": "input_usd_per_mtok",
    "audio_output_tokens": "output_usd_per_mtok",
    "image_output_tokens": "output_usd_per_mtok",
}

# Factors that act on rates per token; those of an agreement act on every rate.
TOKEN_FACTORS = ("service_tier", "region", "hours")

# As the macro price_tier: what providers call their ordinary service.
STANDARD_TIERS = ("standard", "default", "auto", "on_demand")

# From the most to the least decisive; the context threshold comes after them.
SCOPES = ("organization_id", "model", "task_type", "service_tier")


@dataclass(frozen=True)
class Line:
    """One part of a cost.

    Attributes:
        part: As in `fct_cost_lines`.
        quantity: How much was used, in units; minutes to 12 places.
        unit: token, request, minute, compute unit, or the name of other usage.
        book_usd_per_unit: USD per unit as the price row has it, exact.
        factor: The product of the factors on that rate, exact; 1 without any.
        usd_per_unit: Rate times factor in USD, to 24 places.
        cost_usd: Quantity times rate times factor in USD, rounded once to 12 places.
        price_id: The row that the rate comes from, of `dim_prices` or `dim_usage_prices`.
    """

    part: str
    quantity: Decimal
    unit: str
    book_usd_per_unit: Decimal
    factor: Decimal
    usd_per_unit: Decimal
    cost_usd: Decimal
    price_id: str


@dataclass(frozen=True)
class Calculation:
    """A usage at a price.

    Attributes:
        status: As `pricing_status`: priced, gateway_cache_hit, or why the usage has no cost at this
            price.
        lines: The parts of which something was used and that have a rate; none when the cost is
            unknown because of what the usage states or a row is missing.
        missing: What the price charges for and the usage does not state; None when nothing.
        without_price: Names of what was used and has no rate.
    """

    status: str
    lines: tuple[Line, ...] = ()
    missing: str | None = None
    without_price: tuple[str, ...] = ()

    @property
    def total_usd(self) -> Decimal:
        """The sum of the lines in USD."""
        return rounded(sum((Fraction(line.cost_usd) for line in self.lines), Fraction(0)))

    @property
    def cost_usd(self) -> Decimal | None:
        """The cost in USD; None when it is unknown."""
        return self.total_usd if self.status in ("priced", "gateway_cache_hit") else None


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


def tier_of(usage: Row) -> str:
    """Return the service tier under which a usage is priced.

    Args:
        usage: A row of the facts.

    Returns:
        The tier in lower case; standard for whatever providers call their ordinary service.
    """
    tier = (usage["service_tier"] or "standard").lower()
    return "standard" if tier in STANDARD_TIERS else tier


def calculate(
    usage: Row, price: Row | None, factors: Iterable[Row] = (), usage_prices: Iterable[Row] = ()
) -> Calculation | None:
    """Compute what a usage costs at a price.

    Args:
        usage: A row of the facts.
        price: A row of `dim_prices`: rates in USD, cache rates already fallen back to the input
            rate; None when the book has none.
        factors: The rows of `dim_price_factors` that apply, one of a kind.
        usage_prices: The rows of `dim_usage_prices` that apply, one for each kind of usage.

    Returns:
        The parts and whether they make a cost; None without a price, unless everything that was
        used has a price row of its own.
    """
    by_kind = {row["kind"]: Fraction(row["factor"]) for row in factors}
    own = {row["usage"]: row for row in usage_prices}
    others = _other_quantities(usage)
    rates = {name: _own_rate(name, own.get(name), price) for name in others}
    unpriced = tuple(name for name, rate in rates.items() if rate is None)
    counts = (usage["input_tokens"], usage["output_tokens"], usage["tokens_used"])
    states_tokens = any(count is not None for count in counts)
    if price is None:
        if not others or unpriced or states_tokens or usage["compute_units"]:
            return None
    elif found := _obstacle(usage, price, by_kind, bool(others), states_tokens, unpriced):
        return found
    lines = [] if price is None else list(_book_lines(usage, price, by_kind))
    for name, rate in rates.items():
        if rate is not None:
            unit = "token" if name in TOKEN_PARTS else name
            factor = _own_factor(own[name], by_kind)
            price_id = own[name]["usage_price_id"]
            lines.append(_line(name, others[name], unit, rate, factor, price_id))
    calculation = Calculation("priced", tuple(lines))
    if calculation.total_usd > LARGEST_COST_USD:
        return dataclasses.replace(calculation, status="cost_out_of_range")
    return calculation


def _obstacle(
    usage: Row,
    price: Row,
    factors: Mapping[str, Fraction],
    has_others: bool,
    states_tokens: bool,
    unpriced: tuple[str, ...],
) -> Calculation | None:
    """Return why a usage has no cost at a price, the first reason of all; None when it has one."""
    total = usage["tokens_used"]
    counted = [usage[name] for name in ("input_tokens", "output_tokens") if usage[name] is not None]
    if price["input_usd_per_mtok"] is not None:
        if not states_tokens and not has_others:
            return Calculation("no_usage", missing="tokens")
        is_flat = len({price[rate] for rate in TOKEN_RATES}) == 1
        has_parts = any(usage[part] for part in TOKEN_PARTS)
        has_flat_total = total is not None and is_flat and not has_parts
        if states_tokens and not _has_split(usage) and not has_flat_total:
            return Calculation("token_split_unknown", missing="the split of its tokens")
        if total is not None and counted:
            differs = total != sum(counted) if len(counted) == 2 else total < max(counted)
            if differs:
                return Calculation("token_totals_differ")
    if price["usd_per_minute"] is not None and usage["duration_ms"] is None:
        return Calculation("no_usage", missing="an end, and so a duration")
    charges = [rate for rate in ("input_usd_per_mtok", *OTHER_RATES) if price[rate] is not None]
    has_units = usage["compute_units"] is not None or has_others
    if charges == ["usd_per_compute_unit"] and not has_units:
        return Calculation("no_usage", missing="compute units")
    if usage["compute_units"] and price["usd_per_compute_unit"] is None:
        unpriced = ("compute_units", *unpriced)
    if unpriced:
        return Calculation("usage_without_price", without_price=unpriced)
    if (
        (price["input_usd_per_mtok"] or 0) > 0
        and tier_of(usage) != "standard"
        and price["service_tier"] is None
        and "service_tier" not in factors
    ):
        return Calculation("tier_without_price")
    if usage["is_bucket"] and "hours" in factors:
        return Calculation("bucket_spans_prices")
    return None


def _has_split(usage: Row) -> bool:
    """Whether input and output are known; a total that equals the input leaves no output."""
    counted_input = usage["input_tokens"]
    return counted_input is not None and (
        usage["output_tokens"] is not None or usage["tokens_used"] == counted_input
    )


def _other_quantities(usage: Row) -> dict[str, Decimal]:
    """Return what has price rows of its own and was used, by name."""
    stated = {part: usage[part] for part in TOKEN_PARTS} | (usage["other_usage"] or {})
    return {name: Decimal(stated[name]) for name in sorted(stated) if stated[name]}


def _own_rate(name: str, row: Row | None, price: Row | None) -> Fraction | None:
    """Return USD per unit from a row of the usage prices, or what the whole of the tokens costs."""
    if row is None:
        return None
    if name not in TOKEN_PARTS:
        return None if row["usd_per_unit"] is None else Fraction(row["usd_per_unit"])
    per_million = row["usd_per_mtok"]
    if per_million is None and price is not None:
        per_million = price[TOKEN_PARTS[name]]
    return None if per_million is None else Fraction(per_million) / 10**6


def _own_factor(row: Row, factors: Mapping[str, Fraction]) -> Fraction:
    """Return the product of the factors on a row of the usage prices."""
    kinds = list(TOKEN_FACTORS) if row["usage"] in TOKEN_PARTS else []
    if row["service_tier"] is not None and "service_tier" in kinds:
        kinds.remove("service_tier")
    if row["organization_id"] is None:
        kinds.append("agreement")
    return _product(factors, kinds)


def _product(factors: Mapping[str, Fraction], kinds: Iterable[str]) -> Fraction:
    product = Fraction(1)
    for kind in kinds:
        product *= factors.get(kind, 1)
    return product


def _book_lines(usage: Row, price: Row, factors: Mapping[str, Fraction]) -> Iterable[Line]:
    """Yield the parts of which something was used and for which the price has a rate."""
    used = {part: usage[part] or 0 for part in TOKEN_PARTS}
    if _has_split(usage):
        cached, written = usage["cached_input_tokens"] or 0, usage["cache_write_tokens"] or 0
        heard, seen = used["audio_input_tokens"], used["image_input_tokens"]
        spoken, drawn = used["audio_output_tokens"], used["image_output_tokens"]
        tokens = [
            ("uncached_input", usage["input_tokens"] - cached - written - heard - seen),
            ("cached_input", cached),
            ("cache_write", written - used["cache_write_1h_tokens"]),
            ("output", (usage["output_tokens"] or 0) - spoken - drawn),
        ]
    else:
        # calculate() has made sure that every token costs the same.
        tokens = [("unsplit_tokens", usage["tokens_used"])]
    price_id = price["price_id"]
    per_token = _product(factors, (*TOKEN_FACTORS, "agreement"))
    per_unit = _product(factors, ("agreement",))
    for (part, count), rate in zip(tokens, TOKEN_RATES, strict=False):
        if count and price[rate] is not None:
            yield _line(part, count, "token", Fraction(price[rate]) / 10**6, per_token, price_id)
    for part, quantity, rate in (
        ("request", usage["request_count"], "usd_per_request"),
        ("minute", usage["duration_ms"], "usd_per_minute"),
        ("compute_unit", usage["compute_units"], "usd_per_compute_unit"),
    ):
        if quantity and price[rate] is not None:
            exact = Fraction(quantity) / (MS_PER_MINUTE if part == "minute" else 1)
            unit = part.replace("_", " ")
            yield _line(part, exact, unit, Fraction(price[rate]), per_unit, price_id)


def _line(
    part: str,
    quantity: int | Decimal | Fraction,
    unit: str,
    rate: Fraction,
    factor: Fraction,
    price_id: str,
) -> Line:
    exact = Fraction(quantity)
    return Line(
        part,
        rounded(exact),
        unit,
        _exact(rate),
        _exact(factor),
        rounded(rate * factor, RATE_PLACES),
        rounded(exact * rate * factor),
        price_id,
    )


def _exact(value: Fraction) -> Decimal:
    """Return a product of decimals as a decimal, with no more places than it needs."""
    places = 0
    while (value * 10**places).denominator > 1:
        places += 1
    return rounded(value, places)


def rows_that_fit(book: Iterable[Row], usage: Row, provider: str, model: str | None) -> list[Row]:
    """Return the rows of the price book that claim a usage, the one that wins first.

    Args:
        book: Rows of `dim_prices`.
        usage: A row of the facts: `organization_id`, `task_type`, `service_tier`, `start_time`,
            `input_tokens` and `request_count` decide.
        provider: The provider to price as.
        model: The model to price as, under the name of the price book; None when there is none.

    Returns:
        The rows in the order of the book's precedence: organization, model, task type, service
        tier, highest context threshold exceeded, then the one recorded last.
    """
    wanted = {
        "organization_id": usage["organization_id"],
        "model": model,
        "task_type": usage["task_type"],
        "service_tier": tier_of(usage),
    }
    # A threshold speaks of one request; of several requests the mean counts.
    requests = max(usage["request_count"] or 1, 1)
    fitting = [
        row
        for row in book
        if row["provider"] == provider
        and all(row[scope] is None or row[scope] == wanted[scope] for scope in SCOPES)
        and row["effective_from"] <= usage["start_time"]
        and (row["effective_until"] is None or usage["start_time"] < row["effective_until"])
        and _threshold(row) * requests < (usage["input_tokens"] or 0)
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
