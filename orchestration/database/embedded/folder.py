"""The server's folder: where data, password file, log and lock lie, and what is in them."""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from orchestration.database.embedded.account import Account
from orchestration.database.embedded.address import HOST, ROLE
from orchestration.errors import WarehouseError, reason

SYSTEM_STATE = Path("/var/lib/ai-spend-warehouse")
"""Where a server that root starts keeps what its unprivileged account must be able to reach."""

INITIALIZING = "data.initializing"
"""The folder, beside the data's place, in which new data is made."""

_DELETED = "data.deleted"
_LOCK_SECONDS = 180
_LOG_BYTES_KEPT = 20 * 1024 * 1024


class ServerFolder:
    """The files of one server.

    Attributes:
        home: The folder; it need not exist.
    """

    def __init__(self, home: Path) -> None:
        """Describe a folder; nothing is written.

        Args:
            home: Its path, resolved.
        """
        self.home = home

    @property
    def passfile(self) -> Path:
        """The password file in libpq's format, mode 600; it also keeps the port."""
        return self.home / "pgpass"

    @property
    def log_file(self) -> Path:
        """The server's log."""
        return self.home / "server.log"

    @property
    def outside_folder(self) -> Path:
        """The folder of the system for what must be reached when `home` is closed."""
        digest = hashlib.sha256(os.fsencode(self.home)).hexdigest()[:12]
        return SYSTEM_STATE / digest

    @property
    def data_directory(self) -> Path:
        """The data folder, with the link to a folder outside `home` resolved."""
        outside = self.outside_folder / "data"
        if not self._data_link.exists() and outside.exists():
            return outside  # the home folder was deleted and the data was not
        return self._data_link.resolve()

    @property
    def _data_link(self) -> Path:
        return self.home / "data"

    @property
    def _lock_file(self) -> Path:
        return self.home / "lock"

    @property
    def _old_log_file(self) -> Path:
        return self.home / "server.log.1"

    # ---- folders -------------------------------------------------------------------------

    def exists(self) -> bool:
        """Return whether anything was ever kept here.

        Returns:
            Whether the folder, or the one of the system for it, exists.
        """
        return self.home.is_dir() or self.outside_folder.exists()

    def create(self) -> None:
        """Make the folder if it is not there.

        Raises:
            OSError: It cannot be made.
        """
        if not self.home.is_dir():
            self.home.mkdir(parents=True, exist_ok=True)
            if os.geteuid() == 0:
                # Whatever the umask: the server's account must pass through to the data.
                self.home.chmod(0o711)

    def create_outside_folder(self) -> None:
        """Make the folder of the system if it is not there.

        Raises:
            OSError: It cannot be made.
        """
        for folder in (SYSTEM_STATE, self.outside_folder):
            if not folder.is_dir():
                folder.mkdir(parents=True)
                folder.chmod(0o755)  # whatever the umask: the account must pass through

    def place_data(self, account: Account) -> None:
        """Decide where the data lies.

        A checkout below a closed folder (say /root) is out of reach of the account that runs the
        server for root; then the data goes to a folder of the system, with a link to it.

        Args:
            account: The account that runs the server.

        Raises:
            WarehouseError: There is data, and the account cannot reach it.
        """
        if not account.process_options:
            return
        if not self._data_link.exists():
            if self._data_link.is_symlink():
                self._data_link.unlink()
            outside = self.outside_folder / "data"
            if outside.exists() or not account.can_enter(self.home):
                self.create_outside_folder()
                self._data_link.symlink_to(outside)
        elif not account.can_enter(self.data_directory):
            raise WarehouseError(
                f"The account {account.name}, which runs the server for root, cannot enter "
                f"{self.data_directory}: a folder above it was closed. Open it again, or set "
                "WAREHOUSE_HOME to another folder."
            )

    def delete(self) -> None:
        """Delete the data, the password and the log of a stopped server; the lock is held.

        Raises:
            WarehouseError: The folder of the system cannot be deleted.
        """
        outside_folders = {self.outside_folder}
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
        for leftover in (self.home / _DELETED, self.home / INITIALIZING):
            if leftover.exists():
                shutil.rmtree(leftover)
        for path in (self.passfile, self.log_file, self._old_log_file, self._lock_file):
            path.unlink(missing_ok=True)

    # ---- lock ----------------------------------------------------------------------------

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock without which nobody starts, stops or deletes the server.

        Yields:
            Nothing.

        Raises:
            WarehouseError: Another process does not let go of it.
        """
        deadline = time.monotonic() + _LOCK_SECONDS
        while True:
            try:
                descriptor = os.open(self._lock_file, os.O_RDWR | os.O_CREAT, 0o600)
            except FileNotFoundError:  # a deletion removed the folder just now
                self.create()
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
    def readable_errors(self) -> Iterator[None]:
        """Say what to do about the folder when the system refuses something.

        Yields:
            Nothing.

        Raises:
            WarehouseError: The body raised an OSError.
        """
        try:
            yield
        except OSError as error:
            raise WarehouseError(
                f"The embedded server cannot be managed: {error}. The folder {self.home} must be "
                "writable by you, and its files must be yours; WAREHOUSE_HOME names another one."
            ) from error

    # ---- password file -------------------------------------------------------------------

    def read_passfile(self) -> tuple[int, str] | None:
        """Read the password file.

        Returns:
            Port and password, None when the file is missing or is not one of ours.

        Raises:
            WarehouseError: It cannot be read.
        """
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

    def write_passfile(self, port: int, password: str) -> None:
        """Write the password file, replacing the one that is there.

        Args:
            port: The server's port.
            password: The role's password.

        Raises:
            OSError: It cannot be written.
        """
        fresh = self.passfile.with_name("pgpass.new")
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(f"{HOST}:{port}:*:{ROLE}:{password}\n")
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(self.passfile)

    # ---- log -----------------------------------------------------------------------------

    def open_log(self) -> BinaryIO:
        """Open the log for appending.

        Returns:
            The open file, for the caller to close.

        Raises:
            OSError: It cannot be opened.
        """
        descriptor = os.open(self.log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return os.fdopen(descriptor, "ab")

    def limit_log(self) -> None:
        """Begin a new log when this one is large; the one before it is kept."""
        if self.log_size() > _LOG_BYTES_KEPT:
            self.log_file.replace(self._old_log_file)

    def log_size(self) -> int:
        """Return how large the log is.

        Returns:
            Its size in bytes; 0 when there is none.
        """
        try:
            return self.log_file.stat().st_size
        except FileNotFoundError:
            return 0

    def log_tail(self, offset: int = 0) -> str:
        """Return the last lines of the log.

        Args:
            offset: Where in the file to begin, in bytes.

        Returns:
            The lines.
        """
        try:
            with self.log_file.open("rb") as stream:
                stream.seek(offset)
                return last_lines(stream.read().decode("utf-8", errors="replace"))
        except FileNotFoundError:
            return "(no log)"


def last_lines(text: str) -> str:
    """Return the end of what a program said.

    Args:
        text: All of it.

    Returns:
        The last 15 lines.
    """
    return "\n".join(text.strip().splitlines()[-15:])


def _same_inode(descriptor: int, path: Path) -> bool:
    try:
        return os.fstat(descriptor).st_ino == path.stat().st_ino
    except FileNotFoundError:
        return False
