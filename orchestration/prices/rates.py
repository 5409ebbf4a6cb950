"""The words in which the book and the price lists are compared."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

STANDARD = "standard"
PRICE_KINDS = ("input", "cached_input", "cache_write", "output")
"""What provider_pricing.csv has a column for, `<kind>_usd_per_mtok`."""

TOKEN_USAGES = (
    "cache_write_1h_tokens",
    "audio_input_tokens",
    "image_input_tokens",
    "audio_output_tokens",
    "image_output_tokens",
)
"""Further kinds of tokens: rows of usage_prices.csv with usd_per_mtok; every other usage has
usd_per_unit."""

TOKEN_KINDS = (*PRICE_KINDS, *TOKEN_USAGES)


class Rate(NamedTuple):
    """What is charged for.

    Attributes:
        service_tier: `standard` or the tier's name.
        context_over_tokens: The rate holds for requests with more input tokens than this.
        kind: One of `TOKEN_KINDS`, in USD per million tokens, or another usage, in USD per unit.
    """

    service_tier: str
    context_over_tokens: int
    kind: str


Quote = dict[Rate, Decimal]
"""What one model costs at one moment."""


@dataclass
class Listed:
    """What a price list says about one model at one moment.

    Attributes:
        steps: By service tier and kind of usage, the prices from a number of input tokens on, in
            ascending order; the first begins at 0.
        started: The first moment of the standard price where the list dates it, as ISO 8601.
        unread: Names of prices that no column or usage of the book can hold.
        hours: Whether the price depends on the time of day.
    """

    steps: dict[tuple[str, str], list[tuple[int, Decimal]]] = field(default_factory=dict)
    started: str | None = None
    unread: list[str] = field(default_factory=list)
    hours: bool = False

    def thresholds(self) -> set[int]:
        """Return the numbers of input tokens above which another price holds, 0 included."""
        return {over for steps in self.steps.values() for over, _ in steps} | {0}

    def quote(self, thresholds: set[int]) -> Quote:
        """Return every price in the bands that begin at these thresholds.

        Args:
            thresholds: Where bands begin; those of the book may be others than the list's.

        Returns:
            A price for each tier, band and kind of usage that the list states.
        """
        return {
            Rate(tier, over, kind): [price for start, price in steps if start <= over][-1]
            for (tier, kind), steps in self.steps.items()
            for over in thresholds
            # Tiers and bands are about tokens; other usage costs the same in all of them.
            if kind in TOKEN_KINDS or (tier, over) == (STANDARD, 0)
        }
