"""Published bills that counters of usage got wrong: what came in as a file costs what it should.

Each bill in the shape of every source that can tell it, imported and built in one warehouse. Rates
are USD per million tokens; figures are those of the bills, worked out by hand.
"""

import contextlib
import csv
import dataclasses
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import pytest
from click.testing import CliRunner
from support.proxies import Proxy
from support.servers import Database
from support.stories import Seeds, Story, environment_of, price, story_database

from orchestration.cli import main
from orchestration.database.embedded import EmbeddedServer
from orchestration.sources.litellm.database import VARIABLE
from orchestration.sources.source import Owner

pytest_plugins = ["support.stories", "support.proxies"]

ACME = Owner.named("Acme")


@dataclass(frozen=True)
class Bill:
    """What was used, at which rates, and what that costs.

    Attributes:
        rest: Input that was neither read from a cache nor written to one.
        read: Input from a cache.
        written: Input that was written to a cache.
        output: Output, reasoning included.
        reasoning: How much of the output is reasoning.
        rates: Of the input, of what was read, of what was written, of the output.
        cost: In USD.
        sources: Who can tell it.
    """

    rest: int
    read: int
    written: int
    output: int
    reasoning: int
    rates: tuple[str, str, str, str]
    cost: str
    sources: tuple[str, ...]

    @property
    def input(self) -> int:
        return self.rest + self.read + self.written


ANTHROPIC = ("litellm", "claude_code", "bedrock", "otel", "langfuse")
OPENAI = ("litellm", "codex", "otel", "langfuse", "openrouter")

BILLS = {
    # Input was charged again for what had been written: 0.091311.
    "written-beside-input": Bill(
        3, 0, 12304, 550, 0, ("3", "0.3", "3.75", "15"), "0.054399", ANTHROPIC
    ),
    # As input and as a cache write: 0.00675.
    "written-alone": Bill(0, 0, 1000, 0, 0, ("3", "0.3", "3.75", "15"), "0.00375", ANTHROPIC),
    # All of it at a rate that was not its own: 0.20.
    "read-and-written": Bill(
        3, 13216, 25, 12, 0, ("3.3", "0.33", "4.125", "16.5"), "0.004672305", ANTHROPIC
    ),
    # What was read was charged as input, too: 0.0137139.
    "read-in-input": Bill(
        3914, 16298, 0, 931, 0, ("0.5", "0.05", "0.5", "3"), "0.0055649", (*OPENAI, "gemini_cli")
    ),
    # Below the threshold of 272,000 it would be 2.5 and 15: 1.50.
    "long-context": Bill(300000, 0, 0, 50000, 0, ("5", "0.5", "5", "22.5"), "2.625", OPENAI),
    # 17,903 of input were counted beside the 17,817 of it that came from a cache.
    "read-split-off": Bill(86, 17817, 0, 0, 0, ("2", "0.2", "2", "10"), "0.0037354", OPENAI),
    # Of 482 tokens of output only the 448 of reasoning were charged.
    "reasoning-in-output": Bill(
        0, 0, 0, 482, 448, ("1", "0.1", "1", "10"), "0.00482", (*OPENAI, "gemini_cli")
    ),
}

CLOSED_RANGE = {"rest": 1_975_432, "read": 3_472_945_430, "output": 95_000_005}
"""3,569,920,867 tokens; at 3, 0.3 and 15 USD a million they cost 2472.81 USD."""


def claude_code(model: str, bill: Bill) -> str:
    usage = {
        "input_tokens": bill.rest,
        "cache_creation_input_tokens": bill.written,
        "cache_read_input_tokens": bill.read,
        "output_tokens": bill.output,
    }
    return claude_message(model, "2026-03-02T09:00:01.000Z", usage)


def claude_message(model: str, at: str, usage: dict[str, int]) -> str:
    record = {
        "type": "assistant",
        "sessionId": "session_01",
        "timestamp": at,
        "requestId": f"req_{model}_{at}",
        "message": {"id": f"msg_{model}", "model": model, "usage": usage},
    }
    return json.dumps(record) + "\n"


