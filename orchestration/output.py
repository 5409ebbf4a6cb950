"""Writes what `--out` asks for: a whole file or none, through links, and into pipes and devices."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from orchestration.errors import WarehouseError, reason


@contextmanager
def open_output(path: Path) -> Iterator[BinaryIO]:
    """Yield what to write into so that it ends up under a name.

    A file appears whole or not at all, and replaces only another file; a link stays and what it
    leads to is replaced. Into a pipe or a device it is written as it comes.

    Args:
        path: The name.

    Yields:
        The bytes' destination.

    Raises:
        WarehouseError: It cannot be written. A file that was there before is as it was.
    """
    try:
        # Otherwise a rename would put a file in the place of a pipe or a device.
        if path.exists() and (not path.is_file() or _is_written_by_shell(path)):
            # Not truncated: the shell may have been told to append.
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
            with os.fdopen(descriptor, "wb") as file:
                yield file
        else:
            yield from _whole_file(path.resolve())
    except OSError as error:
        raise WarehouseError(f"{path} cannot be written: {reason(error)}") from error


def _is_written_by_shell(path: Path) -> bool:
    """Return whether a file is standard output or standard error, such as /dev/stdout."""
    file = path.stat()
    return any(os.path.samestat(file, os.fstat(descriptor)) for descriptor in (1, 2))


def _whole_file(path: Path) -> Iterator[BinaryIO]:
    """Write beside the path first and rename, so that no half file is ever left there."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        # Gone already if all went well; otherwise (a full disk, Ctrl-C) it is of no use.
        partial.unlink(missing_ok=True)
