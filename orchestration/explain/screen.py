"""An explanation for people: the document as text and tables."""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from orchestration.explain.arithmetic import LARGEST_COST_USD, TOKEN_PARTS, TOKEN_RATES, Row
from orchestration.explain.gather import Document

# Narrower terminals wrap by themselves; tables that shrink further would tear ids apart.
NARROWEST = 80

_PRICE_FILE = "seeds/pricing/provider_pricing.csv"
_USAGE_PRICE_FILE = "seeds/pricing/usage_prices.csv"
_FACTOR_FILE = "seeds/pricing/price_factors.csv"

_FOUND_AS = {
    "execution": None,
    "execution_event": "{id} is an event of this execution.",
    "routing_decision": "{id} is a routing decision; this execution followed it.",
    "routing_decision_event": "{id} is an event of a routing decision; this execution followed it.",
}

_PARTS = {
    "uncached_input": "uncached input",
    "cached_input": "cached input",
    "cache_write": "cache write",
    "output": "output",
    "unsplit_tokens": "tokens, unsplit",
    "request": "requests",
    "minute": "duration",
    "compute_unit": "compute units",
    "cache_write_1h_tokens": "cache write, 1 h",
    "audio_input_tokens": "audio input",
    "image_input_tokens": "image input",
    "audio_output_tokens": "audio output",
    "image_output_tokens": "image output",
}

# Units with a plural; other usage has names of its own.
_UNITS = ("token", "request", "compute unit")

_FACTORS = {
    "service_tier": "service tier",
    "region": "region",
    "hours": "recurring hours",
    "agreement": "agreement",
}

_WHY_NOT = {
    "recorded_earlier": "superseded by the price row, which was recorded later",
    "less_specific_organization": "the price row is for this organization, this one for all",
    "less_specific_model": "the price row is for this model, this one for all models",
    "less_specific_task_type": "the price row is for this task type, this one for all",
    "less_specific_service_tier": "the price row is for this service tier, this one for all",
    "lower_context_threshold": "the price row is for longer requests, which this one is",
    "outranked": "comes first in the book as it stands now: `make build` prices it anew",
}

_WHY_NOT_IN_SEALED = {
    "outranked": "comes first in the book as it stands now; the day is sealed and stays as it is",
}

_SAVINGS = {
    "not_completed": "No savings: only completed executions have any.",
    "cost_unknown": "No savings: the cost is unknown.",
    "baseline_unknown": "No savings: the baseline's cost is unknown.",
}

_RULES = {
    "same_name": "known at another provider",
    "route": "the same name without the route to it",
    "separators": "the same name, separated otherwise",
    "version": "the same name but for the date or release at its end",
    "one_letter": "the same name but for one letter",
}

_VARIANTS = {
    "fine_tune": "It is a fine-tuned model, which has prices of its own.",
    "free": "It is a free variant; a price of 0 counts only when the price book states it.",
    "variant": "It is a variant of a model, which may have prices of its own.",
}

_CAUSES = {
    "no_price": "there is no price to compare with",
    "no_usage": "the usage that the price charges for is not known",
    "cache": "the source ignores the discount for cached tokens, counts them twice or leaves "
    "them out",
    "price_date": "the source used the price of another time",
    "constant_factor": "the source multiplies by a constant, as for a batch or a region",
    "cache_not_stated": "the source states no cached tokens, and some would explain it",
    "out_of_range": "the computed cost is too large to be true",
    "unknown": "the cause is unknown",
}


def show(document: Document, console: Console) -> None:
    """Print an explanation.

    Args:
        document: What `gather.explain` returned.
        console: Where to; made at least 80 columns wide.
    """
    console.width = max(console.width, NARROWEST)
    screen = _Screen(console, document["sealed"] is not None)
    found_as = _FOUND_AS[document["asked_for"]["found_as"]]
    if found_as:
        screen.say(found_as.format(id=document["asked_for"]["id"]))
    if not document["is_built"]:
        screen.not_built(document)
        screen.versions(document)
        return
    screen.execution(document)
    screen.cost(document)
    screen.baseline(document)
    screen.savings(document)
    screen.decision(document)
    screen.corrections(document)
    screen.versions(document)


