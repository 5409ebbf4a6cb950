"""The faults that counters of usage have in common, each with a small file of every source it hits.

Files are in the shape of a system's own; what counts in the end is worked out by hand.
"""

import itertools
import json
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.errors import WarehouseError
from orchestration.landing.contracts import Contract
from orchestration.sources.reading import files_in
from orchestration.sources.registry import SOURCES
from orchestration.sources.source import Owner, lines_of

FIXTURES = Path(__file__).parent / "sources"
ACME = Owner.named("Acme", "Europe/Berlin", None)
PARENT = "019cadc6-9a80-7000-8000-00000000000a"
CHILD = "019cb95c-e980-7000-8000-00000000000b"
GRANDCHILD = "019cb95d-d3e0-7000-8000-00000000000c"
FIRST_TURN = "019cadc6-ae08-7000-8000-000000000001"
CHILDS_TURN = "019cb95d-37a0-7000-8000-000000000003"


def written(path: Path, *records: Any) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def counted(source: str, *paths: Path) -> list[dict[str, Any]]:
    """Return the executions that count, by start: of each the version of the latest stamp."""
    contract = Contract.at()
    latest: dict[str, dict[str, Any]] = {}
    for path in paths:
        for line in lines_of(SOURCES[source], path, ACME.afresh()):
            contract.decode(line.rstrip(b"\n"))
            event = json.loads(line, parse_float=Decimal)
            if event["event"] != "task_execution":
                continue
            known = latest.setdefault(event["id"], event)
            latest[event["id"]] = max(
                known, event, key=lambda it: (it["updated_at"], it.get("output_tokens", -1))
            )
    return sorted(latest.values(), key=lambda event: event["start_time"])


def sums(events: Iterable[dict[str, Any]], *names: str) -> tuple[int, ...]:
    events = list(events)
    return tuple(sum(event.get(name, 0) for event in events) for name in names)


# --- All ------------------------------------------------------------------------------------------

STRANGE: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, -1, 0, 10**30, 0.5, "", "NaN", "Infinity", "2026-02-30", "many", "{", [], [7], {}]
)


