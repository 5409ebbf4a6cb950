"""Every source that is read from files: its fixtures, against events worked out by hand.

A folder of `sources` holds files in the shape of a system's own, and `expected.json`: the event of
each execution, decision or adjustment that counts in the end, its `id` as the parts of its key, its
user by name, and in `of` the source whose it is where that is another one. What has several
possible values by the order in which copies came is left out.
One without a `task_id` has its own id there, because the parts of its key name a person.
"""

import gzip
import itertools
import json
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from support.servers import Database

from orchestration.cli import main
from orchestration.landing.contracts import Contract
from orchestration.sources.reading import files_in
from orchestration.sources.registry import SOURCES, source_of
from orchestration.sources.source import Owner, Source, identifier, lines_of

FIXTURES = Path(__file__).parent / "sources"
ACME = Owner.named("Acme", "Europe/Berlin", None)
PEOPLE = ("organization", "user")

every_source = pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)


def files_of(source: Source) -> list[Path]:
    return [
        path for path in files_in(FIXTURES / source.name, source.endings)
        if path.name != "expected.json"
    ]  # fmt: skip


def expected_of(source: Source) -> list[dict[str, Any]]:
    text = (FIXTURES / source.name / "expected.json").read_text()
    found: list[dict[str, Any]] = json.loads(text, parse_float=Decimal)
    return found


def lines(source: Source, path: Path) -> list[bytes]:
    return list(lines_of(source, path, ACME.afresh()))


