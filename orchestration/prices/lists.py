"""The two price lists that the book is compared with: data of installed packages, no network.

Neither package's calculator is used: one falls back to the standard price in silence where it does
not know a service tier, and importing the other takes seconds and needs all of its dependencies.
"""

import datetime as dt
import json
import re
from collections.abc import Iterable
from decimal import Decimal
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol

from orchestration.errors import WarehouseError
from orchestration.prices.rates import STANDARD, TOKEN_USAGES, Listed

_MILLION = 1_000_000


class PriceList(Protocol):
    """A list of prices that can be asked about one model.

    Attributes:
        name: The list's name, as known_differences.csv writes it.
        version: The version of its package.
    """

    name: str
    version: str

    def find(self, provider: str, names: Iterable[str], moment: dt.datetime) -> Listed | None:
        """Return what the list says about the first of the names that it knows, else None."""
        ...


class GenaiPrices:
    """The package `genai-prices`, with dated prices."""

    name = "genai-prices"

    _PROVIDERS = {  # noqa: RUF012
        "bedrock": "aws",
        "fireworks_ai": "fireworks",
        "github_copilot": "github-copilot",
        "together_ai": "together",
        "xai": "x-ai",
    }
    _KINDS = {  # noqa: RUF012
        "input_mtok": "input",
        "cache_read_mtok": "cached_input",
        "cache_write_mtok": "cache_write",
        "output_mtok": "output",
        "cache_write_1h_mtok": "cache_write_1h_tokens",
        "input_audio_mtok": "audio_input_tokens",
        "output_audio_mtok": "audio_output_tokens",
        "input_image_mtok": "image_input_tokens",
        "output_image_mtok": "image_output_tokens",
        "web_searches_kcount": "web_search_requests",
        "storage_searches_kcount": "file_search_requests",
    }

    def __init__(self) -> None:
        """Read the package's data."""
        from genai_prices.data import providers

        self.version = metadata.version("genai-prices")
        self._providers = {provider.id: provider for provider in providers}

    def find(self, provider: str, names: Iterable[str], moment: dt.datetime) -> Listed | None:
        """Return what the list says about the first of the names that it knows, else None."""
        listed = self._providers.get(self._PROVIDERS.get(provider, provider))
        if listed is None:
            return None
        for name in names:
            matching = [model for model in listed.models if model.is_match(name)]
            exact = [model for model in matching if model.id == name]
            for model in exact or matching:
                return self._read(model, moment)
        return None

    def _read(self, model: Any, moment: dt.datetime) -> Listed:
        from genai_prices.types import StartDateConstraint, TimeOfDateConstraint

        found = Listed()
        prices = model.get_prices(moment)
        if isinstance(model.prices, list):
            for conditional in model.prices:
                constraint = conditional.constraint
                found.hours |= isinstance(constraint, TimeOfDateConstraint)
                if isinstance(constraint, StartDateConstraint) and conditional.prices is prices:
                    found.started = f"{constraint.start_date.isoformat()}T00:00:00Z"
        self._add(found, STANDARD, prices)
        for tier, context in self._tiers(model, found, moment):
            # Resolved by the model itself, whose variants are partial: the rest stays standard.
            self._add(found, tier, model.get_prices(moment, context))
        return found

    @staticmethod
    def _tiers(
        model: Any, found: Listed, moment: dt.datetime
    ) -> Iterable[tuple[str, dict[str, str]]]:
        """Yield each service tier that has prices at a moment with the context that selects them.

        For any other context the model would return its standard prices.
        """
        active = (
            variant
            for variant in model.price_variants or ()
            if variant.constraint is None or variant.constraint.active(moment)
        )
        for when in {tuple(variant.when.items()): None for variant in active}:
            match when:
                case (("processing", "batch"),):
                    yield "batch", dict(when)
                case (("service_tier", "default"),):
                    pass
                case (("service_tier", tier),):
                    yield tier, dict(when)
                case (("speed", tier),):
                    yield tier, dict(when)
                case _:
                    found.unread.append(" ".join(f"{key}={value}" for key, value in when))

    def _add(self, found: Listed, tier: str, prices: Any) -> None:
        for key, price in vars(prices).items():
            if price is None:
                continue
            kind = self._KINDS.get(key)
            if kind is None:
                if tier == STANDARD:
                    found.unread.append(key)
                continue
            per = 1000 if key.endswith("_kcount") else 1
            steps = [(0, getattr(price, "base", price))]
            steps += [(step.start, step.price) for step in getattr(price, "tiers", ())]
            found.steps[tier, kind] = [(over, step / per) for over, step in steps]


