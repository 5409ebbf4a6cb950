"""Landing on a real PostgreSQL: what arrives, what is refused, and that nothing counts twice."""

import gzip
import hashlib
import io
import json
import os
import tempfile
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from support.events import (
    ATTRIBUTION,
    FAMILIES,
    ORGANIZATION_ID,
    SECRET,
    adjustment,
    decision,
    evaluation,
    execution,
    family_event,
    line_of,
    organization,
    user,
    uuid_of,
)
from support.landing import TABLES, counts, csv_of, damaged_files, rows, run, write
from support.servers import Database

from orchestration.errors import WarehouseError
from orchestration.landing.commands import rejects as rejects_command
from orchestration.landing.contracts import Contract
from orchestration.landing.loader import Stream, land, land_streams


def test_every_kind_lands_value_by_value(database: Database, tmp_path: Path) -> None:
    message = "429: slow down, jane@example.com, key=abc123"
    path = write(
        tmp_path / "mixed.ndjson",
        [
            organization(),
            user(),
            decision(),
            execution(error_message=message, error_code="rate_limit", status="failed"),
            execution(2, start_time="2026-02-28T23:30:00-02:00", request_count=None),
            adjustment(
                amount="-0.000000000001",
                period_start="2026-03-01T00:00:00+01:00",
                period_end="2027-03-01T00:00:00+01:00",
                reference="INV-7",
            ),
            execution(
                3,
                request_count=0.33,
                cache_write_1h_tokens=40,
                audio_output_tokens=7,
                is_bucket=True,
                region="eu-central-1",
                other_usage={"seats": "2.50", "web_search_requests": 3},
                **ATTRIBUTION,
            ),
        ],
    )
    (landed,) = land([path]).files
    assert (landed.lines_read, landed.lines_accepted, landed.lines_rejected) == (7, 7, 0)
    assert rows(
        database,
        "select _load_id, _line_number, event_id::text, id::text, task_id, status, start_time, "
        "end_time, input_tokens, cached_input_tokens, reported_cost_usd, quality_score, "
        "error_message, requests, metadata, compute_units "
        "from raw.task_executions where _line_number = 4",
    ) == [
        (
            landed.load_id,
            4,
            uuid_of(1),
            uuid_of(1_000_001),
            "task-1",
            "failed",
            datetime(2026, 3, 1, 10, tzinfo=UTC),
            datetime(2026, 3, 1, 10, 0, 8, 500_000, tzinfo=UTC),
            1000,
            300,
            Decimal("0.00714"),
            Decimal("0.9"),
            "429: slow down, [email], [secret]",
            Decimal(1),
            {"client": "cli", "attempt": 2, "stream": True, "temperature": 0.7},
            None,
        )
    ]
    # 23:30 at -02:00 is March in UTC.
    assert rows(
        database, "select tableoid::regclass::text from raw.task_executions where _line_number = 5"
    ) == [("raw.task_executions_y2026m03",)]
    assert rows(
        database,
        "select chosen_provider, alternative_providers::text, decision_factors, confidence_score, "
        "predicted_duration_ms, routing_overhead_cost_usd, reasoning from raw.routing_decisions",
    ) == [
        (
            "anthropic",
            '[{"model": "gpt-4o", "score": 0.5, "provider": "openai", "estimated_cost_usd": 0.01}]',
            {"latency_weight": 0.25, "policy": "default"},
            Decimal("0.75"),
            8000,
            Decimal("0.000079"),
            "cheapest within the limit",
        )
    ]
    assert rows(
        database, "select id::text, timezone, monthly_budget_usd from raw.organizations"
    ) == [(ORGANIZATION_ID, "Europe/Berlin", Decimal(1000))]
    assert rows(database, "select name, team, role from raw.users") == [
        ("Jane", "platform", "developer")
    ]
    assert rows(
        database,
        "select reason, amount::text, currency, effective_at, period_end, reference, provider "
        "from raw.adjustments",
    ) == [
        (
            "credit", "-0.000000000001", "USD", datetime(2026, 3, 1, tzinfo=UTC),
            datetime(2027, 2, 28, 23, tzinfo=UTC), "INV-7", None,
        )
    ]  # fmt: skip
    assert rows(
        database,
        "select requests, request_count, cache_write_1h_tokens, audio_output_tokens, "
        "image_output_tokens, is_bucket, is_gateway_cache_hit, region, other_usage::text "
        "from raw.task_executions where _line_number = 7",
    ) == [
        (
            Decimal("0.33"), None, 40, 7, None, True, False, "eu-central-1",
            '{"seats": 2.50, "web_search_requests": 3}',
        )
    ]  # fmt: skip
    assert rows(
        database,
        "select source, provider_request_id, time_to_first_token_ms, billing_account, "
        "api_key_alias, team, end_user_id, project, cost_center, repository, branch, tags::text "
        "from raw.task_executions order by _line_number",
    ) == [
        (None,) * 12,
        (None,) * 12,
        (
            "litellm", "req_011CSHoEeqs5C35K2UUqR7Fy", 412, "acct-emea", "ci-runner", "payments",
            "customer-77", "checkout", "4711", "acme/shop", "feature/refunds",
            '["nightly", "größe: xl"]',
        ),
    ]  # fmt: skip
    assert rows(
        database,
        "select event_kind, requests, durations_ms, part_tokens, other_units "
        "from ledger.landed_totals where other_units <> 0 order by event_kind",
    ) == [
        ("adjustment", 0, 0, 0, Decimal("-0.000000000001")),
        ("task_execution", Decimal("2.33"), 412, 47, Decimal("5.5")),
    ]
    assert rows(
        database,
        "select source_name, content_sha256, content_bytes, lines_read, lines_accepted, "
        "lines_rejected, task_execution_count, routing_decision_count, organization_count, "
        "user_count, adjustment_count, landed_at > started_at from raw.loads",
    ) == [
        (
            str(path),
            hashlib.sha256(path.read_bytes()).hexdigest(),
            path.stat().st_size,
            7, 7, 0, 3, 1, 1, 1, 1,
            True,
        )
    ]  # fmt: skip


