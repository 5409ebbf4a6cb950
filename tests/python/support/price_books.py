"""Price books and policies, drawn at random or changed."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from support.events import execution, uuid_of
from support.oracle import RATES, TOKEN_PARTS, Row
from support.stories import Seeds, Story

BOOKS = 240

SEED = 1

T = TypeVar("T")


Cells = dict[str, Any]

MODELS = ("alpha", "beta")

NAMES = ("alpha-latest", "moving")

TASK_TYPES = ("bug_fix", "refactor")

TIERS = ("standard", "batch", "priority")

THRESHOLDS = (0, 1_000, 200_000)

ORGANIZATIONS = 9
"""The last one of them never arrives."""

POLICIES = ("organization_default", "decision_recorded", "most_expensive_alternative", "fixed")

ONE = timedelta(microseconds=1)

BEGINNING = datetime(2026, 3, 1, tzinfo=UTC)

RECORDED = datetime(2026, 9, 1, tzinfo=UTC)

CORRECTED = RECORDED + timedelta(days=1)

SCOPE = ("provider", "model", "task_type", "service_tier", "organization_id", "context_over_tokens")

TOKEN_RATES = RATES[:4]

TINY = "0.000000000001"

HUGE = "99999999.999999999999"


def decimals(least: str, most: str) -> st.SearchStrategy[str]:
    return st.decimals(Decimal(least), Decimal(most), places=12).map(lambda value: f"{value:f}")


# The seed's own tests refuse other rates per million tokens: they are in another unit.
INPUT_AND_OUTPUT = st.sampled_from(["0", "0.0005", "3", "10000"]) | decimals("0.0005", "20")

CACHE = st.sampled_from([None, None, "0", TINY, "0.3"]) | decimals("0", "20")

EACH = st.sampled_from(["0", TINY, "0.1", "1", "0.1234567", HUGE]) | decimals("0", "2")

CHARGES = st.sampled_from(
    [
        ("tokens",), ("tokens",), ("tokens",), ("flat",), ("flat",), ("request",), ("minute",),
        ("unit",), ("tokens", "request"), ("flat", "minute"), ("request", "minute", "unit"),
        ("tokens", "request", "minute", "unit"), ("request", "cache"),
    ]
)  # fmt: skip

COUNTS = (
    st.sampled_from([1_000, 1_001, 999, 0, 1, 200_000, 200_001, 199_999, 10**12])
    | st.integers(0, 300_000)
    | st.integers(0, 3_000_000)
)

SHARES = st.sampled_from([None, 0, 0.25, 0.5]) | st.floats(0, 0.5)

DURATIONS = st.sampled_from([None, 0, 499, 500, 501, 1_500, 29_999_000, 29_999_500, 60_000_000]) | (
    st.integers(0, 10**11)
)

UNITS = st.sampled_from([None, None, 0, 1, 0.1, 5e-13, 4e-13, 123456.123456789, 10**12]) | (
    st.floats(0, 100).map(lambda units: round(units, 9))
)

ESTIMATES = st.sampled_from([None, 0, 0.01, 0.02, 0.020000000000001, 0.02000000000000001])


@dataclass
class Book:
    """One provider's prices, what was used of it, and what became known about it later.

    Organizations and other providers are named by their distance from the book's own.

    Attributes:
        prices: Rows of the price book.
        corrections: Later ones.
        usage_prices: Rows of the usage prices.
        usage_corrections: Later ones.
        factors: Rows of the price factors.
        factor_corrections: Later ones.
        aliases: Other names of its models.
        renamings: Later ones.
        executions: Their events, without ids.
        decisions: The same of routing decisions. They and executions name each other by position.
    """

    prices: list[Cells]
    corrections: list[Cells]
    usage_prices: list[Cells]
    usage_corrections: list[Cells]
    factors: list[Cells]
    factor_corrections: list[Cells]
    aliases: list[Cells]
    renamings: list[Cells]
    executions: list[Cells]
    decisions: list[Cells]


def either(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


# Unlike `integers`, which prefers small ones.
ORGANIZATION = st.sampled_from(range(ORGANIZATIONS))

PROVIDER = st.sampled_from(range(BOOKS))

PROVIDER_OR_NONE = st.sampled_from([*range(BOOKS), *[None] * (BOOKS // 8)])

DAY = st.sampled_from(range(90))


@st.composite
def boundaries(draw: st.DrawFn) -> list[datetime]:
    """Draw moments at which something may begin or end, two of them next to each other."""
    days = draw(st.lists(DAY, min_size=2, max_size=4, unique=True))
    offset = draw(st.integers(0, 10**10)) * ONE
    moments = [BEGINNING + timedelta(days=day) + offset for day in days]
    return sorted([*moments, moments[0] + ONE])


@st.composite
def window(draw: st.DrawFn, moments: Sequence[datetime], recorded: datetime) -> Cells:
    first = draw(st.integers(0, len(moments) - 1))
    until = draw(either(*moments[first + 1 :], None))
    return {
        "effective_from": moments[first].isoformat(),
        "effective_until": until and until.isoformat(),
        "recorded_at": (recorded + draw(st.integers(0, 4)) * ONE).isoformat(),
    }


@st.composite
def rates(draw: st.DrawFn) -> Cells:
    charges = draw(CHARGES)
    cells: Cells = {}
    if "tokens" in charges:
        drawn_from = (INPUT_AND_OUTPUT, CACHE, CACHE, INPUT_AND_OUTPUT)
        cells = {name: draw(of) for name, of in zip(TOKEN_RATES, drawn_from, strict=True)}
    if "cache" in charges:
        cells["cached_input_usd_per_mtok"] = draw(CACHE)
    if "flat" in charges:
        rate = draw(INPUT_AND_OUTPUT)
        cells = dict.fromkeys(TOKEN_RATES, rate)
        for name in TOKEN_RATES[1:3]:
            cells[name] = draw(either(None, rate))
        if draw(st.booleans()):
            # Flat but for one kind of token.
            cells[draw(either(*TOKEN_RATES[1:]))] = draw(either("7", "0.0005"))
    for name, charge in zip(RATES[4:], ("request", "minute", "unit"), strict=True):
        cells[name] = draw(EACH) if charge in charges else None
    return cells


def consistent(rows: Iterable[Cells], scope: Sequence[str]) -> list[Cells]:
    """Leave out what overlaps another row of its scope that was recorded at the same moment."""
    kept: list[Cells] = []
    for row in rows:
        if not any(
            all(row.get(name) == other.get(name) for name in (*scope, "recorded_at"))
            and (not row["effective_until"] or other["effective_from"] < row["effective_until"])
            and (not other["effective_until"] or row["effective_from"] < other["effective_until"])
            for other in kept
        ):
            kept.append(row)
    return kept


@st.composite
def usage(draw: st.DrawFn, moments: Sequence[datetime], customers: Sequence[int]) -> Cells:
    start = draw(either(*moments)) + draw(either(-ONE, 0 * ONE, ONE, timedelta(hours=7)))
    is_bucket = draw(either(None, None, None, True))
    duration = draw(DURATIONS)
    if is_bucket and duration is None:
        duration = 10**11
    event: Cells = {
        "event": "task_execution",
        "organization_id": draw(either(*customers) | ORGANIZATION),
        "task_type": draw(either(*TASK_TYPES)),
        "service_tier": draw(either(None, "default", *TIERS, *TIERS, TIERS[1].upper(), "flex")),
        "region": draw(either(None, None, None, "eu", "EU", "us")),
        "is_bucket": is_bucket,
        "is_gateway_cache_hit": draw(either(*[None] * 19, True)),
        "other_usage": draw(either(*[None] * 8, {"searches": 2}, {"searches": 0.5, "seats": 0})),
        "model": draw(either(*MODELS, *MODELS, *MODELS, *NAMES, "*", None)),
        "status": draw(either("completed", "completed", "completed", "failed", "running")),
        "start_time": start.isoformat(),
        "updated_at": start.isoformat(),
        "end_time": None if duration is None else (start + duration * ONE).isoformat(),
        "compute_units": draw(UNITS) if draw(st.booleans()) else None,
        "routing_decision_id": draw(st.integers(0, 8)),
        "request_count": draw(either(1, 2, 7, 0, 0.33, 1.5, None)),
    }
    known = draw(either(*["split"] * 6, "total", "total", "input", "output", "nothing"))
    if known in ("split", "input"):
        event["input_tokens"] = draw(COUNTS)
        for name in ("cached_input_tokens", "cache_write_tokens"):
            share = draw(SHARES)
            event[name] = None if share is None else int(share * event["input_tokens"])
    if known in ("split", "output"):
        event["output_tokens"] = draw(COUNTS)
    part = draw(either(*[None] * 10, *TOKEN_PARTS))
    if part and known == "split":
        whole = event["cache_write_tokens"] if part.startswith("cache") else event["output_tokens"]
        if "input" in part:
            taken = (event["cached_input_tokens"] or 0) + (event["cache_write_tokens"] or 0)
            whole = event["input_tokens"] - taken
        event[part] = None if whole is None else whole // draw(either(1, 3))
    totals = {"total": COUNTS, "nothing": st.none()}.get(known, st.none() | st.none() | COUNTS)
    if known in ("split", "input"):
        total = event["input_tokens"] + (event.get("output_tokens") or 0)
        stated = [count for count in (total, total, total + 1) if count <= 10**12]
        totals = either(None, None, None, *stated)
    event["tokens_used"] = draw(totals)
    return event


@st.composite
def decision(draw: st.DrawFn, executions: int) -> Cells:
    """Draw a decision; the execution that it names is given by its position."""
    at = BEGINNING - draw(st.integers(0, 1)) * ONE
    alternative = st.fixed_dictionaries(
        {"provider": PROVIDER, "model": either(*MODELS, None), "estimated_cost_usd": ESTIMATES}
    )
    return {
        "event": "routing_decision",
        "organization_id": 0,
        "task_id": "task",
        "chosen_provider": draw(PROVIDER),
        "decision_timestamp": at.isoformat(),
        "routing_strategy": "random",
        "updated_at": at.isoformat(),
        "task_execution_id": draw(st.none() | st.integers(0, executions - 1)),
        "has_arrived": draw(either(*[True] * 7, False)),
        "routing_overhead_cost_usd": draw(either(None, 0.25)),
        "baseline_provider": draw(PROVIDER_OR_NONE),
        "baseline_model": draw(either(*MODELS, None)),
        "alternative_providers": draw(st.lists(alternative, min_size=1, max_size=4)),
    }


@st.composite
def books(draw: st.DrawFn) -> Book:
    moments = draw(boundaries())
    # Few values of each kind in one book, so that its rows meet each other.
    scopes = {
        "model": draw(either(MODELS, MODELS[:1])),
        "task_type": TASK_TYPES[:1],
        "service_tier": draw(either(TIERS[:1], TIERS[1:])),
        "organization_id": draw(st.lists(ORGANIZATION, min_size=1, max_size=2, unique=True)),
        "context_over_tokens": draw(either(THRESHOLDS, THRESHOLDS[1:])),
    }

    def price(recorded: datetime) -> st.SearchStrategy[Cells]:
        scope = {name: either(None, *values) for name, values in scopes.items()}
        return st.builds(
            lambda *cells: {"source": "drawn", **cells[0], **cells[1], **cells[2]},
            st.fixed_dictionaries(scope),
            rates(),
            window(moments, recorded),
        )

    def scoped(recorded: datetime, others: st.SearchStrategy[Cells]) -> st.SearchStrategy[Cells]:
        scope = {
            "model": either(None, None, *scopes["model"]),
            "organization_id": either(None, None, *scopes["organization_id"]),
        }
        return st.builds(
            lambda *cells: {"source": "drawn", **cells[0], **cells[1], **cells[2]},
            st.fixed_dictionaries(scope),
            window(moments, recorded),
            others,
        )

    def own_prices(recorded: datetime) -> st.SearchStrategy[list[Cells]]:
        tiers = either(None, None, *scopes["service_tier"])
        thresholds = either(None, None, *scopes["context_over_tokens"])
        scope = {"service_tier": tiers, "context_over_tokens": thresholds}
        parts = st.fixed_dictionaries(
            {"usage": either(*TOKEN_PARTS), "usd_per_mtok": either(None, "0", "0.0005", "30")}
            | scope
        )
        units = st.fixed_dictionaries({"usage": st.just("searches"), "usd_per_unit": EACH} | scope)
        rows = st.lists(scoped(recorded, parts | units), max_size=6)
        return rows.map(lambda found: consistent(found, (*SCOPE, "usage")))

    def factors(recorded: datetime) -> st.SearchStrategy[list[Cells]]:
        hours = either("Mon-Fri 16:30-00:30", "Sat-Sun 00:00-00:00", "Fri-Mon 06:00-07:00")
        cells = (
            st.fixed_dictionaries(
                {
                    "kind": st.just("service_tier"),
                    "service_tier": either(TIERS[1], TIERS[1], "flex"),
                }
            )
            | st.fixed_dictionaries({"kind": st.just("region"), "region": either("eu", "Us")})
            | st.fixed_dictionaries({"kind": st.just("hours"), "hours": hours})
            | st.fixed_dictionaries(
                {
                    "kind": st.just("agreement"),
                    "organization_id": either(*scopes["organization_id"]),
                }
            )
        )
        factor = either("0.5", "1.1", "0.76", "1", "0", "2.123456789012")
        rows = st.lists(
            scoped(recorded, st.builds(lambda row, f: row | {"factor": f}, cells, factor)),
            max_size=5,
        )
        return rows.map(lambda found: consistent(found, (*SCOPE, "kind", "region", "hours")))

    def aliases(recorded: datetime) -> st.SearchStrategy[list[Cells]]:
        alias = st.fixed_dictionaries(
            {
                "alias": either(*NAMES),
                "model": either(*priced) if priced else st.nothing(),
                "recorded_at": st.integers(0, 2).map(lambda n: (recorded + n * ONE).isoformat()),
            }
        )
        return st.lists(
            alias,
            max_size=3 if priced else 0,
            unique_by=lambda row: (row["alias"], row["recorded_at"]),
        )

    rows = draw(st.lists(price(RECORDED), min_size=3, max_size=8))
    if draw(either(*[True] * 7, False)):
        # A price for nearly everything, and two over it that are specific in different ways.
        always = {"effective_from": moments[0].isoformat(), "effective_until": None}
        for row, name in zip(rows, [None, *draw(st.permutations(list(scopes)))[:2]], strict=False):
            row |= {other: None for other in scopes if other != name} | always
            if name:
                row[name] = scopes[name][0]
    prices = consistent(rows, SCOPE)
    corrections = consistent(draw(st.lists(price(CORRECTED), max_size=3)), SCOPE)
    priced = sorted({row["model"] for row in prices} - {None})
    executions = draw(st.lists(usage(moments, scopes["organization_id"]), min_size=35, max_size=40))
    decisions = draw(st.lists(decision(len(executions)), min_size=4, max_size=8))
    return Book(
        prices,
        corrections,
        draw(own_prices(RECORDED)),
        draw(own_prices(CORRECTED)),
        draw(factors(RECORDED)),
        draw(factors(CORRECTED)),
        draw(aliases(RECORDED)),
        draw(aliases(CORRECTED)),
        executions,
        decisions,
    )


@st.composite
def policies(draw: st.DrawFn, recorded: datetime) -> Cells:
    return {
        "baseline_provider": draw(PROVIDER),
        "baseline_model": draw(either(*MODELS, *NAMES)),
        **draw(boundaries().flatmap(lambda moments: window(moments, recorded))),
    }


ORGANIZATION_VERSIONS = st.fixed_dictionaries(
    {
        "event": st.just("organization"),
        "name": st.just("drawn"),
        "tier": st.just("team"),
        "timezone": either("UTC", "Asia/Kathmandu", "America/New_York"),
        "baseline_provider": PROVIDER_OR_NONE,
        "baseline_model": either(*MODELS, *NAMES, None),
        "updated_at": DAY.map(lambda day: (BEGINNING + timedelta(days=day)).isoformat()),
    }
)


def drawn(strategy: st.SearchStrategy[T], count: int) -> list[T]:
    """Return what Hypothesis draws for a test that always passes."""
    found: list[T] = []

    @seed(SEED)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def keep(example: T) -> None:
        found.append(example)

    keep()
    return found


def organization_of(number: int, distance: int | None = 0) -> str | None:
    """Return the organization of a book, or one at a distance from it."""
    if distance is None:
        return None
    return uuid_of(900_000_000 + (number + distance) % ORGANIZATIONS)


def provider_of(number: int, distance: int | None = 0) -> str | None:
    """Return the provider of a book, or of one at a distance from it."""
    return None if distance is None else f"provider {(number + distance) % BOOKS}"


def policy_of(number: int, row: Cells) -> Cells:
    """Return a policy of the kind and the organization whose turn it is."""
    turn, organization = divmod(number, ORGANIZATIONS + 1)
    policy = POLICIES[(turn + organization) % len(POLICIES)]
    baseline_provider = provider_of(number, row["baseline_provider"])
    return row | {
        "policy": policy,
        "organization_id": organization_of(organization) if organization < ORGANIZATIONS else None,
        "baseline_provider": baseline_provider if policy == "fixed" else None,
        "baseline_model": row["baseline_model"] if policy == "fixed" else None,
    }


def events_of(number: int, book: Book) -> list[Cells]:
    """Return the events of a book as they land; its number and theirs stand in their ids."""
    decision_ids = [uuid_of(500_000_000 + number * 1_000 + n) for n in range(len(book.decisions))]
    events: list[Cells] = []
    for position, drawn_execution in enumerate(book.executions):
        own_id = uuid_of(number * 1_000 + position)
        followed = decision_ids[drawn_execution["routing_decision_id"] :][:1]
        event = drawn_execution | {
            "event_id": own_id,
            "id": own_id,
            "task_id": "drawn",
            "provider": provider_of(number),
            "organization_id": organization_of(number, drawn_execution["organization_id"]),
            "routing_decision_id": followed[0] if followed else None,
        }
        events.append(event)
    for own_id, drawn_decision in zip(decision_ids, book.decisions, strict=True):
        event = drawn_decision | {
            "event_id": own_id,
            "id": own_id,
            "organization_id": organization_of(number, drawn_decision["organization_id"]),
        }
        if event["task_execution_id"] is not None:
            event["task_execution_id"] = events[event["task_execution_id"]]["id"]
        for name in ("chosen_provider", "baseline_provider"):
            event[name] = provider_of(number, event[name])
        event["alternative_providers"] = [
            alternative | {"provider": provider_of(number, alternative["provider"])}
            for alternative in event["alternative_providers"]
        ]
        if event.pop("has_arrived"):
            events.append(event)
    return [without_blanks(event) for event in events]


def without_blanks(cells: Cells) -> Cells:
    return {name: cell for name, cell in cells.items() if cell is not None}


def rows_of(books: Mapping[int, Book], name: str) -> list[Cells]:
    """Return the rows of all books' lists of one name, each with its provider."""
    return [
        row
        | {
            "provider": provider_of(number),
            "organization_id": organization_of(number, row.get("organization_id")),
        }
        for number, book in books.items()
        for row in getattr(book, name)
    ]


