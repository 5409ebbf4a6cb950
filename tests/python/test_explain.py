"""`warehouse explain`: the figures of one execution, recomputed, for people and for programs."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result
from rich.console import Console
from rich.markdown import Markdown
from support.events import (
    ATTRIBUTION,
    ORGANIZATION_ID,
    adjustment,
    decision,
    execution,
    organization,
    user,
    uuid_of,
)
from support.oracle import Row
from support.servers import Database
from support.stories import ROWS, Seeds, Story, environment_of, price

from orchestration.cli import main
from orchestration.exact_json import as_json
from orchestration.explain.arithmetic import (
    TOKEN_PARTS,
    Calculation,
    calculate,
    rounded,
    rows_that_fit,
    why_not,
)
from orchestration.explain.gather import explain
from orchestration.explain.page import Page

pytest_plugins = ["support.stories"]

NO_TOKENS = {
    "input_tokens": None,
    "cached_input_tokens": None,
    "cache_write_tokens": None,
    "output_tokens": None,
    "reasoning_tokens": None,
}
# Prices and what follows from them; the views stand already.
PRICES_AND_ROWS = ("resource_type:seed", ROWS)
NO_RATES = {"input_usd_per_mtok": None, "output_usd_per_mtok": None}
CACHE_MIX = {
    "input_tokens": 13_244,
    "cache_write_tokens": 25,
    "cached_input_tokens": 13_216,
    "output_tokens": 12,
    "reasoning_tokens": None,
}


def id_of(number: int) -> str:
    return str(execution(number)["id"])


def run(database: Database, *arguments: str, width: int = 80) -> Result:
    with environment_of(database):
        return CliRunner().invoke(main, ["explain", *arguments], env={"COLUMNS": str(width)})


def document(story: Story, identifier: str) -> dict[str, Any]:
    """Return the printed JSON, in which no number may be inexact."""
    result = run(story.database, identifier, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    found = json.loads(result.stdout, parse_float=pytest.fail)
    assert isinstance(found, dict)
    return found


def screen_of(story: Story, identifier: str, width: int = 80) -> str:
    result = run(story.database, identifier, width=width)
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    assert max(len(line.rstrip()) for line in result.stdout.splitlines()) <= width
    assert "…" not in result.stdout
    return result.stdout


def figures_of(value: Any) -> Iterator[str]:
    """Yield the numbers of a JSON document."""
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from figures_of(part)
    elif not isinstance(value, bool) and re.fullmatch(r"-?\d+(\.\d+)?", str(value)):
        yield str(value)


def html_of(text: str) -> ElementTree.Element:
    """Return a page, which must be well-formed, and load nothing and run nothing."""
    assert not re.search(r"<(?!meta\b)[^>]*/>|@import|url\(|https?:", text)
    page = ElementTree.fromstring(text)  # noqa: S314 - of our own making
    elements = list(page.iter())
    assert not {element.tag for element in elements} & {"script", "link", "img", "iframe", "a"}
    assert {name for element in elements if element.tag != "meta" for name in element.attrib} == {
        "class",
        "lang",
    }
    return page


def pages(database: Database, *arguments: str) -> tuple[list[list[str]], str]:
    """Return the rows of all tables, in Markdown the same as in HTML, and the Markdown."""
    html, markdown = (
        run(database, *arguments, "--format", output) for output in ("html", "markdown")
    )
    assert (html.exit_code, html.stderr, markdown.exit_code, markdown.stderr) == (0, "", 0, "")
    rows = [
        [words("".join(cell.itertext())) for cell in row] for row in html_of(html.stdout).iter("tr")
    ]
    found: list[list[str]] = []
    tokens = Markdown(markdown.stdout).parsed
    for token, inner in pairwise(tokens):
        if token.type == "tr_open":
            found.append([])
        elif token.type in ("td_open", "th_open"):
            found[-1].append("".join(child.content for child in inner.children or ()))
    assert [row for row in found if any(row)] == rows
    blocks = {token.content.split(">")[0] for token in tokens if token.type == "html_block"}
    assert blocks == {"<details", "</details"}
    return rows, markdown.stdout


def costs(lines: list[dict[str, Any]]) -> dict[str, str]:
    return {line["part"]: line["recomputed_cost_usd"] for line in lines}


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture
def house(seeds: Seeds) -> Seeds:
    """Return a price book with a house's own models."""
    mix = {
        "input_usd_per_mtok": "3.3",
        "cached_input_usd_per_mtok": "0.33",
        "cache_write_usd_per_mtok": "4.125",
        "output_usd_per_mtok": "16.5",
    }
    units = {"usd_per_request": "0.01", "usd_per_minute": "0.1", "usd_per_compute_unit": "0.07"}
    seeds.add(
        "provider_pricing",
        price("house", "cachemix", **mix),
        price("house", "", **(mix | {"input_usd_per_mtok": "9"}), task_type="review"),
        price("house", "flat", input_usd_per_mtok="2", output_usd_per_mtok="2"),
        price("house", "metered", **NO_RATES, **units),
        price("house", "later", effective_from="2026-06-01T00:00:00Z"),
    )
    return seeds


