"""Seeded draws that come out the same on every machine and under every supported Python.

Only `random()` and `getrandbits()` of the Mersenne Twister are used, with integer arithmetic on
top: `math.exp` and `math.log` differ in the last bit between C libraries, and the algorithms behind
`shuffle`, `choices` and `sum` of floats have changed between Python versions.
"""

import random
from collections.abc import Sequence
from decimal import Context, Decimal
from functools import cache
from typing import TypeVar

Item = TypeVar("Item")

FACTOR_BITS = 12
"""A table of factors has 2 ** FACTOR_BITS entries, so `getrandbits(FACTOR_BITS)` picks one."""

FACTOR_ONE = 1024
"""What stands for 1 in a table of factors; `value * factor >> 10` applies one."""

PICK_BITS = 10
"""A pick table has 2 ** PICK_BITS entries, so `getrandbits(PICK_BITS)` picks one."""

# 2**48 divided by the golden ratio, made odd: multiples of it visit every 48-bit number once and
# lie as evenly over the range as random ones, as far as an index on the id is concerned.
_GOLDEN_STEP = 0x9E3779B97F4B
_MASK_48_BITS = (1 << 48) - 1


def seeded(*parts: object) -> random.Random:
    """Returns a generator of random numbers that depends on the parts and on nothing else."""
    # A string is seeded through SHA-512, never through hash(), which PYTHONHASHSEED changes.
    return random.Random("/".join(map(str, parts)))  # noqa: S311 - sample data, not a secret


class Identifiers:
    """An endless supply of distinct UUIDs (version 4 in shape).

    48 bits count in large steps, so no two are equal; the other 72 bits come from the seed, so two
    seeds share none.
    """

    __slots__ = ("_counter", "_tail")

    def __init__(self, source: random.Random) -> None:
        """Takes the fixed part of all identifiers from `source`."""
        digits = f"{source.getrandbits(72):018x}"
        self._counter = source.getrandbits(48)
        self._tail = f"-4{digits[:3]}-a{digits[3:6]}-{digits[6:]}"

    def take(self) -> str:
        """Returns the next identifier, in lower case with hyphens."""
        self._counter = counter = (self._counter + _GOLDEN_STEP) & _MASK_48_BITS
        return f"{counter >> 16:08x}-{counter & 0xFFFF:04x}{self._tail}"


@cache
def log_normal_factors(sigma: str) -> tuple[int, ...]:
    """Returns factors, in 1/FACTOR_ONE, of a log-normal distribution with median 1.

    Args:
        sigma: Standard deviation of the natural logarithm, as a decimal number.
    """
    source = seeded("log-normal factors")
    # Decimal.exp is correctly rounded, hence the same everywhere.
    context = Context(prec=12)
    spread = Decimal(sigma)
    factors = []
    for _ in range(1 << FACTOR_BITS):
        # The sum of twelve uniform numbers less six is normal enough, and never beyond 6 sigma.
        total = 0
        for _ in range(12):
            total += source.getrandbits(16)
        normal = Decimal(total - 6 * 65535) / 65536
        factors.append(max(1, int(context.exp(normal * spread) * FACTOR_ONE)))
    return tuple(factors)


def pick_table_of(pairs: Sequence[tuple[Item, int]]) -> tuple[Item, ...]:
    """Returns `pick_table` of items that stand beside their weights."""
    return pick_table([item for item, _ in pairs], [weight for _, weight in pairs])


def pick_table(items: Sequence[Item], weights: Sequence[int]) -> tuple[Item, ...]:
    """Returns 2 ** PICK_BITS entries in which every item stands about as often as its weight asks.

    Args:
        items: What can be picked, at least one.
        weights: One non-negative weight an item, not all 0.
    """
    size = 1 << PICK_BITS
    total = sum(weights)
    table: list[Item] = []
    cumulative = 0
    for item, weight in zip(items, weights, strict=True):
        cumulative += weight
        table.extend([item] * (cumulative * size // total - len(table)))
    return tuple(table)
