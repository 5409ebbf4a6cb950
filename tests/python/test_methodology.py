"""Every figure of docs/methodology.md, recomputed by the builds that it speaks of.

An example in the document is a comment `<!-- example: name, 2 tables -->` and the tables
after it. A function of the same name turns its tables into prices and events and returns what the
document says beside the query that must say the same; all examples share two builds.
"""

import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from functools import cache
from typing import Any

from support.events import adjustment, decision, execution, organization, uuid_of
from support.stories import Seeds, Story, price

from orchestration.project import project_root

pytest_plugins = ["support.stories"]

NOTHING_USED: dict[str, Any] = dict.fromkeys(
    (
        *("input_tokens", "cached_input_tokens", "cache_write_tokens", "output_tokens"),
        *("reasoning_tokens", "reported_cost_usd", "quality_score", "end_time", "user_id"),
        "routing_decision_id",
    )
)
NO_TOKEN_RATES = {"input_usd_per_mtok": None, "output_usd_per_mtok": None}
MILLION = 1_000_000
UNKNOWN = ("unknown", "none", "")

Table = list[dict[str, str]]
Check = Callable[[Story], None]


@dataclass
class Example:
    """One worked example, and the warehouse's part that belongs to it alone.

    Attributes:
        name: As in the comment.
        tables: Rows by header; marks of emphasis and code are gone.
        prose: What stands around the tables.
        number: Makes its ids differ from those of the others.
        prices: Rows for the price book before the first build.
        usage_prices: Rows for what the price book has no column for.
        factors: Rows for what multiplies rates.
        corrections: Rows that are recorded before the second build.
        aliases: Other names of models.
        policies: Rows of the baseline policies.
        exchange_rates: Rows of the exchange rates.
        loads: What lands, one load after the other.
    """

    name: str
    tables: list[Table]
    prose: str
    number: int
    prices: list[dict[str, str]] = field(default_factory=list)
    usage_prices: list[dict[str, str]] = field(default_factory=list)
    factors: list[dict[str, str]] = field(default_factory=list)
    corrections: list[dict[str, str]] = field(default_factory=list)
    aliases: list[dict[str, str]] = field(default_factory=list)
    policies: list[dict[str, str]] = field(default_factory=list)
    exchange_rates: list[dict[str, str]] = field(default_factory=list)
    loads: list[list[dict[str, Any]]] = field(default_factory=list)
    _executions: int = 0

    @property
    def table(self) -> Table:
        (table,) = self.tables
        return table

    @property
    def provider(self) -> str:
        return f"house {self.name}"

    def organization_id(self, name: str = "ours") -> str:
        names = ("ours", "another", "third")
        return uuid_of(7_000_000 + 10 * self.number + names.index(name))

    def decision_id(self, number: int) -> str:
        return uuid_of(3_000_000 + self.number * 100 + number)

    def add_price(self, model: str = "model", **cells: Any) -> None:
        flat = {"input_usd_per_mtok": "1", "output_usd_per_mtok": "1"}
        self.prices.append(price(self.provider, model, **flat | cells))

    def add_usage_price(self, usage: str, **cells: Any) -> None:
        self.usage_prices.append(dated(self.provider, usage=usage, **cells))

    def add_factor(self, kind: str, factor: str, **cells: Any) -> None:
        self.factors.append(dated(self.provider, kind=kind, factor=factor, **cells))

    def land(self, *events: dict[str, Any]) -> None:
        if not self.loads:
            self.loads.append([])
        self.loads[0].extend(events)

    def belong(self, name: str = "ours", **changes: Any) -> None:
        """Land one of the example's organizations."""
        organization_id = self.organization_id(name)
        settings: dict[str, Any] = {"baseline_provider": None, "baseline_model": None}
        settings |= {"timezone": "UTC"} | changes
        event_id = uuid_of(8_000_000 + int(organization_id[-9:]))
        self.land(organization(**settings, id=organization_id, event_id=event_id))

    def use(self, **changes: Any) -> str:
        """Land an execution that used nothing but what is said, and return its id."""
        self._executions += 1
        usage: dict[str, Any] = {
            "organization_id": self.organization_id(),
            "provider": self.provider,
            "model": "model",
        }
        if "input_tokens" in changes or "output_tokens" in changes:
            usage |= {"input_tokens": 0, "output_tokens": 0}
        number = self.number * 100 + self._executions
        event = execution(number, **NOTHING_USED | usage | changes)
        self.land(event)
        return str(event["id"])

    def decide(self, number: int, **changes: Any) -> str:
        """Land a decision about the organization that names no execution, and return its id."""
        ids = {"organization_id": self.organization_id(), "task_execution_id": None}
        self.land(decision(self.number * 100 + number, **ids | changes))
        return self.decision_id(number)

    def day(self, story: Story) -> dict[str, Any]:
        (found,) = story.days(self.organization_id()).values()
        return found


def dated(provider: str, **cells: Any) -> dict[str, str]:
    """Return a row of one of the price files that has no rates of its own accord."""
    return price(provider, **{"model": ""} | NO_TOKEN_RATES | cells)


def numbers_in(text: str) -> set[Decimal]:
    """Return the numbers of a text, those in moments left out."""
    without_moments = re.sub(r"\d{4}-\d\d-\d\d\S*", "", text)
    return {amount(found) for found in re.findall(r"-?\d[\d,]*(?:\.\d+)?", without_moments)}


def amount(cell: str) -> Decimal:
    return Decimal(cell.replace(",", ""))


def maybe(cell: str) -> Decimal | None:
    return None if cell in UNKNOWN else amount(cell)


def whole(cell: str) -> int:
    return int(amount(cell))


def agree(said: str, computed: Any, where: object) -> None:
    """Fail unless a cell says what was computed, to the last digit that the cell gives."""
    if computed is None or said in UNKNOWN:
        assert (said in UNKNOWN, computed) == (True, None), (where, said, computed)
        return
    stated = amount(said)
    exact = Decimal(computed)
    places = Decimal(1).scaleb(min(0, int(stated.as_tuple().exponent)))
    rounded = exact.quantize(places, ROUND_HALF_UP)
    assert stated == rounded, (where, said, computed)


