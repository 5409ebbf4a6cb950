"""What sources that are read from reports and usage events do beyond their fixtures."""

import contextlib
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from orchestration.errors import WarehouseError
from orchestration.sources import anthropic_reports, bedrock, copilot, cursor, openai_reports
from orchestration.sources.mapping import mapped
from orchestration.sources.reading import documents_of
from orchestration.sources.source import Owner, Source, lines_of

FIXTURES = Path(__file__).parent / "sources"
ACME = Owner.named("Acme")
REPORTS = (cursor, copilot, openai_reports, anthropic_reports, bedrock)
encode = msgspec.json.Encoder(decimal_format="number").encode
JUNK = (None, "", "x", "NaN", True, -1, [1], {"a": 1})

every_report = pytest.mark.parametrize(
    "source", [module.SOURCE for module in REPORTS], ids=lambda source: source.name
)


def events(source: Source, path: Path) -> list[dict[str, Any]]:
    found = (
        json.loads(line, parse_float=Decimal) for line in lines_of(source, path, ACME.afresh())
    )
    return [event for event in found if event["event"] not in ("organization", "user")]


def with_junk(document: Any) -> Iterator[Any]:
    """Yield the document with something else in the place of each of its parts."""
    yield from JUNK
    if isinstance(document, dict | list):
        items = document.items() if isinstance(document, dict) else enumerate(document)
        for name, part in list(items):
            for other in with_junk(part):
                document[name] = other
                yield document
            document[name] = part


# --- All of them ----------------------------------------------------------------------------------


@every_report
def test_whatever_stands_in_a_page_is_refused_in_a_sentence_or_passed_on(
    source: Source, tmp_path: Path
) -> None:
    changed = tmp_path / "changed.json"
    tried = 0
    for page in sorted((FIXTURES / source.name).rglob("*.json*")):
        if page.name != "expected.json":
            for other in with_junk(next(documents_of(page))):
                changed.write_bytes(encode(other))
                with contextlib.suppress(WarehouseError):
                    assert all(line.endswith(b"\n") for line in lines_of(source, changed, ACME))
                tried += 1
    assert tried > 100


@every_report
def test_what_is_something_else_is_told(source: Source, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text('{"hello": "(left out)"}\n')
    if source is bedrock.SOURCE:
        assert events(source, other) == []
        return
    with pytest.raises(WarehouseError, match=r"other\.json") as told:
        events(source, other)
    assert "(left out)" not in str(told.value)


# --- Cursor ---------------------------------------------------------------------------------------


def test_an_event_of_a_page_and_of_the_table_is_one(tmp_path: Path) -> None:
    page, table = tmp_path / "page.json", tmp_path / "usage.csv"
    tokens = {"inputTokens": 126, "outputTokens": 450, "cacheWriteTokens": 6112}
    event = {
        "timestamp": "1772442000123",
        "userEmail": "anna@acme.example",
        "model": "gpt-5",
        "tokenUsage": tokens | {"cacheReadTokens": 11964, "totalCents": 20.18232},
    }
    page.write_text(json.dumps({"usageEvents": [event]}))
    table.write_text(
        "Date,User,Kind,Model,Max Mode,Input (w/ Cache Write),Input (w/o Cache Write),Cache Read,"
        "Output Tokens,Total Tokens,Cost\n2026-03-02T09:00:00.123Z,anna@acme.example,Usage-based,"
        "gpt-5,No,6112,126,11964,450,18652,$0.20\n"
    )
    (of_page,), (of_table,) = events(cursor.SOURCE, page), events(cursor.SOURCE, table)
    assert of_page["id"] == of_table["id"]
    assert of_page["input_tokens"] == of_table["input_tokens"] == 18202
    assert (of_page["reported_cost_usd"], of_table["reported_cost_usd"]) == (
        Decimal("0.2018232"),
        Decimal("0.20"),
    )


@pytest.mark.parametrize(
    ("cost", "usd"),
    [("Included", None), ("Free", None), ("-", None), ("", None), ("0", 0), ("$1,234.5", "1234.5")],
)
def test_a_word_is_no_cost(cost: str, usd: Any) -> None:
    said = mapped({"Date": "2026-03-02T09:00:00Z", "Cost": cost}, cursor.TABLE)
    assert said.get("reported_cost_usd") == (None if usd is None else Decimal(usd))


# --- GitHub Copilot -------------------------------------------------------------------------------


def test_the_sum_of_a_year_is_refused(tmp_path: Path) -> None:
    year = tmp_path / "year.json"
    year.write_text('{"timePeriod": {"year": 2026}, "usageItems": [{"sku": "x"}]}')
    with pytest.raises(WarehouseError, match="a year has no day and no price"):
        events(copilot.SOURCE, year)


def test_a_unit_of_another_kind_is_other_usage() -> None:
    record = {"date": "2026-03-02", "unit_type": "User Months", "quantity": "0.5"}
    said = mapped(record, copilot.TABLE)
    assert said["other_usage"] == {"user-months": Decimal("0.5")}
    assert not {"request_count", "compute_units"} & said.keys()


# --- OpenAI ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        ("0.06", "0.06"),
        ("0.0000000000005", "0.000000000001"),
        ("-0.0000000000005", "-0.000000000001"),
        ("0.00000000000049", "0"),
        ("123.4567890123449999", "123.456789012345"),
        ("1e40", "1e40"),
    ],
)
def test_an_amount_has_twelve_places(value: str, amount: str) -> None:
    said = mapped({"amount": {"value": Decimal(value), "currency": "usd"}}, openai_reports.COSTS)
    assert said["amount"] == Decimal(amount)
    assert said["currency"] == "USD"


