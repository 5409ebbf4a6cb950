"""The account that runs the server: the user's own, or an unprivileged one for root."""

import contextlib
import os
import pwd
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestration.errors import WarehouseError

# PostgreSQL refuses to run as root; these accounts exist on nearly every system.
_UNPRIVILEGED_ACCOUNTS = ("postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """The account that runs the server.

    Attributes:
        uid: Its user id.
        name: Its name.
        process_options: What a child process needs to become it; empty for the user's own.
    """

    uid: int
    name: str
    process_options: dict[str, Any] = field(default_factory=dict)

    def run(self, command: list[str], standard_input: str = "") -> subprocess.CompletedProcess[str]:
        """Run a program as this account.

        Args:
            command: The program and its arguments.
            standard_input: What it reads.

        Returns:
            How it ended, with what it wrote to either stream in `stdout`.

        Raises:
            OSError: It cannot be started.
        """
        return subprocess.run(  # noqa: S603
            command,
            input=standard_input,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            cwd="/",  # the account may not be allowed to stand in the user's folder
            env=server_environment(),
            start_new_session=True,
            check=False,
            **self.process_options,
        )

    def can_enter(self, folder: Path) -> bool:
        """Return whether this account reaches a folder.

        Args:
            folder: The folder.

        Returns:
            Whether it can change into it.
        """
        return self.run(["/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)]).returncode == 0


def account_for(data_directory: Path) -> Account:
    """Choose the account that runs the server: the user's own, or for root another one.

    Args:
        data_directory: The data folder; its owner counts when it exists.

    Returns:
        The account.

    Raises:
        WarehouseError: The data belongs to somebody else, or there is no account that can run it.
    """
    owner = None
    with contextlib.suppress(OSError):
        owner = data_directory.stat().st_uid
    uid = os.geteuid()
    if uid != 0:
        if owner is not None and owner != uid:
            raise WarehouseError(
                f"{data_directory} belongs to user id {owner}, you are user id {uid}. "
                "Use the account that created it, or set WAREHOUSE_HOME to another folder."
            )
        try:
            return Account(uid, pwd.getpwuid(uid).pw_name)
        except KeyError:
            raise WarehouseError(
                f"User id {uid} has no entry in /etc/passwd, and PostgreSQL refuses to run "
                "without one. Add an entry, run as another user, or set PGHOST to use a "
                "server of your own."
            ) from None
    for entry in _candidate_accounts(owner):
        options = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
        return Account(entry.pw_uid, entry.pw_name, options)
    raise WarehouseError(
        "PostgreSQL refuses to run as root, and this system has none of the accounts "
        f"{', '.join(_UNPRIVILEGED_ACCOUNTS)} to run it. Run as an ordinary user, or set PGHOST "
        "to use a server of your own."
    )


def server_environment() -> dict[str, str]:
    """Return the environment for PostgreSQL's programs.

    Returns:
        This process's, without libpq's variables, some of which the server reads too.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}


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
    for name in _UNPRIVILEGED_ACCOUNTS:
        with contextlib.suppress(KeyError):
            yield pwd.getpwnam(name)