def exactly(said: str, computed: Any, where: object) -> None:
    """Fail unless a cell says what was computed, with nothing rounded off."""
    assert maybe(said) == computed, (where, said, computed)


def alike(rows: Table, *columns: str) -> None:
    """Fail unless rows agree: a figure that shows in no result is that of one that does."""
    for column in columns:
        assert len({row[column] for row in rows}) == 1, (column, rows)


def numbered(rows: Table, column: str) -> None:
    assert [row[column].split(",")[0] for row in rows] == [str(n + 1) for n in range(len(rows))]


def document() -> str:
    return (project_root() / "docs" / "methodology.md").read_text(encoding="utf-8")


def cells(line: str) -> list[str]:
    return [re.sub(r"[*`]", "", cell).strip() for cell in line.strip("|\n").split("|")]


def table_of(lines: list[str]) -> Table:
    """Return rows by header; of equal headers the second one is `header 2`."""
    header: list[str] = []
    for name in cells(lines[0]):
        repeated = sum(known == name or known.startswith(f"{name} ") for known in header)
        header.append(f"{name} {repeated + 1}" if name in header else name)
    rows = [cells(line) for line in lines[2:]]
    assert all(len(row) == len(header) for row in rows), lines
    return [dict(zip(header, row, strict=True)) for row in rows]


@cache
def parsed() -> tuple[dict[str, Example], str]:
    """Return the document's examples and the text that is left without them and without code."""
    found: dict[str, Example] = {}
    rest: list[str] = []
    lines = iter(re.sub(r"^```.*?^```$", "", document(), flags=re.M | re.S).splitlines())
    for line in lines:
        start = re.fullmatch(r"<!-- example: ([a-z-]+)(?:, (\d) tables)? -->", line)
        if not start:
            assert "<!--" not in line, f"a comment that is no example: {line}"
            assert not line.startswith("|"), f"a table that no test reads: {line}"
            rest.append(line)
            continue
        name, tables, prose = start[1], int(start[2] or 1), list[str]()
        read = [table_of(table) for table in tables_of(lines, tables, prose)]
        assert name not in found, f"the example {name} stands twice"
        found[name] = Example(name, read, "\n".join(prose), number=len(found) + 1)
    return found, "\n".join(rest)


def tables_of(lines: Iterator[str], count: int, prose: list[str]) -> Iterator[list[str]]:
    for _ in range(count):
        table: list[str] = []
        for line in lines:
            if line.startswith("|"):
                table.append(line)
            elif table:
                break
            else:
                prose.append(line)
        yield table


# --- One function for each example ----------------------------------------------------------------

EXAMPLES: dict[str, Callable[[Example], Check]] = {}


def example(function: Callable[[Example], Check]) -> Callable[[Example], Check]:
    EXAMPLES[function.__name__.replace("_", "-")] = function
    return function


@example
def cache_mix(this: Example) -> Check:
    rows = {row["usage"]: row for row in this.table}
    parts = {
        "uncached_input": rows["of it the rest"],
        "cached_input": rows["of it read from a cache"],
        "cache_write": rows["of it written to a cache"],
        "output": rows["output, as reported"],
    }
    assert len(rows) == len(parts) + 2
    rates = {part.replace("uncached_", ""): row["USD per million"] for part, row in parts.items()}
    this.add_price(**{f"{part}_usd_per_mtok": rate for part, rate in rates.items()})
    used = this.use(
        input_tokens=whole(rows["input, as reported"]["tokens"]),
        cached_input_tokens=whole(parts["cached_input"]["tokens"]),
        cache_write_tokens=whole(parts["cache_write"]["tokens"]),
        output_tokens=whole(parts["output"]["tokens"]),
    )

    def check(story: Story) -> None:
        exactly(rows["cost"]["USD"], story.fact(used)["cost_usd"], this.name)
        lines = story.rows("select * from marts.fct_cost_lines where execution_id = %s", used)
        assert {line["part"] for line in lines} == set(parts)
        for line in lines:
            said = parts[line["part"]]
            exactly(said["tokens"], line["quantity"], said)
            exactly(said["USD per million"], line["usd_per_unit"] * MILLION, said)
            exactly(said["USD"], line["cost_usd"], said)

    return check


@example
def token_parts(this: Example) -> Check:
    used: list[tuple[str, dict[str, str]]] = []
    for number, row in enumerate(this.table):
        reasoning = re.match(r"(\d+) of the output", row[""])
        this.add_price(
            f"model {number}",
            # Without a figure for what is not used; a price of tokens needs one all the same.
            input_usd_per_mtok=row["rate"] or "1",
            cached_input_usd_per_mtok=row["rate 2"],
            cache_write_usd_per_mtok=row["rate 3"],
            output_usd_per_mtok=row["rate 4"],
        )
        used.append(
            (
                this.use(
                    model=f"model {number}",
                    input_tokens=whole(row["input"]),
                    cached_input_tokens=whole(row["read from a cache"]),
                    cache_write_tokens=whole(row["written to it"]),
                    output_tokens=whole(row["output"]),
                    reasoning_tokens=int(reasoning[1]) if reasoning else None,
                ),
                row,
            )
        )
        assert not reasoning or int(reasoning[1]) <= whole(row["output"])
    return costs(used)


def costs(used: list[tuple[str, dict[str, str]]], **others: str) -> Check:
    """Check the costs of executions, and other columns of theirs by the headers of the cells."""

    def check(story: Story) -> None:
        for execution_id, row in used:
            fact = story.fact(execution_id)
            for column, header in {"cost_usd": "cost", **others}.items():
                exactly(row[header], fact[column], row)

    return check