def leaves(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each place in a document, as what holds it and under which name or number."""
    inside = value.items() if isinstance(value, dict) else enumerate(value)
    for name, inner in list(inside):
        yield value, name
        if isinstance(inner, dict | list):
            yield from leaves(inner)


@pytest.mark.parametrize(
    ("source", "path"),
    [
        pytest.param(name, path, id=f"{name}: {path.name}")
        for name in SOURCES
        for path in sorted((FIXTURES / name).glob("*.json*"))
        if path.name != "expected.json"
    ],
)
def test_a_strange_value_is_no_fault(source: str, path: Path, tmp_path: Path) -> None:
    text = path.read_text()
    try:
        json.loads(text)
        parts = [text]
    except ValueError:
        parts = text.splitlines()
    strange = tmp_path / path.name

    @settings(max_examples=60, deadline=None, derandomize=True)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        documents = [json.loads(part) for part in parts]
        where, name = data.draw(st.sampled_from(list(leaves(documents))))
        where[name] = data.draw(STRANGE)
        written(strange, *documents)
        # Whatever is wrong with it is refused when it lands, or the file with a sentence.
        with suppress(WarehouseError):
            for line in lines_of(SOURCES[source], strange, ACME.afresh()):
                assert line.endswith(b"\n")

    check()


def files_of(source: str) -> list[Path]:
    return [
        path for path in files_in(FIXTURES / source, SOURCES[source].endings)
        if path.name != "expected.json"
    ]  # fmt: skip


@pytest.mark.parametrize("source", SOURCES)
def test_what_another_file_holds_as_well_counts_once(source: str, tmp_path: Path) -> None:
    files = files_of(source)
    copies = []
    for number, path in enumerate(files):
        folder = tmp_path / str(number)
        folder.mkdir()
        copies.append(folder / f"copy_of_{path.name}")
        shutil.copy(path, copies[-1])
    once = counted(source, *files)
    assert once
    assert counted(source, *files, *copies) == counted(source, *copies, *files) == once


@pytest.mark.parametrize(
    ("source", "path"),
    [
        pytest.param(name, path, id=f"{name}: {path.name}")
        for name in SOURCES
        for path in files_of(name)
        if path.suffix in (".jsonl", ".log")
    ],
)
def test_what_a_log_repeats_counts_once(source: str, path: Path, tmp_path: Path) -> None:
    repeated = tmp_path / path.name
    text = path.read_text()
    once = counted(source, path)
    if path.suffix == ".jsonl":
        repeated.write_text("".join(line * 2 for line in text.splitlines(keepends=True)))
        assert counted(source, repeated) == once
    # A running total that falls begins anew: Codex writes no log after itself.
    if source != "codex":
        repeated.write_text(text + text)
        assert counted(source, repeated) == once


# --- Claude Code ----------------------------------------------------------------------------------


def claude(message: str, second: int, **usage: int) -> dict[str, Any]:
    return {
        "type": "assistant",
        "sessionId": "session_01",
        "timestamp": f"2026-03-02T09:00:{second:02}.000Z",
        "requestId": f"req_{message}",
        "message": {"id": message, "model": "claude-sonnet-4-5-20250929", "usage": usage},
    }


def test_a_message_in_several_lines_is_one_and_the_last_counts(tmp_path: Path) -> None:
    log = written(
        tmp_path / "session.jsonl",
        claude("msg_01", 1, input_tokens=3, output_tokens=1),
        claude("msg_01", 2, input_tokens=3, output_tokens=8),
        claude("msg_01", 4, input_tokens=3, output_tokens=550),
        claude("msg_02", 6, input_tokens=5, output_tokens=20),
    )
    events = counted("claude_code", log)
    assert [event["output_tokens"] for event in events] == [550, 20]
    # The sum of all lines would be 579.
    assert sums(events, "output_tokens") == (570,)


def test_a_resumed_session_repeats_its_messages_and_they_count_once(tmp_path: Path) -> None:
    first = claude("msg_01", 1, input_tokens=3, cache_creation_input_tokens=97, output_tokens=10)
    second = claude("msg_02", 5, input_tokens=2, cache_read_input_tokens=98, output_tokens=20)
    parent = written(tmp_path / "parent.jsonl", first)
    child = written(tmp_path / "child.jsonl", first | {"sessionId": "session_02"}, second)
    for files in itertools.permutations([parent, child]):
        assert sums(counted("claude_code", *files), "input_tokens", "output_tokens") == (200, 30)


def test_input_without_the_cache_is_made_whole(tmp_path: Path) -> None:
    log = written(
        tmp_path / "session.jsonl",
        claude("msg_01", 1, input_tokens=3, cache_creation_input_tokens=12304, output_tokens=550),
        claude(
            "msg_02",
            2,
            input_tokens=3,
            cache_creation_input_tokens=25,
            cache_read_input_tokens=13216,
            output_tokens=12,
        ),
    )
    names = ("input_tokens", "cached_input_tokens", "cache_write_tokens")
    assert [sums([event], *names) for event in counted("claude_code", log)] == [
        (12307, 0, 12304),
        (13244, 13216, 25),
    ]


# --- Codex ----------------------------------------------------------------------------------------


def session(name: str, at: str, **more: Any) -> dict[str, Any]:
    payload = {"id": name, "timestamp": at, "cwd": "/home/someone/work/acme-api"} | more
    return {"timestamp": at, "type": "session_meta", "payload": payload}


def turn(name: str | None, at: str, model: str = "gpt-5.2-codex") -> dict[str, Any]:
    payload = {"model": model} | ({"turn_id": name} if name else {})
    return {"timestamp": at, "type": "turn_context", "payload": payload}


def usage_of(numbers: tuple[int, int, int, int] | None) -> dict[str, int] | None:
    if numbers is None:
        return None
    names = ("input_tokens", "cached_input_tokens", "output_tokens", "reasoning_output_tokens")
    return dict(zip(names, numbers, strict=True)) | {"total_tokens": numbers[0] + numbers[2]}


def tokens(
    at: str, total: tuple[int, int, int, int], last: tuple[int, int, int, int] | None = None
) -> dict[str, Any]:
    info = {"total_token_usage": usage_of(total), "last_token_usage": usage_of(last)}
    return {"timestamp": at, "type": "event_msg", "payload": {"type": "token_count", "info": info}}


CODEX = ("input_tokens", "cached_input_tokens", "output_tokens", "reasoning_tokens")
ONE, TWO, THREE = (10000, 0, 200, 150), (22000, 9600, 700, 400), (35000, 21200, 1000, 500)
LAST_TWO, LAST_THREE = (12000, 9600, 500, 250), (13000, 11600, 300, 100)


def parent_log(folder: Path) -> Path:
    return written(
        folder / f"rollout-{PARENT}.jsonl",
        session(PARENT, "2026-03-02T09:00:00.000Z"),
        turn(FIRST_TURN, "2026-03-02T09:00:05.000Z"),
        tokens("2026-03-02T09:00:20.000Z", ONE, ONE),
        tokens("2026-03-02T09:00:40.000Z", TWO, LAST_TWO),
    )


def child_log(folder: Path, turn_id: str | None = FIRST_TURN) -> Path:
    """Write the log of a fork: all of its parent's is stamped with the time of the copying."""
    copied = "2026-03-04T15:00:00.050Z"
    return written(
        folder / f"rollout-{CHILD}.jsonl",
        session(CHILD, copied, forked_from_id=PARENT),
        session(PARENT, copied),
        turn(turn_id, copied),
        tokens(copied, ONE, ONE),
        tokens(copied, TWO, LAST_TWO),
        turn(CHILDS_TURN, "2026-03-04T15:00:20.000Z", "gpt-5.2"),
        tokens("2026-03-04T15:00:45.000Z", THREE, LAST_THREE),
    )


def test_usage_that_is_written_again_unchanged_counts_once(tmp_path: Path) -> None:
    log = written(
        tmp_path / "rollout.jsonl",
        session(PARENT, "2026-03-02T09:00:00.000Z"),
        turn(FIRST_TURN, "2026-03-02T09:00:05.000Z"),
        tokens("2026-03-02T09:00:20.000Z", ONE, ONE),
        tokens("2026-03-02T09:00:21.000Z", ONE, ONE),
        tokens("2026-03-02T09:00:40.000Z", TWO, LAST_TWO),
        tokens("2026-03-02T09:00:41.000Z", TWO, LAST_TWO),
        tokens("2026-03-02T11:00:00.000Z", TWO, LAST_TWO),
    )
    # The sum of what is called last would be 56,000 of input.
    assert sums(counted("codex", log), *CODEX) == TWO


@pytest.mark.parametrize("turn_id", [FIRST_TURN, None], ids=["turns with ids", "turns without"])
def test_a_fork_repeats_its_parent_and_only_what_it_adds_counts(
    tmp_path: Path, turn_id: str | None
) -> None:
    parent, child = parent_log(tmp_path), child_log(tmp_path, turn_id)
    for files in ([parent, child], [child, parent], [child, parent, child]):
        events = counted("codex", *files)
        # The sum of both files would be 57,000 of input, the larger one alone 35,000.
        assert sums(events, *CODEX) == THREE
        assert [event["start_time"] for event in events] == [
            "2026-03-02T09:00:20.000Z",
            "2026-03-02T09:00:40.000Z",
            "2026-03-04T15:00:45.000Z",
        ]
        assert [event["model"] for event in events] == ["gpt-5.2-codex"] * 2 + ["gpt-5.2"]
        assert [event["session_id"] for event in events] == [PARENT, PARENT, CHILD]


def test_a_fork_alone_has_all_of_it_on_the_day_of_the_original(tmp_path: Path) -> None:
    events = counted("codex", child_log(tmp_path))
    assert sums(events, *CODEX) == THREE
    days = [event["start_time"][:10] for event in events]
    assert days == ["2026-03-02", "2026-03-02", "2026-03-04"]


def test_both_branches_of_a_fork_count(tmp_path: Path) -> None:
    parent, child = parent_log(tmp_path), child_log(tmp_path)
    # The parent goes on by itself: 4,000 more of input, of which 1,000 from the cache.
    with parent.open("a") as log:
        further = tokens("2026-03-04T16:00:00.000Z", (26000, 10600, 760, 400), (4000, 1000, 60, 0))
        log.write(json.dumps(further) + "\n")
    assert sums(counted("codex", parent, child), *CODEX) == (39000, 22200, 1060, 500)


def test_a_fork_of_a_fork_repeats_both(tmp_path: Path) -> None:
    copied = "2026-03-04T16:00:00.000Z"
    grandchild = written(
        tmp_path / f"rollout-{GRANDCHILD}.jsonl",
        session(GRANDCHILD, copied, forked_from_id=CHILD),
        session(CHILD, copied, forked_from_id=PARENT),
        session(PARENT, copied),
        turn(FIRST_TURN, copied),
        tokens(copied, ONE, ONE),
        tokens(copied, TWO, LAST_TWO),
        turn(CHILDS_TURN, copied, "gpt-5.2"),
        tokens(copied, THREE, LAST_THREE),
    )
    files = [parent_log(tmp_path), child_log(tmp_path), grandchild]
    for order in itertools.permutations(files):
        assert sums(counted("codex", *order), *CODEX) == THREE
    assert sums(counted("codex", grandchild), *CODEX) == THREE


def test_a_copy_that_begins_in_the_middle_counts_from_there(tmp_path: Path) -> None:
    copied = "2026-03-04T15:00:00.050Z"
    child = written(
        tmp_path / f"rollout-{CHILD}.jsonl",
        session(CHILD, copied, source={"subagent": {"thread_spawn": {"parent_thread_id": PARENT}}}),
        {"timestamp": copied, "type": "compacted", "payload": {}},
        turn(FIRST_TURN, copied),
        tokens(copied, ONE),
        tokens(copied, TWO, LAST_TWO),
        turn(CHILDS_TURN, "2026-03-04T15:00:20.000Z"),
        tokens("2026-03-04T15:00:45.000Z", THREE, LAST_THREE),
    )
    assert sums(counted("codex", child), *CODEX) == (25000, 21200, 800, 350)
    assert sums(counted("codex", parent_log(tmp_path), child), *CODEX) == THREE


def test_a_copy_that_begins_with_usage_takes_it_from_its_total(tmp_path: Path) -> None:
    copied = "2026-03-04T15:00:00.050Z"
    child = written(
        tmp_path / f"rollout-{CHILD}.jsonl",
        session(CHILD, copied, forked_from_id=PARENT),
        turn(FIRST_TURN, copied),
        tokens(copied, TWO, LAST_TWO),
    )
    assert sums(counted("codex", child), *CODEX) == LAST_TWO
    assert sums(counted("codex", child, parent_log(tmp_path)), *CODEX) == TWO


def test_sessions_that_begin_with_the_same_numbers_share_their_first_step(tmp_path: Path) -> None:
    # The limit of steps that are known by their two ends, as the module says.
    other = written(
        tmp_path / "rollout-other.jsonl",
        session(GRANDCHILD, "2026-03-05T09:00:00.000Z"),
        turn(None, "2026-03-05T09:00:00.000Z"),
        tokens("2026-03-05T09:00:20.000Z", ONE, ONE),
        tokens("2026-03-05T09:00:40.000Z", THREE, (25000, 21200, 800, 350)),
    )
    assert sums(counted("codex", parent_log(tmp_path), other), *CODEX) == (47000, 30800, 1500, 750)


def test_a_count_that_begins_anew_is_no_negative_usage(tmp_path: Path) -> None:
    log = written(
        tmp_path / "rollout.jsonl",
        session(PARENT, "2026-03-02T09:00:00.000Z"),
        turn(FIRST_TURN, "2026-03-02T09:00:05.000Z"),
        tokens("2026-03-02T09:00:20.000Z", ONE, ONE),
        # Less than before, and more than before with a last usage that says it is all new.
        tokens("2026-03-02T09:10:00.000Z", (8000, 0, 90, 0), (8000, 0, 90, 0)),
        tokens("2026-03-02T09:20:00.000Z", (20000, 0, 400, 200), (20000, 0, 400, 200)),
        # The context was full: nothing but a sum that is no usage.
        tokens("2026-03-02T09:21:00.000Z", (0, 0, 0, 0), (0, 0, 0, 0)),
    )
    assert sums(counted("codex", log), *CODEX) == (38000, 0, 690, 350)


def test_a_wrong_number_is_refused_and_no_fault(tmp_path: Path) -> None:
    wrong = tokens("2026-03-02T09:00:30.000Z", ONE, ONE)
    wrong["payload"]["info"]["total_token_usage"]["input_tokens"] = "many"
    log = written(
        tmp_path / "rollout.jsonl",
        session(PARENT, "2026-03-02T09:00:00.000Z"),
        turn(FIRST_TURN, "2026-03-02T09:00:05.000Z"),
        tokens("2026-03-02T09:00:20.000Z", ONE, ONE),
        wrong,
        tokens("2026-03-02T09:00:40.000Z", TWO, LAST_TWO),
    )
    lines = list(lines_of(SOURCES["codex"], log, ACME.afresh()))
    events = [json.loads(line) for line in lines]
    inputs = [event["input_tokens"] for event in events if event["event"] == "task_execution"]
    assert inputs == [10000, "many", 12000]


@pytest.mark.parametrize(
    ("address", "repository"),
    [
        ("https://github.com/acme/shop.git", "acme/shop"),
        ("https://someone:key@github.com/acme/shop", "acme/shop"),
        ("git@github.com:acme/shop.git", "acme/shop"),
        ("ssh://git@git.acme.example:2222/acme/team/shop.git", "acme/team/shop"),
        ("https://git.acme.example/acme/shop?token=key", None),
        ("/home/someone/shop.git", None),
        ("file:///home/someone/shop.git", None),
        ("C:\\work\\shop", None),
        (7, None),
    ],
)
def test_an_address_of_code_is_whose_it_is(
    tmp_path: Path, address: Any, repository: str | None
) -> None:
    log = written(
        tmp_path / "rollout.jsonl",
        session(PARENT, "2026-03-02T09:00:00.000Z", git={"repository_url": address}),
        turn(FIRST_TURN, "2026-03-02T09:00:05.000Z"),
        tokens("2026-03-02T09:00:20.000Z", ONE, ONE),
    )
    assert [event.get("repository") for event in counted("codex", log)] == [repository]


# --- Gemini CLI -----------------------------------------------------------------------------------


def gemini(at: str, **attributes: Any) -> dict[str, Any]:
    about = {"event.name": "gemini_cli.api_response", "event.timestamp": at, "session.id": "s"}
    return {"attributes": about | {"model": "gemini-2.5-pro", "duration_ms": 1000} | attributes}


def test_thoughts_are_output_and_results_of_tools_are_input(tmp_path: Path) -> None:
    answer = gemini(
        "2026-03-02T09:00:01.000Z",
        input_token_count=100,
        cached_content_token_count=20,
        tool_token_count=40,
        output_token_count=34,
        thoughts_token_count=448,
        total_token_count=622,
    )
    repeated = {
        "attributes": {
            "event.name": "gen_ai.client.inference.operation.details",
            "event.timestamp": "2026-03-02T09:00:01.000Z",
            "gen_ai.usage.input_tokens": 100,
            "gen_ai.usage.output_tokens": 34,
        }
    }
    log = tmp_path / "telemetry.log"
    log.write_text("".join(json.dumps(it, indent=2) + "\n" for it in (answer, repeated, answer)))
    assert sums(counted("gemini_cli", log), *CODEX) == (140, 20, 482, 448)


def test_an_answer_that_nobody_counted_has_no_tokens(tmp_path: Path) -> None:
    names = ("input_token_count", "output_token_count", "total_token_count")
    answer = gemini("2026-03-02T09:00:01.000Z")
    answer["attributes"] |= dict.fromkeys(names, 0)
    [event] = counted("gemini_cli", written(tmp_path / "telemetry.log", answer))
    assert not {"input_tokens", "output_tokens", "reasoning_tokens"} & event.keys()


def test_an_object_that_broke_off_is_refused_and_one_at_the_end_waits(tmp_path: Path) -> None:
    whole = json.dumps(gemini("2026-03-02T09:00:01.000Z", total_token_count=0), indent=2) + "\n"
    half = whole[: len(whole) // 2].rpartition("\n")[0] + "\n"
    log = tmp_path / "telemetry.log"
    log.write_text(half + whole + half)
    lines = list(lines_of(SOURCES["gemini_cli"], log, ACME.afresh()))
    kinds = [line.count(b'"task_execution"') for line in lines]
    # The broken one, who all of it belongs to, the answer; the one that is being written is left.
    assert kinds == [0, 0, 1]
    assert lines[0] == " ".join(half.split()).encode() + b"\n"


# --- Langfuse -------------------------------------------------------------------------------------


def observation(usage: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "id": "obs_01",
        "traceId": "trace_01",
        "type": "GENERATION",
        "startTime": "2026-03-02T09:00:00.000Z",
        "endTime": "2026-03-02T09:00:02.000Z",
        "model": "gpt-5.2",
        "usageDetails": usage,
    } | more


@pytest.mark.parametrize(
    ("usage", "wanted"),
    [
        # As Langfuse writes it: 17,903 of input are 86 and 17,817 from a cache.
        (
            {
                "input": 86,
                "input_cached_tokens": 17817,
                "output": 34,
                "output_reasoning_tokens": 448,
                "total": 18385,
            },
            (17903, 17817, 482, 448),
        ),
        ({"input": 86, "cache_read_input_tokens": 17817, "output": 482}, (17903, 17817, 482, 0)),
        # As some send it: the total shows that 17,903 holds what came from the cache already,
        (
            {"input": 17903, "input_cached_tokens": 17817, "output": 482, "total": 18385},
            (17903, 17817, 482, 0),
        ),
        (
            {
                "input": 17903,
                "input_cached_tokens": 17817,
                "output": 34,
                "output_reasoning_tokens": 448,
                "total": 18385,
            },
            (17903, 17817, 482, 448),
        ),
        # that 482 holds the reasoning already, or that both are so.
        (
            {
                "input": 86,
                "input_cached_tokens": 17817,
                "output": 482,
                "output_reasoning_tokens": 448,
                "total": 18385,
            },
            (17903, 17817, 482, 448),
        ),
        (
            {
                "input": 17903,
                "input_cached_tokens": 17817,
                "output": 482,
                "output_reasoning_tokens": 448,
                "total": 18385,
            },
            (17903, 17817, 482, 448),
        ),
    ],
    ids=[
        "both apart",
        "no total",
        "cache alone",
        "cache inside",
        "reasoning inside",
        "both inside",
    ],
)
def test_tokens_from_a_cache_and_of_reasoning_count_once(
    tmp_path: Path, usage: dict[str, int], wanted: tuple[int, ...]
) -> None:
    page = tmp_path / "page.json"
    page.write_text(json.dumps({"data": [observation(usage)], "meta": {"page": 1}}))
    assert sums(counted("langfuse", page), *CODEX) == wanted


def test_versions_of_an_observation_are_one_and_the_last_changed_counts(tmp_path: Path) -> None:
    begun = observation({}, endTime=None, updatedAt="2026-03-02T09:00:01.000Z")
    wrong = observation({"input": 999, "total": 999}, updatedAt="2026-03-02T09:00:02.000Z")
    last = observation({"input": 7, "output": 3, "total": 10}, updatedAt="2026-03-02T09:00:05.000Z")
    for order in itertools.permutations([begun, wrong, last]):
        export = written(tmp_path / "export.jsonl", *order)
        assert sums(counted("langfuse", export), "input_tokens", "output_tokens") == (7, 3)


@pytest.mark.parametrize(
    ("said", "provider", "model"),
    [
        (
            "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.amazon.nova-pro-v1:0",
            "bedrock",
            "eu.amazon.nova-pro-v1:0",
        ),
        ("amazon.nova-pro-v1:0", "bedrock", "amazon.nova-pro-v1:0"),
        ("models/gemini-2.5-pro", "google", "models/gemini-2.5-pro"),
        ("Gemini/gemini-2.5-pro", "google", "Gemini/gemini-2.5-pro"),
        (
            "publishers/anthropic/models/claude-sonnet-4@20250514",
            "vertex_ai",
            "publishers/anthropic/models/claude-sonnet-4@20250514",
        ),
        (
            "accounts/fireworks/models/deepseek-v3",
            "fireworks_ai",
            "accounts/fireworks/models/deepseek-v3",
        ),
        ("ft:gpt-4o-mini:acme::b2", "openai", "ft:gpt-4o-mini:acme::b2"),
        ("our-deployment", "unknown", "our-deployment"),
    ],
)
def test_a_name_alone_says_who_bills(tmp_path: Path, said: str, provider: str, model: str) -> None:
    export = written(tmp_path / "export.jsonl", observation({"input": 7}, model=said))
    [event] = counted("langfuse", export)
    assert (event["provider"], event["model"]) == (provider, model)


def test_what_is_around_a_call_does_not_count_beside_it(tmp_path: Path) -> None:
    usage = {"input": 7, "output": 3, "total": 10}
    around = [
        observation(usage, id=f"obs_{kind}", type=kind)
        for kind in ("SPAN", "EVENT", "AGENT", "TOOL", "CHAIN", "RETRIEVER")
    ]
    export = written(tmp_path / "export.jsonl", *around, observation(usage))
    assert sums(counted("langfuse", export), "input_tokens", "output_tokens") == (7, 3)


def test_a_table_may_hold_long_texts(tmp_path: Path) -> None:
    table = tmp_path / "export.csv"
    table.write_text(
        "id,traceId,type,startTime,input,usageDetails\n"
        f'obs_01,trace_01,GENERATION,2026-03-02T09:00:00Z,"{"long " * 100_000}",'
        '"{""input"": 7, ""output"": 3}"\n'
    )
    assert sums(counted("langfuse", table), "input_tokens", "output_tokens") == (7, 3)


def test_usage_that_is_no_number_is_refused_and_no_fault(tmp_path: Path) -> None:
    export = written(tmp_path / "export.jsonl", observation({"input": "many", "output": 3}))
    [line] = [
        line
        for line in lines_of(SOURCES["langfuse"], export, ACME.afresh())
        if b"task_execution" in line
    ]
    assert json.loads(line)["input_tokens"] == "many"
    assert json.loads(line)["output_tokens"] == 3


# --- OpenRouter -----------------------------------------------------------------------------------


def test_a_generation_is_one_in_the_export_and_from_the_api(tmp_path: Path) -> None:
    export = tmp_path / "activity.csv"
    export.write_text(
        "generation_id,created_at,cost_total,tokens_prompt,tokens_completion,tokens_reasoning,"
        "tokens_cached,model_permaslug\n"
        "gen-01,2026-03-02 09:00:00.500,0.0021,990,482,448,512,openai/gpt-5.2\n"
    )
    answer = {
        "id": "gen-01",
        "created_at": "2026-03-02T09:00:00.500+00:00",
        "model": "openai/gpt-5.2",
        # By a tokenizer that is the same for all models; billed is what the model counts.
        "tokens_prompt": 1000,
        "tokens_completion": 470,
        "native_tokens_prompt": 990,
        "native_tokens_completion": 482,
        "native_tokens_reasoning": 448,
        "native_tokens_cached": 512,
        "total_cost": 0.0021,
    }
    api = written(tmp_path / "generation.json", {"data": answer})
    for files in itertools.permutations([export, api]):
        [event] = counted("openrouter", *files)
        assert sums([event], *CODEX) == (990, 512, 482, 448)
        assert event["reported_cost_usd"] == Decimal("0.0021")


# --- OpenTelemetry --------------------------------------------------------------------------------


def spans(path: Path, **attributes: Any) -> Path:
    """Write a call of 1,000 tokens in and 100 out as a collector does, with more attributes."""
    given = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.response.model": "gpt-5.2",
        "gen_ai.usage.input_tokens": 1000,
        "gen_ai.usage.output_tokens": 100,
    } | attributes
    kinds = {str: "stringValue", int: "intValue", float: "doubleValue"}
    span = {
        "traceId": "5b8efff798038103d269b633813fc60c",
        "spanId": "eee19b7ec3c1b174",
        "name": "chat",
        "kind": 3,
        "startTimeUnixNano": "1772442000000000000",
        "endTimeUnixNano": "1772442001500000000",
        "attributes": [
            {"key": name, "value": {kinds[type(value)]: value}} for name, value in given.items()
        ],
    }
    return written(path, {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]})


