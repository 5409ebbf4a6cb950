"""`warehouse prices`: the shipped book against price lists, and rows that are appended to it."""

import csv
import datetime as dt
import json
import shutil
import sys
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner
from genai_prices.data import providers
from genai_prices.types import ModelInfo, TieredPrices

from orchestration.cli import main
from orchestration.errors import WarehouseError
from orchestration.prices.book import FACTORS, PRICING, USAGES, Book, is_within
from orchestration.prices.compare import compare, known_differences
from orchestration.prices.lists import LiteLLM, PriceList, genai_prices, litellm
from orchestration.prices.rates import STANDARD, Listed, Rate
from orchestration.prices.refresh import propose
from orchestration.project import project_root

SHIPPED = project_root() / "seeds" / "pricing"
THURSDAY = dt.datetime(2026, 11, 26, 12, tzinfo=dt.UTC)
NOW = dt.datetime(2026, 11, 28, 12, tzinfo=dt.UTC)
PEAK, WEEKEND = NOW.replace(hour=2) - dt.timedelta(days=1), NOW.replace(hour=2)


@pytest.fixture(scope="module")
def book() -> Book:
    return Book.read(SHIPPED)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the price files of a project of one's own, in which the command runs."""
    (tmp_path / "dbt_project.yml").write_text("name: ai_spend_warehouse\n")
    shutil.copytree(SHIPPED, tmp_path / "seeds" / "pricing")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "seeds" / "pricing"


@dataclass
class SmallList:
    """A price list of a few models of one provider, by name."""

    name: str
    models: dict[str, Listed] = field(default_factory=dict)
    version: str = "1"

    def find(self, provider: str, names: Iterable[str], moment: dt.datetime) -> Listed | None:
        found = (self.models.get(name) for name in names if provider == "acme" and moment)
        return next((listed for listed in found if listed), None)


def listed(started: str | None = None, **steps: str) -> Listed:
    """Return what a list says, from `tier__kind="price over:price"`."""
    found = Listed(started=started)
    for key, text in steps.items():
        tier, _, kind = key.rpartition("__")
        found.steps[tier or STANDARD, kind] = [
            (int(over or 0), Decimal(price))
            for over, _, price in (part.rpartition(":") for part in text.split())
        ]
    return found


def cost(book: Book, name: str, used: dict[str, int], moment: dt.datetime = NOW) -> Decimal:
    """Return what disjoint parts of a usage cost, in USD, from the files of the book alone.

    The name is provider/model, with the service tier after a blank.
    """
    name, _, tier = name.partition(" ")
    provider, _, model = name.partition("/")
    over = sum(used.get(kind, 0) for kind in ("input", "cached_input", "cache_write"))
    over += used.get("cache_write_1h_tokens", 0)
    total = Decimal(0)
    for kind, quantity in used.items():
        # A band begins above its threshold: what is compared is the last token of the request.
        band = max(over - 1, 0) if kind.endswith(("input", "output", "write", "tokens")) else 0
        rate = Rate(tier or STANDARD, band, kind)
        price = book.quote(provider, model, moment, [rate])[rate]
        total += quantity * price / (1 if kind.endswith("requests") else 1_000_000)
    return total


@pytest.mark.parametrize(
    ("model", "used", "expected"),
    [
        ("openai/gpt-5.5", {"input": 270540, "cached_input": 7936, "output": 630}, "2.741686"),
        ("openai/gpt-5.4", {"input": 272000}, "0.68"),
        ("openai/gpt-5.4", {"input": 272001, "output": 1000}, "1.382505"),
        (
            "anthropic/claude-opus-4-8",
            {"cache_write": 600_000, "cache_write_1h_tokens": 400_000},
            "7.75",
        ),
        # At the published 64 USD for audio; at 80 it would be 0.0397025.
        ("openai/gpt-audio", {"input": 17, "output": 110, "audio_output_tokens": 482}, "0.0319905"),
        (
            "anthropic/claude-sonnet-4-6",
            {"input": 9548, "output": 528, "web_search_requests": 2},
            "0.056564",
        ),
        ("anthropic/claude-sonnet-4-5 batch", {"input": 1_000_000, "output": 100_000}, "2.25"),
        ("openai/gpt-4.1 batch", {"input": 1_000_000, "output": 100_000}, "1.4"),
        ("google/gemini-2.5-flash batch", {"input": 1_000_000, "output": 100_000}, "0.275"),
        ("openai/gpt-5 flex", {"input": 100_000, "cached_input": 100_000}, "0.06875"),
        ("openai/gpt-5.5 priority", {"input": 100_000, "output": 10_000}, "2"),
    ],
)
def test_the_book_prices_what_providers_bill(
    book: Book, model: str, used: dict[str, int], expected: str
) -> None:
    assert cost(book, model, used) == Decimal(expected)