@example
def token_kinds(this: Example) -> Check:
    used = []
    for number, row in enumerate(this.table):
        model, kind = f"model {number}", row["kind"]
        counts = {"input_tokens": whole(row["input"]), "output_tokens": whole(row["output"])}
        is_write = kind == "cache_write_1h_tokens"
        if is_write:
            counts["cache_write_tokens"] = counts["input_tokens"]
        # Without a figure for what is not used; a price of tokens needs one all the same.
        rates = {"input_usd_per_mtok": row["rate"], "output_usd_per_mtok": row["rate 2"] or "1"}
        if is_write:
            rates |= {"input_usd_per_mtok": "1", "cache_write_usd_per_mtok": row["rate"]}
        this.add_price(model, **rates)
        this.add_usage_price(kind, model=model, usd_per_mtok=row["rate 3"])
        used.append((this.use(model=model, **counts, **{kind: whole(row["of the kind"])}), row))
    return costs(used)


@example
def other_usage(this: Example) -> Check:
    used = []
    for number, row in enumerate(this.table):
        model = f"model {number}"
        this.add_price(model, input_usd_per_mtok=row["rate"], output_usd_per_mtok=row["rate 2"])
        if row["USD each"]:
            this.add_usage_price("web_search_requests", model=model, usd_per_unit=row["USD each"])
        used.append(
            (
                this.use(
                    model=model,
                    input_tokens=whole(row["input"]),
                    output_tokens=whole(row["output"]),
                    other_usage={"web_search_requests": whole(row["web searches"])},
                ),
                row,
            )
        )
    return costs(used)


@example
def gateway_cache(this: Example) -> Check:
    provider, gateway = this.table
    alike(this.table, "baseline")
    this.belong(baseline_provider=this.provider, baseline_model="baseline")
    this.add_price("model", input_usd_per_mtok=provider["cost"])
    this.add_price("baseline", input_usd_per_mtok=provider["baseline"])
    used = [
        (this.use(input_tokens=MILLION, is_gateway_cache_hit=row is gateway), row)
        for row in this.table
    ]

    def check(story: Story) -> None:
        costs(used, baseline_cost_usd="baseline", savings_usd="savings")(story)
        for execution_id, row in used:
            assert story.fact(execution_id)["pricing_status"] == row["pricing_status"]

    return check


@example
def versions(this: Example) -> Check:
    (rate,) = {row["USD per million"] for row in this.table}
    this.add_price(output_usd_per_mtok=rate)
    assert [row["arrived"] for row in this.table] == ["first", "second", "third, late", "fourth"]
    used = this.use(output_tokens=0)
    (landed,) = this.loads.pop()
    this.loads += [
        [
            landed
            | {
                "event_id": uuid_of(9_000_000 + number),
                "updated_at": row["updated_at"],
                "output_tokens": whole(row["output tokens"]),
            }
        ]
        for number, row in enumerate(this.table)
    ]
    (counts,) = (row for row in this.table if row["counts"] == "yes")
    for row in this.table:
        exactly(row["its cost"], amount(row["output tokens"]) * amount(rate) / MILLION, row)

    def check(story: Story) -> None:
        fact = story.fact(used)
        exactly(counts["its cost"], fact["cost_usd"], counts)
        exactly(counts["output tokens"], fact["output_tokens"], counts)
        assert fact["updated_at"] == datetime.fromisoformat(counts["updated_at"])

    return check


@example
def totals(this: Example) -> Check:
    executions, (day,) = this.tables
    (rate,) = re.findall(r"([\d.]+) USD", this.prose)
    numbered(executions, "execution")
    this.add_price(input_usd_per_mtok=rate)
    this.belong()
    used = []
    for row in executions:
        model = "unheard-of" if "without a price" in row["execution"] else "model"
        tokens = whole(row["input tokens"])
        used.append((this.use(model=model, status=row["status"], input_tokens=tokens), row))

    def check(story: Story) -> None:
        costs(used)(story)
        for column, said in day.items():
            exactly(said, this.day(story)[column], column)

    return check


@example
def precedence(this: Example) -> Check:
    book, executions = this.tables
    this.aliases.append(
        {
            "provider": this.provider,
            "alias": "alpha-latest",
            "model": "alpha",
            "recorded_at": "2026-11-25T00:00:00Z",
        }
    )
    (factor,) = re.findall(r"[\d.]+", this.prose)
    this.add_factor("service_tier", factor, service_tier="batch")
    rates = {}
    for row in book:
        rates[row["row"]] = row["USD per million"]
        this.add_price(
            row["model"],
            organization_id=this.organization_id("ours") if row["organization"] else None,
            task_type=row["task type"],
            service_tier=row["service tier"],
            context_over_tokens=row["over tokens"].replace(",", ""),
            input_usd_per_mtok=row["USD per million"],
            output_usd_per_mtok=row["USD per million"],
        )
    assert len(set(rates.values())) == len(rates) == len(book)
    used = [
        (
            this.use(
                organization_id=this.organization_id(row["organization"]),
                model=row["model"],
                task_type=row["task type"],
                service_tier=row["service tier"],
                input_tokens=whole(row["input tokens"]),
            ),
            row,
        )
        for row in executions
    ]
    assert {row["row"] for row in executions} == set(rates)

    def check(story: Story) -> None:
        costs(used)(story)
        for execution_id, row in used:
            found = story.row(
                "select input_usd_per_mtok from marts.dim_prices where price_id = %s",
                story.fact(execution_id)["price_id"],
            )
            exactly(rates[row["row"]], found["input_usd_per_mtok"], row)

    return check


