"""What the database, the disk or the terminal refuses is a message in every command."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner
from psycopg import sql
from support.servers import TEMPLATE_DATABASE, settings_of

from orchestration.cli import main
from orchestration.database.embedded import EmbeddedServer
from orchestration.database.refusals import refused, said
from orchestration.errors import explain_error
from orchestration.sources import aider

READER = "reader_of_marts"
LATIN = "warehouse_latin1"
BYTES = "warehouse_sql_ascii"
ID = "5b0c4e9a-0d0e-4d7e-9d53-0a3c1f6c00e1"
CALL = (
    ",".join(aider._COLUMNS)
    + f"\naider-1,{ID},s,diff,gpt-4o,2024-08-13T14:40:40Z,2024-08-13T14:40:43Z,1,1,,success,,1\n"
)

COMMANDS = (
    ("land", "events.ndjson"),
    ("land", "-"),
    ("rejects", "--summary"),
    ("summary",),
    ("explain", ID),
    ("check",),
    ("metrics", "--out", "warehouse.prom"),
    ("retention", "--archive", "archive"),
    ("import", "aider", "calls.csv"),
    ("db", "migrate"),
    ("env", "--dagster"),
    ("ui",),
)
WITHOUT_RIGHTS = {"PGUSER": READER, "PGPASSWORD": "reader"}
READ_ONLY = {"PGOPTIONS": "-c default_transaction_read_only=on"}
IMPATIENT = {"PGOPTIONS": "-c statement_timeout=50"}


@pytest.fixture(scope="module")
def at_work(
    embedded_server: EmbeddedServer,
    migrated_template: Callable[[EmbeddedServer], str],
) -> Iterator[dict[str, str]]:
    """Yield the variables of a database in which a role may do nothing, and two not of UTF-8."""
    migrated_template(embedded_server)
    names = ("warehouse_refusals", LATIN, BYTES)
    admin = settings_of(embedded_server, "postgres")
    made = (
        f"create database {names[0]} template {TEMPLATE_DATABASE}",
        f"create database {LATIN} encoding 'LATIN1' locale 'C' template template0",
        f"create database {BYTES} encoding 'SQL_ASCII' locale 'C' template template0",
        f"create role {READER} login password 'reader'",
    )
    removed = [f"drop database if exists {name} with (force)" for name in names]
    with psycopg.connect(admin.url(), autocommit=True) as connection:
        for statement in made:
            connection.execute(sql.SQL(statement))
        yield settings_of(embedded_server, names[0]).environment()
        for statement in (*removed, f"drop role {READER}"):
            connection.execute(sql.SQL(statement))


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the commands their files, in the current folder."""
    (tmp_path / "events.ndjson").write_text("{}\n", encoding="utf-8")
    (tmp_path / "calls.csv").write_text(CALL, encoding="utf-8")
    monkeypatch.chdir(tmp_path)


