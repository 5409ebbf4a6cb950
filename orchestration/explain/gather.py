"""Gather everything that the warehouse knows of one execution, as one document.

Keys of the document, which `warehouse explain --json` prints. Each is always there; what does not
apply is null or an empty list. Amounts, rates and scores are strings with every digit, counts are
integers, times are ISO 8601 in UTC.

    asked_for           id as given; found_as: execution, routing_decision, execution_event or
                        routing_decision_event
    execution_id        the execution that it led to
    is_built            false: not in the facts; then only sealed, late_corrections and versions
                        are filled
    execution           the row of fct_task_executions with organization_name, user_name and
                        local_start_time, the one time without an offset
    cost                pricing_status, cost_usd, lines, price, other_prices, usage_prices,
                        price_factors, missing, without_price, recomputed_pricing_status,
                        recomputed_cost_usd, agrees, nearest_known_model, variant
    baseline            policy, policy_id, provider, model, price_model, and the keys of cost with
                        baseline_cost_usd and recomputed_baseline_cost_usd for its amounts
    savings             savings_status, savings_usd, routing_overhead_cost_usd, net_savings_usd,
                        recomputed_savings_usd, recomputed_net_savings_usd, agrees
    routing_decision    the row of fct_routing_decisions with alternatives and execution_ids, the
                        executions that followed it
    measured_baseline   the row of fct_measured_savings
    corrections         the rows of fct_cost_corrections, oldest first
    sealed              what was counted of it on a sealed day, which no build changes: metric_date,
                        event_id, updated_at, pricing_status, cost_usd
    late_corrections    what arrived about it after its day was sealed, oldest first
    reported_cost       reported_cost_usd, difference_usd, cause, matching_price_from,
                        reported_factor, factor_costs
    versions            every landed version, in the order in which the source wrote them; state:
                        counts, copy (of the one that counts), superseded, refused (another
                        organization's id), late (stands in late_corrections), pending (landed
                        after the last build) or missing (built, and not in the facts);
                        will_count: whether it counts after the next build; will_be_late: whether
                        it will stand in late_corrections after it
    agrees              whether everything recomputed is what is stored
    disagreements       sentences that say what is not

nearest_known_model has provider, model, similarity, suggestion_rule and total_tasks; variant says
why a name has none: fine_tune, free or variant.

A line has part, quantity, unit, book_usd_per_unit (the rate of its price row), factor (the product
of the price factors on it), usd_per_unit (rate times factor), price_id (of price or of a row of
usage_prices), recomputed_cost_usd, and in cost also cost_usd. A row of other_prices says in why_not
why it lost; usage_prices and price_factors are the rows of dim_usage_prices and dim_price_factors
that apply; without_price names what was used and has no price.
"""

import dataclasses
import json
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from importlib.resources import files
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import set_json_loads

from orchestration.errors import WarehouseError
from orchestration.explain.arithmetic import Calculation, Row, calculate, rows_that_fit, why_not

Document = dict[str, Any]

_NOT_BUILT = "The marts are not built yet: run `make build`."


def explain(connection: psycopg.Connection, text: str) -> Document:
    """Gather what is known of an execution, all of it at one moment.

    Args:
        connection: A connection to a migrated database, not in a transaction.
        text: The id of an execution, of a routing decision, or of an event of either.

    Returns:
        The document, with Python's own types for amounts, times and ids.

    Raises:
        WarehouseError: The text is no id, nothing is known by it, no execution followed the
            decision, or the marts are not built.
    """
    wanted = _uuid(text)
    # A build that commits meanwhile must not mix two states of the marts.
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    set_json_loads(partial(json.loads, parse_float=Decimal), connection)
    try:
        with connection.transaction():
            return _Gatherer(connection).document(text, wanted)
    except psycopg.errors.UndefinedTable:
        raise WarehouseError(_NOT_BUILT) from None


def _uuid(text: str) -> UUID:
    try:
        return UUID(text.strip())
    except ValueError:
        raise WarehouseError(
            f"{text!r} is not an id. Give the UUID of an execution, of a routing decision or of "
            "an event; marts.fct_task_executions lists the executions."
        ) from None