def test_a_price_by_the_hour_is_a_factor(book: Book) -> None:
    for moment, expected in ((PEAK, "1.32"), (WEEKEND, "0.66"), (NOW, "0.66")):
        used = cost(book, "deepseek/deepseek-v4-pro", {"input": 1_000_000}, moment)
        assert used == Decimal(expected), moment
    assert is_within("Mon-Fri 22:00-02:00", THURSDAY.replace(hour=23))
    assert not is_within("Mon-Fri 22:00-02:00", THURSDAY)
    assert is_within("Thu 12:00-12:01", THURSDAY)


@pytest.mark.parametrize("moment", [NOW, PEAK, WEEKEND])
def test_the_book_agrees_with_the_lists_or_says_why_not(book: Book, moment: dt.datetime) -> None:
    second = litellm()
    lists: list[PriceList] = [genai_prices(), *([second] if second else [])]
    # The name magistral-medium-latest is right from the day of recording on.
    outcome = compare(book, lists, max(moment, NOW.replace(hour=0)))
    assert not outcome.unexplained()
    assert outcome.models > 150


def test_every_known_difference_is_one(book: Book) -> None:
    second = litellm()
    lists: list[PriceList] = [genai_prices(), *([second] if second else [])]
    found = [
        difference
        for moment in (NOW, WEEKEND)
        for difference in compare(book, lists, moment, known=[]).differences
    ]
    names = {price_list.name for price_list in lists}
    for line in known_differences():
        assert line.reason
        if line.columns["price_list"] in names | {""}:
            assert any(line.explains(difference) for difference in found), line


def test_no_model_has_a_dimension_that_the_book_lacks(book: Book) -> None:
    """Read the package's data once more, without what `warehouse prices` makes of it."""
    rows = {name: list(book.files[name]) for name in (PRICING, USAGES, FACTORS)}

    def has(name: str, provider: str, model: str, **cells: str) -> bool:
        return any(
            row["provider"] == provider
            and row["model"] in ("", model)
            and all(row[column] == cell if cell else row[column] for column, cell in cells.items())
            for row in rows[name]
        )

    lacking: dict[str, set[str]] = defaultdict(set)
    for provider, model in book.models(NOW):
        found = of_package(provider, book.names(provider, model))
        if found is None:
            continue
        prices = vars(found.get_prices(NOW))
        needed = {
            "context": any(isinstance(price, TieredPrices) for price in prices.values())
            and not has(PRICING, provider, model, context_over_tokens=""),
            "cached input": "cache_read_mtok" in prices
            and not has(PRICING, provider, model, cached_input_usd_per_mtok=""),
            "cache write": "cache_write_mtok" in prices
            and not has(PRICING, provider, model, cache_write_usd_per_mtok=""),
        }
        for key, usage in {
            "cache_write_1h_mtok": "cache_write_1h_tokens",
            "input_audio_mtok": "audio_input_tokens",
            "output_audio_mtok": "audio_output_tokens",
            "input_image_mtok": "image_input_tokens",
            "output_image_mtok": "image_output_tokens",
            "web_searches_kcount": "web_search_requests",
            "storage_searches_kcount": "file_search_requests",
        }.items():
            needed[usage] = key in prices and not has(USAGES, provider, model, usage=usage)
        for variant in found.price_variants or ():
            (tier,) = variant.when.values()
            needed[tier] = tier != "default" and not (
                has(PRICING, provider, model, service_tier=tier)
                or has(FACTORS, provider, model, kind="service_tier", service_tier=tier)
            )
        lacking[f"{provider}/{model}"] = {name for name, is_lacking in needed.items() if is_lacking}
    explained = {
        f"{line.columns['provider']}/{line.columns['model']}"
        for line in known_differences()
        if line.columns["price_list"] in ("", "genai-prices")
    }
    assert len(lacking) > 140
    assert {
        name: dimensions
        for name, dimensions in lacking.items()
        if dimensions and name not in explained
    } == {}


def of_package(provider: str, names: list[str]) -> ModelInfo | None:
    """Return the package's entry of a model; an entry of the very name goes first."""
    ids = {
        "xai": "x-ai",
        "github_copilot": "github-copilot",
        "bedrock": "aws",
        "fireworks_ai": "fireworks",
        "together_ai": "together",
    }
    models = [
        model
        for each in providers
        if each.id == ids.get(provider, provider)
        for model in each.models
    ]
    for name in names:
        matching = [model for model in models if model.is_match(name)]
        for model in [*(each for each in matching if each.id == name), *matching]:
            return model
    return None


