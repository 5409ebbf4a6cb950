"""Reads pages of reports, in which each result is known by what the report was grouped by."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from orchestration.sources.mapping import Record, found
from orchestration.sources.reading import documents_of
from orchestration.sources.source import refuse


def pages_of(path: Path, name: str, title: str) -> Iterator[tuple[Record, Sequence[Record]]]:
    """Yield the pages of a file.

    Args:
        path: A file with a page, a list of pages, or one page a line.
        name: The name under which a page lists its objects.
        title: What the file is expected to be, for messages.

    Yields:
        Each page, and the objects that it lists.

    Raises:
        WarehouseError: The file cannot be read, or a page lists none.
    """
    for document in documents_of(path):
        for page in document if isinstance(document, list) else [document]:
            listed = page.get(name) if isinstance(page, dict) else None
            if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
                raise refuse(path, title, f"a page has no list {name}")
            yield page, listed


def results_of(bucket: Record, *of_the_bucket: str) -> Iterator[dict[str, Any]]:
    """Yield the results of a period, each with what its period says.

    Args:
        bucket: The period.
        *of_the_bucket: What results have from it: when it begins and ends.

    Yields:
        The results; what is no object is left out.
    """
    period = {name: bucket.get(name) for name in of_the_bucket}
    results = bucket.get("results")
    for result in results if isinstance(results, list) else ():
        if isinstance(result, dict):
            yield dict(result) | period


def groups_of(record: Record, names: Sequence[str]) -> Iterator[Any]:
    """Yield what a result was grouped by.

    Args:
        record: The result.
        names: The names of all groups.

    Yields:
        The value of each; an empty text where it was not grouped by it.
    """
    for name in names:
        value = found(record, name)
        yield "" if value is None else value