def test_csv_and_compressed_files_land_the_same_rows(database: Database, tmp_path: Path) -> None:
    events = [organization(), user(), adjustment(), evaluation(), *map(family_event, FAMILIES)]
    for number in range(1, 40):
        user_id = None if number % 3 else uuid_of(7)
        attribution = {} if number % 4 else ATTRIBUTION
        events += [execution(number, user_id=user_id, **attribution), decision(number)]
    for name in ("a.ndjson", "b.csv", "c.jsonl.gz", "d.csv.gz"):
        assert not land([write(tmp_path / name, events)]).failures
    for table in TABLES:
        ((distinct, loads),) = rows(
            database,
            "select count(distinct to_jsonb(event) - '_load_id' - '_line_number'), "  # noqa: S608
            f"count(distinct _load_id) from raw.{table} as event",
        )
        assert loads == 4
        assert distinct == (39 if table in TABLES[:2] else 1)


def test_bad_lines_are_recorded_without_their_content(database: Database, tmp_path: Path) -> None:
    bad = [
        b"",
        SECRET.encode(),
        line_of(execution(prompt=SECRET)),
        line_of(execution(metadata={SECRET: SECRET, "prompt": SECRET})),
        line_of(execution(status=SECRET)),
        line_of(execution(provider=SECRET + "\x00")),
        line_of(execution(input_tokens=-5)),
        line_of(execution(start_time="2026-03-01T10:00:00")),
        b'{"event": "user", "name": "' + SECRET.encode() + b'\xff"}',
    ]
    path = write(tmp_path / "bad.ndjson", [execution(), *bad, user()])
    (landed,) = land([path]).files
    assert (landed.lines_read, landed.lines_accepted, landed.lines_rejected) == (11, 2, 9)
    assert rows(
        database, "select line_number, reason, line_sha256 from raw.rejected_events order by 1"
    ) == [
        (number, reason, hashlib.sha256(line).hexdigest())
        for number, reason, line in zip(
            range(2, 11),
            [
                "blank line",
                "malformed JSON (byte 0)",
                "unknown field prompt",
                "metadata: key write-me-a-poem-about-hunter2 is not allowed",
                "status: not one of pending, running, completed, failed",
                "provider: contains a NUL character",
                "input_tokens: expected int >= 0",
                "start_time: a time needs an offset from UTC",
                "not valid UTF-8",
            ],
            bad,
            strict=True,
        )
    ]
    result = CliRunner().invoke(rejects_command, ["--limit", "1"])
    assert f"{path}:2  blank line" in result.output
    assert "--limit shows more" in result.output
    result = CliRunner().invoke(rejects_command, ["--summary"])
    assert "         1  not valid UTF-8" in result.output
    result = CliRunner().invoke(rejects_command, ["--json", "--load", str(landed.load_id)])
    assert json.loads(result.output.splitlines()[0])["reason"] == "blank line"
    result = CliRunner().invoke(rejects_command, ["--load", "999"])
    assert result.output == "That load rejected no line.\n"