class LiteLLM:
    """LiteLLM's price map, a file of its package, which is read without importing it."""

    name = "litellm"

    _FILE = "litellm/model_prices_and_context_window_backup.json"
    # The prefix of its keys and what stands in `litellm_provider`.
    _PROVIDERS = {  # noqa: RUF012
        "bedrock": ("bedrock", "bedrock_converse"),
        "cohere": ("cohere", "cohere_chat"),
        "google": ("gemini",),
        "moonshotai": ("moonshot",),
        "openai": ("openai", "text-completion-openai"),
    }
    _KINDS = (
        ("input", "input_cost_per_token"),
        ("cached_input", "cache_read_input_token_cost"),
        ("cache_write", "cache_creation_input_token_cost"),
        ("output", "output_cost_per_token"),
        ("cache_write_1h_tokens", "cache_creation_input_token_cost_above_1hr"),
        ("audio_input_tokens", "input_cost_per_audio_token"),
        ("audio_output_tokens", "output_cost_per_audio_token"),
        ("image_input_tokens", "input_cost_per_image_token"),
        ("image_output_tokens", "output_cost_per_image_token"),
    )
    _TIERS = {"batches": "batch", "flex": "flex", "priority": "priority"}  # noqa: RUF012
    _KEY = re.compile(
        rf"({'|'.join(key for _, key in _KINDS)})"
        rf"(?:_above_(\d+)k_tokens)?(?:_({'|'.join(_TIERS)}))?"
    )

    def __init__(self) -> None:
        """Read the package's file.

        Raises:
            WarehouseError: The package is not installed, or has no such file.
        """
        try:
            package = metadata.distribution("litellm")
        except metadata.PackageNotFoundError:
            raise WarehouseError("The package litellm is not installed.") from None
        self.version = package.version
        path = Path(str(package.locate_file(self._FILE)))
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise WarehouseError(f"{path} cannot be read: {error.strerror or error}") from None
        self._models: dict[str, dict[str, Any]] = json.loads(text, parse_float=Decimal)

    def find(self, provider: str, names: Iterable[str], moment: dt.datetime) -> Listed | None:
        """Return what the list says about the first of the names that it knows, else None."""
        prefixes = self._PROVIDERS.get(provider, (provider,))
        for name in names:
            for key in (*(f"{prefix}/{name}" for prefix in prefixes), name):
                model = self._models.get(key, {})
                if model.get("litellm_provider") in prefixes:
                    return self._read(model, moment)
        return None

    def _read(self, model: dict[str, Any], moment: dt.datetime) -> Listed:
        found = Listed()
        kinds = {key: kind for kind, key in self._KINDS}
        prices = dict(model)
        if off_peak := model.get("off_peak_pricing"):
            found.hours = True
            if any(_is_within(moment, window) for window in off_peak["windows"]):
                prices |= {key: price for key, price in off_peak.items() if key != "windows"}
        for key, price in prices.items():
            if price is not None and (parts := self._KEY.fullmatch(key)):
                tier = self._TIERS.get(parts[3] or "", STANDARD)
                steps = found.steps.setdefault((tier, kinds[parts[1]]), [])
                steps.append((int(parts[2] or 0) * 1000, Decimal(price) * _MILLION))
        for (tier, kind), steps in list(found.steps.items()):
            steps.sort()
            # A price above a threshold only says nothing about what lies below.
            if steps[0][0] > 0 or (tier != STANDARD and kind in TOKEN_USAGES and not steps[0][1]):
                del found.steps[tier, kind]
        for tier, factor in model.get("provider_specific_entry", {}).items():
            if tier == "fast":
                for kind in {kind for (of, kind) in found.steps if of == STANDARD}:
                    steps = found.steps[STANDARD, kind]
                    found.steps[tier, kind] = [(over, price * factor) for over, price in steps]
        searches = set(model.get("search_context_cost_per_query", {}).values())
        if len(searches) == 1:
            found.steps[STANDARD, "web_search_requests"] = [(0, Decimal(searches.pop()))]
        elif searches:
            found.unread.append("search_context_cost_per_query")
        return found


def _is_within(moment: dt.datetime, window: dict[str, Any]) -> bool:
    """Tell whether a moment lies in one of LiteLLM's off-peak windows, which are in UTC."""
    moment = moment.astimezone(dt.UTC)
    if moment.isoweekday() not in window.get("weekdays", range(1, 8)):
        return False
    spans = window["hours_utc"]
    clock = f"{moment:%H:%M}"
    for span in [spans] if isinstance(spans, str) else spans:
        start, end = span.split("-")
        if start <= clock < ("24:00" if end == "00:00" else end):
            return True
    return False


@cache
def genai_prices() -> GenaiPrices:
    """Return the list of the package `genai-prices`."""
    return GenaiPrices()


@cache
def litellm() -> LiteLLM | None:
    """Return LiteLLM's list, None when its package is not installed."""
    try:
        return LiteLLM()
    except WarehouseError:
        return None
