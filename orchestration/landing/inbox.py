"""The landing folder: files wait in `inbox`, and move to `archive` or `rejected` once looked at.

Whoever delivers a file writes it under a name that begins with a dot or ends in `.part`, and
renames it when it is complete.
"""

import datetime as dt
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from orchestration.errors import WarehouseError
from orchestration.landing.loader import LandedFile, land
from orchestration.project import state_directory


@dataclass(frozen=True)
class ReceivedFile:
    """What became of a file from the inbox.

    Attributes:
        path: Where it lies now.
        landed: What was landed of it; None when nothing could be, or every line was rejected.
        reason: Why nothing could be landed of it; also in a file beside it. None when it landed.
    """

    path: Path
    landed: LandedFile | None
    reason: str | None


def landing_folder() -> Path:
    """Return the folder that holds `inbox`, `archive` and `rejected`.

    Returns:
        `WAREHOUSE_LANDING` when it is set, else `landing` in the folder for local state.
    """
    override = os.environ.get("WAREHOUSE_LANDING")
    return Path(override).expanduser().resolve() if override else state_directory() / "landing"


def waiting_files(folder: Path) -> list[Path]:
    """Return the files that wait, in the order in which they are landed.

    Args:
        folder: The landing folder.

    Returns:
        The complete files in its `inbox`, also in folders below, by name.
    """
    inbox = folder / "inbox"
    return sorted(
        path
        for path in inbox.rglob("*")
        if path.is_file()
        and path.suffix != ".part"
        and not any(part.startswith(".") for part in path.relative_to(inbox).parts)
    )


def receive_files(folder: Path, day: dt.date) -> list[ReceivedFile]:
    """Land what waits, one file at a time, and move it out of the way.

    A file that was landed and not moved, because the process was killed in between, is skipped by
    its content the next time and moved then.

    Args:
        folder: The landing folder; made when it is not there.
        day: Names the folder of the archive.

    Returns:
        What became of each file.

    Raises:
        WarehouseError: The database cannot be reached, or did not take a file; that file and what
            comes after it stay where they are.
    """
    try:
        (folder / "inbox").mkdir(parents=True, exist_ok=True)
        return [_receive(folder, path, day) for path in waiting_files(folder)]
    except OSError as error:
        raise WarehouseError(
            f"The landing folder {folder} cannot be used: {error.strerror or error}. Choose "
            "another one with WAREHOUSE_LANDING."
        ) from error


def _receive(folder: Path, path: Path, day: dt.date) -> ReceivedFile:
    report = land([path])
    if report.outage is not None:
        raise report.outage
    reasons = [reason for _, reason in report.failures] + report.notes
    for landed in report.files:
        if landed.refusal is None:
            moved = _move(path, folder / "archive" / day.isoformat())
            return ReceivedFile(moved, landed, None)
        reasons.append(landed.refusal)
    reason = "\n".join(reasons)
    moved = _move(path, folder / "rejected" / day.isoformat())
    moved.with_name(f"{moved.name}.reason.txt").write_text(f"{reason}\n", encoding="utf-8")
    return ReceivedFile(moved, None, reason)


def _move(path: Path, folder: Path) -> Path:
    """Move a file; one of that name that is there keeps its name."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / path.name
    number = 1
    while target.exists():
        number += 1
        target = folder / f"{number}-{path.name}"
    shutil.move(path, target)
    return target