def test_the_same_content_is_landed_once(database: Database, tmp_path: Path) -> None:
    first = write(tmp_path / "first.ndjson", [execution()])
    copy = write(tmp_path / "copy.ndjson", [execution()])
    result = run(str(first), str(copy))
    assert result.exit_code == 0, result.output
    assert result.output.splitlines() == [
        f"{first}: load 1, 1 lines read = 1 accepted + 0 rejected",
        f"{copy}: skipped, the same content was already landed",
        "Total: 1 landed, 1 skipped, 0 failed; 1 lines read = 1 accepted + 0 rejected",
    ]
    assert counts(database)["task_executions"] == 1


def test_repeated_events_in_different_files_stay_in_raw(
    database_18: Database, tmp_path: Path
) -> None:
    write(tmp_path / "a.ndjson", [execution(), execution()])
    write(tmp_path / "b.ndjson", [execution(), execution(2)])
    report = land([tmp_path])
    assert [file.lines_accepted for file in report.files] == [2, 2]
    assert rows(
        database_18, "select count(*), count(distinct event_id) from raw.task_executions"
    ) == [(4, 2)]


def test_standard_input_lands_once_too(database: Database, tmp_path: Path) -> None:
    content = write(tmp_path / "a.ndjson", [execution(), b"nonsense"]).read_bytes()
    result = run("-", given=content)
    assert result.exit_code == 0, result.output
    assert "standard input: load 1, 2 lines read = 1 accepted + 1 rejected" in result.output
    assert "`warehouse rejects` lists" in result.output
    # The same bytes again, and as a file.
    assert "skipped" in run("-", given=content).output
    assert "skipped" in run(str(tmp_path / "a.ndjson")).output
    assert counts(database)["loads"] == 1
    result = run("-", "--format", "csv", given=csv_of([execution(5)]))
    assert "1 lines read = 1 accepted + 0 rejected" in result.output
    ((size, digest),) = rows(
        database, "select content_bytes, content_sha256 from raw.loads order by load_id limit 1"
    )
    assert (size, digest) == (len(content), hashlib.sha256(content).hexdigest())


def test_a_file_in_error_does_not_stop_the_others(database_18: Database, tmp_path: Path) -> None:
    names = ["empty.ndjson", "bom.csv", "broken.ndjson.gz", "header.csv", "good.ndjson"]
    write(tmp_path / "good.ndjson", [execution()])
    (tmp_path / "empty.ndjson").touch()
    (tmp_path / "bom.csv").write_bytes(b"\xef\xbb\xbfevent,id\r\n")
    # Enough events before the damage for the first of them to be on their way already.
    many = b"".join(line_of(execution(n)) + b"\n" for n in range(12_000))
    (tmp_path / "broken.ndjson.gz").write_bytes(gzip.compress(many)[:-100])
    (tmp_path / "header.csv").write_bytes(b"event,prompt\nuser,x\n")
    result = run(*(str(tmp_path / name) for name in [*names, "gone.csv", "notes.txt"]))
    assert result.exit_code == 1
    for message in (
        "empty.ndjson is empty",
        "bom.csv: skipped, it has columns and no rows",
        "broken.ndjson.gz is damaged or incomplete gzip; nothing of it was landed",
        "header.csv: the header has unknown columns: prompt",
        "gone.csv cannot be read: No such file or directory",
        "notes.txt: has none of the endings .ndjson, .jsonl, .csv (also .gz)",
        "Total: 1 landed, 1 skipped, 5 failed; 1 lines read = 1 accepted + 0 rejected",
    ):
        assert message in result.output
    found = counts(database_18)
    assert (found["task_executions"], found["loads"], found["rejected_events"]) == (1, 1, 0)


TOO_EARLY = execution(7, start_time="2026-11-30T00:00:00Z", end_time=None,
                      updated_at="2026-11-30T00:00:00Z")  # fmt: skip