def codex(model: str, bill: Bill) -> str:
    usage = {
        "input_tokens": bill.input,
        "cached_input_tokens": bill.read,
        "output_tokens": bill.output,
        "reasoning_output_tokens": bill.reasoning,
        "total_tokens": bill.input + bill.output,
    }
    info = {"total_token_usage": usage, "last_token_usage": usage}
    at = "2026-03-02T09:00:00.000Z"
    records = [
        ("session_meta", {"id": f"session-{model}", "timestamp": at, "model_provider": "openai"}),
        ("turn_context", {"turn_id": f"turn-{model}", "model": model}),
        ("event_msg", {"type": "token_count", "info": info}),
    ]
    return "".join(
        json.dumps({"timestamp": at, "type": kind, "payload": payload}) + "\n"
        for kind, payload in records
    )


def gemini_cli(model: str, bill: Bill) -> str:
    attributes = {
        "event.name": "gemini_cli.api_response",
        "event.timestamp": "2026-03-02T09:00:00.000Z",
        "session.id": "session_01",
        "prompt_id": f"session_01########{model}",
        "model": model,
        "duration_ms": 1000,
        "input_token_count": bill.input,
        "cached_content_token_count": bill.read,
        "output_token_count": bill.output - bill.reasoning,
        "thoughts_token_count": bill.reasoning,
        "tool_token_count": 0,
        "total_token_count": bill.input + bill.output,
    }
    return json.dumps({"attributes": attributes}, indent=2) + "\n"


def bedrock(model: str, bill: Bill) -> str:
    record = {
        "schemaType": "ModelInvocationLog",
        "schemaVersion": "1.0",
        "timestamp": "2026-03-02T09:00:04Z",
        "accountId": "123456789012",
        "region": "us-east-1",
        "requestId": f"request-{model}",
        "operation": "Converse",
        "modelId": model,
        "input": {
            "inputTokenCount": bill.rest,
            "cacheReadInputTokenCount": bill.read,
            "cacheWriteInputTokenCount": bill.written,
        },
        "output": {"outputTokenCount": bill.output},
    }
    return json.dumps(record) + "\n"


def langfuse(model: str, bill: Bill) -> str:
    usage = {
        "input": bill.rest,
        "input_cached_tokens": bill.read,
        "input_cache_creation": bill.written,
        "output": bill.output - bill.reasoning,
        "output_reasoning_tokens": bill.reasoning,
        "total": bill.input + bill.output,
    }
    observation = {
        "id": f"obs_{model}",
        "traceId": f"trace_{model}",
        "type": "GENERATION",
        "startTime": "2026-03-02T09:00:00.000Z",
        "endTime": "2026-03-02T09:00:02.000Z",
        "model": model,
        "usageDetails": usage,
    }
    return json.dumps(observation) + "\n"


def openrouter(model: str, bill: Bill) -> str:
    row = {
        "generation_id": f"gen-{model}",
        "created_at": "2026-03-02 09:00:00.500",
        "cost_total": "1",
        "tokens_prompt": bill.input,
        "tokens_completion": bill.output,
        "tokens_reasoning": bill.reasoning,
        "tokens_cached": bill.read,
        "model_permaslug": model,
    }
    out = io.StringIO()
    writer = csv.DictWriter(out, row)
    writer.writeheader()
    writer.writerow(row)
    return out.getvalue()


def otel(model: str, bill: Bill) -> str:
    counted = {
        "gen_ai.usage.input_tokens": bill.input,
        "gen_ai.usage.cache_read.input_tokens": bill.read,
        "gen_ai.usage.cache_write.input_tokens": bill.written,
        "gen_ai.usage.output_tokens": bill.output,
        "gen_ai.usage.reasoning.output_tokens": bill.reasoning,
    }
    said = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic" if model.startswith("claude") else "openai",
        "gen_ai.response.model": model,
    }
    attributes = [{"key": name, "value": {"stringValue": value}} for name, value in said.items()]
    attributes += [
        {"key": name, "value": {"intValue": str(value)}} for name, value in counted.items()
    ]
    span = {
        "traceId": uuid5(NAMESPACE_URL, model).hex,
        "spanId": uuid5(NAMESPACE_URL, model).hex[:16],
        "name": f"chat {model}",
        "kind": 3,
        "startTimeUnixNano": "1772442000000000000",
        "endTimeUnixNano": "1772442001500000000",
        "attributes": attributes,
    }
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}) + "\n"


