"""How names of models find their prices: real names, each with the model that it is priced as.

Names come in as spans have them, and everything else is the import and the SQL of the project. The
table in docs/sources.md holds examples of these.
"""

import ast
import dataclasses
import json
from collections.abc import Callable
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner
from support.oracle import ROUTES
from support.stories import Seeds, Story, environment_of, price, story_database

from orchestration.cli import main
from orchestration.database.embedded import EmbeddedServer
from orchestration.sources.names import provider_named, provider_of

pytest_plugins = ["support.stories"]

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "sources.md"
PROFILE = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/"
OWN_PROFILE = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3"
FOUNDATION = "arn:aws:bedrock:us-east-1::foundation-model/"
SONNET = "anthropic.claude-sonnet-4-5-20250929-v1:0"
LLAMA = "meta-llama/llama-3.3-70b-instruct:free"
FINE_TUNE = "ft:gpt-4o-mini-2024-07-18:acme::b1"

ADDED = [
    price("bedrock", SONNET, input_usd_per_mtok="3"),
    price("bedrock", f"us.{SONNET}", input_usd_per_mtok="3.3"),
    price("vertex_ai", "claude-sonnet-4@20250514"),
    price("azure", "gpt-4o-2024-08-06"),
    price("openrouter", LLAMA, input_usd_per_mtok="0", output_usd_per_mtok="0"),
    price("openai", FINE_TUNE),
]
"""What stands in the price book beside the rows that are shipped."""


class Priced(NamedTuple):
    """A name that has a price.

    Attributes:
        said: The provider as the source calls it; None where it does not.
        name: The model as the source calls it.
        provider: Who bills.
        model: The model of the price book.
    """

    said: str | None
    name: str
    provider: str
    model: str


class Unpriced(NamedTuple):
    """A name that has none.

    Attributes:
        said: The provider as the source calls it; None where it does not.
        name: The model as the source calls it.
        rule: Why a model is proposed, or why none is; None where none is alike.
        model: The provider and the model that are proposed.
    """

    said: str | None
    name: str
    rule: str | None = None
    model: tuple[str, str] | None = None