@example
def factors(this: Example) -> Check:
    rate, each, batch, region, agreed = re.findall(r"\d[\d.]*", this.prose)
    this.add_price(input_usd_per_mtok=rate)
    this.add_usage_price("web_search_requests", usd_per_unit=each)
    this.add_factor("service_tier", batch, service_tier="batch")
    this.add_factor("region", region, region="eu")
    this.add_factor("agreement", agreed, organization_id=this.organization_id("ours"))
    used = []
    for row in this.table:
        tokens, searches = whole(row["input tokens"]), whole(row["searches"])
        used.append(
            (
                this.use(
                    organization_id=this.organization_id(row["organization"]),
                    service_tier=row["service tier"],
                    region=row["region"] or None,
                    input_tokens=tokens,
                    other_usage={"web_search_requests": searches},
                ),
                row,
            )
        )
        if row["cost"] not in UNKNOWN:
            on_tokens, on_searches = amount(row["factors on tokens"]), amount(row["on searches"])
            computed = tokens * amount(rate) * on_tokens / MILLION
            exactly(row["cost"], computed + searches * amount(each) * on_searches, row)
    return costs(used)


@example
def tiers(this: Example) -> Check:
    used, baseline, savings = this.table
    alike([used, baseline], "input tokens", "output tokens")
    tier = used["usage with the tier batch"].split()[-1]
    this.belong(baseline_provider=this.provider, baseline_model="baseline")
    for row, model, cells in (
        (used, "model", {"service_tier": tier}),
        (baseline, "baseline", {}),
    ):
        rates = {"input_usd_per_mtok": row["rate"], "output_usd_per_mtok": row["rate 2"]}
        this.add_price(model, **rates, **cells)
    this.add_factor("service_tier", baseline["factor"], service_tier=tier)
    execution_id = this.use(
        service_tier=tier,
        input_tokens=whole(used["input tokens"]),
        output_tokens=whole(used["output tokens"]),
    )

    def check(story: Story) -> None:
        fact = story.fact(execution_id)
        exactly(used["USD"], fact["cost_usd"], used)
        exactly(baseline["USD"], fact["baseline_cost_usd"], baseline)
        exactly(savings["USD"], fact["savings_usd"], savings)

    return check


@example
def hours(this: Example) -> Check:
    rate, factor = re.findall(r"\d[\d.]*", this.prose)[:2]
    (recurring,) = re.findall(r"`(.*?)`", this.prose)
    this.add_price(input_usd_per_mtok=rate)
    this.add_factor("hours", factor, hours=recurring)
    used = []
    for row in this.table:
        start, _, kind = row["start"].partition(", ")
        assert f"{datetime.fromisoformat(start):%A}" == row["weekday"]
        tokens, is_bucket = whole(row["input tokens"]), kind == "a bucket"
        if not is_bucket:
            exactly(row["cost"], tokens * amount(rate) * amount(row["factor"]) / MILLION, row)
        used.append((this.use(start_time=start, input_tokens=tokens, is_bucket=is_bucket), row))
    return costs(used)


@example
def boundary(this: Example) -> Check:
    book, executions = this.tables
    for row in book:
        this.add_price(
            input_usd_per_mtok=row["USD per million"],
            effective_from=row["holds from"],
            effective_until=row["until"] or None,
        )
    first, second = (datetime.fromisoformat(row["holds from"]) for row in book)
    before = timedelta(microseconds=1)
    starts = [datetime.fromisoformat(row["start"]) for row in executions]
    assert starts == [first - before, second - before, second]
    alike(executions, "input tokens")
    return costs(
        [
            (this.use(start_time=row["start"], input_tokens=whole(row["input tokens"])), row)
            for row in executions
        ]
    )


@example
def context_tier(this: Example) -> Check:
    threshold = this.prose.split(" above ")[1].split(" tokens")[0].replace(",", "")
    rates = {
        (row["rate"], row["rate 2"]): whole(row["input tokens"]) // whole(row["requests"])
        for row in this.table
    }
    below, above = sorted(rates, key=rates.__getitem__)
    for over, (rate_in, rate_out) in (("", below), (threshold, above)):
        this.add_price(
            context_over_tokens=over, input_usd_per_mtok=rate_in, output_usd_per_mtok=rate_out
        )
    return costs(
        [
            (
                this.use(
                    request_count=whole(row["requests"]),
                    input_tokens=whole(row["input tokens"]),
                    output_tokens=whole(row["output tokens"]),
                ),
                row,
            )
            for row in this.table
        ]
    )


@example
def missing_cache_rate(this: Example) -> Check:
    used = []
    alike(this.table, "input rate", "tokens read from a cache")
    for number, row in enumerate(this.table):
        this.add_price(
            f"model {number}",
            input_usd_per_mtok=row["input rate"],
            cached_input_usd_per_mtok=row["cached rate in the book"],
        )
        tokens = whole(row["tokens read from a cache"])
        model = f"model {number}"
        used.append((this.use(model=model, input_tokens=tokens, cached_input_tokens=tokens), row))
    return costs(used)


@example
def copilot(this: Example) -> Check:
    """At the prices that ship with the warehouse."""
    alike(this.table[1:], "requests")
    used = [
        (
            this.use(
                provider="github_copilot",
                model=None,
                start_time=row["start"],
                updated_at=row["start"],
                request_count=float(row["requests"]),
                compute_units=float(row["AI credits"]) if row["AI credits"] else None,
            ),
            row,
        )
        for row in this.table
    ]

    def check(story: Story) -> None:
        costs(used)(story)
        for execution_id, row in used:
            found = story.row(
                "select * from marts.dim_prices where price_id = %s",
                story.fact(execution_id)["price_id"],
            )
            each = found["usd_per_request"] or found["usd_per_compute_unit"]
            exactly(row["USD each"], each, row)

    return check


@example
def minutes(this: Example) -> Check:
    used = []
    start = datetime(2026, 3, 1, 10, tzinfo=UTC)
    for number, row in enumerate(this.table):
        model = f"model {number}"
        this.add_price(model, **NO_TOKEN_RATES, usd_per_minute=row["USD per minute"])
        end = start + timedelta(milliseconds=whole(row["milliseconds"]))
        used.append(
            (this.use(model=model, start_time=start.isoformat(), end_time=end.isoformat()), row)
        )
    return costs(used)