def counted(landed: Iterable[bytes]) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the version of each thing that counts: by its stamp, then by what it says."""
    versions: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for line in landed:
        event = json.loads(line, parse_float=Decimal)
        if event["event"] not in PEOPLE:
            versions.setdefault((event["event"], event["id"]), []).append(event)
    return {
        key: max(
            events,
            key=lambda event: (
                event["updated_at"], event.get("output_tokens", -1), event["event_id"]
            ),
        )
        for key, events in versions.items()
    }  # fmt: skip


@every_source
def test_the_events_of_the_fixtures_are_those_worked_out_by_hand(source: Source) -> None:
    facts = counted(itertools.chain.from_iterable(lines(source, f) for f in files_of(source)))
    wanted = {}
    for event in expected_of(source):
        kind = event.pop("event", "task_execution")
        parts = event.pop("id")
        if "user" in event:
            event["user_id"] = str(ACME.user_id(event.pop("user")))
        of = event.pop("of", source.name)
        event_id = str(identifier(of, ACME.organization_id, kind, *parts))
        if kind == "task_execution":
            event.setdefault("task_id", event_id)
        wanted[kind, event_id] = event
    assert facts.keys() == wanted.keys()
    for key, event in wanted.items():
        assert {name: facts[key].get(name) for name in event} == event
        others = facts[key].keys() - event.keys()
        assert others <= {"event", "event_id", "id", "organization_id", "user_id", "session_id"}


@every_source
def test_every_event_meets_the_contract_and_says_nothing_else(source: Source) -> None:
    contract = Contract.at()
    for path in files_of(source):
        for line in lines(source, path):
            contract.decode(line.rstrip(b"\n"))


@every_source
def test_the_same_file_is_the_same_events(source: Source) -> None:
    for path in files_of(source):
        assert lines(source, path) == lines(source, path)


@every_source
def test_nothing_is_read_of_what_people_wrote(source: Source) -> None:
    for path in files_of(source):
        said = b"".join(lines(source, path))
        assert b"(left out)" not in said
        assert b"/home/someone" not in said
        assert b"@acme.example" not in said


@every_source
def test_what_cannot_be_known_has_its_reason(source: Source) -> None:
    fields = {field for table in source.tables.values() for field in table}
    assert source.unknown
    assert not fields & source.unknown.keys()
    assert all(len(reason.split()) > 3 for reason in source.unknown.values())


@every_source
def test_its_files_are_known_as_its(source: Source, tmp_path: Path) -> None:
    for path in files_of(source):
        assert source_of(path) is source, path
        packed = tmp_path / f"{path.name}.gz"
        packed.write_bytes(gzip.compress(path.read_bytes()))
        assert source_of(packed) is source
        assert lines(source, packed) == lines(source, path)


@every_source
def test_any_order_and_repetition_of_the_files_is_the_same(source: Source) -> None:
    files = files_of(source)
    once = {path: lines(source, path) for path in files}
    wanted = counted(itertools.chain.from_iterable(once.values()))

    @settings(max_examples=25, deadline=None)
    @given(st.lists(st.sampled_from(files), min_size=len(files)), st.randoms())
    def check(drawn: list[Path], random: Any) -> None:
        order = files + drawn
        random.shuffle(order)
        landed = [line for path in order for line in once[path]]
        random.shuffle(landed)
        assert counted(landed) == wanted

    check()


@pytest.mark.parametrize(
    "source",
    [source for source in SOURCES.values() if ".jsonl" in source.endings],
    ids=lambda source: source.name,
)
def test_a_line_that_is_being_written_waits_and_a_broken_one_is_refused(
    source: Source, tmp_path: Path
) -> None:
    path = next(path for path in files_of(source) if path.suffix == ".jsonl")
    written = path.read_bytes()
    growing = tmp_path / path.name
    growing.write_bytes(written + b'{"type":"assist')
    assert lines(source, growing) == lines(source, path)
    growing.write_bytes(written + b'{"type":"assist\n')
    assert lines(source, growing)[-1] == b'{"type":"assist\n'


@every_source
def test_the_command_converts_a_folder(source: Source, tmp_path: Path) -> None:
    out = tmp_path / "events.ndjson"
    arguments = [str(path) for path in files_of(source)]
    given = [*arguments, "--organization", "Acme", "--time-zone", "Europe/Berlin"]
    done = CliRunner().invoke(main, ["import", source.name, *given, "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert counted(out.read_bytes().splitlines()) == counted(
        itertools.chain.from_iterable(lines(source, path) for path in files_of(source))
    )


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["claude_code", "/nowhere", "--organization", "Acme"], "/nowhere does not exist"),
        (["claude_code", ".", "--organization", "Acme", "--time-zone", "Mars"], "none that IANA"),
        (["claude_code", "."], "Missing option '--organization'"),
        (["clod_code", "."], "No such command"),
    ],
)
def test_a_wrong_command_is_told_in_a_sentence(arguments: list[str], fault: str) -> None:
    done = CliRunner().invoke(main, ["import", *arguments])
    assert done.exit_code != 0
    assert fault in done.output
    assert "Traceback" not in done.output


def test_a_folder_without_such_files_is_told(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        main, ["import", "claude_code", str(tmp_path), "--organization", "Acme"]
    )
    assert done.exit_code == 1
    assert "their names end in .jsonl (also .gz)" in done.output


def test_a_name_is_one_organization_and_an_id_is_itself() -> None:
    assert Owner.named("Acme").organization_id == Owner.named("Acme").organization_id
    assert Owner.named("Acme").organization_id != Owner.named("Other").organization_id
    known = Owner.named(str(ACME.organization_id))
    assert (known.organization_id, known.organization) == (ACME.organization_id, None)


@every_source
def test_landing_a_file_of_it_names_the_command(source: Source, database_18: Database) -> None:
    for path in files_of(source):
        told = CliRunner().invoke(main, ["land", str(path)])
        assert told.exit_code == 1
        assert f"`warehouse import {source.name} {path} --organization NAME` lands it." in (
            told.output
        )
    with database_18.connect() as connection:
        assert connection.execute("select count(*) from raw.task_executions").fetchone() == (0,)


def test_importing_twice_is_skipped_and_a_wrong_record_is_rejected(
    database_18: Database, tmp_path: Path
) -> None:
    log = (FIXTURES / "claude_code" / "session.jsonl").read_text()
    (tmp_path / "one.jsonl").write_text(log)
    (tmp_path / "two.jsonl").write_text(
        log.replace('"output_tokens":550', '"output_tokens":-1').replace("req_01", "req_09")
    )
    (tmp_path / "none.jsonl").write_text(log.splitlines()[1] + "\n")
    command = ["import", "claude_code", str(tmp_path), "--organization", "Acme", "--user", "Jo"]
    told = CliRunner().invoke(main, command)
    assert told.exit_code == 0, told.output
    assert "none.jsonl: no usage in it" in told.output
    assert "4 lines read = 4 accepted + 0 rejected" in told.output
    assert "4 lines read = 3 accepted + 1 rejected" in told.output
    again = CliRunner().invoke(main, command)
    assert again.output.count("skipped, the same content was already landed") == 2
    with database_18.connect() as connection:
        rows = connection.execute(
            "select executions.source, users.name, organizations.name, count(distinct task_id) "
            "from raw.task_executions as executions inner join raw.users on user_id = users.id "
            "inner join raw.organizations on executions.organization_id = organizations.id "
            "group by 1, 2, 3"
        ).fetchall()
        reasons = connection.execute("select reason from raw.rejected_events").fetchall()
    assert rows == [("claude_code", "Jo", "Acme", 2)]
    assert reasons == [("output_tokens: expected int >= 0",)]