class _Screen:
    """The sections, one method each."""

    def __init__(self, console: Console, is_sealed: bool) -> None:
        self._console = console
        self._is_sealed = is_sealed

    def say(self, text: str, style: str = "") -> None:
        """Print a paragraph, wrapped."""
        self._console.print(Text(_plain(text), style=style))

    def not_built(self, document: Document) -> None:
        """Say why an execution is not in the facts, and whether a build will change that."""
        name = f"Execution {document['execution_id']}"
        sealed, late = document["sealed"], document["late_corrections"]
        versions = document["versions"]
        if sealed is not None:
            cost = _usd(sealed["cost_usd"]) or "unknown"
            self.say(
                f"{name} was counted on {sealed['metric_date']}, a sealed day: cost {cost} "
                f"({sealed['pricing_status']}). Its details have left."
            )
        elif late:
            self.say(
                f"{name} arrived after its day, {late[0]['metric_date']}, was sealed. It stands in "
                "marts.late_corrections, and no build puts it into the facts."
            )
        elif versions[-1]["will_be_late"]:
            self.say(
                f"{name} has landed for a day that is sealed: `make build` puts it into "
                "marts.late_corrections, and not into the facts."
            )
        elif versions[-1]["state"] == "missing":
            self.say(
                f"{name} was built and is not in the facts. `dbt build --vars "
                "'{rebuild_organizations: [...]}'` with its organization computes it again."
            )
        else:
            self.say(f"{name} has landed and is not in the marts yet: run `make build`.")
        self._late_corrections(late)

    def _late_corrections(self, late: list[Row]) -> None:
        for row in late:
            cost = _usd(row["new_cost_usd"]) or "unknown"
            self.say(
                f"Too late for {row['metric_date']}, which is sealed, arrived event "
                f"{row['event_id']}: cost {cost} ({row['new_pricing_status']}), "
                f"{_usd(row['spend_delta_usd'], signed=True)} in marts.late_corrections."
            )

    def execution(self, document: Document) -> None:
        fact = document["execution"]
        zone = fact["reporting_timezone"]
        self.say(f"Execution {fact['execution_id']}", "bold")
        self._figures(
            ("Organization", _named(fact["organization_name"], fact["organization_id"])),
            ("User", _named(fact["user_name"], fact["user_id"])),
            ("Task", f"{fact['task_id']}, {fact['task_type']}"),
            ("Provider", fact["provider"]),
            ("Model", _priced_as(fact["model"], fact["price_model"])),
            ("Service tier", fact["service_tier"]),
            ("Region", fact["region"]),
            ("Status", _status(fact)),
            (
                "Start",
                f"{_time(fact['start_time'])}, {fact['local_start_time']:%Y-%m-%d %H:%M} in {zone}",
            ),
            ("End", _end(fact)),
            ("Day", f"{fact['metric_date']} in {zone}"),
            ("Input", _input(fact)),
            ("Output", _output(fact)),
            (
                "Tokens",
                None if fact["tokens_used"] is None else f"{_count(fact['tokens_used'])} unsplit",
            ),
            ("Requests", _number(fact["request_count"])),
            ("Compute", _quantity(fact["compute_units"], "compute unit")),
            ("Other usage", _other_usage(fact)),
            ("Sum", "of a period of many requests" if fact["is_bucket"] else None),
            ("Quality", _number(fact["quality_score"])),
        )

    def cost(self, document: Document) -> None:
        cost, fact = document["cost"], document["execution"]
        self._section("Cost")
        name = _known(fact["provider"], fact["price_model"])
        self._calculation(cost, "cost_usd", name, fact)
        reported = document["reported_cost"]
        if reported is None:
            return
        text = f"The source reports {_usd(reported['reported_cost_usd'])}"
        if reported["difference_usd"] is not None:
            difference = reported["difference_usd"]
            text += (
                ", the same" if not difference else f", {_usd(difference, signed=True)} against it"
            )
        if reported["cause"] is not None:
            text += f": {_CAUSES.get(reported['cause'], reported['cause'])}"
        if reported["matching_price_from"] is not None:
            text += f" (its figure fits the price from {_time(reported['matching_price_from'])})"
        if reported["cause"] == "constant_factor":
            text += (
                f" (it is {_number(reported['reported_factor'])} times the computed cost, here and "
                f"in {reported['factor_costs'] - 1} other cost(s) of this organization and model)"
            )
        self.say(f"{text}. The computed cost is the one that counts.")

    def baseline(self, document: Document) -> None:
        baseline = document["baseline"]
        self._section("Baseline: the same usage, at the same moment, at another price")
        self._figures(
            ("Policy", baseline["policy"] or "none in force"),
            ("Provider", baseline["provider"]),
            (
                "Model",
                _priced_as(baseline["model"], baseline["price_model"])
                if baseline["provider"]
                else None,
            ),
        )
        name = _known(baseline["provider"], baseline["price_model"])
        self._calculation(baseline, "baseline_cost_usd", name, document["execution"])
        measured = document["measured_baseline"]
        if measured is None:
            return
        bias = measured["bias_percentage"]
        self.say("The same task was also run on the baseline", "bold")
        self._figures(
            ("Execution", str(measured["measured_execution_id"])),
            ("Measured", _usd(measured["measured_baseline_cost_usd"])),
            (
                "Estimate less that",
                _usd(measured["estimate_error_usd"], signed=True)
                + ("" if bias is None else f", {_number(bias)} %"),
            ),
            ("Measured savings", _usd(measured["measured_savings_usd"])),
        )

    def savings(self, document: Document) -> None:
        savings, fact = document["savings"], document["execution"]
        self._section("Savings")
        if savings["savings_status"] != "compared":
            self.say(_SAVINGS.get(savings["savings_status"], savings["savings_status"]))
            return
        table = Table(show_header=False, box=None, pad_edge=False)
        table.add_column(no_wrap=True)
        table.add_column(justify="right", overflow="fold")
        overhead = savings["routing_overhead_cost_usd"]
        for label, amount in (
            ("baseline", fact["baseline_cost_usd"]),
            ("less cost", fact["cost_usd"]),
            ("savings", savings["savings_usd"]),
            ("less routing overhead", overhead),
            ("net savings", savings["net_savings_usd"]),
        ):
            table.add_row(label, "unknown" if amount is None else _money(amount))
        self._console.print(table)
        amount = savings["savings_usd"]
        verdict = "less than" if amount > 0 else "more than" if amount < 0 else "the same as"
        text = f"The execution cost {verdict} its baseline."
        if overhead is None:
            text += " What the routing decision cost is not known, so neither are net savings."
        elif not overhead and fact["routing_decision_id"] is not None:
            text += " The decision cost nothing, or another attempt bears what it cost."
        self.say(text)
        self._verdict(savings["agrees"], "Recomputed from the two recomputed costs")

    def decision(self, document: Document) -> None:
        decision = document["routing_decision"]
        self._section("Routing decision")
        if decision is None:
            followed = document["execution"]["routing_decision_id"]
            self.say(
                "None."
                if followed is None
                else f"It names decision {followed}, which is not in the marts: it has not landed "
                "or not been built."
            )
            return
        chosen = _known(decision["chosen_provider"], decision["chosen_model"])
        cheapest = decision["cheapest_alternative_cost_usd"]
        others = [
            str(other)
            for other in decision["execution_ids"]
            if other != document["execution"]["execution_id"]
        ]
        self._figures(
            ("Decision", str(decision["routing_decision_id"])),
            ("Taken", _time(decision["decision_timestamp"])),
            (
                "Strategy",
                decision["routing_strategy"]
                + (
                    f", version {decision['algorithm_version']}"
                    if decision["algorithm_version"]
                    else ""
                ),
            ),
            (
                "Chosen",
                chosen + (", but another provider ran it" if decision["is_overridden"] else ""),
            ),
            ("Confidence", _number(decision["confidence_score"])),
            ("Predicted cost", _usd(decision["predicted_cost_usd"])),
            ("Actual less that", _usd(decision["cost_error_usd"], signed=True)),
            ("Predicted time", _quantity(decision["predicted_duration_ms"], "ms")),
            ("Predicted quality", _number(decision["predicted_quality_score"])),
            ("Alternatives", _count(decision["alternative_count"])),
            ("Cheapest of them", _usd(cheapest)),
            (
                "Dearest of them",
                _known(
                    decision["dearest_alternative_provider"],
                    decision["dearest_alternative_model"],
                )
                if decision["dearest_alternative_provider"]
                else None,
            ),
            ("Regret", _usd(decision["regret_usd"])),
            ("Predicted baseline", _usd(decision["predicted_baseline_cost_usd"])),
            ("Overhead", _usd(decision["routing_overhead_cost_usd"])),
            ("Also followed by", ", ".join(others)),
        )
        if decision["alternatives"]:
            table = _table("alternative", ">estimate in USD", ">score")
            for alternative in decision["alternatives"]:
                estimate = alternative["estimated_cost_usd"]
                table.add_row(
                    _plain(_known(alternative["provider"], alternative["model"])),
                    "unknown" if estimate is None else _money(estimate),
                    _number(alternative["score"]) or "",
                )
            self._console.print(table)

    def corrections(self, document: Document) -> None:
        self._section("Corrections")
        corrections = document["corrections"]
        if not corrections:
            self.say("None: no build changed its known figures.")
        for correction in corrections:
            self.say(f"{_time(correction['corrected_at'])}: {correction['reason']}", "bold")
            rows = [
                (what, correction[f"old_{column}_usd"], correction[f"new_{column}_usd"])
                for what, column in (
                    ("cost", "cost"),
                    ("baseline", "baseline_cost"),
                    ("savings", "savings"),
                )
            ]
            table = _table("", ">before, USD", ">after, USD", ">change, USD")
            for (what, before, after), delta in zip(
                rows,
                ("cost_delta_usd", "baseline_cost_delta_usd", "savings_delta_usd"),
                strict=True,
            ):
                table.add_row(
                    what,
                    "unknown" if before is None else _money(before),
                    "unknown" if after is None else _money(after),
                    _money(correction[delta], signed=True),
                )
            self._console.print(table)
        self._late_corrections(document["late_corrections"])

    def versions(self, document: Document) -> None:
        self._section("Landed versions, in the order in which the source wrote them")
        versions = document["versions"]
        if not versions:
            self.say("No version is left: retention has dropped them from schema raw.")
            return
        is_built = document["is_built"]
        if is_built and all(version["state"] != "counts" for version in versions):
            self.say("The version that counts is no longer in schema raw: retention dropped it.")
        for version in versions:
            self.say(
                f"{_time(version['updated_at'])}, {version['status']}: {_state(version)}",
                "bold" if version["state"] == "counts" else "",
            )
            details = [
                f"event {version['event_id']}",
                _version_usage(version),
                f"load {version['load_id']}, line {version['line_number']} of "
                f"{version['source_name']}, landed {_time(version['landed_at'])}",
                " ".join(
                    text for text in (version["error_code"], version["error_message"]) if text
                ),
            ]
            for detail in details:
                if detail:
                    self._indented(detail)

    def _calculation(self, part: Document, amount: str, name: str, fact: Row) -> None:
        """Print arithmetic, verdict and price rows of a cost or of a baseline."""
        if part["lines"]:
            self._console.print(_line_table(part, part[amount], fact))
        elif part["pricing_status"] == "gateway_cache_hit":
            self.say(
                f"{_usd(part[amount])} (gateway_cache_hit): a gateway answered from its own cache, "
                "so that the provider did nothing and charges nothing."
            )
        elif part[amount] is not None:
            self.say(f"{_usd(part[amount])}: nothing that the price charges for was used.")
        if part[amount] is None:
            status = part["pricing_status"]
            self.say(f"Unknown ({status}): {_meaning(part, status, name, fact)}")
            if self._is_sealed:
                self.say("Its day is sealed: what comes now changes it no more.")
        nearest = part["nearest_known_model"]
        if nearest is not None:
            self.say(
                f"The nearest name in the price book is {nearest['provider']} {nearest['model']} "
                f"({_RULES[nearest['suggestion_rule']]}; {nearest['total_tasks']:,} executions "
                "lack this price)."
            )
        if part["variant"] is not None:
            self.say(_VARIANTS[part["variant"]])
        if part["price"] is not None or part["usage_prices"] or not part["agrees"]:
            is_known = part[amount] is not None
            is_plain = not part["usage_prices"] and not part["price_factors"]
            what = f"Recomputed from the price row{'' if is_plain else 's'}"
            self._verdict(part["agrees"], what if is_known else f"{what}, unknown as well")
        if part["price"] is not None:
            self._price("Price row", part["price"])
        for row in part["usage_prices"]:
            rate = ("USD", _own_rate(row))
            title = f"Price row of its own: {_PARTS.get(row['usage'], row['usage'])}"
            self._row(title, row, rate, row["usage_price_id"])
        for row in part["price_factors"]:
            factor = ("Factor", _number(row["factor"]))
            self._row(f"Factor: {_FACTORS[row['kind']]}", row, factor, row["price_factor_id"])
        for other in part["other_prices"]:
            why_not = _WHY_NOT[other["why_not"]]
            if self._is_sealed:
                why_not = _WHY_NOT_IN_SEALED.get(other["why_not"], why_not)
            self._price(f"Not used: {why_not}", other, is_brief=True)

    def _price(self, title: str, price: Row, is_brief: bool = False) -> None:
        rates = ("USD", "; ".join(_rates(price)))
        self._row(title, price, rates, price["price_id"], is_brief=is_brief)

    def _row(
        self,
        title: str,
        row: Row,
        rates: tuple[str, str | None],
        key: str,
        is_brief: bool = False,
    ) -> None:
        """Print a row of the price book, of the usage prices or of the price factors."""
        self.say(title, "" if is_brief else "bold")
        until = row["effective_until"]
        self._figures(
            ("For", _scope(row)),
            (
                "Holds",
                f"from {_time(row['effective_from'])} "
                + ("on" if until is None else f"until {_time(until)}"),
            ),
            rates,
            ("Recorded", _time(row["recorded_at"])),
            ("Source", None if is_brief else row["source"]),
            ("Notes", None if is_brief else row["notes"]),
            ("Price id", key),
        )

    def _verdict(self, agrees: bool, what: str) -> None:
        if agrees:
            self.say(f"{what}: agrees with what is stored.", "green")
        else:
            self.say(f"{what}: DOES NOT AGREE with what is stored.", "bold red")

    def _section(self, title: str) -> None:
        self._console.print()
        self.say(title, "bold underline")

    def _figures(self, *figures: tuple[str, str | None]) -> None:
        """Print labels with their texts, without those that have none."""
        table = Table(show_header=False, box=None, pad_edge=False)
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for label, text in figures:
            if text:
                table.add_row(Text(label), Text(_plain(text)))
        self._console.print(table)

    def _indented(self, text: str) -> None:
        table = Table(show_header=False, box=None, pad_edge=False)
        table.add_column()
        table.add_column(overflow="fold")
        table.add_row(" ", Text(_plain(text)))
        self._console.print(table)