class _Gatherer:
    """The queries of one explanation."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def document(self, text: str, wanted: UUID) -> Document:
        found_as, execution_id = self._find(wanted)
        fact = self._row("execution", id=execution_id)
        sealed = self._row("sealed", id=execution_id)
        late = self._rows("late", id=execution_id)
        versions = self._versions(execution_id, fact, sealed, late)
        document: Document = {
            "asked_for": {"id": text, "found_as": found_as},
            "execution_id": execution_id,
            "is_built": fact is not None,
            "execution": fact,
            "cost": None,
            "baseline": None,
            "savings": None,
            "routing_decision": None,
            "measured_baseline": None,
            "corrections": [],
            "sealed": sealed,
            "late_corrections": late,
            "reported_cost": None,
            "versions": versions,
            "agrees": True,
            "disagreements": [],
        }
        if fact is None:
            if not versions:
                raise WarehouseError(
                    f"Routing decision {wanted} names execution {execution_id}, of which nothing "
                    "has landed."
                )
            return document
        book = self._rows(
            "prices",
            **{
                name: fact[name]
                for name in ("provider", "baseline_provider", "price_id", "baseline_price_id")
            },
        )
        disagreements: list[str] = []
        cost = self._cost(fact, book, disagreements)
        baseline = self._baseline(fact, book, disagreements)
        return document | {
            "cost": cost,
            "baseline": baseline,
            "savings": _savings(fact, cost, baseline, disagreements),
            "routing_decision": self._decision(fact["routing_decision_id"]),
            "measured_baseline": self._row("measured", id=execution_id),
            "corrections": self._rows("corrections", id=execution_id),
            "reported_cost": self._reported_cost(fact),
            "agrees": not disagreements,
            "disagreements": disagreements,
        }

    def _find(self, wanted: UUID) -> tuple[str, UUID]:
        """Return what the id is of and the execution that it leads to."""
        event = ""
        found = self._row("lookup", id=wanted)
        if found is None:
            event = "_event"
            found = self._row("lookup_event", id=wanted)
        if found is None and (sealed := self._row("sealed", id=wanted)) is not None:
            cost = f"{sealed['cost_usd']:f} USD" if sealed["cost_usd"] is not None else "unknown"
            raise WarehouseError(
                f"Execution {wanted} was counted on {sealed['metric_date']}, a sealed day: version "
                f"{sealed['event_id']}, cost {cost} ({sealed['pricing_status']}). Its details have "
                "left; ledger.archives lists the files that hold its events."
            )
        if found is None and (late := self._rows("late", id=wanted)):
            raise WarehouseError(
                f"Execution {wanted} arrived after its day, {late[0]['metric_date']}, was sealed. "
                "It stands in marts.late_corrections; ledger.archives lists the files that hold "
                "its events."
            )
        if found is None:
            raise WarehouseError(
                f"Nothing is known by the id {wanted}: no execution, routing decision or event "
                "with it has landed. `warehouse rejects` lists lines that were refused."
            )
        if found["found_as"] == "execution":
            return f"execution{event}", found["id"]
        (followed,) = self._rows("lookup_decision", id=found["id"])
        if followed["execution_id"] is None:
            raise WarehouseError(
                f"{wanted} is of routing decision {found['id']}, and no execution that followed "
                "it has landed."
            )
        return f"routing_decision{event}", followed["execution_id"]

    def _basis(self, fact: Row, book: list[Row], prefix: str) -> "_Basis":
        """Find the rows that a cost comes from, and compute it again.

        Args:
            fact: The row of the facts.
            book: Rows of the price book, those of the fact among them.
            prefix: Empty for the cost, `baseline_` for the baseline; stands before columns.
        """
        price_id = fact[f"{prefix}price_id"]
        price = next((row for row in book if row["price_id"] == price_id), None)
        found_factors = (fact[f"{prefix}price_factors"] or {}).values()
        factor_ids = {found["price_factor_id"] for found in found_factors}
        other_costs = fact[f"{prefix}other_costs"] or ()
        usage_ids = {part["usage_price_id"] for part in other_costs if part["usage_price_id"]}
        factors = self._rows("price_factors", ids=list(factor_ids)) if factor_ids else []
        usage_prices = self._rows("usage_prices", ids=list(usage_ids)) if usage_ids else []
        wanted = {price_id} - {None} | factor_ids | usage_ids
        known = {row["price_factor_id"] for row in factors}
        known |= {row["usage_price_id"] for row in usage_prices}
        known |= set() if price is None else {price_id}
        calculation = (
            Calculation("gateway_cache_hit")
            if fact["is_gateway_cache_hit"] and not prefix
            else calculate(fact, price, factors, usage_prices)
        )
        return _Basis(price, factors, usage_prices, calculation, sorted(wanted - known))

    def _cost(self, fact: Row, book: list[Row], disagreements: list[str]) -> Document:
        basis = self._basis(fact, book, "")
        found = _disagreements("cost_usd", "pricing_status", fact, basis)
        lines = basis.lines()
        if fact["cost_usd"] is not None:
            stored = self._rows("cost_lines", id=fact["execution_id"])
            lines = _beside(lines, stored, found)
        disagreements += found
        return {
            "pricing_status": fact["pricing_status"],
            "cost_usd": fact["cost_usd"],
            "lines": lines,
            "other_prices": _others(book, fact, fact["provider"], fact["price_model"], basis.price),
            **basis.document("recomputed_cost_usd"),
            "agrees": not found,
            **self._nearest("usage", fact["provider"], fact["model"], fact["pricing_status"]),
        }

    def _baseline(self, fact: Row, book: list[Row], disagreements: list[str]) -> Document:
        basis = self._basis(fact, book, "baseline_")
        found = _disagreements("baseline_cost_usd", "baseline_pricing_status", fact, basis)
        disagreements += found
        provider, model = fact["baseline_provider"], fact["baseline_price_model"]
        return {
            "policy": fact["baseline_policy"],
            "policy_id": fact["baseline_policy_id"],
            "provider": provider,
            "model": fact["baseline_model"],
            "price_model": model,
            "pricing_status": fact["baseline_pricing_status"],
            "baseline_cost_usd": fact["baseline_cost_usd"],
            "lines": basis.lines(),
            "other_prices": _others(book, fact, provider, model, basis.price),
            **basis.document("recomputed_baseline_cost_usd"),
            "agrees": not found,
            **self._nearest(
                "baseline", provider, fact["baseline_model"], fact["baseline_pricing_status"]
            ),
        }

    def _nearest(self, priced_as: str, provider: str, model: str | None, status: str) -> Document:
        """Return the same model under another name, for a name that is not in the price book."""
        nearest, variant = None, None
        if status == "no_price_for_model":
            found = self._row(
                "unpriced", priced_as=priced_as, provider=provider, model=model, reason=status
            )
            if found is not None and found["suggested_model"] is not None:
                nearest = {
                    "provider": found["suggested_provider"],
                    "model": found["suggested_model"],
                    "similarity": found["similarity"],
                    "suggestion_rule": found["suggestion_rule"],
                    "total_tasks": found["total_tasks"],
                }
            elif found is not None:
                variant = found["suggestion_rule"]
        return {"nearest_known_model": nearest, "variant": variant}

    def _decision(self, decision_id: UUID | None) -> Document | None:
        decision = None if decision_id is None else self._row("decision", id=decision_id)
        if decision is None:
            return None
        attempts = self._rows("attempts", id=decision_id)
        return {
            **decision,
            "alternatives": self._rows(
                "alternatives", id=decision_id, event_id=decision["event_id"]
            ),
            "execution_ids": [row["execution_id"] for row in attempts],
        }

    def _reported_cost(self, fact: Row) -> Document | None:
        reported, cost = fact["reported_cost_usd"], fact["cost_usd"]
        if reported is None:
            return None
        # The view looks at all executions, so that it is asked only where it may list this one.
        listed = (
            self._row(
                "discrepancy", id=fact["execution_id"], organization_id=fact["organization_id"]
            )
            if reported != cost
            else None
        )
        return {
            "reported_cost_usd": reported,
            "difference_usd": None if cost is None else reported - cost,
            "cause": None if listed is None else listed["cause"],
            "matching_price_from": None if listed is None else listed["matching_price_from"],
            "reported_factor": None if listed is None else listed["reported_factor"],
            "factor_costs": None if listed is None else listed["factor_costs"],
        }

    def _versions(
        self, execution_id: UUID, fact: Row | None, sealed: Row | None, late: list[Row]
    ) -> list[Document]:
        versions = [dict(row) for row in self._rows("versions", id=execution_id)]
        counted = [*late] if sealed is None else [sealed, *late]
        late_events = {row["event_id"] for row in late}
        landed_events = {version["event_id"] for version in versions}
        sealed_events = {row["event_id"] for row in self._rows("sealed_days", id=execution_id)}
        counted_event = sealed["event_id"] if sealed is not None else None
        built_event = counted_event if fact is None else fact["event_id"]
        counting = None
        for version in versions:
            is_last = version is versions[-1]
            is_pending = version.pop("is_pending")
            is_refused = version.pop("is_refused")
            # What once was counted on a sealed day stays there.
            is_late = bool(counted) or version["event_id"] in sealed_events
            version["will_count"] = (
                is_last and not is_refused and (not is_late or version["event_id"] == built_event)
            )
            version["will_be_late"] = (
                is_pending
                and is_last
                and not is_refused
                and is_late
                and all(
                    known["event_id"] in landed_events
                    or version["updated_at"] > known["updated_at"]
                    for known in counted
                )
                and version["event_id"] not in {known["event_id"] for known in counted}
            )
            if is_refused:
                version["state"] = "refused"
            elif is_pending:
                version["state"] = "pending"
            elif version["event_id"] == built_event:
                version["state"] = "copy"
                counting = version
            elif version["event_id"] in late_events:
                version["state"] = "late"
            elif fact is None and not counted and is_last:
                version["state"] = "missing"
                version["will_count"] = False
            else:
                version["state"] = "superseded"
        if counting is not None:
            # Of copies of one event the last one that landed counts.
            counting["state"] = "counts"
        return versions

    def _rows(self, name: str, **parameters: Any) -> list[Row]:
        query = files("orchestration.explain").joinpath(f"{name}.sql").read_bytes()
        with self._connection.cursor(row_factory=dict_row) as cursor:
            return list(cursor.execute(query, parameters).fetchall())

    def _row(self, name: str, **parameters: Any) -> Row | None:
        rows = self._rows(name, **parameters)
        return rows[0] if rows else None


@dataclass(frozen=True)
class _Basis:
    """What a cost comes from.

    Attributes:
        price: The row of the price book; None when there is none.
        factors: The rows of the price factors that apply.
        usage_prices: The rows of the usage prices that apply.
        calculation: The usage at these rows; None without a price.
        lost: Keys of rows that the fact names and the books do not have.
    """

    price: Row | None
    factors: list[Row]
    usage_prices: list[Row]
    calculation: Calculation | None
    lost: list[str]

    def lines(self) -> list[Document]:
        """Return the recomputed lines."""
        lines: list[Document] = []
        for line in () if self.calculation is None else self.calculation.lines:
            row = dataclasses.asdict(line)
            row["recomputed_cost_usd"] = row.pop("cost_usd")
            lines.append(row)
        return lines

    def document(self, amount: str) -> Document:
        """Return what cost and baseline say alike; `amount` is the key of what was computed."""
        calculation = self.calculation
        return {
            "price": self.price,
            "usage_prices": self.usage_prices,
            "price_factors": self.factors,
            "missing": None if calculation is None else calculation.missing,
            "without_price": [] if calculation is None else list(calculation.without_price),
            "recomputed_pricing_status": None if calculation is None else calculation.status,
            amount: None if calculation is None else calculation.cost_usd,
        }


def _beside(lines: list[Document], stored: list[Row], found: list[str]) -> list[Document]:
    """Put what `fct_cost_lines` says beside what was recomputed.

    Args:
        lines: The recomputed lines.
        stored: The lines of the view; their quantities and rates are the ones shown.
        found: The disagreements found so far; those of the lines are added.

    Returns:
        The lines of either, in the order of the recomputed ones.
    """
    # Other usage may have the name of a part.
    rest = {(row["part"], row["price_id"]): row for row in stored}
    both: list[Document] = []
    for line in lines:
        row = rest.pop((line["part"], line["price_id"]), None)
        if row is None:
            found.append(f"fct_cost_lines has no line {line['part']}.")
            both.append({**line, "cost_usd": None})
            continue
        both.append({**line, **row})
        found += [
            f"{name} of the line {line['part']} is {row[name]:f}, and was recomputed as {value:f}."
            for name, value in (
                ("quantity", line["quantity"]),
                ("usd_per_unit", line["usd_per_unit"]),
                ("cost_usd", line["recomputed_cost_usd"]),
            )
            if row[name] != value
        ]
    for (part, _), row in rest.items():
        found.append(f"fct_cost_lines has a line {part} that the price does not charge for.")
        unknown = dict.fromkeys(("book_usd_per_unit", "factor", "recomputed_cost_usd"))
        both.append({**row, **unknown})
    return both


def _others(
    book: list[Row], fact: Row, provider: str | None, model: str | None, price: Row | None
) -> list[Document]:
    """Return the rows that fit as well as the one that prices, and why each of them lost."""
    if provider is None or price is None:
        return []
    return [
        {**row, "why_not": why_not(row, price)}
        for row in rows_that_fit(book, fact, provider, model)
        if row["price_id"] != price["price_id"]
    ]


def _disagreements(amount: str, status: str, fact: Row, basis: _Basis) -> list[str]:
    """Compare what is stored with what the price rows give.

    Args:
        amount: The fact's column of the cost.
        status: Its column of the pricing status.
        fact: The row of the facts.
        basis: The rows that the cost comes from, and the cost recomputed.

    Returns:
        A sentence for each difference.
    """
    if basis.lost:
        return [
            f"{amount} cannot be recomputed: the price row {lost} is not in marts.dim_prices, "
            "dim_usage_prices or dim_price_factors. If a build is running, ask again when it has "
            "ended."
            for lost in basis.lost
        ]
    calculation = basis.calculation
    if calculation is None:
        if fact[amount] is None and fact[status] != "priced":
            return []
        return [f"{amount} is {_usd(fact[amount])} ({fact[status]}) without a price row."]
    if (fact[amount], fact[status]) == (calculation.cost_usd, calculation.status):
        return []
    return [
        f"{amount} is {_usd(fact[amount])} ({fact[status]}), and quantity times rate gives "
        f"{_usd(calculation.cost_usd)} ({calculation.status})."
    ]


def _savings(fact: Row, cost: Row, baseline: Row, disagreements: list[str]) -> Document:
    cost_usd = cost["recomputed_cost_usd"]
    baseline_usd = baseline["recomputed_baseline_cost_usd"]
    overhead = fact["routing_overhead_cost_usd"]
    savings = net = None
    if fact["status"] == "completed" and cost_usd is not None and baseline_usd is not None:
        savings = baseline_usd - cost_usd
        net = None if overhead is None else savings - overhead
    found = [
        f"{name} is {_usd(fact[name])}, and {sentence} gives {_usd(recomputed)}."
        for name, recomputed, sentence in (
            ("savings_usd", savings, "baseline less cost"),
            ("net_savings_usd", net, "savings less routing overhead"),
        )
        if fact[name] != recomputed
    ]
    disagreements += found
    return {
        "savings_status": fact["savings_status"],
        "savings_usd": fact["savings_usd"],
        "routing_overhead_cost_usd": overhead,
        "net_savings_usd": fact["net_savings_usd"],
        "recomputed_savings_usd": savings,
        "recomputed_net_savings_usd": net,
        "agrees": not found,
    }


def _usd(amount: Decimal | None) -> str:
    return "unknown" if amount is None else f"{amount:f} USD"
