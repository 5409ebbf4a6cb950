"""The landing folder: files wait in `inbox`, and move to `archive` or `rejected` once looked at.

Whoever delivers a file writes it under a name that begins with a dot or ends in `.part`, and
renames it when it is complete. In a bucket, where a file is complete once it is there, it can have
its name at once.
"""

import datetime as dt
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePath

from orchestration.buckets import AnyPath, BucketPath, is_url
from orchestration.errors import WarehouseError
from orchestration.landing.loader import LandedFile, land
from orchestration.project import state_directory


@dataclass(frozen=True)
class WaitingFile:
    """A complete file in the inbox.

    Attributes:
        path: Where it lies.
        arrived: When it was written, in seconds since 1970.
    """

    path: AnyPath
    arrived: float


@dataclass(frozen=True)
class ReceivedFile:
    """What became of a file from the inbox.

    Attributes:
        path: Where it lies now.
        landed: What was landed of it; None when nothing could be, or every line was rejected.
        reason: Why nothing could be landed of it; also in a file beside it. None when it landed.
    """

    path: AnyPath
    landed: LandedFile | None
    reason: str | None


def landing_folder() -> AnyPath:
    """Return the folder that holds `inbox`, `archive` and `rejected`.

    Returns:
        `WAREHOUSE_LANDING`, a path or a URL, when it is set, else `landing` in the folder for
        local state.

    Raises:
        WarehouseError: The URL cannot be used.
    """
    override = os.environ.get("WAREHOUSE_LANDING")
    if override and is_url(override):
        return BucketPath.parse(override)
    return Path(override).expanduser().resolve() if override else state_directory() / "landing"


def waiting_files(folder: AnyPath) -> list[WaitingFile]:
    """Return the files that wait, in the order in which they are landed.

    Args:
        folder: The landing folder.

    Returns:
        The complete files in its `inbox`, also in folders below, by name.

    Raises:
        BucketError: The folder is in a bucket that cannot be listed.
    """
    if isinstance(folder, BucketPath):
        bucket = folder / "inbox"
        return [
            WaitingFile(path, written_at.timestamp())
            for path, written_at in bucket.files().items()
            if _is_complete(path.relative_to(bucket))
        ]
    inbox = folder / "inbox"
    waiting = []
    for path in sorted(inbox.rglob("*")):
        # A run may move a file while a sensor looks.
        with suppress(FileNotFoundError):
            if path.is_file() and _is_complete(path.relative_to(inbox)):
                waiting.append(WaitingFile(path, path.stat().st_mtime))
    return waiting


def _is_complete(path: PurePath) -> bool:
    """Return whether the name of a file, from the inbox on, says that it is whole."""
    return path.suffix != ".part" and not any(part.startswith(".") for part in path.parts)


def receive_files(folder: AnyPath, day: dt.date) -> list[ReceivedFile]:
    """Land what waits, one file at a time, and move it out of the way.

    A file that was landed and not moved, because the process was killed in between, is skipped by
    its content the next time and moved then.

    Args:
        folder: The landing folder; made when it is not there.
        day: Names the folder of the archive.

    Returns:
        What became of each file.

    Raises:
        WarehouseError: The database or the bucket cannot be reached, or did not take a file; that
            file and what comes after it stay where they are.
    """
    try:
        if isinstance(folder, Path):
            (folder / "inbox").mkdir(parents=True, exist_ok=True)
        return [_receive(folder, file.path, day) for file in waiting_files(folder)]
    except OSError as error:
        raise WarehouseError(
            f"The landing folder {folder} cannot be used: {error.strerror or error}. Choose "
            "another one with WAREHOUSE_LANDING."
        ) from error


def _receive(folder: AnyPath, path: AnyPath, day: dt.date) -> ReceivedFile:
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


def _move(path: AnyPath, folder: AnyPath) -> AnyPath:
    """Move a file; one of that name that is there keeps its name."""
    if isinstance(folder, Path):
        folder.mkdir(parents=True, exist_ok=True)
    target = folder / path.name
    number = 1
    while target.exists():
        number += 1
        target = folder / f"{number}-{path.name}"
    if isinstance(path, BucketPath) and isinstance(target, BucketPath):
        path.move(target)
    else:
        shutil.move(str(path), str(target))
    return target