def _line_table(part: Document, amount: Decimal | None, fact: Row) -> Table:
    factors = [line["factor"] for line in part["lines"]]
    has_factors = any(factor not in (None, 1) for factor in factors)
    table = _table(
        "part",
        ">quantity",
        ">rate in USD",
        *((">factor",) if has_factors else ()),
        f">quantity x rate{' x factor' if has_factors else ''}, USD",
    )
    for line in part["lines"]:
        cost = line.get("cost_usd", line["recomputed_cost_usd"])
        per_unit, factor = line["book_usd_per_unit"], line["factor"]
        if per_unit is None:  # A stored line that the rows do not give.
            per_unit, factor = line["usd_per_unit"], Decimal(1)
        rate = (
            f"{_number(per_unit.scaleb(6))} per million"
            if line["unit"] == "token"
            else f"{_number(per_unit)} per {line['unit']}"
        )
        table.add_row(
            _plain(_PARTS.get(line["part"], line["part"])),
            # Minutes have no exact decimal, milliseconds do.
            _quantity(fact["duration_ms"], "ms")
            if line["unit"] == "minute"
            else _quantity(line["quantity"], line["unit"])
            if line["unit"] in _UNITS
            else _number(line["quantity"]),
            _plain(rate),
            *((_number(factor),) if has_factors else ()),
            "missing" if cost is None else _money(cost),
        )
    if amount is not None:
        table.add_section()
        table.add_row("sum", "", "", *(("",) if has_factors else ()), _money(amount))
    return table


