"""The embedded server: start, stop, kill, ports, passwords, accounts."""

import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from orchestration.database.embedded import EmbeddedServer, embedded_bin_directory
from orchestration.database.embedded.folder import SYSTEM_STATE
from orchestration.errors import WarehouseError

MakeServer = Callable[..., EmbeddedServer]

as_root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to change the account")


def connect(server: EmbeddedServer, **options: object) -> psycopg.Connection:
    parameters: dict[str, object] = {
        "host": "127.0.0.1",
        "port": server.port,
        "user": "warehouse",
        "dbname": "warehouse",
        "passfile": str(server.passfile),
    }
    return psycopg.connect(**(parameters | options))  # type: ignore[arg-type]


def server_pid(server: EmbeddedServer) -> int:
    pid = server.status().pid
    assert pid is not None
    return pid


@pytest.fixture
def own_server(make_server: MakeServer) -> Iterator[EmbeddedServer]:
    """Yield a running server that the test may stop or kill."""
    server = make_server()
    server.start()
    yield server
    server.stop(delete_data=True)


@pytest.fixture
def closed_folder() -> Iterator[Path]:
    """Yield a folder that only its owner can enter, such as root's home."""
    folder = Path(tempfile.mkdtemp(prefix="warehouse closed "))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def test_life_of_a_server(make_server: MakeServer) -> None:
    server = make_server()
    assert not server.status().is_running
    assert server.stop() is False

    started = time.monotonic()
    assert server.start() is True
    assert time.monotonic() - started < 15
    first = server.status()
    assert first.is_running
    assert server.start() is False, "a second start does nothing"
    assert server.status() == first
    with connect(server) as connection:
        connection.execute("create table kept as select 42 as answer")

    assert server.stop() is True
    assert not server.status().is_running
    assert server.start() is True
    assert server.port == first.port, "the port is kept"
    with connect(server) as connection:
        assert connection.execute("select answer from kept").fetchone() == (42,)

    server.stop(delete_data=True)
    assert not server.home.exists()
    assert not server.data_directory.exists()


def test_settings_are_durable_and_in_utc(server: EmbeddedServer) -> None:
    with connect(server) as connection:

        def shown(name: str) -> str:
            return str(connection.execute("select current_setting(%s)", (name,)).fetchone()[0])  # type: ignore[index]

        assert shown("fsync") == "on"
        assert shown("full_page_writes") == "on"
        assert shown("synchronous_commit") == "on"
        assert shown("data_checksums") == "on"
        assert shown("TimeZone") == "UTC"
        assert shown("server_encoding") == "UTF8"
        assert shown("jit") == "off"
        assert shown("shared_buffers") == "256MB"
        assert shown("password_encryption") == "scram-sha-256"


def test_listens_on_the_loopback_address_only(server: EmbeddedServer) -> None:
    port_in_hex = f"{server.port:04X}"
    listening = [
        fields[1]
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        if Path(table).exists()
        for fields in (line.split() for line in Path(table).read_text().splitlines()[1:])
        if fields[3] == "0A" and fields[1].endswith(f":{port_in_hex}")
    ]
    assert listening == [f"0100007F:{port_in_hex}"]
    with connect(server) as connection:
        shown = connection.execute("show unix_socket_directories").fetchone()
    assert shown == ("",)


@pytest.mark.parametrize("password", [None, "", "wrong"])
def test_a_connection_without_the_password_is_refused(
    server: EmbeddedServer, tmp_path: Path, password: str | None
) -> None:
    with pytest.raises(psycopg.OperationalError, match="password"):
        connect(server, passfile=str(tmp_path / "none"), password=password)
    connect(server, passfile=str(tmp_path / "none"), password=server.password()).close()


def test_every_way_in_asks_for_a_password(server: EmbeddedServer) -> None:
    with connect(server) as connection:
        methods = connection.execute(
            "select distinct auth_method from pg_hba_file_rules"
        ).fetchall()
    assert methods == [("scram-sha-256",)]


def test_the_password_lies_in_one_file_of_mode_600(server: EmbeddedServer) -> None:
    assert stat.S_IMODE(server.passfile.stat().st_mode) == 0o600
    assert len(server.password()) >= 32
    secret = server.password().encode()
    holders = [
        path
        for path in (*server.home.rglob("*"), *server.data_directory.rglob("*"))
        if path.is_file() and path.stat().st_size < 2**26 and secret in path.read_bytes()
    ]
    assert holders == [server.passfile]