@example
def flat_price(this: Example) -> Check:
    used = []
    alike(this.table, "tokens, no split", "input, USD per million")
    for number, row in enumerate(this.table):
        model = f"model {number}"
        this.add_price(
            model,
            input_usd_per_mtok=row["input, USD per million"],
            output_usd_per_mtok=row["output, USD per million"],
        )
        used.append((this.use(model=model, tokens_used=whole(row["tokens, no split"])), row))

    def check(story: Story) -> None:
        costs(used)(story)
        for execution_id, row in used:
            if row["cost"] in UNKNOWN:
                continue
            line = story.row(
                "select * from marts.fct_cost_lines where execution_id = %s", execution_id
            )
            assert line["part"] == "unsplit_tokens"
            exactly(row["cost"], line["cost_usd"], row)
            exactly(row["cost"], story.fact(execution_id)["uncached_input_cost_usd"], row)

    return check


@example
def rounding(this: Example) -> Check:
    (row,) = this.table
    this.add_price(input_usd_per_mtok=row["rate"], output_usd_per_mtok=row["rate 2"])
    used = this.use(input_tokens=whole(row["input"]), output_tokens=whole(row["output"]))
    halves = [amount(row[part]) * amount(row[rate]) / MILLION for part, rate in (
        ("input", "rate"), ("output", "rate 2")
    )]  # fmt: skip
    assert all(half.as_tuple().digits[-1] == 5 for half in halves)
    assert amount(row["cost"]) - sum(halves) == Decimal("1e-12")

    return costs([(used, row)], uncached_input_cost_usd="input, USD", output_cost_usd="output, USD")


@example
def unknown(this: Example) -> Check:
    this.add_price("split", output_usd_per_mtok="2")
    this.add_price("late", effective_from="2026-04-01T00:00:00Z")
    this.add_price("units", **NO_TOKEN_RATES, usd_per_compute_unit="1")
    this.add_factor("hours", "2", model="split", hours="Mon-Fri 08:00-16:00")
    rows = {row["pricing_status"]: row["for example"] for row in this.table}
    of_input, of_output, total = map(int, re.findall(r"\d+", rows["token_totals_differ"]))
    halves = {"input_tokens": 1, "output_tokens": 1}
    tier = rows["tier_without_price"].split()[2].rstrip(",")
    (limit,) = (
        whole(found[0]) for row in this.table if (found := re.search(r"[\d,]{6,}", str(row)))
    )
    this.belong()
    statuses = {
        this.use(model=None, input_tokens=1): "no_model",
        this.use(model="unheard-of", input_tokens=1): "no_price_for_model",
        this.use(model="late", input_tokens=1): "before_first_price",
        this.use(model="split"): "no_usage",
        this.use(model="split", tokens_used=1): "token_split_unknown",
        this.use(
            model="split", input_tokens=of_input, output_tokens=of_output, tokens_used=total
        ): "token_totals_differ",
        this.use(model="split", **halves, other_usage={"seats": 1}): "usage_without_price",
        this.use(model="split", **halves, service_tier=tier): "tier_without_price",
        this.use(model="split", **halves, is_bucket=True): "bucket_spans_prices",
        this.use(model="units", compute_units=limit + 1): "cost_out_of_range",
    }
    most = this.use(model="units", compute_units=limit)

    def check(story: Story) -> None:
        assert [row["pricing_status"] for row in this.table] == list(statuses.values())
        assert {key: story.fact(key)["pricing_status"] for key in statuses} == statuses
        assert {story.fact(key)["cost_usd"] for key in statuses} == {None}
        assert story.fact(most)["cost_usd"] == limit
        assert this.day(story)["unpriced_tasks"] == len(statuses)
        assert this.day(story)["total_spend_usd"] == limit

    return check


@example
def correction(this: Example) -> Check:
    book, executions = this.tables
    for row in book:
        this.add_price(
            input_usd_per_mtok=row["USD per million"],
            effective_from=row["holds from"],
            effective_until=row["until"] or None,
            recorded_at=row["recorded"],
        )
    this.corrections.append(this.prices.pop())
    *rows, total = executions
    (tokens,) = {whole(found) for found in re.findall(r"[\d,]{5,}", this.prose)}
    used = [(this.use(start_time=row["start"], input_tokens=tokens), row) for row in rows]

    def check(story: Story) -> None:
        ledger = {
            row["execution_id"]: row
            for row in story.rows(
                "select * from marts.fct_cost_corrections where organization_id = %s",
                this.organization_id(),
            )
        }
        for execution_id, row in used:
            exactly(row["new cost"], story.fact(execution_id)["cost_usd"], row)
            if row["delta in the ledger"] == "no row":
                assert row["old cost"] == row["new cost"]
                assert execution_id not in ledger
                continue
            noted = ledger.pop(execution_id)
            assert noted["reason"] == "price"
            exactly(row["old cost"], noted["old_cost_usd"], row)
            exactly(row["new cost"], noted["new_cost_usd"], row)
            exactly(row["delta in the ledger"], noted["cost_delta_usd"], row)
        assert not ledger
        for column in ("old cost", "new cost", "delta in the ledger"):
            parts = [amount(row[column]) for row in rows if row[column] != "no row"]
            exactly(total[column], sum(parts), column)

    return check


@example
def policy_in_force(this: Example) -> Check:
    book, executions = this.tables
    shipped, *own = book
    this.belong()
    assert {row["for"] for row in own} == {"ours"}
    for row in own:
        is_fixed = row["policy"] == "fixed"
        this.policies.append(
            {
                "policy": row["policy"],
                "organization_id": this.organization_id(),
                "effective_from": row["holds from"],
                "effective_until": row["until"],
                "recorded_at": row["recorded"],
                **({"baseline_provider": "x", "baseline_model": "y"} if is_fixed else {}),
            }
        )
    used = [
        (this.use(start_time=row["start of an execution of ours"], input_tokens=1), row)
        for row in executions
    ]

    def check(story: Story) -> None:
        common = story.row(
            "select * from reference.baseline_policies where organization_id is null"
        )
        assert (common["policy"], common["effective_from"], common["recorded_at"]) == (
            shipped["policy"],
            datetime.fromisoformat(shipped["holds from"]),
            datetime.fromisoformat(shipped["recorded"]),
        )
        for execution_id, row in used:
            assert story.fact(execution_id)["baseline_policy"] == row["policy in force"], row

    return check


