"""One embedded server: what can be asked of it, and the order of the steps that start it."""

import contextlib
import secrets
from dataclasses import dataclass
from pathlib import Path

from orchestration.database.embedded import cluster
from orchestration.database.embedded.account import account_for
from orchestration.database.embedded.address import free_port
from orchestration.database.embedded.folder import ServerFolder
from orchestration.database.embedded.process import ServerProcess
from orchestration.database.embedded.programs import embedded_bin_directory, reachable_programs
from orchestration.errors import WarehouseError
from orchestration.project import state_directory


@dataclass(frozen=True)
class ServerStatus:
    """What is known of the server without asking it."""

    is_running: bool
    pid: int | None
    port: int | None
    data_directory: Path


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
        self._folder = ServerFolder(self.home)
        self._process = ServerProcess(self._folder)

    @property
    def passfile(self) -> Path:
        """The password file in libpq's format, mode 600; it also keeps the port."""
        return self._folder.passfile

    @property
    def log_file(self) -> Path:
        """The server's log."""
        return self._folder.log_file

    @property
    def data_directory(self) -> Path:
        """The data folder, with the link to a folder outside `home` resolved."""
        return self._folder.data_directory

    @property
    def port(self) -> int:
        """The port of the running server, else the one that the next start tries first.

        Raises:
            WarehouseError: The server was never started.
        """
        running = self._process.running()
        if running:
            return running[1]
        kept = self._folder.read_passfile()
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
        kept = self._folder.read_passfile()
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
        running = self._process.running()
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
        if self._process.is_ready() and self._folder.read_passfile() is not None:
            return False
        with self._folder.readable_errors():
            self._folder.create()
            with self._folder.locked():
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
        if not self._folder.exists():
            return False
        with self._folder.readable_errors(), self._folder.locked():
            was_running = self._process.stop()
            if delete_data:
                self._process.end_orphans()
                self._folder.delete()
        if delete_data:
            # Anything else in the folder is not ours.
            with contextlib.suppress(OSError):
                self.home.rmdir()
        return was_running

    def _start_locked(self, wanted_port: int | None) -> bool:
        kept = self._folder.read_passfile()
        if kept and self._process.running():
            # Another process started it a moment ago, or it is still recovering.
            self._process.wait_until_ready()
            return False
        self._refuse_shell_characters()
        account = account_for(self.data_directory)
        self._folder.place_data(account)
        programs = reachable_programs(self.bin_directory, account, self._folder)
        self._process.stop()  # runs only if its password is lost
        data_directory = self.data_directory
        has_data = cluster.is_initialized(data_directory)
        port = kept[0] if kept else free_port(wanted_port)
        password = kept[1] if kept else secrets.token_urlsafe(32)
        if not has_data:
            # The password first, so that a crash in between leaves no data that nobody can open.
            self._folder.write_passfile(port, password)
            cluster.initialize(data_directory, programs, account, password)
        cluster.refuse_other_version(data_directory, programs)
        cluster.install_settings(data_directory, account)
        self._process.clear_stale_file()
        if has_data and kept is None:
            cluster.reset_password(data_directory, programs, account, password, self.passfile)
            self._folder.write_passfile(port, password)
        self._process.launch(programs, account, port, password)
        cluster.create_database(self.port, self.password(), self.passfile)
        return True

    def _refuse_shell_characters(self) -> None:
        # pg_ctl hands both paths to a shell between double quotes.
        for path in (self.bin_directory, self.data_directory):
            if set(str(path)) & set('"$`\\'):
                raise WarehouseError(
                    f'PostgreSQL cannot be started with one of " $ ` \\ in a path: {path}. Move '
                    "the checkout, or set WAREHOUSE_HOME to another folder."
                )