FILES: dict[str, tuple[str, Callable[[str, Bill], str]]] = {
    "claude_code": ("jsonl", claude_code),
    "codex": ("jsonl", codex),
    "gemini_cli": ("log", gemini_cli),
    "bedrock": ("jsonl", bedrock),
    "langfuse": ("jsonl", langfuse),
    "openrouter": ("csv", openrouter),
    "otel": ("jsonl", otel),
}

PROVIDERS = {
    "claude_code": "anthropic",
    "codex": "openai",
    "gemini_cli": "google",
    "bedrock": "bedrock",
    "openrouter": "openrouter",
}
"""Who bills what a source tells; of the others the name of the model says it."""


def model_of(name: str, source: str) -> tuple[str, str]:
    """Return the provider and the model of a bill, another model for each of its sources."""
    maker, family = (
        ("anthropic", "claude") if BILLS[name].sources is ANTHROPIC else ("openai", "gpt")
    )
    return PROVIDERS.get(source, maker), f"{family}-{name}-{source}"


def add_prices(seeds: Seeds) -> None:
    names = ("input", "cached_input", "cache_write", "output")
    rows = []
    for name, bill in BILLS.items():
        rates = {f"{part}_usd_per_mtok": rate for part, rate in zip(names, bill.rates, strict=True)}
        for source in bill.sources:
            provider, model = model_of(name, source)
            if name == "long-context":
                below = {"input_usd_per_mtok": "2.5", "output_usd_per_mtok": "15"}
                rows.append(price(provider, model, **below))
                rates["context_over_tokens"] = "272000"
            rows.append(price(provider, model, **rates))
    rows += [
        price("openai", "gpt-routed", input_usd_per_mtok="1"),
        price("openai", "gpt-baseline", input_usd_per_mtok="5"),
        price(
            "anthropic",
            "claude-closed-range",
            input_usd_per_mtok="3",
            cached_input_usd_per_mtok="0.3",
            output_usd_per_mtok="15",
        ),
    ]
    seeds.add("provider_pricing", *rows)
    seeds.add(
        "baseline_policies",
        {
            "policy": "decision_recorded",
            "organization_id": str(ACME.organization_id),
            "effective_from": "2026-01-01T00:00:00Z",
            "recorded_at": "2026-11-28T01:00:00Z",
        },
    )


def log_in(proxy: Proxy) -> None:
    """Log what LiteLLM can tell in its own database."""
    for name, bill in BILLS.items():
        provider, model = model_of(name, "litellm")
        proxy.call(
            name,
            model=model,
            custom_llm_provider=provider,
            prompt_tokens=bill.input,
            completion_tokens=bill.output,
            metadata={
                "usage_object": {
                    "prompt_tokens_details": {"cached_tokens": bill.read},
                    "cache_creation_input_tokens": bill.written,
                    "completion_tokens_details": {"reasoning_tokens": bill.reasoning},
                }
            },
        )
    proxy.call(
        "routed",
        model="gpt-routed",
        prompt_tokens=79,
        completion_tokens=0,
        metadata={
            "routing_decision": {
                "router_type": "complexity",
                "routed_model": "gpt-routed",
                "classifier_cost": 0.002135,
                "savings_baseline_model": "openai/gpt-baseline",
            }
        },
    )


def write_files(folder: Path) -> None:
    for source, (ending, write) in FILES.items():
        (folder / source).mkdir()
        for name, bill in BILLS.items():
            if source in bill.sources:
                _, model = model_of(name, source)
                (folder / source / f"{name}.{ending}").write_text(write(model, bill))
    usage = {
        "input_tokens": CLOSED_RANGE["rest"],
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": CLOSED_RANGE["read"],
        "output_tokens": CLOSED_RANGE["output"],
    }
    log = (folder / "claude_code" / "written-alone.jsonl").read_text()
    (folder / "claude_code" / "resumed.jsonl").write_text(log.replace("session_01", "session_02"))
    (folder / "claude_code" / "closed_range.jsonl").write_text(
        claude_message("claude-closed-range", "2026-03-31T21:59:59.999Z", usage)
    )