@example
def policies(this: Example) -> Check:
    rows = {row["policy"]: row for row in this.table}
    cost, overhead = re.findall(r"([\d.]+) USD", this.prose)
    dear = rows["most_expensive_alternative"]["baseline"]
    models = {
        "model": cost,
        "default": rows["organization_default"]["baseline"],
        "noted": rows["decision_recorded"]["baseline"],
        "dear": dear,
        "fixed": rows["fixed"]["baseline"],
    }
    for model, rate in models.items():
        this.add_price(model, input_usd_per_mtok=rate, output_usd_per_mtok=rate)
    since = {
        "organization_id": this.organization_id(),
        "effective_from": "2026-01-01T00:00:00Z",
    }
    this.policies += [
        since
        | {
            "policy": "fixed",
            "baseline_provider": this.provider,
            "baseline_model": "fixed",
            "recorded_at": "2026-11-24T00:00:00Z",
        },
        since | {"policy": "organization_default", "recorded_at": "2026-11-25T00:00:00Z"},
    ]
    this.belong(baseline_provider=this.provider, baseline_model="default")
    decided = this.decide(
        1,
        routing_overhead_cost_usd=float(overhead),
        baseline_provider=this.provider,
        baseline_model="noted",
        alternative_providers=[
            {"provider": this.provider, "model": "noted", "estimated_cost_usd": 1},
            {"provider": this.provider, "model": "dear", "estimated_cost_usd": 2},
        ],
    )
    this.use(input_tokens=MILLION, routing_decision_id=decided)

    def check(story: Story) -> None:
        found = {
            row["policy"]: row
            for row in story.rows(
                "select * from marts.fct_savings_by_policy where organization_id = %s",
                this.organization_id(),
            )
        }
        assert found.keys() == rows.keys()
        for policy, row in rows.items():
            exactly(cost, found[policy]["compared_cost_usd"], row)
            exactly(row["baseline"], found[policy]["total_baseline_cost_usd"], row)
            exactly(row["savings"], found[policy]["total_savings_usd"], row)
            exactly(row["net savings"], found[policy]["total_net_savings_usd"], row)

    return check


@example
def ratio(this: Example) -> Check:
    executions, (day,) = this.tables
    this.belong(baseline_provider=this.provider, baseline_model="baseline")
    numbered(executions, "execution")
    # Of the baseline's million tokens at 10 USD, so many are used; the rate gives the cost.
    this.add_price("baseline", input_usd_per_mtok="10", output_usd_per_mtok="10")
    used = []
    for number, row in enumerate(executions):
        tokens = int(amount(row["baseline"]) * MILLION / 10)
        status = row["status"]
        # What failed is priced as the first one, so that its cost is computed as well.
        model = "model 0" if status == "failed" else f"model {number}"
        if status != "failed":
            this.add_price(model, input_usd_per_mtok=amount(row["cost"]) * MILLION / tokens)
        used.append((this.use(model=model, status=status, input_tokens=tokens), row))

    def check(story: Story) -> None:
        costs(used, baseline_cost_usd="baseline", savings_usd="savings")(story)
        for execution_id, row in used:
            fact = story.fact(execution_id)
            share = fact["savings_usd"] and 100 * fact["savings_usd"] / fact["baseline_cost_usd"]
            exactly(row["savings in % of the baseline"], share, row)
        for column, said in day.items():
            exactly(said, this.day(story)[column], column)

    return check


@example
def router_overhead(this: Example) -> Check:
    (row,) = this.table
    tokens = 790
    this.belong(baseline_provider=this.provider, baseline_model="baseline")
    for model, name in (("model", "cost"), ("baseline", "baseline")):
        this.add_price(model, input_usd_per_mtok=amount(row[name]) * MILLION / tokens)
    decided = this.decide(1, routing_overhead_cost_usd=float(row["routing overhead"]))
    used = this.use(input_tokens=tokens, routing_decision_id=decided)

    return costs(
        [(used, row)],
        baseline_cost_usd="baseline",
        savings_usd="savings",
        routing_overhead_cost_usd="routing overhead",
        net_savings_usd="net savings",
    )


@example
def overhead_bearer(this: Example) -> Check:
    executions, (day,) = this.tables
    cost, baseline = re.findall(r"([\d.]+) USD", this.prose)
    this.belong(baseline_provider=this.provider, baseline_model="baseline")
    this.add_price("model", input_usd_per_mtok=cost)
    this.add_price("baseline", input_usd_per_mtok=baseline)
    named, first, second, silent, alone = executions
    alike([named, first], "overhead borne")
    assert [row["execution"] for row in executions] == [
        "named by its decision",
        "first attempt at another decision",
        "second attempt at it",
        "its decision states no overhead",
        "without a decision",
    ]
    decisions = {
        "named": this.decide(1, routing_overhead_cost_usd=float(named["overhead borne"])),
        "shared": this.decide(2, routing_overhead_cost_usd=float(first["overhead borne"])),
        "silent": this.decide(3, routing_overhead_cost_usd=None),
    }
    used = []
    for minute, (row, about) in enumerate(
        ((named, "named"), (first, "shared"), (second, "shared"), (silent, "silent"), (alone, ""))
    ):
        execution_id = this.use(
            start_time=f"2026-03-01T10:0{minute}:00Z",
            input_tokens=MILLION,
            status=row["status"],
            routing_decision_id=decisions.get(about),
        )
        used.append((execution_id, row))
    for event in this.loads[0]:
        if event["id"] == decisions["named"]:
            event["task_execution_id"] = used[0][0]

    def check(story: Story) -> None:
        for execution_id, row in used:
            fact = story.fact(execution_id)
            exactly(cost, fact["cost_usd"], row)
            exactly(baseline, fact["baseline_cost_usd"], row)
            exactly(row["overhead borne"], fact["routing_overhead_cost_usd"], row)
            exactly(row["savings"], fact["savings_usd"], row)
            exactly(row["net savings"], fact["net_savings_usd"], row)
        for column, said in day.items():
            exactly(said, this.day(story)[column], column)

    return check