def _table(*headings: str) -> Table:
    """Return a table; a heading that begins with > is of numbers."""
    table = Table(box=box.SIMPLE, pad_edge=False, show_edge=False)
    for heading in headings:
        table.add_column(
            heading.removeprefix(">"),
            justify="right" if heading.startswith(">") else "left",
            overflow="fold",
        )
    return table


def _meaning(part: Document, status: str, name: str, fact: Row) -> str:
    """Say what a pricing status means and what to do."""
    meanings = {
        "no_model": f"the source names no model, and the price book has no price for every model "
        f"of {fact['provider']}. Let the source send the model, or append such a price to "
        f"{_PRICE_FILE} and run `make build`.",
        "no_price_for_model": f"the price book has no price for {name} that fits. Append one to "
        f"{_PRICE_FILE}, or another name of a priced model to model_aliases.csv, and run "
        "`make build`.",
        "before_first_price": f"the first price of {name} begins to hold after the execution "
        f"began. Append a row with an earlier effective_from to {_PRICE_FILE} and run "
        "`make build`.",
        "no_usage": f"the price charges for something that the source does not state: "
        f"{part['missing'] or 'its usage'}. A later version of the event that states it is priced.",
        "token_split_unknown": "the source states tokens without their split into input and "
        "output, and at this price they do not all cost the same. A later version of the event "
        "with input_tokens and output_tokens is priced.",
        "cost_out_of_range": f"more than {LARGEST_COST_USD:,} USD for one execution is taken for "
        "a mistake. Check the usage and the price row.",
        "token_totals_differ": f"tokens_used is {_count(fact['tokens_used'])}, and input_tokens "
        f"and output_tokens are {_count(_counted(fact))} together: one of them is wrong, and "
        "nothing says which. A later version of the event in which they agree is priced.",
        "usage_without_price": _lacking(part, name),
        "tier_without_price": f"the source names the service tier {fact['service_tier']}, and "
        f"there is neither a price of {name} for it nor a factor. Append a row of kind "
        f"service_tier to {_FACTOR_FILE}, or a price for the tier to {_PRICE_FILE}, and run "
        "`make build`.",
        "bucket_spans_prices": "it sums a period of many requests, and the price depends on the "
        "hour, so that not all of them cost the same. Requests that the source sends one by one "
        "are priced.",
        "no_baseline": "there is nothing to compare with. Name a baseline for the organization, "
        "or another policy in seeds/pricing/baseline_policies.csv.",
    }
    return meanings.get(status, "the documentation of the marts says what this means.")