@dataclass(frozen=True)
class Ledger:
    """What was built of all bills, and of the same after prices had changed.

    Attributes:
        before: Executions by their model.
        after: The same when a price had changed.
        corrections: How many costs changed.
        disputed: How many versions do not count for sure.
    """

    before: dict[str, dict[str, Any]]
    after: dict[str, dict[str, Any]]
    corrections: int
    disputed: int


def facts_of(story: Story) -> dict[str, dict[str, Any]]:
    rows = story.rows("select * from marts.fct_task_executions")
    facts = {row["model"]: row for row in rows}
    assert len(facts) == len(rows)
    return facts


@pytest.fixture(scope="module")
def ledger(
    embedded_server: EmbeddedServer,
    built_on_nothing: Callable[[EmbeddedServer], Story],
    make_proxy: Callable[[], contextlib.AbstractContextManager[Proxy]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Ledger:
    """Return what all bills cost, in one warehouse."""
    folder = tmp_path_factory.mktemp("bills")
    empty = built_on_nothing(embedded_server)
    seeds = Seeds(empty.project.prices)
    write_files(folder)
    with (
        contextlib.ExitStack() as afterwards,
        story_database(embedded_server, empty.database.settings.dbname) as database,
    ):
        afterwards.callback(seeds.restore)
        story = dataclasses.replace(empty, database=database, folder=folder, stands=None)
        add_prices(seeds)
        for source in FILES:
            imported(database, source, str(folder / source))
        with make_proxy() as proxy, pytest.MonkeyPatch.context() as patch:
            log_in(proxy)
            patch.setenv(VARIABLE, proxy.url)
            imported(database, "litellm")
        story.build()
        before = facts_of(story)
        # The range ended in March; what is cheaper from April on makes none of it cheaper.
        seeds.add(
            "provider_pricing",
            price(
                "anthropic",
                "claude-closed-range",
                input_usd_per_mtok="2",
                cached_input_usd_per_mtok="0.2",
                output_usd_per_mtok="10",
                effective_from="2026-04-01T00:00:00Z",
            ),
        )
        story.build()
        corrections, disputed = (
            story.row(f"select count(*) as rows from {table}")["rows"]  # noqa: S608
            for table in ("marts.fct_cost_corrections", "quality.disputed_versions")
        )
        return Ledger(before, facts_of(story), corrections, disputed)


def imported(database: Database, source: str, *paths: str) -> None:
    with environment_of(database):
        done = CliRunner().invoke(main, ["import", source, *paths, "--organization", "Acme"])
    assert done.exit_code == 0, done.output
    assert "0 rejected" in done.output


@pytest.mark.parametrize(
    ("name", "source"),
    [(name, source) for name, bill in BILLS.items() for source in bill.sources],
)
def test_a_bill_costs_the_same_from_every_source(ledger: Ledger, name: str, source: str) -> None:
    bill = BILLS[name]
    _, model = model_of(name, source)
    fact = ledger.after[model]
    assert (fact["source"], fact["pricing_status"]) == (source, "priced")
    assert (fact["input_tokens"], fact["output_tokens"]) == (bill.input, bill.output)
    assert fact["cost_usd"] == Decimal(bill.cost)


def test_savings_are_net_of_what_the_choice_of_the_model_cost(ledger: Ledger) -> None:
    fact = ledger.after["gpt-routed"]
    # Without what the classifier cost it would look like 80 % saved.
    assert (
        fact["cost_usd"],
        fact["baseline_cost_usd"],
        fact["savings_usd"],
        fact["net_savings_usd"],
    ) == (Decimal("0.000079"), Decimal("0.000395"), Decimal("0.000316"), Decimal("-0.001819"))


def test_a_closed_range_costs_the_same_after_prices_changed(ledger: Ledger) -> None:
    before, after = (facts["claude-closed-range"] for facts in (ledger.before, ledger.after))
    assert before["input_tokens"] + before["output_tokens"] == 3_569_920_867
    assert before["cost_usd"] == after["cost_usd"] == Decimal("2472.81")
    assert before["price_id"] == after["price_id"]
    assert ledger.corrections == 0


def test_a_session_that_resumes_another_repeats_its_messages_and_disputes_none(
    ledger: Ledger,
) -> None:
    # One execution of each model: `facts_of` holds no second one.
    assert ledger.after["claude-written-alone-claude_code"]["session_id"] in {
        "session_01",
        "session_02",
    }
    assert ledger.disputed == 0