def test_costs_are_explained_to_the_last_digit(story: Story, house: Seeds) -> None:
    assert house
    at_home = {"provider": "house", "reported_cost_usd": None}
    story.land(
        organization(baseline_provider="house", baseline_model="flat"),
        user(),
        execution(1, **at_home, **CACHE_MIX, model="cachemix"),
        execution(
            2,
            **at_home,
            **NO_TOKENS,
            model="metered",
            end_time="2026-03-01T10:00:01Z",
            request_count=7,
            compute_units=3.0000000001,
            task_type="review",
        ),
        execution(3, **at_home, **NO_TOKENS, model="flat", tokens_used=3_629),
        execution(4, **at_home, **NO_TOKENS, model="cachemix", tokens_used=3_629),
        execution(5, **at_home, model="cachemax"),
        execution(6, **at_home, model="metered", end_time=None),
        execution(7, **at_home, model=None),
        execution(8, **at_home, model="later"),
        execution(9, **at_home, **NO_TOKENS, model="cachemix"),
        execution(
            10, **at_home, **CACHE_MIX, model="cachemix", status="failed", error_code="overloaded"
        ),
        # Cached tokens at the full rate: what the source reports without the discount.
        execution(11, **(at_home | CACHE_MIX | {"reported_cost_usd": 0.0439032}), model="cachemix"),
        execution(12, **at_home, **CACHE_MIX, model="cachemix", task_type="review"),
        execution(13, model="claude-3-7-sonnet-latest"),
        execution(
            14, provider="<script>alert(1)</script>", model="a|b *c* `d` [e](f) <!-- &amp; g_h"
        ),
        decision(1, chosen_provider="house", chosen_model="cachemix", predicted_cost_usd=0.005),
    )
    story.build(*PRICES_AND_ROWS)

    mix = document(story, id_of(1))
    assert mix["is_built"]
    assert mix["agrees"]
    assert mix["execution"]["organization_name"] == "Acme"
    assert mix["execution"]["user_name"] == "Jane"
    assert mix["execution"]["start_time"] == "2026-03-01T10:00:00Z"
    assert mix["execution"]["cached_input_tokens"] == 13_216
    assert costs(mix["cost"]["lines"]) == {
        "uncached_input": "0.000009900000",
        "cached_input": "0.004361280000",
        "cache_write": "0.000103125000",
        "output": "0.000198000000",
    }
    (written,) = (line for line in mix["cost"]["lines"] if line["part"] == "cache_write")
    assert Decimal(written["quantity"]) == 25
    assert Decimal(written["usd_per_unit"]) == Decimal("0.000004125")
    assert written["cost_usd"] == "0.000103125000"
    assert mix["cost"]["cost_usd"] == mix["cost"]["recomputed_cost_usd"] == "0.004672305000"
    assert mix["cost"]["price"]["output_usd_per_mtok"] == "16.500000000000"
    assert mix["cost"]["other_prices"] == []
    # Without cache rates cached tokens cost what others do.
    assert costs(mix["baseline"]["lines"]) == {
        "uncached_input": "0.000006000000",
        "cached_input": "0.026432000000",
        "cache_write": "0.000050000000",
        "output": "0.000024000000",
    }
    assert mix["baseline"]["policy"] == "organization_default"
    assert mix["baseline"]["recomputed_baseline_cost_usd"] == "0.026512000000"
    assert mix["savings"]["savings_usd"] == "0.021839695000"
    assert mix["savings"]["net_savings_usd"] == "0.021760695000"  # 0.000079 for the decision
    assert mix["routing_decision"]["alternatives"] == [
        {
            "provider": "openai",
            "model": "gpt-4o",
            "estimated_cost_usd": "0.010000000000",
            "score": "0.500000000000",
        }
    ]
    assert mix["routing_decision"]["cost_error_usd"] == "-0.000327695000"
    assert mix["reported_cost"] is None
    for width in (80, 120):
        text = screen_of(story, id_of(1), width)
        for expected in (
            "cached input 13,216 tokens 0.33 per million 0.004361280000",
            "sum 0.004672305000",
            "Recomputed from the price row: agrees",
            "net savings 0.021760695000",
            "Predicted cost 0.005000000000 USD",
            "Dearest of them openai gpt-4o",
            mix["cost"]["price"]["price_id"],
        ):
            assert expected in words(text)

    metered = document(story, id_of(2))
    assert costs(metered["cost"]["lines"]) == {
        "request": "0.070000000000",
        "minute": "0.001666666667",  # 1,000 ms
        "compute_unit": "0.210000000007",
    }
    assert metered["cost"]["cost_usd"] == "0.281666666674"
    # The price of every model is for this kind of task, and yet the one of the model wins.
    (other,) = metered["cost"]["other_prices"]
    assert (other["task_type"], other["why_not"]) == ("review", "less_specific_model")
    assert "duration 1,000 ms 0.1 per minute 0.001666666667" in words(screen_of(story, id_of(2)))

    flat = document(story, id_of(3))
    assert costs(flat["cost"]["lines"]) == {"unsplit_tokens": "0.007258000000"}
    assert flat["baseline"]["baseline_cost_usd"] == "0.007258000000"
    assert flat["savings"]["savings_usd"] == "0.000000000000"
    assert "tokens, unsplit 3,629 tokens 2 per million" in words(screen_of(story, id_of(3)))

    for number, status, sentence in (
        (4, "token_split_unknown", "without their split into input and output"),
        (5, "no_price_for_model", "The nearest name in the price book is house cachemix"),
        (6, "no_usage", "an end, and so a duration"),
        (7, "no_model", "no price for every model"),
        (8, "before_first_price", "begins to hold after the execution began"),
        (9, "no_usage", "does not state: tokens"),
    ):
        found = document(story, id_of(number))
        assert (found["cost"]["pricing_status"], found["cost"]["cost_usd"]) == (status, None)
        assert found["savings"]["savings_status"] == "cost_unknown"
        text = words(screen_of(story, id_of(number)))
        assert f"Unknown ({status})" in text
        assert sentence in text
    assert document(story, id_of(4))["baseline"]["baseline_cost_usd"] == "0.007258000000"
    nearest = document(story, id_of(5))["cost"]["nearest_known_model"]
    assert (nearest["model"], nearest["suggestion_rule"]) == ("cachemix", "one_letter")

    failed = document(story, id_of(10))
    assert failed["cost"]["cost_usd"] == "0.004672305000"
    assert failed["savings"]["savings_usd"] is None
    text = words(screen_of(story, id_of(10)))
    assert "Status failed, error overloaded" in text
    assert "only completed executions have any" in text

    reported = document(story, id_of(11))["reported_cost"]
    assert reported["difference_usd"] == "0.039230895000"
    assert reported["cause"] == "cache"
    assert "ignores the discount for cached tokens" in words(screen_of(story, id_of(11)))
    assert document(story, id_of(12))["cost"]["other_prices"][0]["why_not"] == "less_specific_model"

    assert document(story, id_of(13))["cost"]["cost_usd"] == "0.005265000000"
    assert "claude-3-7-sonnet-latest, claude-3-7-sonnet-20250219 in the price book" in words(
        screen_of(story, id_of(13), 120)
    )

    rows, markdown = pages(story.database, id_of(1))
    assert ["cached input", "13,216 tokens", "0.33 per million", "0.004361280000"] in rows
    assert ["net savings", "0.021760695000"] in rows
    assert "| cached input | 13,216 tokens | 0.33 per million | 0.004361280000 |" in markdown
    assert "Recomputed from the price row: agrees with what is stored." in markdown
    assert set(figures_of(mix)) <= {row[-1] for row in rows}
    # What an event calls itself stays a text.
    rows, markdown = pages(story.database, id_of(14))
    assert ["Provider", "<script>alert(1)</script>"] in rows
    assert ["Model", "a|b *c* `d` [e](f) <!-- &amp; g_h"] in rows
    assert "no price for \\<script\\>alert(1)\\</script\\> a\\|b" in markdown

    # Somebody turns a screw: the command shows everything, and says so.
    with story.database.connect(autocommit=True) as connection:
        connection.execute(
            "update marts.dim_prices set output_usd_per_mtok = 17 where model = 'cachemix'"
        )
    result = run(story.database, id_of(1))
    assert result.exit_code == 1
    assert "DOES NOT AGREE" in result.stdout
    assert "Landed versions" in result.stdout
    assert "0.004672305000 USD (priced), and quantity times rate gives 0.004678305000" in (
        result.stderr
    )
    result = run(story.database, id_of(1), "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["agrees"] is False
    for output, told in (("markdown", "**Recomputed"), ("html", '<p class="bad">Recomputed')):
        result = run(story.database, id_of(1), "--format", output)
        assert result.exit_code == 1
        assert f"{told} from the price row: DOES NOT AGREE" in result.stdout
    with story.database.connect(autocommit=True) as connection:
        connection.execute("delete from marts.dim_prices where model = 'cachemix'")
    result = run(story.database, id_of(1))
    assert result.exit_code == 1
    assert "is not in marts.dim_prices" in result.stderr


def test_every_kind_of_usage_is_explained(story: Story, seeds: Seeds) -> None:
    since = {
        "provider": "shop",
        "effective_from": "2026-01-01T00:00:00Z",
        "recorded_at": "2026-11-25T00:00:00Z",
        "source": "its price list",
    }
    rates = {"input_usd_per_mtok": "3", "output_usd_per_mtok": "15"}
    seeds.add(
        "provider_pricing",
        price("shop", "text", **rates),
        price("shop", "deal", **rates),
        price("shop", "audio", input_usd_per_mtok="2.5", output_usd_per_mtok="10"),
        price("shop", "writes", **rates, cache_write_usd_per_mtok="6.25"),
        price("shop", "long", input_usd_per_mtok="2.5", output_usd_per_mtok="15"),
        price(
            "shop",
            "long",
            context_over_tokens="272000",
            input_usd_per_mtok="5",
            output_usd_per_mtok="22.5",
        ),
        price("shop", "plan", **NO_RATES, usd_per_request="0.04"),
        price("night", "", input_usd_per_mtok="1", output_usd_per_mtok="1"),
    )
    seeds.add(
        "usage_prices",
        since | {"model": "audio", "usage": "audio_output_tokens", "usd_per_mtok": "80"},
        since | {"model": "writes", "usage": "cache_write_1h_tokens", "usd_per_mtok": "10"},
        since | {"usage": "web_search_requests", "usd_per_unit": "0.01"},
        since | {"usage": "rerank_units", "usd_per_unit": "0.002"},
    )
    batch = {"kind": "service_tier", "service_tier": "batch", "factor": "0.5"}
    agreed = {"kind": "agreement", "model": "deal", "organization_id": ORGANIZATION_ID}
    night = {"provider": "night", "kind": "hours", "hours": "Sat-Sun 09:00-11:00"}
    seeds.add(
        "price_factors",
        since | batch,
        since | {"kind": "region", "region": "eu", "factor": "1.1"},
        since | agreed | {"factor": "0.76"},
        since | night | {"factor": "0.25"},
    )
    at_shop = {"provider": "shop", "reported_cost_usd": None, **NO_TOKENS}
    million = {"input_tokens": 1_000_000, "output_tokens": 0}
    search = {"other_usage": {"web_search_requests": 2}}
    audio = {"input_tokens": 17, "output_tokens": 592, "audio_output_tokens": 482}
    hour = {"cache_write_tokens": 1_000_000, "cache_write_1h_tokens": 400_000}
    usages: list[dict[str, Any]] = [
        {"model": "audio", **audio, **ATTRIBUTION},
        {"model": "writes", **million, **hour},
        {"model": "text", "input_tokens": 9_548, "output_tokens": 528, **search},
        {"model": "text", "other_usage": {"seats": 1, "web_search_requests": 1}, **million},
        {"model": "deal", "service_tier": "Batch", "region": "EU", **million, **search},
        {"model": "text", "service_tier": "flex", **million},
        {"model": "text", "service_tier": "on_demand", **million},
        {"model": "audio", "is_gateway_cache_hit": True, **audio},
        {"provider": "night", "is_bucket": True, "request_count": 1_234, **million},
        {"provider": "night", **million},
        {"model": "text", "input_tokens": 20, "output_tokens": 151, "tokens_used": 553},
        {"model": "plan", "request_count": 0.33},
        {"model": "nobody's", "other_usage": {"rerank_units": 3}},
        {"model": "long", "input_tokens": 2_000_000, "output_tokens": 40_000, "request_count": 40},
        {"model": "text", "input_tokens": 1_000_000, "tokens_used": 1_000_000},
        {"model": "text", "compute_units": 2, **million},
    ]
    story.land(
        organization(baseline_provider="shop", baseline_model="audio"),
        *(execution(number, **at_shop | usage) for number, usage in enumerate(usages, start=1)),
    )
    story.build(*PRICES_AND_ROWS)

    expected = [
        ("priced", "0.039702500000"),
        ("priced", "7.750000000000"),
        ("priced", "0.056564000000"),
        ("usage_without_price", None),
        ("priced", "1.269200000000"),  # 3 x 0.5 x 1.1 x 0.76 and 2 x 0.01 x 0.76
        ("tier_without_price", None),
        ("priced", "3.000000000000"),
        ("gateway_cache_hit", "0.000000000000"),
        ("bucket_spans_prices", None),
        ("priced", "0.250000000000"),  # a Sunday
        ("token_totals_differ", None),
        ("priced", "0.013200000000"),
        ("priced", "0.006000000000"),
        ("priced", "5.600000000000"),
        ("priced", "3.000000000000"),
        ("usage_without_price", None),
    ]
    found = [document(story, id_of(number)) for number in range(1, len(usages) + 1)]
    costs_found = [(each["cost"]["pricing_status"], each["cost"]["cost_usd"]) for each in found]
    assert costs_found == expected
    for each in found:
        assert each["cost"]["recomputed_cost_usd"] == each["cost"]["cost_usd"]
        assert each["cost"]["recomputed_pricing_status"] == each["cost"]["pricing_status"]
    assert costs(found[0]["cost"]["lines"]) == {
        "uncached_input": "0.000042500000",
        "output": "0.001100000000",
        "audio_output_tokens": "0.038560000000",
    }
    assert found[0]["execution"]["other_costs"][0]["cost_usd"] == "0.038560000000"
    shown = ("source", "team", "project", "repository", "tags", "time_to_first_token_ms")
    assert {name: found[0]["execution"][name] for name in shown} == {
        name: ATTRIBUTION[name] for name in shown
    }
    screen = words(screen_of(story, id_of(1)))
    for line in (
        "Team payments", "Project checkout", "Repository acme/shop",
        "Tags nightly, größe: xl", "Source litellm", "First token after 412 ms",
    ):  # fmt: skip
        assert line in screen, line
    deal = found[4]
    own, factors = deal["cost"]["usage_prices"], deal["cost"]["price_factors"]
    assert [(row["usage"], row["source"]) for row in own] == [
        ("web_search_requests", "its price list")
    ]
    assert [row["kind"] for row in factors] == ["agreement", "region", "service_tier"]
    (tokens, searches) = deal["cost"]["lines"]
    assert (tokens["book_usd_per_unit"], tokens["factor"]) == ("0.000003", "0.418")
    assert (searches["factor"], searches["price_id"]) == ("0.76", own[0]["usage_price_id"])
    # The agreement is about another model than the baseline.
    assert deal["baseline"]["baseline_cost_usd"] == "1.395000000000"
    assert found[7]["baseline"]["baseline_cost_usd"] == "0.039702500000"
    assert found[3]["cost"]["without_price"] == ["seats"]
    assert found[15]["cost"]["without_price"] == ["compute_units"]

    for number, sentence in (
        (1, "audio output 482 tokens 80 per million 0.038560000000"),
        (1, "Price row of its own: audio output For shop, audio Holds from 2026-01-01"),
        (2, "1,000,000 written to one, 400,000 of these for 1 h"),
        (3, "web_search_requests 2 0.01 per web_search_requests 0.020000000000"),
        (4, "Append to seeds/pricing/usage_prices.csv a row for shop text with usage seats"),
        (5, "quantity x rate x factor, USD"),
        (5, "uncached input 1,000,000 tokens 3 per million 0.418 1.254000000000"),
        (5, "Factor: region For shop, every model, region eu Holds from 2026-01-01"),
        (5, "Recomputed from the price rows: agrees"),
        (6, "names the service tier flex, and there is neither a price of shop text for it"),
        (6, "Append a row of kind service_tier to seeds/pricing/price_factors.csv"),
        (8, "a gateway answered from its own cache"),
        (9, "Sum of a period of many requests"),
        (9, "the price depends on the hour"),
        (10, "hours in UTC Sat-Sun 09:00-11:00"),
        (11, "tokens_used is 553, and input_tokens and output_tokens are 171 together"),
        (12, "requests 0.33 requests 0.04 per request 0.013200000000"),
        (13, "Recomputed from the price rows: agrees"),
        (14, "Requests 40"),
        (16, "a row for shop text with usd_per_compute_unit"),
    ):
        assert sentence in words(screen_of(story, id_of(number), 120)), number
        screen_of(story, id_of(number), 80)

    # A factor that is not the one with which the stored cost was computed shows.
    with story.database.connect(autocommit=True) as connection:
        connection.execute(
            "update intermediate.int_price_factors set factor = 1.2 where kind = 'region'"
        )
    result = run(story.database, id_of(5))
    assert result.exit_code == 1
    assert "1.269200000000 USD (priced), and quantity times rate gives 1.383200000000" in (
        result.stderr
    )
    with story.database.connect(autocommit=True) as connection:
        connection.execute("delete from intermediate.int_price_factors where kind = 'region'")
    result = run(story.database, id_of(5))
    assert result.exit_code == 1
    assert "is not in marts.dim_prices, dim_usage_prices or dim_price_factors" in result.stderr


def test_versions_corrections_and_ids_that_lead_to_an_execution(story: Story, house: Seeds) -> None:
    begun = execution(
        1,
        event_id=uuid_of(91),
        provider="house",
        model="cachemix",
        status="running",
        end_time=None,
        updated_at="2026-03-01T10:00:01Z",
        **NO_TOKENS,
        error_code="E[red]1",
        error_message="\x1b[31mlate",
    )
    done = execution(1, **CACHE_MIX, provider="house", model="cachemix")
    retry = execution(2, provider="house", model="flat", routing_decision_id=uuid_of(3_000_001)) | {
        "task_id": "task-1",
        "start_time": "2026-03-01T10:00:05Z",
    }
    house.add(
        "exchange_rates",
        {
            "currency": "EUR",
            "usd_per_unit": "1.1",
            "effective_from": "2026-01-01T00:00:00Z",
            "recorded_at": "2026-11-20T00:00:00Z",
            "source": "a central bank",
        },
    )
    story.land(
        organization(baseline_provider="house", baseline_model="flat"),
        begun,
        done,
        retry,
        adjustment(1, reason="refund", amount="-12.345678901235", currency="EUR"),
        decision(1),
        decision(7),
        decision(8, task_execution_id=None),
    )
    story.land(done | {"routing_decision_id": uuid_of(3_000_001)}, user())
    story.build(*PRICES_AND_ROWS)
    house.add(
        "provider_pricing",
        price("house", "cachemix", input_usd_per_mtok="4", recorded_at="2026-11-28T02:00:00Z"),
    )
    story.build(*PRICES_AND_ROWS)
    final = execution(1, **CACHE_MIX, provider="house", model="cachemix") | {
        "event_id": uuid_of(93),
        "updated_at": "2026-03-02T00:00:00Z",
        "output_tokens": 13,
    }
    early = begun | {"event_id": uuid_of(90), "updated_at": "2026-03-01T10:00:00.5Z"}
    story.land(final, early, execution(3))

    found = document(story, id_of(1))
    versions = found["versions"]
    assert [(version["event_id"], version["state"]) for version in versions] == [
        (uuid_of(90), "pending"),
        (uuid_of(91), "superseded"),
        (uuid_of(1), "copy"),
        (uuid_of(1), "counts"),
        (uuid_of(93), "pending"),
    ]
    assert [version["will_count"] for version in versions] == [False] * 4 + [True]
    assert [(version["load_id"], version["line_number"]) for version in versions] == [
        (3, 2),
        (1, 2),
        (1, 3),
        (2, 1),
        (3, 1),
    ]
    assert versions[1]["updated_at"] == "2026-03-01T10:00:01Z"
    assert Path(versions[3]["source_name"]).suffix == ".ndjson"
    (correction,) = found["corrections"]
    assert (correction["reason"], correction["old_cost_usd"]) == ("price", "0.004672305000")
    # Without cache rates all of the input costs 4, the output 21.
    assert correction["new_cost_usd"] == found["cost"]["cost_usd"] == "0.053228000000"
    assert correction["new_price_id"] == found["cost"]["price"]["price_id"]
    (other,) = found["cost"]["other_prices"]
    assert (other["price_id"], other["why_not"]) == (correction["old_price_id"], "recorded_earlier")
    measured = found["measured_baseline"]
    assert measured["measured_execution_id"] == id_of(2)
    text = screen_of(story, id_of(1))
    for expected in (
        "superseded by the price row, which was recorded later",
        "cost 0.004672305000 0.053228000000 +0.048555695000",
        "The same task was also run on the baseline",
        "not built yet; counts after the next build",
        "not built yet; a later version counts",
        "E[red]1",
    ):
        assert expected in words(text)
    assert "\x1b" not in text
    refund = document(story, adjustment(1)["id"])
    assert refund["exchange_rate"]["usd_per_unit"] == "1.100000000000"
    for explained in (found, refund):
        rows, _ = pages(story.database, explained["asked_for"]["id"])
        assert set(figures_of(explained)) <= {row[-1] for row in rows}

    for asked, found_as in (
        (uuid_of(91), "execution_event"),
        (uuid_of(93), "execution_event"),
        (uuid_of(3_000_001), "routing_decision"),
        (uuid_of(2_000_001), "routing_decision_event"),
        (id_of(1).upper(), "execution"),
    ):
        found = document(story, asked)
        assert found["asked_for"] == {"id": asked, "found_as": found_as}
        assert found["execution_id"] == id_of(1)
        assert found["routing_decision"]["execution_ids"] == [id_of(1), id_of(2)]
    assert "is a routing decision; this execution followed it" in words(
        screen_of(story, uuid_of(3_000_001))
    )

    landed = document(story, id_of(3))
    assert (landed["is_built"], landed["execution"], landed["cost"]) == (False, None, None)
    assert [version["state"] for version in landed["versions"]] == ["pending"]
    text = words(screen_of(story, id_of(3)))
    assert "is not in the marts yet: run `make build`" in text
    assert "anthropic claude-3-7-sonnet-20250219, input 1,000 tokens" in text

    for asked, message in (
        ("task-1", "'task-1' is not an id"),
        (uuid_of(77), f"Nothing is known by the id {uuid_of(77)}"),
        (uuid_of(3_000_007), f"names execution {id_of(7)}, of which nothing has landed"),
        (uuid_of(3_000_008), "no execution that followed it has landed"),
    ):
        result = run(story.database, asked, "--json")
        assert (result.exit_code, result.stdout) == (1, "")
        assert message in words(result.stderr)

    with story.database.connect(autocommit=True) as connection:
        connection.execute("delete from raw.task_executions where _load_id in (2, 3)")
        assert document(story, id_of(1))["versions"][-1]["state"] == "counts"
        connection.execute("delete from raw.task_executions where event_id = %s", (uuid_of(1),))
        text = words(screen_of(story, id_of(1)))
        assert "The version that counts is no longer in schema raw" in text
        connection.execute("truncate raw.task_executions, raw.routing_decisions")
    gone = document(story, id_of(1))
    assert gone["versions"] == gone["routing_decision"]["alternatives"] == []
    assert gone["agrees"]
    assert "No version is left" in words(screen_of(story, id_of(1)))


def test_every_figure_of_the_sample_is_found_again(sample: Story) -> None:
    with sample.database.connect() as connection:
        ids = [
            str(execution_id)
            for (execution_id,) in connection.execute(
                "select execution_id from marts.fct_task_executions "
                "where pricing_status <> 'priced' or status <> 'completed' "
                "union select execution_id from marts.cost_discrepancies "
                "union select execution_id from marts.fct_task_executions "
                "where hashtext(execution_id::text) % 8 = 0"
            )
        ]
    with sample.database.connect() as connection:
        documents = [explain(connection, execution_id) for execution_id in ids]
    statuses = {found["cost"]["pricing_status"] for found in documents}
    assert len(documents) > 400
    assert len(statuses) >= 5
    recomputed = 0
    for found in documents:
        fact = found["execution"]
        assert found["disagreements"] == []
        assert found["cost"]["recomputed_cost_usd"] == fact["cost_usd"]
        assert found["baseline"]["recomputed_baseline_cost_usd"] == fact["baseline_cost_usd"]
        assert found["savings"]["recomputed_net_savings_usd"] == fact["net_savings_usd"]
        # The row that prices is the one that the book's precedence names.
        for part in ("cost", "baseline"):
            assert "outranked" not in {row["why_not"] for row in found[part]["other_prices"]}
        assert [version["state"] for version in found["versions"]].count("counts") == 1
        recomputed += len(found["cost"]["lines"]) > 0
        json.dumps(as_json(found))
    assert recomputed > 300
    for found in documents[:40]:
        for width in (80, 120):
            console = Console(width=width, highlight=False, emoji=False, force_terminal=False)
            with console.capture() as printed:
                Page("execution", found).show(console)
            assert str(found["execution_id"]) in printed.get()
            assert "…" not in printed.get()


def test_pages_of_the_sample_hold_every_figure_of_the_json(sample: Story) -> None:
    organization_id, execution_id = sample.row(
        "select organization_id, execution_id from marts.fct_task_executions "
        "where routing_overhead_cost_usd > 0 and savings_usd <> 0 order by execution_id limit 1"
    ).values()
    for arguments in (
        (execution_id,),
        ("--organization", organization_id, "--period", "2020-01"),
        ("--organization", organization_id, "--period", "2026-10"),
    ):
        printed = run(sample.database, *arguments, "--format", "json").stdout
        assert printed == run(sample.database, *arguments, "--json").stdout
        rows, _ = pages(sample.database, *arguments)
        figures = set(figures_of(json.loads(printed)))
        assert figures
        assert figures <= {row[-1] for row in rows}
    # What a terminal has no room for.
    measures = [
        "executions",
        "unpriced tasks",
        "spend",
        "total cost usd",
        "total baseline cost usd",
    ]
    assert ["provider", *measures, "savings"] in rows


def test_it_says_what_to_do_before_there_is_anything(
    database_18: Database,
) -> None:
    result = run(database_18, uuid_of(1))
    assert result.exit_code == 1
    assert result.stderr == "Error: The marts are not built yet: run `make build`.\n"


def test_it_says_what_to_do_before_the_migration(empty_database: Database) -> None:
    result = run(empty_database, uuid_of(1))
    assert result.exit_code == 1
    assert "warehouse db migrate" in result.stderr


def usage_of(**changes: Any) -> Row:
    usage: Row = dict.fromkeys(
        (
            *(*NO_TOKENS, *TOKEN_PARTS, "tokens_used", "duration_ms", "compute_units"),
            *("other_usage", "is_bucket", "task_type", "service_tier"),
        ),
    ) | {"request_count": 1, "organization_id": "o", "start_time": 5}
    return usage | changes


def price_of(**changes: Any) -> Row:
    row: Row = dict.fromkeys(
        (
            "model",
            "task_type",
            "service_tier",
            "organization_id",
            "context_over_tokens",
            "effective_until",
            "input_usd_per_mtok",
            "cached_input_usd_per_mtok",
            "cache_write_usd_per_mtok",
            "output_usd_per_mtok",
            "usd_per_request",
            "usd_per_minute",
            "usd_per_compute_unit",
        )
    ) | {"price_id": "p", "provider": "house", "effective_from": 0, "recorded_at": 0}
    return row | changes


def at(price: Row, **used: Any) -> Calculation:
    found = calculate(usage_of(**used), price)
    assert found is not None
    return found


def test_halves_go_away_from_zero_and_large_amounts_keep_every_digit() -> None:
    half = Fraction(1, 2 * 10**12)
    assert str(rounded(half)) == "1E-12"
    assert rounded(-half) == Decimal("-0.000000000001")
    assert rounded(half - Fraction(1, 10**30)) == 0
    large = Fraction(10**40 + 1, 10**12)
    assert rounded(large) == Decimal(f"{10**28}.000000000001")
    # 50 ms at 0.0000000006 USD a minute is half of the last place: one rounding, up.
    timed = at(price_of(usd_per_minute=Decimal("0.0000000006")), duration_ms=50)
    assert timed.cost_usd == Decimal("0.000000000001")


def test_a_cost_that_cannot_be_true_is_none() -> None:
    dear = price_of(usd_per_compute_unit=Decimal(99_999_999), usd_per_request=Decimal(1))
    assert at(dear, compute_units=Decimal(1)).status == "cost_out_of_range"
    within = at(dear, compute_units=Decimal("0.98"))
    assert (within.status, within.cost_usd) == ("priced", Decimal("98000000.02"))
    free = at(price_of(usd_per_request=Decimal(0)))
    assert (free.status, free.cost_usd) == ("priced", Decimal(0))


def test_the_most_specific_row_wins_and_each_other_one_says_why_it_lost() -> None:
    book = [
        price_of(price_id="all"),
        price_of(price_id="earlier", organization_id="o", model="m"),
        price_of(price_id="later", organization_id="o", model="m", recorded_at=1),
        price_of(price_id="model", model="m", service_tier="batch"),
        price_of(price_id="organization", organization_id="o"),
        price_of(price_id="other model", model="n"),
        price_of(price_id="over", effective_until=5),
        price_of(price_id="elsewhere", provider="other", model="m"),
        price_of(
            price_id="long", organization_id="o", model="m", context_over_tokens=9, recorded_at=0
        ),
        price_of(price_id="longer", organization_id="o", model="m", context_over_tokens=10),
    ]
    usage = usage_of(input_tokens=10, service_tier="batch")
    winner, *others = rows_that_fit(book, usage, "house", "m")
    assert winner["price_id"] == "long"
    assert [(row["price_id"], why_not(row, winner)) for row in others] == [
        ("later", "lower_context_threshold"),
        ("earlier", "lower_context_threshold"),
        ("organization", "less_specific_model"),
        ("model", "less_specific_organization"),
        ("all", "less_specific_organization"),
    ]
    assert why_not(others[1], others[0]) == "recorded_earlier"
    assert why_not(winner, others[0]) == "outranked"
