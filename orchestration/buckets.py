"""Folders and files in buckets, which fsspec reaches by URLs such as `s3://bucket/prefix`.

The package of a store (s3fs, gcsfs, adlfs) is installed by whoever uses that store, and looks for
credentials where it always does; a URL never holds any. A file in a bucket is there when it is
whole, and is read as a copy on this machine: nothing waits for the network inside a transaction.
"""

import datetime as dt
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from orchestration.errors import WarehouseError, reason

_PACKAGES = {
    "s3": "s3fs",
    "s3a": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "abfs": "adlfs",
    "abfss": "adlfs",
    "az": "adlfs",
}
# What each package calls the moment at which a file was written.
_WRITTEN_AT = ("LastModified", "mtime", "last_modified")


class BucketError(WarehouseError):
    """A bucket cannot be reached or refuses something, which can be tried again."""


@dataclass(frozen=True, order=True)
class BucketPath:
    """A file or folder in a bucket, with the methods of `Path` that are needed.

    Attributes:
        scheme: Which store, such as `s3`.
        key: Bucket (or container) and path, with slashes between.
    """

    scheme: str
    key: str

    @classmethod
    def parse(cls, url: str) -> "BucketPath":
        """Read a URL.

        Args:
            url: Such as `s3://bucket/prefix`.

        Returns:
            What it names; whether that exists is not looked at.

        Raises:
            WarehouseError: It is of another kind, names no bucket, or holds what could be
                credentials. The message does not repeat it.
        """
        scheme, _, key = url.partition("://")
        if scheme not in _PACKAGES:
            # What stands before is text of the user's and can be anything.
            raise WarehouseError(
                f"A URL of a folder or file begins with {'://, '.join(_PACKAGES)}://; this one "
                "does not"
            )
        key = key.strip("/")
        if "@" in key.partition("/")[0] or "?" in key or "#" in key:
            raise WarehouseError(
                f"A URL {scheme}://... holds credentials or an account, which are not read from "
                f"there. Give bucket and path only; {_PACKAGES[scheme]} takes the rest from its "
                "environment variables or files"
            )
        if not key:
            raise WarehouseError(f"The URL {scheme}:// names no bucket")
        return cls(scheme, key)

    def __str__(self) -> str:
        """Return the URL."""
        return f"{self.scheme}://{self.key}"

    def __truediv__(self, name: str) -> "BucketPath":
        """Return what has this name in this folder."""
        return BucketPath(self.scheme, f"{self.key}/{name}")

    @property
    def name(self) -> str:
        """Its name, without the folders."""
        return self.key.rpartition("/")[2]

    def with_name(self, name: str) -> "BucketPath":
        """Return its neighbour of another name.

        Args:
            name: The other name.

        Returns:
            The neighbour.
        """
        return BucketPath(self.scheme, f"{self.key.rpartition('/')[0]}/{name}")

    def relative_to(self, folder: "BucketPath") -> PurePosixPath:
        """Return where it is below a folder.

        Args:
            folder: The folder that holds it.

        Returns:
            Its path from there.
        """
        return PurePosixPath(self.key.removeprefix(f"{folder.key}/"))

    def files(self) -> dict["BucketPath", dt.datetime]:
        """Return every file below, or the file itself where it is one.

        Returns:
            The files by name, each with the moment at which it was written; none where there is
            nothing.

        Raises:
            BucketError: The bucket is missing, cannot be reached, or does not let itself be listed.
        """
        with self._reached("listed") as store:
            found = store.find(self.key, detail=True)
            return {
                # Some tools make a file whose name ends in a slash for every folder.
                BucketPath(self.scheme, key): next(
                    details[name] for name in _WRITTEN_AT if name in details
                )
                for key, details in sorted(found.items())
                if details["type"] == "file" and not key.endswith("/")
            }

    def exists(self) -> bool:
        """Return whether there is such a file.

        Returns:
            Whether there is.

        Raises:
            BucketError: The bucket cannot be reached or does not tell.
        """
        with self._reached("looked up") as store:
            return bool(store.exists(self.key))

    def fetch(self, path: Path) -> None:
        """Copy the file to this machine.

        Args:
            path: Where to.

        Raises:
            BucketError: It cannot be read, or the copy cannot be written.
        """
        with self._reached("read") as store:
            store.get_file(self.key, str(path))

    def put(self, path: Path) -> None:
        """Make the file from one of this machine: the whole of it, or none.

        Args:
            path: The file on this machine.

        Raises:
            BucketError: There is one of that name already, or it cannot be written.
        """
        with self._reached("written") as store:
            store.put_file(str(path), self.key, mode="create")

    def overwrite(self, path: Path) -> None:
        """Make the file from one of this machine, in place of what is there.

        Args:
            path: The file on this machine.

        Raises:
            BucketError: It cannot be written.
        """
        with self._reached("written") as store:
            store.put_file(str(path), self.key)

    def write_text(self, text: str, encoding: str) -> None:
        """Write a small file, in place of what is there.

        Args:
            text: What it holds.
            encoding: Of the text.

        Raises:
            BucketError: It cannot be written.
        """
        with self._reached("written") as store:
            store.pipe_file(self.key, text.encode(encoding))

    def unlink(self) -> None:
        """Delete the file.

        Raises:
            BucketError: It cannot be deleted.
        """
        with self._reached("deleted") as store:
            store.rm_file(self.key)

    def move(self, target: "BucketPath") -> None:
        """Give the file another name; killed in between it has both.

        Args:
            target: The name, which is free.

        Raises:
            BucketError: The name is taken, or the bucket does not go along; the file stays.
        """
        # By way of this machine: not every store tells when a copy of its own is complete.
        with tempfile.TemporaryDirectory(prefix="warehouse-") as folder:
            copy = Path(folder, "copy")
            self.fetch(copy)
            target.put(copy)
        self.unlink()

    @contextmanager
    def _reached(self, done: str) -> Iterator[Any]:
        """Yield the store, and turn what its package raises into one sentence."""
        import fsspec

        try:
            # Others write into the bucket as well: what was listed before does not count.
            store = fsspec.filesystem(self.scheme, use_listings_cache=False)
        except ImportError:
            package = _PACKAGES[self.scheme]
            raise BucketError(
                f"{self} needs the package {package}, which is not installed: pip install {package}"
            ) from None
        except Exception as error:  # noqa: BLE001 - every package has errors of its own
            raise BucketError(f"{self} cannot be {done}: {type(error).__name__}.") from None
        try:
            yield store
        except FileExistsError:
            raise BucketError(f"{self} exists already") from None
        except OSError as error:
            raise BucketError(f"{self} cannot be {done}: {reason(error).rstrip('.')}.") from None
        except Exception as error:  # noqa: BLE001 - as above; some messages hold signed addresses
            raise BucketError(f"{self} cannot be {done}: {type(error).__name__}.") from None


AnyPath = Path | BucketPath
"""A file or folder, on this machine or in a bucket."""


def is_url(text: str) -> bool:
    """Return whether a text names something in a bucket, and no file of this machine.

    Args:
        text: What the user gave.

    Returns:
        Whether it is a URL.
    """
    return "://" in text


def folder_at(text: str) -> AnyPath:
    """Return the folder that a setting names.

    Args:
        text: A path, or a URL.

    Returns:
        The folder, made absolute when it is on this machine.

    Raises:
        WarehouseError: The URL cannot be used.
    """
    return BucketPath.parse(text) if is_url(text) else Path(text).expanduser().absolute()
