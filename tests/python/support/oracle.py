"""What the marts must hold, computed from the landed events alone.

Plain Python over dictionaries, exact fractions and the price files; it reads no database and
shares no code with the warehouse, so that both can only be wrong in the same way if both were
thought out wrongly. Slow and short on purpose.
"""

import csv
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from support.oracle_rollups import Rows, count, percentage, rollups, rounded, total

Event = Mapping[str, Any]
Row = dict[str, Any]

TIMEOUT = timedelta(minutes=60)
LARGEST_COST_USD = 98_999_999

RATES = (
    "input_usd_per_mtok",
    "cached_input_usd_per_mtok",
    "cache_write_usd_per_mtok",
    "output_usd_per_mtok",
    "usd_per_request",
    "usd_per_minute",
    "usd_per_compute_unit",
)

POLICIES = (
    "organization_default",
    "decision_recorded",
    "most_expensive_alternative",
    "fixed",
)

PARTS = (
    "uncached_input_cost_usd",
    "cached_input_cost_usd",
    "cache_write_cost_usd",
    "output_cost_usd",
    "request_cost_usd",
    "minute_cost_usd",
    "compute_unit_cost_usd",
    "other_cost_usd",
)

# What gateways write before the name of a model, beside the provider and a slash.
ROUTES = {
    "azure": ("azure_ai/",),
    "bedrock": ("bedrock/converse/", "bedrock/invoke/", "converse/", "invoke/"),
    "cohere": ("cohere_chat/",),
    "google": ("gemini/", "models/"),
    "mistral": ("mistralai/",),
    "moonshotai": ("moonshot/",),
    "vertex_ai": ("publishers/anthropic/models/", "publishers/google/models/"),
    "xai": ("x-ai/",),
}

# Kinds of tokens that have prices of their own, and the rate of the whole that each is a part of.
TOKEN_PARTS = {
    "cache_write_1h_tokens": "cache_write_usd_per_mtok",
    "audio_input_tokens": "input_usd_per_mtok",
    "image_input_tokens": "input_usd_per_mtok",
    "audio_output_tokens": "output_usd_per_mtok",
    "image_output_tokens": "output_usd_per_mtok",
}

# What the facts show as the source says it.
ATTRIBUTION = (
    "source", "provider_request_id", "time_to_first_token_ms", "billing_account", "api_key_alias",
    "team", "end_user_id", "project", "cost_center", "repository", "branch", "tags", "metadata",
)  # fmt: skip

STANDARD_TIERS = {None, "standard", "default", "auto", "on_demand"}
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def parse(lines: Iterable[bytes]) -> list[Event]:
    """Return the events of NDJSON lines, with exact numbers."""
    return [json.loads(line, parse_float=Decimal) for line in lines]


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def amount(event: Event, name: str, places: int = 12) -> Decimal | None:
    """Return a number of an event at the scale that the marts keep."""
    value = event.get(name)
    return None if value is None else rounded(Fraction(value), places)


def latest_versions(events: Iterable[Event], kind: str) -> dict[str, Event]:
    """Return the version of each entity that the source wrote last, however they arrived.

    Args:
        events: In the order in which they landed: what has an id first owns it.
        kind: The kind of event.
    """
    owners: dict[str, str] = {}
    latest: dict[str, Event] = {}
    for event in events:
        if event["event"] == kind:
            owner = owners.setdefault(event["id"], event.get("organization_id", event["id"]))
            known = latest.get(event["id"])
            if owner == event.get("organization_id", event["id"]) and (
                known is None or version_order(known) < version_order(event)
            ):
                latest[event["id"]] = event
    return latest


def version_order(event: Event) -> tuple[Any, ...]:
    """Return what decides between two versions; no stamp is later than its landing here."""
    content: tuple[Any, ...]
    if event["event"] == "task_execution":
        numbers = (
            "output_tokens", "input_tokens", "tokens_used", "reported_cost_usd",
            "cached_input_tokens", "cache_write_tokens", "reasoning_tokens", "compute_units",
        )  # fmt: skip
        content = (
            ["pending", "running", "completed"].index(
                event["status"].replace("failed", "completed")
            ),
            moment(event.get("end_time") or "0001-01-02T00:00:00Z"),
            *(_known(event, name) for name in numbers),
            event.get("request_count", 1),
            _known(event, "quality_score"),
            *(_known(event, name) for name in TOKEN_PARTS),
        )
    elif event["event"] == "routing_decision":
        content = (
            event.get("task_execution_id") is not None,
            moment(event["decision_timestamp"]),
            _known(event, "routing_overhead_cost_usd"),
            _known(event, "predicted_cost_usd"),
        )
    elif event["event"] == "organization":
        content = (
            event["name"], event["tier"], event["timezone"],
            event.get("baseline_provider") or "", event.get("baseline_model") or "",
            _known(event, "monthly_budget_usd"),
        )  # fmt: skip
    else:
        content = (event["name"], event.get("team") or "", event["role"])
    return moment(event["updated_at"]), content, UUID(event["event_id"])


def _known(event: Event, name: str) -> Any:
    """Return a number of an event, or less than any."""
    value = event.get(name)
    return -1 if value is None else value


@dataclass(frozen=True)
class Price:
    """One row of the price book."""

    provider: str
    model: str | None
    task_type: str | None
    service_tier: str | None
    organization_id: str | None
    context_over_tokens: int | None
    rates: dict[str, Fraction | None]
    effective_from: datetime
    effective_until: datetime | None
    recorded_at: datetime

    def covers(self, start: datetime) -> bool:
        return self.effective_from <= start and (
            self.effective_until is None or start < self.effective_until
        )

    def rate(self, name: str) -> Fraction | None:
        """Return a rate; cached input and cache writes fall back to the input rate."""
        value = self.rates[name]
        if value is None and name in ("cached_input_usd_per_mtok", "cache_write_usd_per_mtok"):
            return self.rates["input_usd_per_mtok"]
        return value

    @property
    def is_flat(self) -> bool:
        """Tell whether every kind of token costs the same."""
        return len({self.rate(name) for name in RATES[:4]}) == 1