@example
def measured_bias(this: Example) -> Check:
    *rows, total = this.table
    numbered(rows, "task")
    this.belong(baseline_provider=this.provider, baseline_model="baseline")
    (cost,), (estimated,) = ({row[name] for row in rows} for name in ("cost", "estimated baseline"))
    this.add_price("model", input_usd_per_mtok=cost)
    this.add_price("baseline", input_usd_per_mtok=estimated)
    used = []
    for row in rows:
        task = {"task_id": f"measured {row['task']}"}
        used.append((this.use(**task, input_tokens=MILLION), row))
        tokens = amount(row["measured baseline"]) / amount(estimated) * MILLION
        this.use(**task, model="baseline", input_tokens=int(tokens))

    def check(story: Story) -> None:
        columns = {
            "cost": "cost_usd",
            "estimated baseline": "estimated_baseline_cost_usd",
            "measured baseline": "measured_baseline_cost_usd",
            "error": "estimate_error_usd",
        }
        for execution_id, row in used:
            found = story.row(
                "select * from marts.fct_measured_savings where execution_id = %s", execution_id
            )
            for name, column in {**columns, "bias in %": "bias_percentage"}.items():
                exactly(row[name], found[column], row)
        sums = ", ".join(f"sum({column}) as {column}" for column in columns.values())
        found = story.row(
            f"select {sums}, 100 * (sum(estimated_baseline_cost_usd) "  # noqa: S608
            "/ sum(measured_baseline_cost_usd) - 1) as bias from marts.fct_measured_savings "
            "where organization_id = %s",
            this.organization_id(),
        )
        for name, column in columns.items():
            exactly(total[name], found[column], total)
        agree(total["bias in %"], found["bias"], total)

    return check


@example
def wilson(this: Example) -> Check:
    this.belong(baseline_provider=this.provider, baseline_model="baseline")
    this.add_price("model")
    this.add_price("baseline")
    for row in this.table:
        n, s, scores = (whole(row[name]) for name in ("n", "s", "scores"))
        model = "model" if row["model"] == "routed" else "baseline"
        for number in range(n):
            score = float(row["mean quality"]) if number < scores else None
            this.use(
                model=model,
                task_type=row["task type"],
                status="completed" if number < s else "failed",
                input_tokens=1,
                quality_score=score,
            )

    def check(story: Story) -> None:
        found = {
            row["task_type"]: row
            for row in story.rows(
                "select * from marts.savings_quality where organization_id = %s",
                this.organization_id(),
            )
        }
        assert len(this.table) == 2 * len(found)
        for row in this.table:
            quality, prefix = found[row["task type"]], ""
            if row["model"] == "baseline":
                prefix = "baseline_"
            else:
                assert quality["success_comparison"] == row["success_comparison"]
            exactly(row["n"], quality[f"{prefix}finished_tasks"], row)
            exactly(row["rate"], quality[f"{prefix}success_rate"], row)
            agree(row["low"], quality[f"{prefix}success_rate_low"], row)
            agree(row["high"], quality[f"{prefix}success_rate_high"], row)
            exactly(row["scores"], quality[f"{prefix}scored_tasks"], row)
            exactly(row["mean quality"], quality[f"{prefix}mean_quality_score"], row)
        # The steps that the prose shows for the first of them.
        s, n, centre, root, divisor, low, high = re.findall(r"\d+(?:\.\d+)?", this.prose)
        first = this.table[0]
        assert (s, n) == (first["s"], first["n"])
        successes, trials = amount(s), amount(n)
        with localcontext() as exact:
            exact.prec = 40
            z = Decimal("3.841458820694124")
            spread = (z * (successes * (trials - successes) / trials + z / 4)).sqrt()
            agree(centre, successes + z / 2, "centre")
            agree(root, spread, "square root")
            agree(divisor, trials + z, "divisor")
        agree(low, found[first["task type"]]["success_rate_low"], "low")
        agree(high, found[first["task type"]]["success_rate_high"], "high")

    return check


@example
def reported(this: Example) -> Check:
    this.add_price(
        "cached",
        input_usd_per_mtok="3",
        cached_input_usd_per_mtok="0.3",
        output_usd_per_mtok="15",
    )
    this.add_price("dated", input_usd_per_mtok="3", effective_until="2026-02-01T00:00:00Z")
    this.add_price("dated", input_usd_per_mtok="2", effective_from="2026-02-01T00:00:00Z")
    this.add_price("units", **NO_TOKEN_RATES, usd_per_compute_unit="1000")
    tokens = {"input_tokens": MILLION}
    usages: dict[str, dict[str, Any]] = {
        "the source ignores the discount for cached tokens": {
            "model": "cached",
            "input_tokens": 1_000,
            "cached_input_tokens": 1_000,
        },
        "the source used the price of another time": {"model": "dated", **tokens},
        "the source adds a tenth, as for a region": {"model": "dated", **tokens},
        "the source states no cached tokens; some would explain it": {
            "model": "cached",
            "input_tokens": 1_000,
        },
        "the price book has no price": {"model": "unheard-of", **tokens},
        "the usage is not stated": {"model": "dated"},
        "the computed cost is too large to be true": {"model": "units", "compute_units": MILLION},
        "nothing explains it": {"model": "dated", **tokens},
        "within the tolerance": {"model": "dated", **tokens},
    }
    assert list(usages) == [row["case"] for row in this.table]
    alike([row for row in this.table if row["computed"] in UNKNOWN], "reported")
    used = [
        (this.use(**usages[row["case"]], reported_cost_usd=float(row["reported"])), row)
        for row in this.table
    ]

    def check(story: Story) -> None:
        for execution_id, row in used:
            exactly(row["computed"], story.fact(execution_id)["cost_usd"], row)
            exactly(row["reported"], story.fact(execution_id)["reported_cost_usd"], row)
            found = story.rows(
                "select * from marts.cost_discrepancies where execution_id = %s", execution_id
            )
            if row["difference"] == "not listed":
                assert found == []
                continue
            exactly(row["difference"], found[0]["difference_usd"], row)
            assert found[0]["cause"] == row["cause"]

    return check


