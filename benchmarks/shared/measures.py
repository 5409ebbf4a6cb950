"""A measured figure with every repetition behind it, and the target it is held against."""

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Target:
    """What a figure should reach.

    Attributes:
        bound: Which side of the figure is good.
        figure: The bound itself, in the unit of the measure.
        text: How the figure is written when digits would hide it, such as "1/3".
    """

    bound: Literal["at least", "at most", "exactly"]
    figure: float
    text: str = ""

    def described(self) -> str:
        """Write the target for the table.

        Returns:
            The bound and its figure, such as "at most 250".
        """
        return f"{self.bound} {self.text or written(self.figure)}"


@dataclass(frozen=True)
class Measure:
    """One line of the result.

    Attributes:
        part: The part that measured it, such as `build`.
        name: What was measured.
        unit: Unit of the repetitions and of the target.
        repetitions: Every single figure, in the order of measuring; empty if there is none.
        target: What the median should reach, None when nothing was promised.
        note: Why there is no figure, or what to know before trusting it.
        detail: What stands behind the figures, for the file of results only.
    """

    part: str
    name: str
    unit: str
    repetitions: tuple[float, ...]
    target: Target | None = None
    note: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)

    @property
    def median(self) -> float | None:
        """The median of the repetitions, in the measure's unit; None without any."""
        return statistics.median(self.repetitions) if self.repetitions else None

    def as_json(self) -> dict[str, Any]:
        """Return the measure for the file of results.

        Returns:
            An object with the median, every repetition and the target.
        """
        return {
            "part": self.part,
            "name": self.name,
            "unit": self.unit,
            "median": self.median,
            "repetitions": list(self.repetitions),
            "target": None
            if self.target is None
            else {"bound": self.target.bound, "figure": self.target.figure},
            "note": self.note,
            **({"detail": dict(self.detail)} if self.detail else {}),
        }


def written(figure: float) -> str:
    """Write a figure with as many digits as are worth reading.

    Args:
        figure: Any number that is not negative.

    Returns:
        Three significant digits or all of the whole number, with separators for thousands.
    """
    if figure == int(figure) or figure >= 100:
        return f"{figure:,.0f}"
    return f"{figure:.1f}" if figure >= 10 else f"{figure:.2f}"


def percentile(figures: list[float], percentage: int) -> float:
    """Return the figure that so many of a hundred do not pass.

    Args:
        figures: At least one.
        percentage: From 1 to 100.

    Returns:
        One of the figures: the nearest rank.
    """
    return sorted(figures)[math.ceil(percentage * len(figures) / 100) - 1]