@pytest.mark.parametrize(
    ("attributes", "cost", "tags"),
    [
        ({"gen_ai.usage.cost": 0.0021}, "0.0021", None),
        ({"gen_ai.usage.total_cost": 0.0021}, "0.0021", None),
        ({"gen_ai.usage.cost": "0.0021"}, "0.0021", None),
        (
            {
                "gen_ai.usage.cost.amount": 0.0021,
                "gen_ai.usage.cost.currency": "USD",
                "gen_ai.usage.cost.source": "provider",
            },
            "0.0021",
            ["cost_source:provider"],
        ),
        ({"gen_ai.usage.cost.amount": 0.0021, "gen_ai.usage.cost.currency": "usd"}, "0.0021", None),
        ({"gen_ai.usage.cost.amount": 0.0021, "gen_ai.usage.cost.currency": "EUR"}, None, None),
        ({"gen_ai.usage.cost": 0.0021, "gen_ai.usage.cost.currency": "EUR"}, None, None),
        # Parts stand beside the total and are in it.
        (
            {"litellm.cost.total": 0.0021, "litellm.cost.input": 0.002, "litellm.cost.output": 1},
            "0.0021",
            None,
        ),
        (
            {"gen_ai.cost.input_tokens": 1, "gen_ai.cost.total_tokens": 0.0021},
            "0.0021",
            None,
        ),
        # A part alone is no total.
        ({"litellm.cost.input": 0.002}, None, None),
        ({"gen_ai.usage.cost": 0}, "0", None),
        ({}, None, None),
    ],
)
def test_the_cost_that_a_span_reports_is_kept_where_it_is_in_dollars(
    tmp_path: Path, attributes: dict[str, Any], cost: str | None, tags: list[str] | None
) -> None:
    [event] = counted("otel", spans(tmp_path / "spans.json", **attributes))
    assert event.get("reported_cost_usd") == (cost and Decimal(cost))
    assert event.get("tags") == tags


