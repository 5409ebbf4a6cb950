"""Landing when something breaks in the middle: nothing half lands, and a repeat lands it all."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg import sql
from support.events import SECRET, execution, line_of
from support.landing import counts, rows, write
from support.processes import InTheMiddle
from support.servers import Database

from orchestration.landing.loader import land

WAREHOUSE = "from orchestration.cli import main; main()"
EVENT_COUNT = 12_000


@pytest.fixture
def big_file(tmp_path: Path) -> Path:
    """Return a file of several blocks, so that there is a middle."""
    return write(tmp_path / "big.ndjson", [execution(n) for n in range(EVENT_COUNT)])


def start(*arguments: str, **options: object) -> "subprocess.Popen[bytes]":
    """Start the warehouse command in a process of its own."""
    return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
        [sys.executable, "-c", WAREHOUSE, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **options,
    )


def wait_for(database: Database, condition: str) -> None:
    """Wait until a session of the loader is in a certain state."""
    deadline = time.monotonic() + 30
    statement = (
        "select 1 from pg_stat_activity where application_name = 'warehouse land' "  # noqa: S608
        f"and datname = current_database() and {condition}"
    )
    while not rows(database, statement):
        assert time.monotonic() < deadline, "the loader did not get there"
        time.sleep(0.02)


def start_landing(database: Database, path: Path) -> "subprocess.Popen[bytes]":
    """Start landing a file from a pipe, of which only a part comes."""
    loader = start("land", "-", stdin=subprocess.PIPE)
    assert loader.stdin is not None
    loader.stdin.write(path.read_bytes()[: 9 * 1024 * 1024])
    loader.stdin.flush()
    wait_for(database, "query like 'copy %' and state = 'active'")
    return loader


def nothing_landed(database: Database) -> bool:
    found = counts(database)
    return found["task_executions"] == found["loads"] == found["rejected_events"] == 0


def lands_everything(database: Database, path: Path) -> bool:
    report = land([path])
    found = counts(database)
    return not report.failures and (found["task_executions"], found["loads"]) == (EVENT_COUNT, 1)


def test_a_lost_connection_leaves_nothing_and_the_next_file_lands(
    database: Database, big_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def cut() -> None:
        rows(
            database,
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where application_name = 'warehouse land' and datname = current_database()",
        )

    small = write(big_file.with_name("small.ndjson"), [execution(99)])
    report = land([big_file, small], observer=InTheMiddle(cut))
    ((name, reason),) = report.failures
    assert name == str(big_file)
    assert "Nothing of this file was landed" in reason
    assert "\n" not in reason
    assert report.outage is not None
    assert report.outage.message == reason
    assert not caplog.records
    assert [file.name for file in report.files] == [str(small)]
    assert counts(database)["task_executions"] == 1
    assert land([big_file]).files[0].lines_accepted == EVENT_COUNT


def test_a_killed_loader_leaves_nothing_and_a_repeat_lands_it_once(
    database_18: Database, big_file: Path
) -> None:
    with start_landing(database_18, big_file) as loader:
        loader.send_signal(signal.SIGKILL)
        loader.wait()
    assert nothing_landed(database_18)
    assert lands_everything(database_18, big_file)
    assert land([big_file]).files[0].is_skipped


def test_an_interrupted_loader_says_so_and_leaves_nothing(
    database_18: Database, big_file: Path
) -> None:
    with start_landing(database_18, big_file) as loader:
        loader.send_signal(signal.SIGINT)
        try:
            code = loader.wait(20)
        except subprocess.TimeoutExpired:
            # It came in the moment before the loader waited for more input; one presses again.
            loader.send_signal(signal.SIGINT)
            code = loader.wait(20)
        assert code == 130
        assert loader.stderr is not None
        said = loader.stderr.read().decode()
    assert said == "\nInterrupted. Nothing of the file in progress was landed; run it again.\n"
    assert nothing_landed(database_18)


def test_two_processes_land_the_same_file_once(database_18: Database, big_file: Path) -> None:
    others: list[subprocess.Popen[bytes]] = []

    def start_another() -> None:
        others.append(start("land", str(big_file)))
        # It has inserted its own row of the ledger and waits for ours.
        wait_for(database_18, "wait_event_type = 'Lock'")

    report = land([big_file], observer=InTheMiddle(start_another))
    output, errors = others[0].communicate(timeout=30)
    assert (others[0].returncode, errors) == (0, b"")
    assert b"skipped, the same content was already landed" in output
    assert report.files[0].lines_accepted == EVENT_COUNT
    assert counts(database_18)["task_executions"] == EVENT_COUNT


def test_a_waiting_process_lands_the_file_when_the_other_fails(
    database_18: Database, big_file: Path
) -> None:
    others: list[subprocess.Popen[bytes]] = []

    def start_another_and_die() -> None:
        others.append(start("land", str(big_file)))
        wait_for(database_18, "wait_event_type = 'Lock'")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        land([big_file], observer=InTheMiddle(start_another_and_die))
    output, _ = others[0].communicate(timeout=30)
    assert b"12,000 accepted + 0 rejected" in output
    assert counts(database_18)["task_executions"] == EVENT_COUNT


def test_a_file_that_changes_while_it_is_read_is_refused(
    database_18: Database, big_file: Path
) -> None:
    def append() -> None:
        with big_file.open("ab") as file:
            file.write(line_of(execution(5)) + b"\n")

    report = land([big_file], observer=InTheMiddle(append))
    assert report.failures == [(str(big_file), f"{big_file} changed while it was being read")]
    assert nothing_landed(database_18)


def test_a_server_out_of_disk_space_is_one_message_and_a_repeat_lands_it(
    database_18: Database, big_file: Path
) -> None:
    with small_tablespace(database_18) as (folder, tablespace):
        with database_18.connect(autocommit=True) as connection:
            connection.execute(
                sql.SQL("alter database {} set default_tablespace = {}").format(
                    sql.Identifier(database_18.settings.dbname), sql.Identifier(tablespace)
                )
            )
        report = land([big_file])
        ((_, reason),) = report.failures
        assert "No space left on device" in reason
        assert "SQLSTATE 53100" in reason
        assert "Nothing of this file was landed" in reason
        assert nothing_landed(database_18)
        subprocess.run(["mount", "-o", "remount,size=200m", folder], check=True)
        assert lands_everything(database_18, big_file)


@contextlib.contextmanager
def small_tablespace(database: Database) -> Iterator[tuple[Path, str]]:
    """Yield the folder and the name of a tablespace with room for a few thousand events."""
    folder = Path(tempfile.mkdtemp(prefix="warehouse-full-"))
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "none", folder], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        folder.rmdir()
        pytest.skip("a file system of limited size cannot be mounted here")
    tablespace = f"full_{os.getpid()}"
    try:
        ((data_directory,),) = rows(database, "show data_directory")
        owner = Path(data_directory).stat()
        os.chown(folder, owner.st_uid, owner.st_gid)
        with database.connect(autocommit=True) as connection:
            connection.execute(
                sql.SQL("create tablespace {} location {}").format(
                    sql.Identifier(tablespace), sql.Literal(str(folder))
                )
            )
        try:
            yield folder, tablespace
        finally:
            with database.connect(autocommit=True) as connection:
                connection.execute("drop table raw.task_executions cascade")
                connection.execute(sql.SQL("drop tablespace {}").format(sql.Identifier(tablespace)))
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
        folder.rmdir()


def test_database_errors_never_repeat_content(database_18: Database, tmp_path: Path) -> None:
    # A rule that only the server knows, to make it quote a row in the details of its error.
    with database_18.connect(autocommit=True) as connection:
        connection.execute(
            "alter table raw.task_executions add constraint odd check (task_type <> 'forbidden')"
        )
    path = write(tmp_path / "a.ndjson", [execution(task_id=SECRET, task_type="forbidden")])
    report = land([path])
    ((_, reason),) = report.failures
    assert "SQLSTATE 23514" in reason
    assert "hunter2" not in reason
    assert nothing_landed(database_18)


def test_a_line_of_100_mb_is_rejected_in_little_memory(
    database_18: Database, tmp_path: Path
) -> None:
    if not Path("/proc/self/status").exists():
        pytest.skip("the peak memory of a process is read from /proc")
    path = tmp_path / "long.ndjson"
    with path.open("wb") as file:
        file.write(line_of(execution(1)) + b"\n")
        for _ in range(100):
            file.write(b"x" * 1024 * 1024)
        file.write(b"\n" + line_of(execution(2)) + b"\n")
    # Not getrusage(): that would count what pytest itself held when it started the process.
    code = (
        "import re, sys; from pathlib import Path; from orchestration.landing.loader import land; "
        "print(land(sys.argv[1:]).files[0]); "
        "print(re.search('VmHWM:[^0-9]*([0-9]+)', Path('/proc/self/status').read_text())[1])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, path], capture_output=True, text=True, check=True
    )
    assert "lines_read=3, lines_accepted=2, lines_rejected=1" in done.stdout
    kilobytes = int(done.stdout.split()[-1])
    assert kilobytes < 150_000
    assert rows(database_18, "select line_number, reason from raw.rejected_events") == [
        (2, "line longer than 1 MiB")
    ]


def test_no_bar_is_drawn_when_nobody_watches(database_18: Database, big_file: Path) -> None:
    assert counts(database_18)["loads"] == 0
    with start("land", str(big_file)) as loader:
        output, errors = loader.communicate(timeout=30)
    assert errors == b""
    assert re.search(rb"12,000 lines read = 12,000 accepted \+ 0 rejected\nTotal", output)