def add_to(seeds: Seeds, files: Mapping[str, list[Cells]]) -> None:
    for name, rows in files.items():
        texts = [{cell: str(value) for cell, value in without_blanks(row).items()} for row in rows]
        seeds.add(name, *texts)


def versions_of_organizations() -> list[Cells]:
    """Draw versions of the organizations of all books but one, with what they compare with."""
    return [
        without_blanks(
            version
            | {
                "event_id": uuid_of(800_000_000 + number),
                "id": organization_of(number % (ORGANIZATIONS - 1)),
                "baseline_provider": provider_of(number, version["baseline_provider"]),
            }
        )
        for number, version in enumerate(drawn(ORGANIZATION_VERSIONS, 3 * ORGANIZATIONS))
    ]


def drawn_policies(recorded: datetime, count: int) -> list[Cells]:
    rows = (policy_of(number, row) for number, row in enumerate(drawn(policies(recorded), count)))
    return consistent(rows, ["organization_id"])


def changed(before: dict[Any, Row], after: dict[Any, Row]) -> set[Any]:
    assert before.keys() == after.keys()
    return {key for key, row in after.items() if before[key] != row}


def using(facts: dict[Any, Row], provider: str, model: str | None) -> set[Any]:
    """Return the executions that are priced as a model, or compared with it under any policy."""
    names = {model} | {
        fact[f"{prefix}model"]
        for fact in facts.values()
        for prefix in ("", "baseline_")
        if (fact[f"{prefix}provider"], fact[f"{prefix}price_model"]) == (provider, model)
    }
    return {
        key
        for key, fact in facts.items()
        if (provider, model)
        in (
            (fact["provider"], fact["price_model"]),
            (fact["baseline_provider"], fact["baseline_price_model"]),
        )
        or any(
            fact[f"{offer}_provider"] == provider
            and fact[f"{offer}_model"] in names
            and fact[f"{policy}_baseline_cost_usd"] is not None
            for offer, policy in (
                ("decision_baseline", "decision_recorded"),
                ("most_expensive_alternative", "most_expensive_alternative"),
            )
        )
    }


def most_used_model(story: Story, seeds: Seeds) -> tuple[str, str]:
    """Return the most used model that has one price whatever the service tier."""
    tiered = {
        (row["provider"], row["model"])
        for row in seeds.read("provider_pricing")
        if row["service_tier"]
    }
    usage = Counter(
        (fact["provider"], fact["price_model"])
        for fact in story.mart("fct_task_executions").values()
        if fact["pricing_status"] == "priced"
    )
    return next(model for model, _ in usage.most_common() if model not in tiered)


def for_three_usd(number: int, **changes: Any) -> dict[str, Any]:
    """A million input tokens of a model that costs 3 USD for as many, on 1 March."""
    return execution(
        number,
        input_tokens=1_000_000,
        cached_input_tokens=0,
        cache_write_tokens=0,
        output_tokens=0,
        reasoning_tokens=0,
        reported_cost_usd=None,
        **changes,
    )