def _counted(fact: Row) -> int:
    return (fact["input_tokens"] or 0) + (fact["output_tokens"] or 0)


def _lacking(part: Document, name: str) -> str:
    """Say what was used that has no price, and which rows to add."""
    names = part["without_price"]
    own = [lacking for lacking in names if lacking != "compute_units"]
    todo = []
    if own:
        todo.append(
            f"Append to {_USAGE_PRICE_FILE} a row for {name} with usage "
            + " and one with usage ".join(
                f"{lacking} and {'usd_per_mtok' if lacking in TOKEN_PARTS else 'usd_per_unit'}"
                for lacking in own
            )
        )
    if "compute_units" in names:
        todo.append(f"Append to {_PRICE_FILE} a row for {name} with usd_per_compute_unit")
    return f"nothing says what {', '.join(names)} cost. {'. '.join(todo)}. Then run `make build`."


def _scope(row: Row) -> str:
    """Say what a row of any of the price files is for."""
    scope = [row["provider"], row["model"] or "every model"]
    scope += [
        f"{label} {row[column]}"
        for label, column in (
            ("task type", "task_type"),
            ("service tier", "service_tier"),
            ("region", "region"),
            ("organization", "organization_id"),
            ("hours in UTC", "hours"),
        )
        if row.get(column) is not None
    ]
    if row.get("context_over_tokens") is not None:
        scope.append(f"requests of more than {row['context_over_tokens']:,} input tokens")
    return ", ".join(scope)