PRICED = [
    # As the price book has it.
    Priced("openai", "gpt-4o", "openai", "gpt-4o"),
    Priced("openai", "gpt-4o-mini", "openai", "gpt-4o-mini"),
    Priced("openai", "gpt-4", "openai", "gpt-4"),
    Priced("openai", "gpt-4o-2024-08-06", "openai", "gpt-4o-2024-08-06"),
    Priced("anthropic", "claude-sonnet-4-20250514", "anthropic", "claude-sonnet-4-20250514"),
    Priced("aws.bedrock", SONNET, "bedrock", SONNET),
    Priced("aws.bedrock", f"us.{SONNET}", "bedrock", f"us.{SONNET}"),
    Priced("gcp.vertex_ai", "claude-sonnet-4@20250514", "vertex_ai", "claude-sonnet-4@20250514"),
    Priced("azure.ai.openai", "gpt-4o-2024-08-06", "azure", "gpt-4o-2024-08-06"),
    Priced("openrouter", "deepseek/deepseek-r1", "openrouter", "deepseek/deepseek-r1"),
    Priced("openrouter", LLAMA, "openrouter", LLAMA),
    Priced("groq", "openai/gpt-oss-20b", "groq", "openai/gpt-oss-20b"),
    Priced("openai", FINE_TUNE, "openai", FINE_TUNE),
    Priced("x_ai", "grok-4", "xai", "grok-4"),
    # Another name of it.
    Priced("openai", "gpt-4o-2024-11-20", "openai", "gpt-4o"),
    Priced("openai", "gpt-5.2-2025-12-11", "openai", "gpt-5.2"),
    Priced("anthropic", "claude-sonnet-4-5-20250929", "anthropic", "claude-sonnet-4-5"),
    Priced("anthropic", "claude-opus-4-0", "anthropic", "claude-opus-4-20250514"),
    Priced("anthropic", "claude-3-5-sonnet-latest", "anthropic", "claude-3-5-sonnet-20241022"),
    Priced("x_ai", "grok-4-latest", "xai", "grok-4"),
    # One of these after a route to the provider.
    Priced("openai", "openai/gpt-4o", "openai", "gpt-4o"),
    Priced("openai", "openai/gpt-4o-2024-11-20", "openai", "gpt-4o"),
    Priced("anthropic", "anthropic/claude-sonnet-4-5", "anthropic", "claude-sonnet-4-5"),
    Priced("openrouter", "openrouter/openai/gpt-4o", "openrouter", "openai/gpt-4o"),
    Priced("gcp.gemini", "models/gemini-2.5-pro", "google", "gemini-2.5-pro"),
    Priced("gcp.gemini", "gemini/gemini-2.5-flash", "google", "gemini-2.5-flash"),
    Priced("aws.bedrock", f"bedrock/us.{SONNET}", "bedrock", f"us.{SONNET}"),
    Priced("aws.bedrock", f"bedrock/converse/{SONNET}", "bedrock", SONNET),
    Priced(
        "gcp.vertex_ai", "vertex_ai/claude-sonnet-4@20250514", "vertex_ai",
        "claude-sonnet-4@20250514",
    ),
    Priced(
        "gcp.vertex_ai", "publishers/anthropic/models/claude-sonnet-4@20250514", "vertex_ai",
        "claude-sonnet-4@20250514",
    ),
    Priced("azure.ai.openai", "azure/gpt-4o-2024-08-06", "azure", "gpt-4o-2024-08-06"),
    Priced("mistral_ai", "mistralai/mistral-large-latest", "mistral", "mistral-large-latest"),
    Priced("x_ai", "x-ai/grok-4", "xai", "grok-4"),
    Priced("groq", "groq/openai/gpt-oss-20b", "groq", "openai/gpt-oss-20b"),
    # The address at which AWS has it.
    Priced("aws.bedrock", f"{PROFILE}us.{SONNET}", "bedrock", f"us.{SONNET}"),
    Priced("aws.bedrock", f"{FOUNDATION}{SONNET}", "bedrock", SONNET),
    # Without a provider, where the name says it.
    Priced(None, "gpt-4o", "openai", "gpt-4o"),
    Priced(None, "o3-mini", "openai", "o3-mini"),
    Priced(None, FINE_TUNE, "openai", FINE_TUNE),
    Priced(None, "anthropic/claude-sonnet-4-5", "anthropic", "claude-sonnet-4-5"),
    Priced(None, "models/gemini-2.5-pro", "google", "gemini-2.5-pro"),
    Priced(None, f"us.{SONNET}", "bedrock", f"us.{SONNET}"),
    Priced(None, f"{PROFILE}us.{SONNET}", "bedrock", f"us.{SONNET}"),
]  # fmt: skip

