"""What a figure depends on besides the code: the machine, its load and the versions."""

import datetime as dt
import os
import platform
import re
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

from orchestration.database.embedded import embedded_bin_directory
from orchestration.project import project_root

_PACKAGES = ("dbt-core", "dbt-postgres", "msgspec", "psycopg")


def machine_facts(folder: Path) -> dict[str, Any]:
    """Describe the machine as it is before the first measurement.

    Args:
        folder: Where files and databases are written.

    Returns:
        Names and values; memory in bytes, load as runnable processes over the last minute.
    """
    return {
        "measured_at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "commit": _output(["git", "-C", str(project_root()), "describe", "--always", "--dirty"]),
        "cores": _cores(),
        "processor": _processor(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "load_average": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.release()}",
        "file_system": file_system(folder),
        "python": platform.python_version(),
        "postgresql": _postgresql_version(),
        "packages": {name: metadata.version(name) for name in _PACKAGES},
    }


def file_system(folder: Path) -> str:
    """Name the kind of file system that a folder lies on.

    Args:
        folder: An existing folder.

    Returns:
        Such as `ext4`, `overlay` or `tmpfs`; `unknown` where the system does not tell.
    """
    try:
        lines = Path("/proc/mounts").read_text(encoding="utf-8").splitlines()
    except OSError:
        return "unknown"
    mounts = [(Path(fields[1]), fields[2]) for fields in map(str.split, lines)]
    above = [mount for mount in mounts if folder.is_relative_to(mount[0])]
    # Of two on the same place the later one hides the earlier.
    return max(reversed(above), key=lambda mount: len(mount[0].parts))[1] if above else "unknown"


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor()
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1] if found else platform.machine()


def _postgresql_version() -> str:
    found = re.search(
        r"\d[\d.]*", _output([str(embedded_bin_directory() / "postgres"), "--version"])
    )
    return found[0] if found else "unknown"


def _output(command: list[str]) -> str:
    try:
        finished = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return "unknown"
    return finished.stdout.strip() or "unknown"