def _own_rate(row: Row) -> str:
    if row["usage"] not in TOKEN_PARTS:
        return f"per {row['usage']}: {_number(row['usd_per_unit'])}"
    rate = row["usd_per_mtok"]
    return "what the whole costs" if rate is None else f"per million tokens: {_number(rate)}"


def _rates(price: Row) -> Iterable[str]:
    tokens = [
        f"{label} {_number(price[rate])}"
        for label, rate in zip(
            ("input", "cached input", "cache write", "output"), TOKEN_RATES, strict=True
        )
        if price[rate] is not None
    ]
    if tokens:
        yield f"per million tokens: {', '.join(tokens)}"
    for label, rate in (
        ("request", "usd_per_request"),
        ("minute", "usd_per_minute"),
        ("compute unit", "usd_per_compute_unit"),
    ):
        if price[rate] is not None:
            yield f"per {label}: {_number(price[rate])}"


def _state(version: Row) -> str:
    if version["state"] == "pending":
        if version["will_count"]:
            return "not built yet; counts after the next build"
        if version["will_be_late"]:
            return "not built yet; its day is sealed, so that it will stand in late_corrections"
        return "not built yet; a later version counts"
    return {
        "counts": "COUNTS",
        "copy": "a copy of the one that counts",
        "superseded": "superseded by a later one",
        "refused": "refused: the id belongs to another organization",
        "late": "came after its day was sealed; stands in late_corrections",
        "missing": "was built, and is not in the facts",
    }[version["state"]]