@pytest.mark.parametrize(
    ("result", "tier"),
    [
        ({"batch": True, "service_tier": "default"}, "batch"),
        ({"batch": False, "service_tier": "default"}, None),
        ({"batch": None, "service_tier": "priority"}, "priority"),
        ({"service_tier": None}, None),
    ],
)
def test_a_batch_is_a_tier(result: dict[str, Any], tier: str | None) -> None:
    assert mapped(result, openai_reports.TABLE).get("service_tier") == tier


# --- Anthropic ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("window", "tokens", "requests"),
    [
        ("0-200k", 0, 1),
        ("0-200k", 200_000, 1),
        ("0-200k", 200_001, 2),
        ("200k-1M", 1_000_000, 1),
        ("200k-1M", 2_500_000, 3),
        (None, 2_500_000, None),
    ],
)
def test_no_request_is_longer_than_its_window(
    window: str | None, tokens: int, requests: int | None
) -> None:
    record = {"context_window": window, "uncached_input_tokens": tokens}
    assert mapped(record, anthropic_reports.TABLE).get("request_count") == requests


def test_what_people_used_is_not_counted_beside_the_messages() -> None:
    path = FIXTURES / "anthropic_reports" / "claude_code.json"
    assert list(lines_of(anthropic_reports.SOURCE, path, ACME.afresh())) == []


# --- Amazon Bedrock -------------------------------------------------------------------------------

ARN = "arn:aws:bedrock:us-east-1:123456789012:"


@pytest.mark.parametrize(
    ("named", "model", "tags"),
    [
        ("amazon.nova-lite-v1:0", "amazon.nova-lite-v1:0", None),
        (
            "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-sonnet-4-5-20250929-v1:0",
            "anthropic.claude-sonnet-4-5-20250929-v1:0",
            None,
        ),
        (f"{ARN}inference-profile/eu.amazon.nova-pro-v1:0", "eu.amazon.nova-pro-v1:0", None),
        (f"{ARN}provisioned-model/a1b2", None, ["provisioned-model/a1b2"]),
        (f"{ARN}custom-model/x/y", None, ["custom-model/x/y"]),
        (None, None, None),
    ],
)
def test_an_arn_says_the_model_or_hides_it(
    named: str | None, model: str | None, tags: list[str] | None
) -> None:
    said = mapped({"modelId": named}, bedrock.TABLE)
    assert (said.get("model"), said.get("tags")) == (model, tags)


@pytest.mark.parametrize(
    ("identity", "user", "role"),
    [
        ("arn:aws:iam::123456789012:user/ben", "ben", None),
        ("arn:aws:sts::123456789012:assumed-role/api/i-0abc", None, "api"),
        (
            "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Dev_1/anna@acme.example",
            "anna@acme.example",
            "AWSReservedSSO_Dev_1",
        ),
        ("arn:aws:iam::123456789012:root", None, None),
        (None, None, None),
    ],
)
def test_people_are_told_from_roles(
    identity: str | None, user: str | None, role: str | None
) -> None:
    said = mapped({"identity": {"arn": identity}}, bedrock.TABLE)
    assert (said.get("user"), said.get("api_key_alias")) == (user, role)


def test_long_prompts_of_a_log_are_not_opened(tmp_path: Path) -> None:
    log = next((FIXTURES / "bedrock").rglob("*.json"))
    bodies = tmp_path / "data"
    bodies.mkdir()
    (bodies / "3f0e2c9d_input.json").write_text("(left out)\n" + log.read_text())
    assert list(bedrock.SOURCE.records(bodies / "3f0e2c9d_input.json")) == []