BOTH = {
    # A lower price, dated; later ones that the book knows stay.
    "falls": listed("2026-11-01T00:00:00Z", input="1", cached_input="0.1", output="5"),
    # Within the tolerance of the book: nothing to do.
    "same": listed(input="7.05", output="21"),
    "long": listed(input="7 200000:14", output="21 200000:30"),
    "tiers": listed(
        input="7",
        output="21",
        batch__input="3.5",
        batch__output="10.5",
        flex__input="4",
        flex__output="10",
    ),
    "audio": listed(input="7", output="21", audio_output_tokens="80", batch__input="3.5"),
    "unheard-of": listed(input="2", output="3"),
}
ROW = {
    "provider": "acme",
    "input_usd_per_mtok": "7",
    "output_usd_per_mtok": "21",
    "effective_from": "2026-01-01T00:00:00Z",
    "recorded_at": "2026-11-20T00:00:00Z",
    "source": "a test",
}


@pytest.fixture
def acme(project: Path) -> Path:
    """Return a copy of the book with models of a provider that the small lists know."""
    models = ("falls", "same", "long", "tiers", "audio", "disputed", "single")
    later = {"model": "falls", "effective_from": "2027-01-01T00:00:00Z"}
    Book.read(project).append(PRICING, [*(ROW | {"model": name} for name in models), ROW | later])
    return project


def small_lists() -> list[PriceList]:
    one = BOTH | {"disputed": listed(input="8", output="21"), "single": listed(input="1")}
    other = BOTH | {"disputed": listed(input="9", output="21")}
    return [SmallList("one", one), SmallList("other", other)]


def test_refresh_appends_what_both_lists_say_and_lists_the_rest(acme: Path) -> None:
    before = {path.name: path.read_bytes() for path in acme.iterdir()}
    book = Book.read(acme)
    found = propose(book, small_lists(), NOW, [("acme", "unheard-of")])
    now, common = "2026-11-28T12:00:00Z", {"provider": "acme", "source": "one 1 and other 1"}
    assert sorted(
        (
            (name, {column: cell for column, cell in row.items() if cell and column not in common})
            for name, row in found.each_row()
            if row.items() >= common.items()
            and row["recorded_at"] == now
            and row.pop("recorded_at")
        ),
        key=str,
    ) == sorted(
        [
            (
                PRICING,
                {
                    "model": "falls",
                    "effective_from": "2026-11-01T00:00:00Z",
                    "effective_until": "2027-01-01T00:00:00Z",
                    "input_usd_per_mtok": "1",
                    "cached_input_usd_per_mtok": "0.1",
                    "output_usd_per_mtok": "5",
                },
            ),
            (
                PRICING,
                {
                    "model": "long",
                    "effective_from": now,
                    "context_over_tokens": "200000",
                    "input_usd_per_mtok": "14",
                    "output_usd_per_mtok": "30",
                },
            ),
            (
                PRICING,
                {
                    "model": "tiers",
                    "service_tier": "flex",
                    "effective_from": now,
                    "input_usd_per_mtok": "4",
                    "output_usd_per_mtok": "10",
                },
            ),
            (
                PRICING,
                {
                    "model": "unheard-of",
                    "effective_from": now,
                    "input_usd_per_mtok": "2",
                    "output_usd_per_mtok": "3",
                },
            ),
            (
                USAGES,
                {
                    "model": "audio",
                    "usage": "audio_output_tokens",
                    "effective_from": now,
                    "usd_per_mtok": "80",
                },
            ),
            (
                FACTORS,
                {
                    "kind": "service_tier",
                    "model": "audio",
                    "service_tier": "batch",
                    "effective_from": now,
                    "factor": "0.5",
                },
            ),
            (
                FACTORS,
                {
                    "kind": "service_tier",
                    "model": "tiers",
                    "service_tier": "batch",
                    "effective_from": now,
                    "factor": "0.5",
                },
            ),
        ],
        key=str,
    )
    assert {(each.model, each.rate.kind, each.price_list) for each in found.left} == {
        ("disputed", "input", "one"),
        ("disputed", "input", "other"),
        ("single", "input", "one"),
    }

    found = propose(book, small_lists(), NOW, [("acme", "unheard-of")])
    for name, rows in found.rows.items():
        book.append(name, rows)
    for path in acme.iterdir():
        content = path.read_bytes()
        assert content.startswith(before[path.name]), "rows are only added"
        assert len(content) > len(before[path.name]) or path.stem not in found.rows
    again = propose(Book.read(acme), small_lists(), NOW + dt.timedelta(hours=1))
    assert again.rows == {}
    assert again.left == found.left