UNPRICED = [
    # Prices may differ: somebody has to say that they do not.
    Unpriced(
        "aws.bedrock", "apac.anthropic.claude-3-5-haiku-20241022-v1:0", "route",
        ("bedrock", "us.anthropic.claude-3-5-haiku-20241022-v1:0"),
    ),
    Unpriced(
        "aws.bedrock", "anthropic.claude-opus-4-1-20250805-v1:0", "route",
        ("anthropic", "claude-opus-4-1-20250805"),
    ),
    Unpriced("azure.ai.openai", "azure/eu/gpt-4o-mini", "route", ("openai", "gpt-4o-mini")),
    Unpriced("openai", "GPT-4o", "same_name", ("openai", "gpt-4o")),
    Unpriced(
        "openrouter", "anthropic/claude-sonnet-4.5", "separators",
        ("anthropic", "claude-sonnet-4-5"),
    ),
    Unpriced(
        "gcp.vertex_ai", "claude-opus-4-5@20251101", "separators", ("anthropic", "claude-opus-4-5")
    ),
    Unpriced(
        "gcp.vertex_ai", "claude-3-5-sonnet-v2@20241022", "separators",
        ("anthropic", "claude-3-5-sonnet-20241022"),
    ),
    Unpriced("openai", "gpt-4o-2024-09-09", "version", ("openai", "gpt-4o")),
    Unpriced("openai", "o1-mini-2024-09-12", "version", ("openai", "o1-mini")),
    Unpriced("anthropic", "claude-opus-4-5-latest", "version", ("anthropic", "claude-opus-4-5")),
    Unpriced(
        "anthropic",
        "claude-3-sonnet",
        "version",
        ("anthropic", "claude-3-sonnet-20240229"),
    ),
    Unpriced(
        "anthropic",
        "claude-3-5-sonnet",
        "version",
        ("anthropic", "claude-3-5-sonnet-20241022"),
    ),
    Unpriced("openai", "gpt-4o-min", "one_letter", ("openai", "gpt-4o-mini")),
    # Two of the price book are alike, with other prices.
    Unpriced("aws.bedrock", f"eu.{SONNET}"),
    Unpriced("aws.bedrock", f"global.{SONNET}"),
    Unpriced("anthropic", "claude-3-5"),
    # Prices of their own.
    Unpriced("openai", "ft:gpt-4o-mini:acme::b2", "fine_tune"),
    Unpriced("azure.ai.openai", "gpt-4o-mini-2024-07-18.ft-0a1b2c", "fine_tune"),
    Unpriced("openrouter", "deepseek/deepseek-r1:free", "free"),
    Unpriced("openrouter", "openai/gpt-4o:beta", "variant"),
    Unpriced("openrouter", "anthropic/claude-3.7-sonnet:thinking", "variant"),
    # Nobody can tell, or it is something else.
    Unpriced("azure.ai.openai", "our-deployment"),
    Unpriced("aws.bedrock", OWN_PROFILE),
    Unpriced("openai", "gpt-4o-mini-audio"),
    Unpriced("anthropic", "claude-3"),
    Unpriced("anthropic", "claude-opus-9"),
    Unpriced("groq", "deepseek-r1"),
    Unpriced(None, "my-own-model"),
]  # fmt: skip


def span(number: int, said: str | None, name: str) -> dict[str, Any]:
    texts = {"gen_ai.operation.name": "chat", "gen_ai.response.model": name}
    if said is not None:
        texts["gen_ai.provider.name"] = said
    counts = {"gen_ai.usage.input_tokens": "1000000", "gen_ai.usage.output_tokens": "0"}
    return {
        "traceId": f"{number:032x}",
        "spanId": f"{number:016x}",
        "name": f"chat {name}",
        "kind": 3,
        "startTimeUnixNano": "1788566400000000000",
        "endTimeUnixNano": "1788566401000000000",
        "attributes": [
            *({"key": key, "value": {"stringValue": value}} for key, value in texts.items()),
            *({"key": key, "value": {"intValue": value}} for key, value in counts.items()),
        ],
    }


NAMES: list[Priced | Unpriced] = [*PRICED, *UNPRICED]