@pytest.mark.parametrize("is_piped", [False, True])
def test_rejected_lines_get_another_chance(
    database_18: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_piped: bool
) -> None:
    def land_again(name: str, now: datetime) -> Result:
        monkeypatch.setattr("orchestration.landing.loader.Contract.at", lambda: Contract(now))
        content = (tmp_path / name).read_bytes()
        return run("-", given=content) if is_piped else run(str(tmp_path / name))

    early, late = datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
    write(tmp_path / "all.ndjson", [TOO_EARLY, b"nonsense"])
    write(tmp_path / "some.ndjson", [execution(1), b"nonsense", TOO_EARLY | {"id": uuid_of(8)}])

    for attempt in range(2):
        result = land_again("all.ndjson", early)
        assert result.exit_code == 1, attempt
        assert (
            "every line was rejected, the first one (line 1: start_time: more than a day ahead)"
            in (result.output)
        )
        assert "0 landed, 0 skipped, 1 failed; 2 lines read = 0 accepted + 2" in result.output
        # Once in the ledger is enough.
        assert rows(database_18, "select count(*) from raw.rejected_events") == [(2,)]
    assert "more than a day ahead" in CliRunner().invoke(rejects_command).output
    assert "2 lines read = 1 accepted + 1 rejected" in land_again("all.ndjson", late).output
    result = land_again("all.ndjson", late)
    assert (result.exit_code, "already landed; 1 lines stay rejected" in result.output) == (0, True)

    assert "3 lines read = 1 accepted + 2 rejected" in land_again("some.ndjson", early).output
    assert "already landed; 2 lines stay rejected" in land_again("some.ndjson", early).output
    assert "2 lines read = 1 accepted + 1 rejected" in land_again("some.ndjson", late).output
    result = land_again("some.ndjson", late)
    assert (result.exit_code, "already landed; 1 lines stay rejected" in result.output) == (0, True)
    # Nothing was accepted twice, and the ledger agrees with what is there.
    assert rows(
        database_18,
        "select attempt, lines_accepted, lines_rejected, (select count(*) from raw.task_executions "
        "where _load_id = load_id), (select count(*) from raw.rejected_events as rejected "
        "where rejected._load_id = load_id) from raw.loads order by load_id",
    ) == [(1, 0, 2, 0, 2), (2, 1, 1, 1, 1), (1, 1, 2, 1, 2), (2, 1, 1, 1, 1)]
    assert rows(database_18, "select _line_number from raw.task_executions order by _load_id") == [
        (1,),
        (1,),
        (3,),
    ]


def test_many_kinds_and_months_in_turn(database_18: Database, tmp_path: Path) -> None:
    events: list[Any] = []
    for number in range(13_000):
        month = f"2025-{number % 12 + 1:02d}-15T12:00:00"
        start, end = f"{month}Z", f"{month}.5+00:00"
        events.append(execution(number, start_time=start, end_time=end, updated_at=end))
        events.append(decision(number, decision_timestamp=start))
        if number % 100 == 0:
            events += [user(number), organization(number), b"bad line"]
    (landed,) = land([write(tmp_path / "big.ndjson", events)]).files
    assert (landed.lines_read, landed.lines_rejected) == (26_390, 130)
    assert counts(database_18) == {
        "task_executions": 13_000,
        "routing_decisions": 13_000,
        "organizations": 130,
        "users": 130,
        "adjustments": 0,
        **dict.fromkeys((f"{kind}s" for kind in FAMILIES), 0),
        "shadow_evaluations": 0,
        "rejected_events": 130,
        "loads": 1,
    }
    assert rows(
        database_18,
        "select count(distinct _line_number), count(distinct tableoid) from raw.task_executions",
    ) == [(13_000, 12)]