def test_one_list_alone_appends_nothing(acme: Path) -> None:
    found = propose(Book.read(acme), small_lists()[:1], NOW)
    assert found.rows == {}
    assert {each.model for each in found.left} >= {"falls", "long", "disputed"}


def test_the_command_says_what_differs(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestration.prices.lists.litellm", lambda: None)

    def run(*arguments: str) -> tuple[int, str, str]:
        result = CliRunner().invoke(main, ["prices", *arguments], catch_exceptions=False)
        return result.exit_code, result.stdout, result.stderr

    code, output, error = run("check")
    assert (code, "0 differences to look at" in output) == (0, True), output
    assert "litellm is not installed (requirements-prices.lock has it)" in error

    wrong = {"provider": "openai", "model": "gpt-5.5", "input_usd_per_mtok": "50"}
    wrong |= {"output_usd_per_mtok": "30", "recorded_at": "2026-11-28T06:00:00Z"}
    Book.read(project).append(PRICING, [ROW | wrong])
    code, output, _ = run("check", "--json", "--at", "2026-11-28T12:00:00+00:00")
    assert code == 1
    (found,) = (
        each
        for each in json.loads(output)
        if each["reason"] is None and each["kind"] == "input" and each["service_tier"] == STANDARD
    )
    assert found == {
        "provider": "openai",
        "model": "gpt-5.5",
        "service_tier": "standard",
        "context_over_tokens": 0,
        "kind": "input",
        "price_list": "genai-prices",
        "book": "50",
        "listed": "5",
        "percentage": "900.0",
        "reason": None,
    }

    monkeypatch.setenv("PGHOST", "127.0.0.1")
    monkeypatch.setenv("PGPORT", "1")
    files = {path: path.read_bytes() for path in project.iterdir()}
    code, output, error = run("refresh", "--dry-run")
    assert code == 0
    assert "0 rows would be appended." in output
    assert "gpt-5.5" in output
    assert "no built warehouse can be reached" in output
    code, output, _ = run("refresh")
    assert (code, "0 rows appended." in output) == (0, True)
    assert files == {path: path.read_bytes() for path in project.iterdir()}
    assert run("refresh", "--recorded-at", "2062-01-01T00:00:00+00:00")[0] == 1
    assert run("refresh", "--model", "gpt-5.5")[0] == 1

    with (project / "provider_pricing.csv").open("a", newline="") as file:
        csv.writer(file, lineterminator="\n").writerow(["acme", *[""] * 12, "01/02/2026"])
    code, _, error = run("check")
    assert code == 1
    assert "effective_from: '01/02/2026' cannot be read" in error


def test_the_second_list_is_read_as_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "litellm").mkdir()
    (tmp_path / "litellm" / "__init__.py").write_text("raise RuntimeError('never imported')")
    information = tmp_path / "litellm-9.9.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: litellm\nVersion: 9.9\n")
    file = tmp_path / "litellm" / "model_prices_and_context_window_backup.json"
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    with pytest.raises(WarehouseError, match="cannot be read: No such file"):
        LiteLLM()
    file.write_text(
        json.dumps(
            {
                "xai/grok": {
                    "litellm_provider": "xai",
                    "input_cost_per_token": 2e-06,
                    "input_cost_per_token_above_200k_tokens": 4e-06,
                    "output_cost_per_token": 1e-05,
                    "output_cost_per_token_batches": 5e-06,
                    "output_cost_per_image": 0.04,
                    "provider_specific_entry": {"us": 1.1, "fast": 2},
                    "search_context_cost_per_query": {"low": 0.01, "high": 0.01},
                    "off_peak_pricing": {
                        "input_cost_per_token": 1e-06,
                        "windows": [{"hours_utc": ["22:00-00:00"], "weekdays": [4]}],
                    },
                },
                "grok": {"litellm_provider": "other", "input_cost_per_token": 9},
            }
        )
    )
    prices = LiteLLM()
    assert prices.version == "9.9"
    assert prices.find("xai", ["unheard-of"], THURSDAY) is None
    for moment, low in ((THURSDAY, 2), (THURSDAY.replace(hour=23), 1)):
        found = prices.find("xai", ["grok-alias", "grok"], moment)
        assert found is not None
        assert found.hours
        assert found.steps == {
            (STANDARD, "input"): [(0, low), (200_000, 4)],
            (STANDARD, "output"): [(0, 10)],
            ("batch", "output"): [(0, 5)],
            ("fast", "input"): [(0, 2 * low), (200_000, 8)],
            ("fast", "output"): [(0, 20)],
            (STANDARD, "web_search_requests"): [(0, Decimal("0.01"))],
        }