@dataclass(frozen=True)
class OwnPrice:
    """One row of the usage prices or of the price factors; what a row leaves blank is None."""

    cells: Mapping[str, str | None]

    def fits(self, provider: str, model: str | None, usage: "Usage") -> bool:
        """Tell whether the row is about this usage at its moment, hours and context aside."""
        cells = self.cells
        until = cells["effective_until"]
        return (
            cells["provider"] == provider
            and cells["model"] in (None, model)
            and (cells["service_tier"] is None or tier(cells["service_tier"]) == usage.tier)
            and cells["organization_id"] in (None, usage.organization_id)
            and moment(str(cells["effective_from"])) <= usage.start
            and (until is None or usage.start < moment(until))
        )

    def in_hours(self, start: datetime) -> bool:
        """Tell whether the recurring hours hold, which belong to the day on which they began."""
        hours = self.cells["hours"]
        if hours is None:
            return True
        days, times = hours.split(" ")
        first, last = WEEKDAYS.index(days[:3]), WEEKDAYS.index(days[-3:])
        begin, end = (int(text[:2]) * 60 + int(text[3:]) for text in times.split("-"))
        for days_ago in (0, 1):
            midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
            began = midnight - timedelta(days=days_ago) + timedelta(minutes=begin)
            length = timedelta(minutes=end - begin if end > begin else end - begin + 1440)
            weekday = began.weekday()
            is_day = first <= weekday <= last if first <= last else not last < weekday < first
            if is_day and began <= start < began + length:
                return True
        return False


def tier(name: str | None) -> str:
    """Return the service tier under which something is priced."""
    lower = None if name is None else name.lower()
    return "standard" if lower in STANDARD_TIERS else str(lower)


@dataclass(frozen=True)
class Policy:
    """One row of the baseline policies."""

    policy: str
    organization_id: str | None
    baseline_provider: str | None
    baseline_model: str | None
    effective_from: datetime
    effective_until: datetime | None
    recorded_at: datetime


@dataclass(frozen=True)
class ExchangeRate:
    """One row of the exchange rates."""

    currency: str
    usd_per_unit: Fraction
    source: str
    effective_from: datetime
    effective_until: datetime | None
    recorded_at: datetime


@dataclass(frozen=True)
class Usage:
    """What is priced: one execution's usage under some provider's name for a model."""

    organization_id: str
    task_type: str
    service_tier: str | None
    start: datetime
    input_tokens: int | None
    cached_input_tokens: int
    cache_write_tokens: int
    output_tokens: int | None
    tokens_used: int | None
    request_count: Fraction
    duration_ms: int | None
    compute_units: Decimal | None
    region: str | None = None
    is_bucket: bool = False
    others: Mapping[str, Fraction] = field(default_factory=dict)

    @property
    def tier(self) -> str:
        return tier(self.service_tier)

    @property
    def context_tokens(self) -> Fraction:
        """Return the input tokens of one request, of several their mean."""
        return Fraction(self.input_tokens or 0) / max(self.request_count, Fraction(1))

    @property
    def token_split(self) -> tuple[int, int, int, int] | None:
        """Return the tokens in the order of the rates, or nothing if it takes a guess."""
        output = self.output_tokens
        if output is None and self.input_tokens is not None:
            output = 0 if self.tokens_used == self.input_tokens else None
        if self.input_tokens is None or output is None:
            return None
        of = {name: int(self.others.get(name, 0)) for name in TOKEN_PARTS}
        cached, written = self.cached_input_tokens, self.cache_write_tokens
        return (
            self.input_tokens
            - cached
            - written
            - of["audio_input_tokens"]
            - of["image_input_tokens"],
            cached,
            written - of["cache_write_1h_tokens"],
            output - of["audio_output_tokens"] - of["image_output_tokens"],
        )


@dataclass(frozen=True)
class Cost:
    """A usage at a price: why it has a cost or none, and its parts in the order of PARTS."""

    status: str
    parts: tuple[Decimal, ...] | None

    @property
    def total(self) -> Decimal | None:
        return None if self.parts is None else sum(self.parts, Decimal(0))


