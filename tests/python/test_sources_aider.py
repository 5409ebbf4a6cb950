"""The import of aider's call log: small logs by hand, and the real one when it is there."""

import csv
import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from support.servers import Database

from orchestration.errors import WarehouseError
from orchestration.landing.contracts import Contract, TaskExecution
from orchestration.sources.aider import ORGANIZATION_ID, convert, provider_and_model
from orchestration.sources.commands import import_source

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
LOG = DATA / "aider_analytics" / "llm_calls.csv"
PRICES = DATA / "prices" / "price_history.csv"
needs_log = pytest.mark.skipif(
    not (LOG.exists() and PRICES.exists()), reason=f"the published log is not at {DATA}"
)

HEADER = (
    "call_id,user_id,session_id,edit_format,main_model,weak_model,editor_model,start_time,end_time,"
    "prompt_tokens,completion_tokens,cost_usd,session_total_cost_usd,status,error,aider_version,"
    "first_commit"
)
USER = "52b5cc12-f16d-45f3-b30c-95ab4ae904ee"
CALL = (
    f"aider-00001,{USER},52b5cc12-00002,diff,gpt-4o-mini,,,2024-08-13T14:40:40Z,"
    "2024-08-13T14:40:43Z,638,25,0.00011070000000000001,0.1,success,,0.49.2-dev,4ebbfa01b750"
)
FAILED_CALL = (
    "aider-00002,,,,openrouter/REDACTED,,,,2024-08-13T14:41:00Z,,,,,failed,"
    "cannot open /home/jane/x.py,,"
)


def log_of(folder: Path, *rows: str) -> Path:
    path = folder / "llm_calls.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


def events_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line, parse_float=Decimal) for line in convert(path)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("anthropic/claude-3-7-sonnet-20250219", ("anthropic", "claude-3-7-sonnet-20250219")),
        ("gemini/gemini-2.5-pro", ("google", "gemini-2.5-pro")),
        ("cohere_chat/command-r", ("cohere", "command-r")),
        ("openrouter/anthropic/claude-3.5-sonnet", ("openrouter", "anthropic/claude-3.5-sonnet")),
        ("claude-3-5-sonnet-20241022", ("anthropic", "claude-3-5-sonnet-20241022")),
        ("gemini-pro", ("google", "gemini-pro")),
        ("deepseek-chat", ("deepseek", "deepseek-chat")),
        ("gpt-4o", ("openai", "gpt-4o")),
        ("o1-mini", ("openai", "o1-mini")),
        ("openrouter/REDACTED", ("openrouter", None)),
        ("REDACTED", ("unknown", None)),
        ("", ("unknown", None)),
    ],
)
def test_names_of_models_are_split(name: str, expected: tuple[str, str | None]) -> None:
    assert provider_and_model(name) == expected


def test_a_log_becomes_an_organization_a_user_and_executions(tmp_path: Path) -> None:
    organization, user, call, failed = events_of(log_of(tmp_path, HEADER, CALL, FAILED_CALL))
    assert organization["name"] == "aider (published analytics)"
    assert (organization["timezone"], organization["baseline_model"]) == ("UTC", "gpt-4o")
    assert (user["id"], user["organization_id"]) == (USER, str(ORGANIZATION_ID))
    assert len(call.pop("event_id")) == len(call.pop("id")) == 36
    assert call == {
        "event": "task_execution",
        "organization_id": str(ORGANIZATION_ID),
        "task_id": "aider-00001",
        "task_type": "code_generation",
        "provider": "openai",
        "status": "completed",
        "start_time": "2024-08-13T14:40:40Z",
        "updated_at": "2024-08-13T14:40:43Z",
        "user_id": USER,
        "session_id": "52b5cc12-00002",
        "model": "gpt-4o-mini",
        "end_time": "2024-08-13T14:40:43Z",
        "input_tokens": 638,
        "output_tokens": 25,
        "reported_cost_usd": Decimal("0.00011070000000000001"),
        "metadata": {"client": "aider", "client_version": "0.49.2-dev", "edit_format": "diff"},
    }
    assert failed["status"] == "failed"
    assert failed["start_time"] == "2024-08-13T14:41:00Z"
    assert "end_time" not in failed
    assert failed["error_message"] == "cannot open [path]"
    assert not {"user_id", "model", "input_tokens", "reported_cost_usd"} & failed.keys()