def test_a_server_killed_with_its_sessions_starts_again_with_its_data(
    own_server: EmbeddedServer,
) -> None:
    with connect(own_server, autocommit=True) as connection:
        connection.execute("create table kept as select 42 as answer")
    # A process too busy to notice that its server is gone keeps the shared memory.
    busy = connect(own_server, autocommit=True)
    runner = threading.Thread(target=_ignore_disconnect, args=(busy,))
    runner.start()
    time.sleep(0.3)
    os.kill(server_pid(own_server), signal.SIGKILL)
    _wait_until_down(own_server)

    started = time.monotonic()
    assert own_server.start() is True
    assert time.monotonic() - started < 20
    with connect(own_server) as connection:
        assert connection.execute("select answer from kept").fetchone() == (42,)
    runner.join(timeout=10)
    assert not runner.is_alive()


def test_a_killed_process_group_starts_again(own_server: EmbeddedServer) -> None:
    with connect(own_server, autocommit=True) as connection:
        connection.execute("create table kept as select 42 as answer")
    group = os.getpgid(server_pid(own_server))
    assert group != os.getpgid(0), "Ctrl-C on the command must not reach the server"
    assert os.getsid(server_pid(own_server)) != os.getsid(0)
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink() == own_server.data_directory:
                os.kill(int(process.name), signal.SIGKILL)
        except OSError:
            continue
    _wait_until_down(own_server)
    assert own_server.start() is True
    with connect(own_server) as connection:
        assert connection.execute("select answer from kept").fetchone() == (42,)


def test_a_process_with_the_number_of_the_killed_server_is_no_obstacle(
    own_server: EmbeddedServer,
) -> None:
    process_file = own_server.data_directory / "postmaster.pid"
    lines = process_file.read_text().splitlines()
    own_server.stop()
    owner = own_server.data_directory.stat().st_uid
    # Of the server's own account: PostgreSQL itself sees through any other.
    other = subprocess.Popen(["sleep", "60"], user=owner if os.geteuid() == 0 else None)
    try:
        lines[0] = str(other.pid)
        process_file.write_text("\n".join(lines) + "\n")
        assert not own_server.status().is_running
        assert own_server.start() is True
    finally:
        other.kill()
        other.wait()


def test_a_port_taken_by_another_program_is_replaced(own_server: EmbeddedServer) -> None:
    own_server.stop()
    taken = own_server.port
    with socket.create_server(("127.0.0.1", taken)):
        own_server.start()
        assert own_server.port != taken
        connect(own_server).close()
    kept = own_server.port
    own_server.stop()
    own_server.start()
    assert own_server.port == kept


def test_concurrent_starts_make_one_server(make_server: MakeServer) -> None:
    server = make_server()
    command = [sys.executable, "-c", _START_SCRIPT, str(server.bin_directory), str(server.home)]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    ended = [process.communicate(timeout=60) for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], ended
    assert sorted(output for output, _ in ended) == ["False\n", "False\n", "True\n"]
    connect(server).close()
    server.stop(delete_data=True)


def test_a_lost_password_file_is_replaced(own_server: EmbeddedServer) -> None:
    old = own_server.password()
    own_server.passfile.unlink()
    assert own_server.start() is True
    assert own_server.password() != old
    connect(own_server).close()
    with pytest.raises(psycopg.OperationalError, match="password"):
        connect(own_server, passfile="", password=old)


def test_a_half_made_data_folder_is_made_again(make_server: MakeServer) -> None:
    server = make_server()
    half_made = server.home / "data.initializing"
    (half_made / "data" / "base").mkdir(parents=True)
    server.start()
    connect(server).close()
    assert not half_made.exists()
    server.stop(delete_data=True)


def test_files_of_the_user_are_never_taken_for_data(make_server: MakeServer) -> None:
    server = make_server()
    mine = server.home / "data" / "mine.csv"
    mine.parent.mkdir(parents=True)
    mine.write_text("keep")
    with pytest.raises(WarehouseError, match="holds something else than a database"):
        server.start()
    server.stop(delete_data=True)
    assert mine.read_text() == "keep"


def test_a_failed_start_shows_the_log_and_what_to_do(own_server: EmbeddedServer) -> None:
    own_server.stop()
    with (own_server.data_directory / "postgresql.conf").open("a") as settings:
        settings.write("work_mem = 'plenty'\n")
    with pytest.raises(WarehouseError, match=r'work_mem.*"plenty"(.|\n)*warehouse db start'):
        own_server.start()
    assert not own_server.status().is_running


def test_data_of_another_version_is_refused(own_server: EmbeddedServer) -> None:
    own_server.stop()
    (own_server.data_directory / "PG_VERSION").write_text("14\n")
    with pytest.raises(WarehouseError, match="created by PostgreSQL 14"):
        own_server.start()
    (own_server.data_directory / "PG_VERSION").write_text("18\n")


def test_foreign_files_in_the_home_folder_survive_deletion(make_server: MakeServer) -> None:
    server = make_server()
    server.home.mkdir()
    (server.home / "mine.txt").write_text("keep")
    server.start()
    server.stop(delete_data=True)
    assert [path.name for path in server.home.iterdir()] == ["mine.txt"]


