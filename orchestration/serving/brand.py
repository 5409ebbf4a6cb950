"""Under whose name and colours the pages appear."""

import hashlib
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from orchestration.errors import WarehouseError, reason

NAME = "AI Spend Warehouse"

_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_LEAST_CONTRAST = 4.5
_LARGEST_LOGO_BYTES = 200_000
_LOGOS = {".png": "image/png", ".svg": "image/svg+xml", ".webp": "image/webp"}


@dataclass(frozen=True)
class Brand:
    """Under whose name and colours the pages appear.

    Attributes:
        name: At the head of each page.
        color: Behind the counter of savings, with white text on it; None for the shipped one.
        logo: Beside the name: the image's bytes and its kind; None without.
    """

    name: str = NAME
    color: str | None = None
    logo: tuple[bytes, str] | None = field(default=None, repr=False)

    @classmethod
    def from_environment(cls) -> "Brand":
        """Return what WAREHOUSE_BRAND_NAME, _COLOR and _LOGO say.

        Returns:
            The brand.

        Raises:
            WarehouseError: The colour is none or white text cannot be read on it, or the logo is no
                image that browsers show.
        """
        color = os.environ.get("WAREHOUSE_BRAND_COLOR") or None
        if color is not None:
            _refuse_unreadable(color)
        logo = os.environ.get("WAREHOUSE_BRAND_LOGO")
        return cls(
            os.environ.get("WAREHOUSE_BRAND_NAME") or NAME,
            color,
            _image(Path(logo)) if logo else None,
        )

    def files(self) -> dict[str, tuple[bytes, str]]:
        """Return the brand's static files: content and kind, by a name that changes with them."""
        found = {}
        if self.color is not None:
            style = f":root {{ --hero: {self.color}; --hero-ink: #fff; --hero-ink-2: #fff; }}\n"
            found[_named("brand", style.encode(), "css")] = (
                style.encode(),
                "text/css; charset=utf-8",
            )
        if self.logo is not None:
            content, kind = self.logo
            suffix = next(suffix for suffix, known in _LOGOS.items() if known == kind)
            found[_named("logo", content, suffix.removeprefix("."))] = content, kind
        return found

    def address_of(self, stem: str) -> str | None:
        """Return the address of `brand` or `logo`, None where the brand has none."""
        return next((f"/static/{name}" for name in self.files() if name.startswith(stem)), None)


def contrast_with_white(color: str) -> float:
    """Return how well white text can be read on a colour, from 1 to 21.

    Args:
        color: Such as #0e4f33.

    Returns:
        The contrast ratio as WCAG 2.2 defines it.
    """

    def linear(channel: int) -> float:
        value = channel / 255
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(int(color[at : at + 2], 16)) for at in (1, 3, 5))
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)


def _refuse_unreadable(color: str) -> None:
    if not _COLOR.fullmatch(color):
        raise WarehouseError(
            f"WAREHOUSE_BRAND_COLOR is {color!r}: a colour is written like #0e4f33."
        )
    contrast = contrast_with_white(color)
    if contrast < _LEAST_CONTRAST:
        raise WarehouseError(
            f"WAREHOUSE_BRAND_COLOR is {color}, on which white text cannot be read well: its "
            f"contrast is {contrast:.1f}, and {_LEAST_CONTRAST} is needed. Take a darker one."
        )


def _image(path: Path) -> tuple[bytes, str]:
    kind = _LOGOS.get(path.suffix.lower())
    if kind is None:
        raise WarehouseError(
            f"WAREHOUSE_BRAND_LOGO is {path}: it has to be one of {', '.join(_LOGOS)}."
        )
    try:
        content = path.read_bytes()
    except OSError as error:
        raise WarehouseError(f"WAREHOUSE_BRAND_LOGO cannot be read: {reason(error)}") from None
    if len(content) > _LARGEST_LOGO_BYTES:
        raise WarehouseError(
            f"WAREHOUSE_BRAND_LOGO has {len(content):,} bytes: at most {_LARGEST_LOGO_BYTES:,}."
        )
    return content, kind


def _named(stem: str, content: bytes, suffix: str) -> str:
    return f"{stem}.{hashlib.sha256(content).hexdigest()[:12]}.{suffix}"