class PriceBook:
    """The seeds, read straight from their files; with `as_of` as they were known then."""

    def __init__(self, folder: Path, as_of: str | None = None) -> None:
        self.prices = [
            Price(
                row["provider"],
                row["model"] or None,
                row["task_type"] or None,
                row["service_tier"] or None,
                row["organization_id"] or None,
                int(row["context_over_tokens"]) if row["context_over_tokens"] else None,
                {name: Fraction(row[name]) if row[name] else None for name in RATES},
                moment(row["effective_from"]),
                moment(row["effective_until"]) if row["effective_until"] else None,
                moment(row["recorded_at"]),
            )
            for row in _rows(folder / "provider_pricing.csv", as_of)
        ]
        self.policies = [
            Policy(
                row["policy"],
                row["organization_id"] or None,
                row["baseline_provider"] or None,
                row["baseline_model"] or None,
                moment(row["effective_from"]),
                moment(row["effective_until"]) if row["effective_until"] else None,
                moment(row["recorded_at"]),
            )
            for row in _rows(folder / "baseline_policies.csv", as_of)
        ]
        self.usage_prices, self.price_factors = (
            [
                OwnPrice({name: cell or None for name, cell in row.items()})
                for row in _rows(folder / f"{name}.csv", as_of)
            ]
            for name in ("usage_prices", "price_factors")
        )
        self.aliases = {
            (row["provider"], row["alias"]): row["model"]
            for row in _rows(folder / "model_aliases.csv", as_of)
        }
        self.names = self.aliases.keys() | {
            (price.provider, price.model) for price in self.prices if price.model
        }
        self.exchange_rates = [
            ExchangeRate(
                row["currency"],
                Fraction(row["usd_per_unit"]),
                row["source"],
                moment(row["effective_from"]),
                moment(row["effective_until"]) if row["effective_until"] else None,
                moment(row["recorded_at"]),
            )
            for row in _rows(folder / "exchange_rates.csv", as_of)
        ]
        self._of_provider: dict[str, list[Price]] = defaultdict(list)
        for price in self.prices:
            self._of_provider[price.provider].append(price)

    def price_model(self, provider: str | None, model: str | None) -> str | None:
        if provider is None or model is None:
            return model
        if (provider, model) not in self.names:
            for route in (f"{provider}/", *ROUTES.get(provider, ())):
                name = model.removeprefix(route)
                if name != model and (provider, name) in self.names:
                    return self.aliases.get((provider, name), name)
        return self.aliases.get((provider, model), model)

    def choose(self, provider: str, model: str | None, usage: Usage) -> Price | None:
        """Return the most specific price in force, of equals the one recorded last."""
        fitting = [
            price
            for price in self._of_provider[provider]
            if price.covers(usage.start)
            and price.organization_id in (None, usage.organization_id)
            and price.model in (None, model)
            and price.task_type in (None, usage.task_type)
            and (price.service_tier is None or tier(price.service_tier) == usage.tier)
            and (
                price.context_over_tokens is None
                or price.context_over_tokens < usage.context_tokens
            )
        ]
        return max(
            fitting,
            key=lambda price: (
                price.organization_id is not None,
                price.model is not None,
                price.task_type is not None,
                price.service_tier is not None,
                -1 if price.context_over_tokens is None else price.context_over_tokens,
                price.recorded_at,
            ),
            default=None,
        )

    def factors(
        self, provider: str, model: str | None, usage: Usage, price: Price | None
    ) -> dict[str, Fraction]:
        """Return the factor of each kind that applies, of several the most specific one."""
        found: dict[str, tuple[tuple[Any, ...], Fraction]] = {}
        for row in self.price_factors:
            cells = row.cells
            region, kind = cells["region"], str(cells["kind"])
            if (
                not row.fits(provider, model, usage)
                or (region is not None and region.lower() != (usage.region or "").lower())
                or not (usage.is_bucket or row.in_hours(usage.start))
                or (kind == "service_tier" and price is not None and price.service_tier is not None)
                or (kind == "agreement" and price is not None and price.organization_id is not None)
            ):
                continue
            named = ("organization_id", "model", "service_tier", "region")
            factor = Fraction(str(cells["factor"]))
            recorded_at = moment(str(cells["recorded_at"]))
            rank = (*(cells[name] is not None for name in named), recorded_at, factor)
            if kind not in found or found[kind][0] < rank:
                found[kind] = rank, factor
        return {kind: factor for kind, (_, factor) in found.items()}

    def other_rate(
        self,
        provider: str,
        model: str | None,
        usage: Usage,
        name: str,
        price: Price | None,
        factors: Mapping[str, Fraction],
    ) -> Fraction | None:
        """Return USD for one unit of something that has a price row of its own, or nothing."""
        fitting = [
            row.cells
            for row in self.usage_prices
            if row.cells["usage"] == name
            and row.fits(provider, model, usage)
            and int(row.cells["context_over_tokens"] or -1) < usage.context_tokens
            and (
                name not in TOKEN_PARTS
                or usage.tier == "standard"
                or row.cells["service_tier"] is not None
                or "service_tier" in factors
            )
        ]
        if not fitting:
            return None
        cells = max(
            fitting,
            key=lambda cells: (
                cells["organization_id"] is not None,
                cells["model"] is not None,
                cells["service_tier"] is not None,
                int(cells["context_over_tokens"] or -1),
                moment(str(cells["recorded_at"])),
            ),
        )
        rate: Fraction | None
        if name not in TOKEN_PARTS:
            rate = Fraction(str(cells["usd_per_unit"]))
            kinds: set[str] = set()
        else:
            mtok = cells["usd_per_mtok"]
            whole = None if price is None else price.rate(TOKEN_PARTS[name])
            rate = Fraction(mtok) if mtok is not None else whole
            rate = None if rate is None else rate / 10**6
            kinds = {"region", "hours"} | (
                {"service_tier"} if cells["service_tier"] is None else set()
            )
        if cells["organization_id"] is None:
            kinds.add("agreement")
        return None if rate is None else rate * multiplied(factors, kinds)

    def cost(self, provider: str, model: str | None, usage: Usage) -> Cost:
        """Price a usage under the price book's name of a model."""
        price = self.choose(provider, model, usage)
        factors = self.factors(provider, model, usage, price)
        others: list[Decimal | None] = []
        for name, quantity in usage.others.items():
            if quantity:
                rate = self.other_rate(provider, model, usage, name, price, factors)
                others.append(None if rate is None else rounded(quantity * rate, 12))
        counts = (usage.input_tokens, usage.output_tokens, usage.tokens_used)
        states_tokens = any(count is not None for count in counts)
        if price is None:
            if others and None not in others and not states_tokens and not usage.compute_units:
                return self._sum((Decimal(0),) * 7, others)
            if model is None:
                return Cost("no_model", None)
            beginnings = [
                other.effective_from
                for other in self._of_provider[provider]
                if other.model == model
            ]
            if beginnings and min(beginnings) > usage.start:
                return Cost("before_first_price", None)
            return Cost("no_price_for_model", None)
        tokens = usage.token_split
        if price.rates["input_usd_per_mtok"] is not None:
            if not states_tokens and not others:
                return Cost("no_usage", None)
            if states_tokens and tokens is None:
                has_parts = any(name in TOKEN_PARTS for name in usage.others)
                if usage.tokens_used is None or not price.is_flat or has_parts:
                    return Cost("token_split_unknown", None)
                tokens = (usage.tokens_used, 0, 0, 0)
            counted = [count for count in counts[:2] if count is not None]
            if usage.tokens_used is not None and counted:
                is_whole = len(counted) == 2
                total = usage.tokens_used
                if total != sum(counted) if is_whole else total < max(counted):
                    return Cost("token_totals_differ", None)
        if price.rates["usd_per_minute"] is not None and usage.duration_ms is None:
            return Cost("no_usage", None)
        charged = {name for name, rate in price.rates.items() if rate is not None}
        if charged == {"usd_per_compute_unit"} and usage.compute_units is None and not others:
            return Cost("no_usage", None)
        if usage.compute_units and price.rates["usd_per_compute_unit"] is None:
            return Cost("usage_without_price", None)
        if None in others:
            return Cost("usage_without_price", None)
        if (
            price.rates["input_usd_per_mtok"]
            and usage.tier != "standard"
            and price.service_tier is None
            and "service_tier" not in factors
        ):
            return Cost("tier_without_price", None)
        if usage.is_bucket and "hours" in factors:
            return Cost("bucket_spans_prices", None)
        per_token = multiplied(factors, {"service_tier", "region", "hours", "agreement"})
        per_unit = multiplied(factors, {"agreement"})
        quantities = (
            *(Fraction(count, 10**6) * per_token for count in tokens or (0, 0, 0, 0)),
            Fraction(usage.request_count) * per_unit,
            Fraction(usage.duration_ms or 0, 60_000) * per_unit,
            Fraction(usage.compute_units or 0) * per_unit,
        )
        parts = tuple(
            rounded(quantity * (price.rate(name) or 0), 12)
            for quantity, name in zip(quantities, RATES, strict=True)
        )
        return self._sum(parts, others)

    @staticmethod
    def _sum(parts: tuple[Decimal, ...], others: list[Decimal | None]) -> Cost:
        """Return a cost from its parts and those of other usage, all of them known."""
        parts = (*parts, sum((other for other in others if other is not None), Decimal(0)))
        if sum(parts) > LARGEST_COST_USD:
            return Cost("cost_out_of_range", None)
        return Cost("priced", parts)

    def policy(
        self, organization_id: str, start: datetime, kind: str | None = None
    ) -> Policy | None:
        """Return the policy in force: the organization's own before the one for all.

        Args:
            organization_id: The organization.
            start: The moment.
            kind: Look among policies of this kind only.
        """
        fitting = [
            policy
            for policy in self.policies
            if policy.organization_id in (None, organization_id)
            and kind in (None, policy.policy)
            and policy.effective_from <= start
            and (policy.effective_until is None or start < policy.effective_until)
        ]
        return max(
            fitting,
            key=lambda policy: (policy.organization_id is not None, policy.recorded_at),
            default=None,
        )

    def exchange_rate(self, currency: str, at: datetime) -> ExchangeRate | None:
        """Return the rate that holds at a moment, of several the one recorded last."""
        fitting = [
            rate
            for rate in self.exchange_rates
            if rate.currency == currency
            and rate.effective_from <= at
            and (rate.effective_until is None or at < rate.effective_until)
        ]
        return max(fitting, key=lambda rate: rate.recorded_at, default=None)