@as_root_only
def test_for_root_another_account_runs_the_server(own_server: EmbeddedServer) -> None:
    owner = Path(f"/proc/{server_pid(own_server)}").stat().st_uid
    assert owner != 0
    assert own_server.data_directory.stat().st_uid == owner
    assert own_server.passfile.stat().st_uid == 0
    assert own_server.data_directory == own_server.home / "data"


@as_root_only
def test_for_root_below_a_closed_folder_data_goes_to_the_system(
    make_server: MakeServer, closed_folder: Path
) -> None:
    programs = _copy_of_programs(closed_folder)
    server = make_server(programs, closed_folder / "check out" / ".warehouse")
    try:
        server.start()
        with connect(server, autocommit=True) as connection:
            connection.execute("create table kept as select 42 as answer")
        outside = server.data_directory.parent
        assert outside.parent == SYSTEM_STATE
        assert (server.home / "data").is_symlink()
        assert stat.S_IMODE(closed_folder.stat().st_mode) == 0o700, "not ours to open"
        assert server.start() is False

        # Without its home folder the server is found all the same, with its data.
        shutil.rmtree(server.home)
        assert server.status().is_running
        assert server.start() is True
        with connect(server) as connection:
            assert connection.execute("select answer from kept").fetchone() == (42,)
    finally:
        server.stop(delete_data=True)
    assert not outside.exists()
    assert not server.home.exists()


@as_root_only
def test_an_ordinary_user_runs_the_server_as_himself() -> None:
    nobody = pwd.getpwnam("nobody")
    folder = Path(tempfile.mkdtemp(prefix="warehouse user "))
    programs = _copy_of_programs(folder)
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    try:
        # The interpreter may lie in a folder that is closed to nobody, so become nobody late.
        finished = subprocess.run(
            [
                sys.executable,
                "-c",
                _ORDINARY_USER_SCRIPT,
                str(nobody.pw_uid),
                str(programs),
                str(folder / "home"),
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert finished.returncode == 0, finished.stderr
        assert finished.stdout == f"{nobody.pw_uid} {nobody.pw_uid} 600 warehouse\n"
        assert not (folder / "home").exists()
    finally:
        shutil.rmtree(folder)


@as_root_only
def test_a_user_without_an_account_entry_is_told_so() -> None:
    folder = Path(tempfile.mkdtemp(prefix="warehouse user "))
    folder.chmod(0o777)
    try:
        finished = subprocess.run(
            [
                sys.executable,
                "-c",
                _ORDINARY_USER_SCRIPT,
                "54321",
                str(embedded_bin_directory()),
                str(folder / "home"),
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert finished.returncode != 0
        assert "User id 54321 has no entry in /etc/passwd" in finished.stderr
    finally:
        shutil.rmtree(folder)


_START_SCRIPT = """
import sys
from pathlib import Path
from orchestration.database.embedded import EmbeddedServer
print(EmbeddedServer(Path(sys.argv[1]), Path(sys.argv[2])).start())
"""

_ORDINARY_USER_SCRIPT = """
import os, stat, sys
from pathlib import Path
import psycopg
from orchestration.database import embedded
from importlib import resources
resources.files("orchestration.database.embedded").joinpath("warehouse.conf")
uid = int(sys.argv[1])
os.setgroups([])
os.setgid(uid)
os.setuid(uid)
server = embedded.EmbeddedServer(Path(sys.argv[2]), Path(sys.argv[3]))
server.start()
with psycopg.connect(
    host="127.0.0.1", port=server.port, user="warehouse", dbname="warehouse",
    password=server.password(),
) as connection:
    name = connection.execute("select current_database()").fetchone()[0]
print(
    Path(f"/proc/{server.status().pid}").stat().st_uid,
    server.data_directory.stat().st_uid,
    oct(stat.S_IMODE(server.passfile.stat().st_mode))[2:],
    name,
)
server.stop(delete_data=True)
"""


def _ignore_disconnect(connection: psycopg.Connection) -> None:
    with pytest.raises(psycopg.OperationalError):
        connection.execute("do $$ begin loop end loop; end $$")


def _wait_until_down(server: EmbeddedServer) -> None:
    deadline = time.monotonic() + 10
    while server.status().is_running:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _copy_of_programs(folder: Path) -> Path:
    """Copy the wheel's programs, as they would lie in a checkout in that folder."""
    package = embedded_bin_directory().parents[1]
    site_packages = folder / "site packages"
    shutil.copytree(
        package / "pginstall18",
        site_packages / package.name / "pginstall18",
        ignore=shutil.ignore_patterns("include", "*.a", "pgxs"),
    )
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, site_packages / libraries.name)
    return site_packages / package.name / "pginstall18" / "bin"