@pytest.mark.parametrize(
    ("attributes", "wanted"),
    [
        ({"input_tokens": 17903, "cache_read.input_tokens": 17817}, (17903, 17817, 100, 0)),
        # More from the cache than there was input: the input is the rest.
        ({"input_tokens": 86, "cache_read.input_tokens": 17817}, (17903, 17817, 100, 0)),
        ({"input_tokens": 86, "cache_read_input_tokens": 17817}, (17903, 17817, 100, 0)),
        ({"output_tokens": 482, "reasoning.output_tokens": 448}, (1000, 0, 482, 448)),
        ({"output_tokens": 34, "reasoning.output_tokens": 448}, (1000, 0, 482, 448)),
    ],
)
def test_what_is_in_a_total_and_what_is_beside_it_count_once(
    tmp_path: Path, attributes: dict[str, int], wanted: tuple[int, ...]
) -> None:
    given = {f"gen_ai.usage.{name}": value for name, value in attributes.items()}
    assert sums(counted("otel", spans(tmp_path / "spans.json", **given)), *CODEX) == wanted


@pytest.mark.parametrize(
    ("operation", "calls"),
    [
        *(
            (name, 1)
            for name in ("chat", "text_completion", "generate_content", "embeddings", "responses")
        ),
        *((name, 0) for name in ("invoke_agent", "create_agent", "execute_tool", "fetch_response")),
    ],
)
def test_only_what_a_provider_bills_counts(tmp_path: Path, operation: str, calls: int) -> None:
    log = spans(tmp_path / "spans.json", **{"gen_ai.operation.name": operation})
    assert len(counted("otel", log)) == calls


def test_a_baseline_has_a_provider_only_where_its_name_says_it(tmp_path: Path) -> None:
    routed = {"litellm.routing.router_type": "complexity"}
    for name, provider, model in (
        ("gemini/gemini-2.5-pro", "google", "gemini-2.5-pro"),
        ("gpt-5.2", None, "gpt-5.2"),
    ):
        given = {"litellm.routing.savings_baseline_model": name}
        log = spans(tmp_path / "spans.json", **routed, **given)
        decision = next(
            event
            for event in map(json.loads, lines_of(SOURCES["otel"], log, ACME.afresh()))
            if event["event"] == "routing_decision"
        )
        assert (decision.get("baseline_provider"), decision["baseline_model"]) == (provider, model)
