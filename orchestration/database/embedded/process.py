"""The server's process: whether it runs and where, how it is launched and stopped."""

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

from orchestration.database.embedded.account import Account, server_environment
from orchestration.database.embedded.address import HOST, free_port
from orchestration.database.embedded.folder import ServerFolder
from orchestration.errors import WarehouseError

_START_SECONDS = 300
_STOP_SECONDS = 60
# A killed server's processes need a moment to notice and to let go of the shared memory.
_ORPHAN_SECONDS = 15
_START_ATTEMPTS_WITH_NEW_PORT = 5
# Docker gives a container 64 MB here, too little for one parallel hash join.
_SHARED_MEMORY_BYTES_NEEDED = 1024 * 1024 * 1024


class ServerProcess:
    """The process that serves the data of one folder, if there is one."""

    def __init__(self, folder: ServerFolder) -> None:
        """Describe the process; nothing is started.

        Args:
            folder: The server's folder.
        """
        self._folder = folder

    def running(self) -> tuple[int, int] | None:
        """Look for the server.

        Returns:
            Process id and port of the running server, None when it does not run.
        """
        lines = self._process_file_lines()
        if len(lines) < 4 or not lines[0].isdigit() or not lines[3].isdigit():
            return None
        pid = int(lines[0])
        is_ours = _is_server_process(pid, self._folder.data_directory)
        return (pid, int(lines[3])) if is_ours else None

    def is_ready(self) -> bool:
        """Return whether the server takes connections.

        Returns:
            Whether it runs and has recovered.
        """
        # The server writes its state to the eighth line of its process file.
        lines = self._process_file_lines()
        return len(lines) >= 8 and lines[7].strip() == "ready" and self.running() is not None

    def wait_until_ready(self) -> None:
        """Wait for a server that another process has started.

        Raises:
            WarehouseError: It ended, or does not become ready.
        """
        deadline = time.monotonic() + _START_SECONDS
        while not self.is_ready():
            if time.monotonic() > deadline or self.running() is None:
                raise WarehouseError(
                    "The embedded server does not become ready. The end of "
                    f"{self._folder.log_file}:\n{self._folder.log_tail()}"
                )
            time.sleep(0.05)

    def launch(self, programs: Path, account: Account, port: int, password: str) -> None:
        """Start the server; answer a taken port with a new one, and orphans with patience.

        Args:
            programs: PostgreSQL's programs.
            account: The account that runs the server.
            port: The port to try first; another one is written to the password file.
            password: The role's password, for that file.

        Raises:
            WarehouseError: It does not start; the message holds the last log lines.
        """
        orphans_until = time.monotonic() + _ORPHAN_SECONDS
        ports_left = _START_ATTEMPTS_WITH_NEW_PORT
        self._folder.limit_log()
        while True:
            log_offset = self._folder.log_size()
            if self._pg_ctl_start(programs, account, port):
                return
            said = self._folder.log_tail(log_offset)
            if "pre-existing shared memory block" in said and time.monotonic() < orphans_until:
                self.end_orphans()
                time.sleep(0.2)
            elif "could not bind" in said and ports_left:
                ports_left -= 1
                port = free_port()
                self._folder.write_passfile(port, password)
            else:
                raise WarehouseError(
                    "The embedded PostgreSQL server did not start. The end of "
                    f"{self._folder.log_file}:\n"
                    f"{said}\nPut right what it names (often disk space or memory) and run "
                    "`warehouse db start`; or set PGHOST to use a server of your own."
                )

    def stop(self) -> bool:
        """Stop the server if it runs, at once when it takes too long.

        Returns:
            True when this call stopped it, False when it did not run.

        Raises:
            WarehouseError: It does not stop.
            OSError: It belongs to another account.
        """
        running = self.running()
        if running is None:
            return False
        pid = running[0]
        for stop_signal in (signal.SIGINT, signal.SIGQUIT):  # PostgreSQL's "fast", "immediate"
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, stop_signal)
            deadline = time.monotonic() + _STOP_SECONDS
            while time.monotonic() < deadline:
                if self.running() is None:
                    return True
                time.sleep(0.05)
        raise WarehouseError(
            f"The embedded server (process {pid}) does not stop. The end of "
            f"{self._folder.log_file}:\n{self._folder.log_tail()}"
        )

    def clear_stale_file(self) -> None:
        """Remove what a killed server left when another process has its number by now.

        PostgreSQL takes any living process of that number for itself and refuses to start. Two
        servers on one data folder stay impossible: PostgreSQL also checks the shared memory.
        """
        if self.running() is None:
            self._process_file.unlink(missing_ok=True)

    def end_orphans(self) -> None:
        """End processes of a killed server that are too busy to notice that it is gone."""
        data_directory = self._folder.data_directory
        for process in Path("/proc").glob("[0-9]*"):
            try:
                is_orphan = (process / "cwd").readlink() == data_directory and (
                    process / "comm"
                ).read_text(encoding="utf-8").strip() == "postgres"
                if is_orphan:
                    os.kill(int(process.name), signal.SIGQUIT)
            except OSError:  # it ended just now, or belongs to somebody else
                continue

    @property
    def _process_file(self) -> Path:
        return self._folder.data_directory / "postmaster.pid"

    def _process_file_lines(self) -> list[str]:
        try:
            text = self._process_file.read_text(encoding="utf-8")
        except OSError:
            return []
        return text.splitlines()

    def _pg_ctl_start(self, programs: Path, account: Account, port: int) -> bool:
        options = [
            f"-p {port}",
            f"-c listen_addresses={HOST}",
            "-c unix_socket_directories=",
        ]
        if _has_little_shared_memory():
            options.append("-c dynamic_shared_memory_type=sysv")
        with self._folder.open_log() as log:
            # The log is opened here and inherited, as the server's account may not reach it. The
            # session of its own keeps Ctrl-C from ending the server together with the command.
            finished = subprocess.run(  # noqa: S603
                [
                    str(programs / "pg_ctl"),
                    "start",
                    "--wait",
                    f"--timeout={_START_SECONDS}",
                    f"--pgdata={self._folder.data_directory}",
                    f"--options={' '.join(options)}",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=server_environment(),
                start_new_session=True,
                check=False,
                **account.process_options,
            )
        return finished.returncode == 0


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


def _has_little_shared_memory() -> bool:
    try:
        found = os.statvfs("/dev/shm")  # noqa: S108 - measured, not written to
    except OSError:
        return False
    return found.f_blocks * found.f_frsize < _SHARED_MEMORY_BYTES_NEEDED