def refusal_of(*command: str) -> str:
    """Run a command that must fail, and return its message."""
    outcome = CliRunner().invoke(main, command, input="{}\n")
    assert isinstance(outcome.exception, SystemExit), outcome.exception
    assert outcome.exit_code == 1
    (message,) = (line for line in outcome.stderr.splitlines() if line.startswith("Error: "))
    assert "psycopg" not in message
    return message


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_says_what_the_database_refused(
    at_work: dict[str, str], command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    for variables, said_by_server in (
        (WITHOUT_RIGHTS, "permission denied for "),
        ({"PGDATABASE": LATIN}, "has the encoding LATIN1"),
        ({"PGDATABASE": BYTES}, "has the encoding SQL_ASCII"),
    ):
        with monkeypatch.context() as patched:
            for name, value in (at_work | variables).items():
                patched.setenv(name, value)
            assert said_by_server in refusal_of(*command)


@pytest.mark.parametrize("command", COMMANDS[:-2], ids=" ".join)
def test_every_command_says_that_a_statement_took_too_long(
    at_work: dict[str, str], command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (at_work | IMPATIENT).items():
        monkeypatch.setenv(name, value)
    with psycopg.connect(options="") as other:
        other.execute("lock table raw.alembic_version in access exclusive mode")
        assert "canceling statement due to statement timeout" in refusal_of(*command)


def test_a_session_that_only_reads_serves_what_only_reads(
    at_work: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (at_work | READ_ONLY).items():
        monkeypatch.setenv(name, value)
    assert CliRunner().invoke(main, ["rejects"]).exit_code == 0
    for command in (COMMANDS[0], COMMANDS[1], ("import", "aider", "calls.csv"), *COMMANDS[-2:]):
        assert "in a read-only transaction" in refusal_of(*command)
    monkeypatch.setenv("PGDATABASE", "postgres")
    assert "cannot execute CREATE SCHEMA" in refusal_of("db", "migrate")


def test_messages_quote_no_data_and_mistakes_of_the_program_stay_tracebacks(
    at_work: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in at_work.items():
        monkeypatch.setenv(name, value)
    with psycopg.connect(autocommit=True) as connection:
        with pytest.raises(psycopg.DataError) as raised:
            connection.execute("select cast('confidential' as integer)")
        assert said(raised.value) == "invalid_text_representation, SQLSTATE 22P02"
        for statement, parameters in (("selec 1", None), ("select %s, %s", (1,))):
            with pytest.raises(psycopg.ProgrammingError) as wrong:
                connection.execute(statement, parameters)
            assert refused(wrong.value) is None
    assert explain_error(TypeError("wrong")) is None


# The first 1 KiB of a file can be written, and nothing of it when the limit is 0.
@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("$warehouse --help > /dev/full", "Standard output, or a file, cannot be written: No s"),
        ("$warehouse rejects > /dev/full", "Standard output, or a file, cannot be written: No s"),
        ("$warehouse rejects >&-", "Standard output is closed."),
        ("$warehouse land - <&-", "standard input is empty"),
        ("ulimit -f 1; $warehouse import aider many.csv", "A temporary file in "),
        (
            "ulimit -f 0; $warehouse import aider calls.csv",
            "No folder for temporary files can",
        ),
        ("$warehouse import aider pipe", "pipe is empty"),
        ("$warehouse import aider /dev/zero", "/dev/zero is neither a file nor a pipe"),
        ("$warehouse import aider .", ". cannot be read: Is a directory"),
    ],
)
def test_every_command_says_what_the_system_refused(
    at_work: dict[str, str], line: str, message: str, tmp_path: Path
) -> None:
    head, call = CALL.splitlines()
    (tmp_path / "many.csv").write_text("\n".join([head, *[call] * 100, ""]), encoding="utf-8")
    os.mkfifo(tmp_path / "pipe")
    program = f"{sys.executable} -m orchestration.cli"
    done = subprocess.run(
        ["bash", "-c", line.replace("$warehouse", program)],
        env=os.environ | at_work,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1, done.stderr
    assert message in done.stderr
    assert [text[:7] for text in done.stderr.splitlines()] == ["Error: "]


def test_output_goes_through_links_and_into_pipes_and_devices(tmp_path: Path) -> None:
    converted = ["import", "aider", "calls.csv", "--out"]
    (tmp_path / "file").write_text("before", encoding="utf-8")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "dangling").symlink_to("new")
    os.mkfifo(tmp_path / "pipe")
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    for name in ("plain", "link", "dangling", "pipe"):
        outcome = CliRunner().invoke(main, [*converted, name])
        assert outcome.output == f"{name}: 3 events\n"
    reader.join(timeout=30)
    plain = (tmp_path / "plain").read_bytes()
    assert plain.count(b"\n") == 3
    assert (
        read == [(tmp_path / "file").read_bytes()] == [(tmp_path / "new").read_bytes()] == [plain]
    )
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "pipe").is_fifo()

    assert refusal_of(*converted, "/dev/full").endswith(
        "cannot be written: No space left on device"
    )
    assert Path("/dev/full").is_char_device()
    assert not list(tmp_path.glob(".*"))


def test_output_is_appended_where_the_shell_appends(tmp_path: Path) -> None:
    program = f"{sys.executable} -m orchestration.cli"
    line = f"echo before > out; {program} import aider calls.csv --out /dev/stdout >> out"
    subprocess.run(["bash", "-c", line], check=True)
    written = (tmp_path / "out").read_text(encoding="utf-8").splitlines()
    assert (written[0], len(written), written[-1]) == ("before", 5, "/dev/stdout: 3 events")