def multiplied(factors: Mapping[str, Fraction], kinds: set[str]) -> Fraction:
    """Return the product of the factors of these kinds; 1 without any."""
    product = Fraction(1)
    for kind in kinds:
        product *= factors.get(kind, 1)
    return product


class Oracle:
    """The expected content of the marts, each a dictionary from key to row."""

    def __init__(
        self, events: Iterable[Event], prices: Path, now: str, as_of: str | None = None
    ) -> None:
        """Compute everything.

        Args:
            events: All landed events, in the order in which they landed, with repetitions.
            prices: The folder of the price seeds.
            now: The moment that counts as now.
            as_of: Rows of the price files that were recorded later do not count.
        """
        self.events = list(events)
        self.book = PriceBook(prices, as_of)
        self.now = moment(now)
        self._organization_versions = self._versions_of_organizations()
        self._executions = latest_versions(self.events, "task_execution")
        self._decisions = latest_versions(self.events, "routing_decision")
        self._named_by: dict[tuple[str, str], str] = {}
        for decision_id, decision in sorted(
            self._decisions.items(),
            key=lambda item: (moment(item[1]["decision_timestamp"]), UUID(item[0])),
        ):
            if decision.get("task_execution_id"):
                names = decision["organization_id"], decision["task_execution_id"]
                self._named_by[names] = decision_id
        self._first_attempts: dict[tuple[str, str], str] = {}
        for execution_id, execution in sorted(
            self._executions.items(),
            key=lambda item: (moment(item[1]["start_time"]), UUID(item[0])),
        ):
            if execution.get("routing_decision_id"):
                follows = execution["organization_id"], execution["routing_decision_id"]
                self._first_attempts.setdefault(follows, execution_id)
        self._policy_baselines: dict[str, dict[str, Decimal | None]] = {}
        self.task_executions = {
            execution_id: self._fact(execution)
            for execution_id, execution in self._executions.items()
        }
        self.routing_decisions = {
            decision_id: self._decision(decision)
            for decision_id, decision in self._decisions.items()
        }
        self.savings_by_policy = self._savings_by_policy()
        self.measured_savings = self._measured_savings()
        self.adjustments = self._adjustments()
        self.organization_bills = self._organization_bills()
        self.organizations = self._organizations()
        self.users = self._users()
        self.providers = self._providers()
        self.rollups = self._rollups()
        self.organization_analytics = self.rollups["organization_analytics"]
        self.user_analytics = self.rollups["user_analytics"]
        self.provider_performance_metrics = self.rollups["provider_performance_metrics"]

    # Executions

    def _versions_of_organizations(self) -> dict[str, list[tuple[datetime, Event]]]:
        """Return each organization's versions in order, of those of one moment the last."""
        versions: dict[str, dict[datetime, Event]] = defaultdict(dict)
        for event in self.events:
            if event["event"] == "organization":
                at = moment(event["updated_at"])
                known = versions[event["id"]].get(at)
                if known is None or version_order(known) < version_order(event):
                    versions[event["id"]][at] = event
        return {name: sorted(found.items()) for name, found in versions.items()}

    def _organization_at(self, organization_id: str, start: datetime) -> Event | None:
        versions = self._organization_versions.get(organization_id)
        if not versions:
            return None
        found = versions[0][1]
        for valid_from, version in versions:
            if valid_from <= start:
                found = version
        return found

    def _overhead(self, execution: Event) -> tuple[str | None, Decimal | None]:
        """Return the decision that an execution followed, and what it bears of its cost."""
        own = execution.get("routing_decision_id")
        if own is None:
            named_by = self._named_by.get((execution["organization_id"], execution["id"]))
            if named_by is None:
                return None, Decimal(0)
            return named_by, amount(self._decisions[named_by], "routing_overhead_cost_usd")
        decision = self._decision_of(execution["organization_id"], own)
        first = self._first_attempts[execution["organization_id"], own]
        bearer = (decision or {}).get("task_execution_id") or first
        if bearer != execution["id"]:
            return own, Decimal(0)
        if decision is None:
            return own, None
        return own, amount(decision, "routing_overhead_cost_usd")

    def _decision_of(self, organization_id: str, decision_id: str | None) -> Event | None:
        """Return a decision, if it is the organization's."""
        decision = self._decisions.get(decision_id or "")
        is_own = decision is not None and decision["organization_id"] == organization_id
        return decision if is_own else None

    def _fact(self, execution: Event) -> Row:
        start = moment(execution["start_time"])
        end = moment(execution["end_time"]) if execution.get("end_time") else None
        duration_ms = (
            None
            if end is None
            else int(rounded(Fraction((end - start) // timedelta(microseconds=1), 1000), 0))
        )
        organization = self._organization_at(execution["organization_id"], start)
        is_bucket = execution.get("is_bucket", False)
        if is_bucket:
            duration_ms = None
        timezone = organization["timezone"] if organization and not is_bucket else "UTC"
        usage = Usage(
            execution["organization_id"],
            execution["task_type"],
            execution.get("service_tier"),
            start,
            execution.get("input_tokens"),
            execution.get("cached_input_tokens") or 0,
            execution.get("cache_write_tokens") or 0,
            execution.get("output_tokens"),
            execution.get("tokens_used"),
            Fraction(execution.get("request_count", 1)),
            duration_ms,
            amount(execution, "compute_units"),
            execution.get("region"),
            is_bucket,
            {
                **{name: Fraction(execution[name]) for name in TOKEN_PARTS if execution.get(name)},
                **{
                    name: Fraction(quantity)
                    for name, quantity in (execution.get("other_usage") or {}).items()
                },
            },
        )
        price_model = self.book.price_model(execution["provider"], execution.get("model"))
        cost = (
            Cost("gateway_cache_hit", (Decimal(0),) * len(PARTS))
            if execution.get("is_gateway_cache_hit")
            else self.book.cost(execution["provider"], price_model, usage)
        )

        policy = self.book.policy(execution["organization_id"], start)
        decision_id, overhead = self._overhead(execution)
        decision = self._decision_of(execution["organization_id"], decision_id) or {}
        baseline_provider, baseline_model = _baseline(policy, organization or {}, decision)
        baseline_price_model = self.book.price_model(baseline_provider, baseline_model)
        baseline = (
            Cost("no_baseline", None)
            if baseline_provider is None
            else self.book.cost(baseline_provider, baseline_price_model, usage)
        )

        fixed = self.book.policy(execution["organization_id"], start, "fixed")
        totals: dict[str, Decimal | None] = {"headline": baseline.total}
        offered: dict[str, tuple[str | None, str | None]] = {}
        for name in POLICIES:
            other = fixed if name == "fixed" else Policy(name, None, None, None, start, None, start)
            offered[name] = provider, model = _baseline(other, organization or {}, decision)
            totals[name] = (
                self.book.cost(provider, self.book.price_model(provider, model), usage).total
                if provider is not None
                else None
            )
        self._policy_baselines[execution["id"]] = totals

        savings = net_savings = None
        if execution["status"] != "completed":
            savings_status = "not_completed"
        elif cost.total is None:
            savings_status = "cost_unknown"
        elif baseline.total is None:
            savings_status = "baseline_unknown"
        else:
            savings_status = "compared"
            savings = baseline.total - cost.total
            net_savings = None if overhead is None else savings - overhead

        tokens = [
            execution[name] for name in ("input_tokens", "output_tokens") if name in execution
        ]
        total_tokens = execution.get("tokens_used", sum(tokens) if tokens else None)
        copied = (
            "organization_id", "user_id", "task_id", "task_type", "code_language", "request_type",
            "provider", "model", "service_tier", "status", "error_code", "session_id",
            "correlation_id", "agent_id", "workflow_id", "input_tokens", "cached_input_tokens",
            "cache_write_tokens", "output_tokens", "reasoning_tokens", "event_id", "region",
            *TOKEN_PARTS, *ATTRIBUTION,
        )  # fmt: skip
        return {
            "execution_id": execution["id"],
            "is_bucket": is_bucket,
            "is_gateway_cache_hit": execution.get("is_gateway_cache_hit", False),
            **{name: execution.get(name) for name in copied},
            "price_model": price_model,
            "is_timed_out": execution["status"] in ("pending", "running")
            and end is None
            and start + TIMEOUT <= self.now,
            "routing_decision_id": decision_id,
            "start_time": start,
            "end_time": end,
            "duration_ms": duration_ms,
            "metric_date": start.astimezone(ZoneInfo(timezone)).date(),
            "reporting_timezone": timezone,
            "total_tokens": total_tokens,
            "compute_units": usage.compute_units,
            "request_count": rounded(usage.request_count, 12),
            "quality_score": amount(execution, "quality_score"),
            "pricing_status": cost.status,
            **dict(zip(PARTS, cost.parts or (None,) * len(PARTS), strict=True)),
            "cost_usd": cost.total,
            "reported_cost_usd": amount(execution, "reported_cost_usd"),
            "baseline_policy": policy.policy if policy else None,
            "baseline_provider": baseline_provider,
            "baseline_model": baseline_model,
            "baseline_price_model": baseline_price_model,
            "baseline_pricing_status": baseline.status,
            "baseline_cost_usd": baseline.total,
            **{
                f"{prefix}_{part}": offered[name][place]
                for prefix, name in (
                    ("decision_baseline", "decision_recorded"),
                    ("most_expensive_alternative", "most_expensive_alternative"),
                )
                for place, part in enumerate(("provider", "model"))
            },
            **{f"{name}_baseline_cost_usd": totals[name] for name in POLICIES},
            "savings_status": savings_status,
            "savings_usd": savings,
            "routing_overhead_cost_usd": overhead,
            "net_savings_usd": net_savings,
            "updated_at": moment(execution["updated_at"]),
        }

    # Decisions

    def _decision(self, decision: Event) -> Row:
        execution_id = decision.get("task_execution_id") or self._first_attempts.get(
            (decision["organization_id"], decision["id"])
        )
        fact = self.task_executions.get(execution_id or "")
        if fact is not None and fact["organization_id"] != decision["organization_id"]:
            fact = None
        predicted = amount(decision, "predicted_cost_usd")
        predicted_quality = amount(decision, "predicted_quality_score")
        predicted_duration = decision.get("predicted_duration_ms")
        alternatives = decision.get("alternative_providers")
        estimates = [
            estimate
            for alternative in alternatives or ()
            if (estimate := amount(alternative, "estimated_cost_usd")) is not None
        ]
        cheapest = min(estimates, default=None)
        is_cheapest_choice = regret = None
        if predicted is not None and cheapest is not None:
            is_cheapest_choice = predicted <= cheapest
            regret = max(predicted - cheapest, Decimal(0))
        actual = fact or {}
        baseline = actual.get("baseline_provider"), actual.get("baseline_model")
        if (decision["chosen_provider"], decision.get("chosen_model")) == baseline:
            predicted_baseline = predicted
        else:
            predicted_baseline = max(
                (
                    estimate
                    for alternative in alternatives or ()
                    if (alternative["provider"], alternative.get("model")) == baseline
                    and (estimate := amount(alternative, "estimated_cost_usd")) is not None
                ),
                default=None,
            )
        if fact is None:
            status = "no_execution"
        elif fact["cost_usd"] is None:
            status = fact["pricing_status"]
        else:
            status = "compared" if predicted is not None else "not_predicted"
        copied = (
            "organization_id", "task_id", "routing_strategy", "algorithm_version",
            "chosen_provider", "chosen_model", "baseline_provider", "baseline_model", "event_id",
        )  # fmt: skip
        return {
            "routing_decision_id": decision["id"],
            **{name: decision.get(name) for name in copied},
            "execution_id": execution_id,
            "decision_timestamp": moment(decision["decision_timestamp"]),
            "confidence_score": amount(decision, "confidence_score"),
            "alternative_count": None if alternatives is None else len(alternatives),
            "predicted_cost_usd": predicted,
            "predicted_duration_ms": predicted_duration,
            "predicted_quality_score": predicted_quality,
            "cheapest_alternative_cost_usd": cheapest,
            "is_cheapest_choice": is_cheapest_choice,
            "regret_usd": regret,
            "predicted_baseline_cost_usd": predicted_baseline,
            "baseline_cost_usd": actual.get("baseline_cost_usd"),
            "routing_overhead_cost_usd": amount(decision, "routing_overhead_cost_usd"),
            "execution_status": actual.get("status"),
            "actual_provider": actual.get("provider"),
            "is_overridden": None
            if fact is None
            else fact["provider"] != decision["chosen_provider"],
            "actual_cost_usd": actual.get("cost_usd"),
            "actual_duration_ms": actual.get("duration_ms"),
            "actual_quality_score": actual.get("quality_score"),
            "cost_error_usd": _difference(actual.get("cost_usd"), predicted),
            "duration_error_ms": _difference(actual.get("duration_ms"), predicted_duration),
            "quality_score_error": _difference(actual.get("quality_score"), predicted_quality),
            "cost_comparison_status": status,
            "updated_at": moment(decision["updated_at"]),
        }

    # Rollups

    def _members(self) -> dict[str, dict[str, date]]:
        """Return each organization's users and the day since which they belong to it."""
        members: dict[str, dict[str, date]] = defaultdict(dict)
        for event in self.events:
            if event["event"] == "user":
                day = moment(event["updated_at"]).date()
                users = members[event["organization_id"]]
                users[event["id"]] = min(day, users.get(event["id"], day))
        return members

    def _rollups(self) -> dict[str, Rows]:
        timezones = {name: row["timezone"] for name, row in self.organizations.items()}
        return rollups(self.task_executions.values(), self._members(), timezones, self.now)

    # Savings

    def _savings_by_policy(self) -> dict[tuple[str, Any, str], Row]:
        days: dict[tuple[str, Any], list[Row]] = defaultdict(list)
        for fact in self.task_executions.values():
            if fact["status"] == "completed":
                days[fact["organization_id"], fact["metric_date"]].append(fact)
        return {
            (*day, policy): self._day_under_policy(*day, policy, facts)
            for day, facts in days.items()
            for policy in ("headline", *POLICIES)
        }

    def _day_under_policy(
        self, organization_id: str, day: Any, policy: str, facts: list[Row]
    ) -> Row:
        priced = [fact for fact in facts if fact["cost_usd"] is not None]
        pairs = [
            (fact, baseline)
            for fact in priced
            if (baseline := self._policy_baselines[fact["execution_id"]][policy]) is not None
        ]
        cost = total([fact for fact, _ in pairs], "cost_usd")
        baseline_cost = sum((baseline for _, baseline in pairs), Decimal(0))
        savings = baseline_cost - cost
        return {
            "organization_id": organization_id,
            "metric_date": day,
            "aggregation_period": "daily",
            "policy": policy,
            "successful_tasks": len(facts),
            "compared_tasks": len(pairs),
            "unknown_baseline_tasks": len(priced) - len(pairs),
            "negative_savings_tasks": sum(baseline < fact["cost_usd"] for fact, baseline in pairs),
            "unknown_overhead_tasks": count(
                [fact for fact, _ in pairs], routing_overhead_cost_usd=None
            ),
            "compared_cost_usd": cost,
            "total_baseline_cost_usd": baseline_cost,
            "total_savings_usd": savings,
            "total_net_savings_usd": sum(
                (
                    baseline - fact["cost_usd"] - fact["routing_overhead_cost_usd"]
                    for fact, baseline in pairs
                    if fact["routing_overhead_cost_usd"] is not None
                ),
                Decimal(0),
            ),
            "savings_percentage": percentage(savings, baseline_cost),
        }

    def _measured_savings(self) -> dict[str, Row]:
        runs: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
        for fact in self.task_executions.values():
            if fact["status"] == "completed" and fact["cost_usd"] is not None:
                runs[
                    fact["organization_id"], fact["task_id"], fact["provider"], fact["price_model"]
                ].append(fact)
        rows: dict[str, Row] = {}
        for fact in self.task_executions.values():
            baseline = fact["baseline_provider"], fact["baseline_price_model"]
            if (
                fact["savings_status"] != "compared"
                or (fact["provider"], fact["price_model"]) == baseline
            ):
                continue
            on_baseline = runs[fact["organization_id"], fact["task_id"], *baseline]
            if not on_baseline:
                continue
            run = min(on_baseline, key=lambda run: (run["start_time"], UUID(run["execution_id"])))
            decision = self.routing_decisions.get(fact["routing_decision_id"], {})
            if decision and decision["organization_id"] != fact["organization_id"]:
                decision = {}
            copied = (
                "execution_id", "organization_id", "metric_date", "task_id", "task_type",
                "routing_decision_id", "provider", "model", "baseline_provider", "baseline_model",
                "cost_usd",
            )  # fmt: skip
            measured = run["cost_usd"]
            rows[fact["execution_id"]] = {
                **{name: fact[name] for name in copied},
                "measured_execution_id": run["execution_id"],
                "measured_metric_date": run["metric_date"],
                "predicted_cost_usd": decision.get("predicted_cost_usd"),
                "predicted_baseline_cost_usd": decision.get("predicted_baseline_cost_usd"),
                "estimated_baseline_cost_usd": fact["baseline_cost_usd"],
                "measured_baseline_cost_usd": measured,
                "predicted_savings_usd": _difference(
                    decision.get("predicted_baseline_cost_usd"), decision.get("predicted_cost_usd")
                ),
                "estimated_savings_usd": fact["savings_usd"],
                "measured_savings_usd": measured - fact["cost_usd"],
                "estimate_error_usd": fact["baseline_cost_usd"] - measured,
                "bias_percentage": percentage(fact["baseline_cost_usd"] - measured, measured),
            }
        return rows

    # Adjustments

    def _adjustments(self) -> dict[str, Row]:
        latest: dict[str, Event] = {}
        for event in self.events:
            if event["event"] != "adjustment":
                continue
            known = latest.setdefault(event["id"], event)
            if known["organization_id"] == event["organization_id"]:
                latest[event["id"]] = max(known, event, key=_adjustment_order)
        return {adjustment_id: self._adjustment(event) for adjustment_id, event in latest.items()}

    def _adjustment(self, event: Event) -> Row:
        at = moment(event["effective_at"])
        organization = self._organization_at(event["organization_id"], at)
        timezone = organization["timezone"] if organization else "UTC"
        currency = event.get("currency", "USD")
        rate = self.book.exchange_rate(currency, at)
        usd_per_unit = rate.usd_per_unit if rate else Fraction(1) if currency == "USD" else None
        usd = None if usd_per_unit is None else Fraction(event["amount"]) * usd_per_unit
        is_too_large = usd is not None and abs(usd) > LARGEST_COST_USD
        return {
            "adjustment_id": event["id"],
            "organization_id": event["organization_id"],
            "metric_date": at.astimezone(ZoneInfo(timezone)).date(),
            "reporting_timezone": timezone,
            **{
                name: event.get(name)
                for name in ("reason", "provider", "model", "user_id", "reference")
            },
            "amount": amount(event, "amount"),
            "currency": currency,
            "exchange_rate_source": rate.source if rate else None,
            "usd_per_unit": None if usd_per_unit is None else rounded(usd_per_unit, 12),
            "amount_status": (
                "no_exchange_rate"
                if usd is None
                else "amount_out_of_range"
                if is_too_large
                else "known"
            ),
            "amount_usd": None if usd is None or is_too_large else rounded(usd, 12),
            "effective_at": at,
            "updated_at": moment(event["updated_at"]),
        }

    def _organization_bills(self) -> dict[tuple[str, date], Row]:
        """Return what usage and adjustments come to, by organization and first day of a month."""
        spend: dict[tuple[str, date], list[Row]] = defaultdict(list)
        beside: dict[tuple[str, date], list[Row]] = defaultdict(list)
        for facts, months in ((self.task_executions, spend), (self.adjustments, beside)):
            for fact in facts.values():
                months[fact["organization_id"], fact["metric_date"].replace(day=1)].append(fact)
        return {
            key: {
                "total_tasks": len(spend[key]),
                "unpriced_tasks": sum(fact["cost_usd"] is None for fact in spend[key]),
                "total_spend_usd": total(spend[key], "cost_usd"),
                "adjustments": len(beside[key]),
                "unknown_adjustments": sum(fact["amount_usd"] is None for fact in beside[key]),
                "adjustments_usd": total(beside[key], "amount_usd"),
                "total_usd": total(spend[key], "cost_usd") + total(beside[key], "amount_usd"),
            }
            for key in {*spend, *beside}
        }

    # Dimensions

    def _organizations(self) -> dict[str, Row]:
        rows = {
            organization_id: {
                "organization_id": organization_id,
                "organization_name": None,
                "tier": None,
                "timezone": "UTC",
                "baseline_provider": None,
                "baseline_model": None,
                "monthly_budget_usd": None,
                "is_inferred": True,
                "first_version_at": None,
                "updated_at": None,
            }
            for organization_id in {
                event["organization_id"] for event in self.events if "organization_id" in event
            }
        }
        for organization_id, event in latest_versions(self.events, "organization").items():
            rows[organization_id] = {
                "organization_id": organization_id,
                "organization_name": event["name"],
                "tier": event["tier"],
                "timezone": event["timezone"],
                "baseline_provider": event.get("baseline_provider"),
                "baseline_model": event.get("baseline_model"),
                "monthly_budget_usd": amount(event, "monthly_budget_usd"),
                "is_inferred": False,
                "first_version_at": self._organization_versions[organization_id][0][0],
                "updated_at": moment(event["updated_at"]),
            }
        return rows

    def _users(self) -> dict[tuple[str, str], Row]:
        inferred: Row = {
            "user_name": None,
            "team": None,
            "role": None,
            "is_inferred": True,
            "first_version_at": None,
            "updated_at": None,
        }
        rows: dict[tuple[str, str], Row] = {
            (event["organization_id"], event["user_id"]): inferred
            for event in self.events
            if event["event"] in ("task_execution", "adjustment") and event.get("user_id")
        }
        versions: dict[tuple[str, str], list[Event]] = defaultdict(list)
        for event in self.events:
            if event["event"] == "user":
                versions[event["organization_id"], event["id"]].append(event)
        for key, known in versions.items():
            latest = max(known, key=version_order)
            rows[key] = {
                "user_name": latest["name"],
                "team": latest.get("team"),
                "role": latest["role"],
                "is_inferred": False,
                "first_version_at": min(moment(event["updated_at"]) for event in known),
                "updated_at": moment(latest["updated_at"]),
            }
        return {
            (organization_id, user_id): {
                "organization_id": organization_id,
                "user_id": user_id,
                **row,
            }
            for (organization_id, user_id), row in rows.items()
        }

    def _providers(self) -> dict[str, Row]:
        starts: dict[str, list[datetime]] = defaultdict(list)
        for event in self.events:
            if event["event"] == "task_execution":
                starts[event["provider"]].append(moment(event["start_time"]))
        prices: dict[str, list[Price]] = defaultdict(list)
        for price in self.book.prices:
            prices[price.provider].append(price)
        return {
            provider: {
                "provider": provider,
                "is_priced": provider in prices,
                "priced_models": len({price.model for price in prices.get(provider, ())} - {None}),
                "first_price_from": min(
                    (price.effective_from for price in prices.get(provider, ())), default=None
                ),
                "first_seen_at": min(starts.get(provider, ()), default=None),
                "last_seen_at": max(starts.get(provider, ()), default=None),
            }
            for provider in {*starts, *prices}
        }


def _rows(path: Path, as_of: str | None) -> list[dict[str, str]]:
    """Return the rows of a price file in the order in which they were recorded."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = sorted(csv.DictReader(file), key=_recorded_at)
    return [row for row in rows if as_of is None or _recorded_at(row) <= moment(as_of)]


def _recorded_at(row: Mapping[str, str]) -> datetime:
    """Return when a row was recorded; one that does not say so yet comes after all others."""
    return moment(row["recorded_at"] or "9999-12-31T00:00:00Z")


def _adjustment_order(event: Event) -> tuple[Any, ...]:
    """Return what decides between versions: the latest, of one moment the one that charges most.

    What is left are versions that give the same amounts; they need not agree in the rest.
    """
    return (
        moment(event["updated_at"]),
        Fraction(event["amount"]),
        event.get("currency", "USD"),
        moment(event["effective_at"]),
    )


def _baseline(
    policy: Policy | None, organization: Event, decision: Event
) -> tuple[str | None, str | None]:
    """Return the provider and model that a policy compares a usage with."""
    if policy is None:
        return None, None
    if policy.policy == "fixed":
        return policy.baseline_provider, policy.baseline_model
    if policy.policy == "most_expensive_alternative":
        estimated = [
            alternative
            for alternative in decision.get("alternative_providers") or ()
            if alternative.get("estimated_cost_usd") is not None
        ]
        # Of alternatives of one provider and estimate, one without a model comes last.
        dearest: Event = min(
            estimated,
            key=lambda alternative: (
                -Fraction(alternative["estimated_cost_usd"]),
                alternative["provider"],
                alternative.get("model") is None,
                alternative.get("model") or "",
            ),
            default={},
        )
        return dearest.get("provider"), dearest.get("model")
    source = {"organization_default": organization, "decision_recorded": decision}[policy.policy]
    return source.get("baseline_provider"), source.get("baseline_model")


def _difference(left: Any, right: Any) -> Any:
    return None if left is None or right is None else left - right