def _version_usage(version: Row) -> str:
    return ", ".join(
        text
        for text in (
            _known(version["provider"], version["model"]),
            _input(version) and f"input {_input(version)}",
            _output(version) and f"output {_output(version)}",
            _quantity(version["tokens_used"], "unsplit token"),
            _quantity(version["compute_units"], "compute unit"),
            _other_usage(version),
            version["is_gateway_cache_hit"] and "from a gateway's cache",
            version["is_bucket"] and "a sum of many requests",
        )
        if text
    )


def _status(fact: Row) -> str:
    status = str(fact["status"])
    if fact["is_timed_out"]:
        status += ", timed out"
    return f"{status}, error {fact['error_code']}" if fact["error_code"] else status


def _end(fact: Row) -> str:
    if fact["end_time"] is None:
        return "has not ended"
    if fact["duration_ms"] is None:
        return _time(fact["end_time"])
    return f"{_time(fact['end_time'])}, after {fact['duration_ms']:,} ms"


def _input(usage: Row) -> str | None:
    return _tokens(
        usage,
        "input_tokens",
        ("cached_input_tokens", "from a cache"),
        ("cache_write_tokens", "written to one"),
        ("cache_write_1h_tokens", "of these for 1 h"),
        ("audio_input_tokens", "audio"),
        ("image_input_tokens", "image"),
    )


def _output(usage: Row) -> str | None:
    return _tokens(
        usage,
        "output_tokens",
        ("reasoning_tokens", "reasoning"),
        ("audio_output_tokens", "audio"),
        ("image_output_tokens", "image"),
    )


def _tokens(usage: Row, whole: str, *parts: tuple[str, str]) -> str | None:
    if usage[whole] is None:
        return None
    inner = [f"{usage[column]:,} {words}" for column, words in parts if usage[column]]
    text = f"{usage[whole]:,} tokens"
    return f"{text}, of them {', '.join(inner)}" if inner else text


def _other_usage(usage: Row) -> str:
    """List other usage, which `{}` has none of."""
    return ", ".join(
        f"{_number(Decimal(quantity))} {name}"
        for name, quantity in (usage["other_usage"] or {}).items()
    )


def _named(name: str | None, key: Any) -> str:
    if key is None:
        return "unknown"
    return f"{name} ({key})" if name else str(key)


def _known(provider: str | None, model: str | None) -> str:
    return f"{provider} {model}" if model else f"{provider}, no model"


def _priced_as(model: str | None, price_model: str | None) -> str:
    if model is None:
        return "none named"
    return model if price_model in (None, model) else f"{model}, {price_model} in the price book"


def _time(moment: datetime) -> str:
    """Write a moment in UTC, to the second when it is a whole one."""
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(sep=' ')} UTC"


def _usd(amount: Decimal | None, signed: bool = False) -> str:
    return "" if amount is None else f"{_money(amount, signed)} USD"


def _money(amount: Decimal, signed: bool = False) -> str:
    """Write an amount with all of its places; nothing here is rounded."""
    return f"{amount:+,f}" if signed else f"{amount:,f}"


def _number(value: Decimal | None) -> str | None:
    """Write a number without the zeros that say nothing."""
    if value is None:
        return None
    text = f"{value:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _count(value: int | None) -> str | None:
    return None if value is None else f"{value:,}"


def _quantity(value: Decimal | int | None, unit: str) -> str | None:
    if value is None:
        return None
    number = _number(Decimal(value))
    return f"{number} {unit}{'' if value == 1 or unit == 'ms' else 's'}"


def _plain(text: str) -> str:
    """Return a text from an event without characters that a terminal would act upon."""
    return "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text
    )