@pytest.fixture(scope="module")
def built(
    embedded_server: EmbeddedServer,
    built_on_nothing: Callable[[EmbeddedServer], Story],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[tuple[str | None, str], dict[str, Any]]:
    """Return the execution of each name, with what `unpriced_usage` says of it."""
    empty, folder = built_on_nothing(embedded_server), tmp_path_factory.mktemp("names")
    spans = [span(number, *name[:2]) for number, name in enumerate(NAMES, start=1)]
    (folder / "spans.json").write_text(
        json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}) + "\n"
    )
    seeds = Seeds(empty.project.prices)
    with (
        ExitStack() as afterwards,
        story_database(embedded_server, empty.database.settings.dbname) as database,
    ):
        afterwards.callback(seeds.restore)
        story = dataclasses.replace(empty, database=database, folder=folder, stands=None)
        seeds.add("provider_pricing", *ADDED)
        with environment_of(database):
            arguments = ["import", "otel", str(folder), "--organization", "Acme"]
            done = CliRunner().invoke(main, arguments)
        assert done.exit_code == 0, done.output
        story.build()
        rows = story.rows(
            "select facts.*, unpriced.suggestion_rule, unpriced.suggested_provider, "
            "unpriced.suggested_model from marts.fct_task_executions as facts "
            "left join marts.unpriced_usage as unpriced on facts.provider = unpriced.provider "
            "and facts.model = unpriced.model and unpriced.priced_as = 'usage'"
        )
    facts = {int(row["task_id"].rpartition("/")[2], 16): row for row in rows}
    assert len(facts) == len(rows) == len(NAMES)
    return {name[:2]: facts[number] for number, name in enumerate(NAMES, start=1)}


def test_there_are_many_names() -> None:
    assert len({name[:2] for name in NAMES}) == len(NAMES) > 60


@pytest.mark.parametrize("name", PRICED, ids=lambda name: f"{name.said}: {name.name}")
def test_a_name_is_priced_as(built: dict[Any, dict[str, Any]], name: Priced) -> None:
    fact = built[name.said, name.name]
    assert (fact["provider"], fact["price_model"]) == (name.provider, name.model)
    assert fact["pricing_status"] == "priced"
    assert fact["cost_usd"] is not None


@pytest.mark.parametrize("name", UNPRICED, ids=lambda name: f"{name.said}: {name.name}")
def test_a_name_has_no_price_and_a_reason(built: dict[Any, dict[str, Any]], name: Unpriced) -> None:
    fact = built[name.said, name.name]
    assert (fact["pricing_status"], fact["cost_usd"]) == ("no_price_for_model", None)
    proposed = (fact["suggested_provider"], fact["suggested_model"])
    assert (fact["suggestion_rule"], proposed) == (name.rule, name.model or (None, None))


def test_what_is_free_costs_nothing_only_where_the_price_book_says_so(
    built: dict[Any, dict[str, Any]],
) -> None:
    assert built["openrouter", LLAMA]["cost_usd"] == 0
    assert built["openrouter", "deepseek/deepseek-r1:free"]["cost_usd"] is None


def test_a_region_costs_what_its_own_name_costs(built: dict[Any, dict[str, Any]]) -> None:
    costs = [built["aws.bedrock", name]["cost_usd"] for name in (SONNET, f"us.{SONNET}")]
    assert costs == [Decimal(3), Decimal("3.3")]


def documented() -> list[tuple[str, ...]]:
    """Return the rows of the table in the document, without how each is called."""
    section = DOCUMENT.read_text().partition("## How a model's name finds its price")[2]
    rows = [line for line in section.partition("\n## ")[0].splitlines() if line.startswith("| ")]
    return [tuple(cell.strip(" `") for cell in row.split("|")[2:-1]) for row in rows[1:]]


def test_the_examples_of_the_document_are_among_the_names() -> None:
    known = {(name.provider, name.name, name.model, "") for name in PRICED}
    known |= {
        (
            provider_named(name.said or "unknown"),
            name.name,
            "unknown",
            " ".join(name.model or ("nothing",)),
        )
        for name in UNPRICED
    }
    examples = documented()
    assert len(examples) > 15
    assert not set(examples) - known


def test_what_stands_before_a_name_is_a_word_for_its_provider() -> None:
    macro = (ROOT / "macros" / "pricing" / "model_name_routes.sql").read_text()
    routes_in_sql = ast.literal_eval(macro.partition("return(")[2].partition(") }}")[0])
    assert {provider: tuple(routes) for provider, routes in routes_in_sql.items()} == ROUTES
    for provider, routes in ROUTES.items():
        assert {provider_of(f"{route}x") for route in routes} == {provider}