@example
def days(this: Example) -> Check:
    used = []
    for name, row in zip(("ours", "another", "third"), this.table, strict=True):
        this.belong(name, timezone=row["time zone"])
        organization_id = this.organization_id(name)
        used.append((this.use(organization_id=organization_id, start_time=row["start"]), row))

    def check(story: Story) -> None:
        for execution_id, row in used:
            assert str(story.fact(execution_id)["metric_date"]) == row["day"], row

    return check


@example
def adjustments(this: Example) -> Check:
    rates, rows, (bill,) = this.tables
    (spend,) = re.findall(r"usage cost ([\d.]+) USD", this.prose)
    exactly(spend, amount(bill["total_spend_usd"]), bill)
    this.exchange_rates += [
        {
            "currency": row["currency"],
            "usd_per_unit": row["USD for one unit"],
            "effective_from": row["holds from"],
            "effective_until": row["until"],
            "recorded_at": row["recorded"],
            "source": "the document",
        }
        for row in rates
    ]
    this.belong()
    this.add_price(input_usd_per_mtok=spend)
    this.use(input_tokens=MILLION)
    landed = []
    for number, row in enumerate(rows):
        event = adjustment(
            this.number * 100 + number,
            organization_id=this.organization_id(),
            effective_at=row["effective"],
            **{name: row[name] for name in ("reason", "amount", "currency")},
        )
        this.land(event)
        landed.append((event["id"], row))

    def check(story: Story) -> None:
        for adjustment_id, row in landed:
            found = story.row(
                "select * from marts.fct_adjustments where adjustment_id = %s", adjustment_id
            )
            exactly(row["USD"], found["amount_usd"], row)
            assert found["amount_status"] == (
                "no_exchange_rate" if row["USD"] in UNKNOWN else "known"
            )
        found = story.row(
            "select * from marts.organization_bills where organization_id = %s",
            this.organization_id(),
        )
        for column, said in bill.items():
            exactly(said, found[column], column)

    return check


@example
def buckets(this: Example) -> Check:
    (row,) = this.table
    this.belong(timezone=row["time zone"])
    used = this.use(
        is_bucket=True,
        start_time=row["start"],
        end_time=row["end"],
        updated_at=row["end"],
        request_count=whole(row["requests"]),
    )

    def check(story: Story) -> None:
        fact = story.fact(used)
        assert str(fact["metric_date"]) == row["day"]
        exactly(row["milliseconds"], fact["duration_ms"], row)
        exactly(row["requests"], this.day(story)["total_requests"], row)

    return check


# --- The tests ------------------------------------------------------------------------------------


def test_every_example_has_a_test_and_every_test_an_example() -> None:
    examples, _ = parsed()
    assert examples.keys() == EXAMPLES.keys()


def test_figures_outside_of_examples_are_those_of_the_project() -> None:
    _, text = parsed()
    settings = (project_root() / "dbt_project.yml").read_text(encoding="utf-8")

    def setting(name: str) -> Decimal:
        (value,) = re.findall(rf"^  {name}: (\S+)$", settings, re.M)
        return Decimal(value)

    known = {
        setting("reported_cost_tolerance_usd"),
        Decimal("18.5"),  # measured once, on answers that are not part of the project
        Decimal("1.96"),  # the square root of the macro's 3.8414..., as it is usually given
    }
    fractions = {number for number in numbers_in(text) if number != int(number)}
    assert fractions == known
    assert f"{setting('timeout_minutes')} minutes after its start" in text


def test_what_is_said_of_the_shipped_prices_is_so() -> None:
    path = project_root() / "seeds" / "pricing" / "provider_pricing.csv"
    with path.open(encoding="utf-8", newline="") as file:
        book = list(csv.DictReader(file))
    oldest = min(row["recorded_at"] for row in book)
    _, text = parsed()
    assert f"were recorded on {oldest[:10]}" in " ".join(text.split())
    copilot = [row for row in book if row["provider"] == "github_copilot" and row["model"]]
    free = [row for row in copilot if row["input_usd_per_mtok"] == "0"]
    assert 2 * len(free) > len(copilot)


def test_lines_are_short_enough_to_read() -> None:
    assert [line for line in document().splitlines() if len(line) > 110] == []


def test_every_figure_of_the_document_is_what_a_build_computes(story: Story, seeds: Seeds) -> None:
    examples, _ = parsed()
    checks = {name: EXAMPLES[name](this) for name, this in examples.items()}

    def together(name: str) -> list[Any]:
        return [row for this in examples.values() for row in getattr(this, name)]

    seeds.add("provider_pricing", *together("prices"))
    seeds.add("usage_prices", *together("usage_prices"))
    seeds.add("price_factors", *together("factors"))
    seeds.add("model_aliases", *together("aliases"))
    seeds.add("baseline_policies", *together("policies"))
    seeds.add("exchange_rates", *together("exchange_rates"))
    for number in range(max(len(this.loads) for this in examples.values())):
        loads = [this.loads[number] for this in examples.values() if number < len(this.loads)]
        story.land(*(event for load in loads for event in load))
    story.build()
    seeds.add("provider_pricing", *together("corrections"))
    story.build()

    wrong = []
    for name, check in checks.items():
        try:
            check(story)
        except AssertionError as error:
            wrong.append(f"{name}: {error}")
    assert not wrong, "\n".join(wrong)

    (reconciliation,) = re.findall(r"^```sql\n(.*?)^```$", document(), re.M | re.S)
    assert story.rows(reconciliation) == []
    assert story.rows(reconciliation.replace(" <> ", " = "))