def test_a_second_conversion_gives_the_same_bytes(tmp_path: Path) -> None:
    log = log_of(tmp_path, HEADER, CALL, FAILED_CALL)
    assert list(convert(log)) == list(convert(log))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["a,b"], "is not a call log of aider: its header lacks call_id, user_id"),
        ([], "its header lacks call_id"),
        ([HEADER, CALL.replace(",638,", ",6.38,")], "line 2: prompt_tokens is not a whole number"),
        ([HEADER, CALL.replace(",25,", ",many,")], "line 2: completion_tokens is not a whole"),
        ([HEADER, CALL.replace("0.00011", "$0.00011")], "line 2: cost_usd is not an amount"),
        ([HEADER, CALL.replace(",success,", ",maybe,")], "line 2: status is neither"),
        ([HEADER, CALL.replace(USER, "jane")], "line 2: user_id is not a UUID"),
        ([HEADER, CALL.replace("14:40:43Z", "14:40:43")], "line 2: end_time is not a time"),
        ([HEADER, CALL, "aider-00003"], "line 3: wrong number of cells"),
        ([HEADER, CALL + ",more"], "line 2: wrong number of cells"),
    ],
)
def test_a_bad_log_is_a_clear_message(tmp_path: Path, rows: list[str], message: str) -> None:
    with pytest.raises(WarehouseError) as caught:
        list(convert(log_of(tmp_path, *rows)))
    assert message in caught.value.message


def test_a_log_that_cannot_be_read_is_a_clear_message(tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match="cannot be read: No such file"):
        list(convert(tmp_path / "gone.csv"))
    path = tmp_path / "bytes.csv"
    path.write_bytes(HEADER.encode() + b"\n\xff\n")
    with pytest.raises(WarehouseError, match="not valid UTF-8"):
        list(convert(path))


def test_the_events_can_be_written_to_a_file(tmp_path: Path) -> None:
    log, out = log_of(tmp_path, HEADER, CALL), tmp_path / "events.ndjson"
    result = CliRunner().invoke(import_source, ["aider", str(log), "--out", str(out)])
    assert result.output == f"{out}: 3 events\n"
    assert out.read_bytes() == b"".join(convert(log))
    bad = log_of(tmp_path, HEADER, CALL + ",more")
    result = CliRunner().invoke(import_source, ["aider", str(bad), "--out", str(tmp_path / "x")])
    assert result.exit_code == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["events.ndjson", "llm_calls.csv"]


def test_an_import_lands_once(database: Database, tmp_path: Path) -> None:
    log = log_of(tmp_path, HEADER, CALL, FAILED_CALL)
    result = CliRunner().invoke(import_source, ["aider", str(log)])
    assert "4 lines read = 4 accepted + 0 rejected" in result.output
    result = CliRunner().invoke(import_source, ["aider", str(log)])
    assert "skipped, the same content was already landed" in result.output
    with database.connect() as connection:
        found = connection.execute("select count(*) from raw.task_executions").fetchone()
    assert found == (2,)


@needs_log
def test_the_published_log_lands_completely(database_18: Database) -> None:
    result = CliRunner().invoke(import_source, ["aider", str(LOG)])
    assert "5,630 lines read = 5,630 accepted + 0 rejected" in result.output
    with database_18.connect() as connection:
        found = connection.execute(
            "select count(*), count(*) filter (where status = 'failed'), sum(input_tokens), "
            "sum(output_tokens), count(*) filter (where user_id is null), max(reported_cost_usd) "
            "from raw.task_executions"
        ).fetchone()
    assert found == (5624, 61, 73_020_005, 2_956_951, 4, Decimal("9990.01252875"))


@needs_log
def test_the_published_log_prices_as_recorded() -> None:
    contract = Contract.at()
    decoded = [contract.decode(line.rstrip()) for line in convert(LOG)]
    calls = [event for event in decoded if isinstance(event, TaskExecution)]
    prices: dict[tuple[str, str], list[dict[str, str]]] = {}
    with PRICES.open(newline="") as file:
        for row in csv.DictReader(file):
            prices.setdefault((row["provider"], row["model"]), []).append(row)
    priced = matching = 0
    for call in calls:
        if call.input_tokens is None or call.output_tokens is None:
            continue
        for price in prices.get((call.provider, call.model or ""), []):
            if datetime.fromisoformat(price["effective_from"]) <= call.start_time and (
                not price["effective_to"]
                or call.start_time < datetime.fromisoformat(price["effective_to"])
            ):
                cost = call.input_tokens * Decimal(price["input_usd_per_token"])
                cost += call.output_tokens * Decimal(price["output_usd_per_token"])
                assert call.reported_cost_usd is not None
                priced += 1
                matching += abs(cost - call.reported_cost_usd) <= Decimal("1e-9")
    assert (len(calls), priced, matching) == (5624, 5077, 5000)