def test_a_zone_that_the_server_does_not_know_is_rejected(
    database_18: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = frozenset({"Europe/Berlin", "Mars/Olympus"})
    monkeypatch.setattr("orchestration.landing.contracts.known_time_zones", lambda: known)
    path = write(
        tmp_path / "zones.ndjson",
        [execution(), organization(), organization(2, timezone="Mars/Olympus"), execution(2)],
    )
    land([path])
    assert rows(database_18, "select line_number, reason from raw.rejected_events") == [
        (3, "timezone: not known to the database server")
    ]
    assert counts(database_18)["task_executions"] == 2


def test_extreme_amounts_reach_the_table_digit_by_digit(
    database_18: Database, tmp_path: Path
) -> None:
    amounts = ["0", "-0", "0e-999", "1e-40", "1000000", "0.123456789012345678901234567890"]
    lines = [line_of(execution()).replace(b"0.00714", amount.encode()) for amount in amounts]
    (landed,) = land([write(tmp_path / "amounts.ndjson", lines)]).files
    assert landed.lines_accepted == 6
    found = rows(
        database_18, "select reported_cost_usd from raw.task_executions order by _line_number"
    )
    assert [amount for (amount,) in found] == [Decimal(amount) for amount in amounts]


def test_without_the_tables_the_user_is_told_to_migrate(
    empty_database: Database, tmp_path: Path
) -> None:
    assert empty_database
    result = run(str(write(tmp_path / "a.ndjson", [execution()])))
    assert result.exit_code == 1
    assert "warehouse db migrate" in result.output
    assert "warehouse db migrate" in CliRunner().invoke(rejects_command).output


def test_an_unreachable_database_is_one_message(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PGHOST", "127.0.0.1")
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("PGUSER", "nobody")
    result = run(str(write(tmp_path / "a.ndjson", [execution()])))
    assert result.exit_code == 1
    assert "No connection to PostgreSQL at 127.0.0.1 port 1" in result.output
    assert "Traceback" not in result.output


def test_a_file_name_of_any_bytes_can_be_landed(database_18: Database, tmp_path: Path) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9\n.ndjson")
    result = run(str(write(Path(path), [execution(), b"bad"])))
    assert result.exit_code == 0, result.output
    assert counts(database_18)["rejected_events"] == 1


def test_a_stream_that_holds_nothing_is_an_error(database_18: Database) -> None:
    with pytest.raises(WarehouseError, match="pipe is empty"):
        list(land_streams([Stream("pipe", io.BytesIO(b""))]))
    assert counts(database_18)["loads"] == 0


def test_lines_that_are_known_are_not_read_again_and_all_others_are(database: Database) -> None:
    known, twice, new, wrong = (
        json.dumps(event).encode()
        for event in (execution(1), execution(2), execution(3), execution(4, status="done"))
    )
    contract = Contract.at()
    # The second line is said to be another event, which shows that it was not read.
    said = {known: contract.read(known), twice: contract.read(json.dumps(execution(7)).encode())}
    content = io.BytesIO(b"\n".join((known, new, wrong, twice)))
    (landed,) = land_streams([Stream("received", content, known=said)])
    assert (landed.lines_read, landed.lines_accepted, landed.lines_rejected) == (4, 3, 1)
    assert rows(
        database, "select _line_number, task_id from raw.task_executions order by _line_number"
    ) == [(1, "task-1"), (2, "task-3"), (4, "task-7")]
    assert rows(database, "select line_number, reason from raw.rejected_events") == [
        (3, "status: not one of pending, running, completed, failed")
    ]


def test_loads_of_one_connection_hold_their_own_rows_alone(database: Database) -> None:
    def stream(name: str, *events: dict[str, Any]) -> Stream:
        return Stream(name, io.BytesIO(b"\n".join(json.dumps(event).encode() for event in events)))

    april = dict.fromkeys(("start_time", "end_time", "updated_at"), "2026-04-01T00:00:00Z")
    landed = [
        load.load_id
        for load in land_streams(
            [
                stream("first", execution(1), user()),
                stream("the same", execution(1), user()),
                stream("second", execution(2), {"event": "none"}),
                stream("third", organization(), execution(3, **april)),
            ]
        )
    ]
    first, same, second, third = landed
    assert same is None
    assert rows(
        database,
        "select _load_id, task_id, tableoid::regclass::text from raw.task_executions "
        "order by _load_id",
    ) == [
        (first, "task-1", "raw.task_executions_y2026m03"),
        (second, "task-2", "raw.task_executions_y2026m03"),
        (third, "task-3", "raw.task_executions_y2026m04"),
    ]
    assert rows(database, "select _load_id from raw.rejected_events") == [(second,)]
    assert rows(database, "select _load_id from raw.users") == [(first,)]
    assert rows(database, "select _load_id from raw.organizations") == [(third,)]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(content=damaged_files())
def test_accepted_and_rejected_lines_add_up_on_any_file(
    database_18: Database, content: bytes
) -> None:
    before = counts(database_18)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "any.ndjson")
        path.write_bytes(content)
        report = land([path])
    after = counts(database_18)
    if report.failures:
        assert report.failures == [(str(path), f"{path} is empty")]
        return
    (landed,) = report.files
    assert landed.lines_read == landed.lines_accepted + landed.lines_rejected
    if landed.load_id is None:
        # The same content was drawn before, and none of its lines has become acceptable.
        assert after == before
        return
    arrived = {table: after[table] - before[table] for table in after}
    assert sum(arrived[table] for table in TABLES) == landed.lines_accepted
    assert arrived["rejected_events"] == landed.lines_rejected
