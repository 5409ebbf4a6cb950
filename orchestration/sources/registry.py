"""All sources, by name."""

from collections.abc import Iterator
from pathlib import Path

from orchestration.sources import (
    aider,
    anthropic_reports,
    bedrock,
    claude_code,
    codex,
    copilot,
    cursor,
    gemini_cli,
    langfuse,
    litellm,
    openai_reports,
    openrouter,
)
from orchestration.sources.otlp import source as otel
from orchestration.sources.reading import first_record
from orchestration.sources.source import Source

_ALL = (
    claude_code.SOURCE,
    codex.SOURCE,
    gemini_cli.SOURCE,
    cursor.SOURCE,
    copilot.SOURCE,
    langfuse.SOURCE,
    openrouter.SOURCE,
    otel.SOURCE,
    openai_reports.SOURCE,
    anthropic_reports.SOURCE,
    bedrock.SOURCE,
)

SOURCES = {source.name: source for source in _ALL}
"""The sources that are read from files, by their name in commands."""


def gaps() -> Iterator[tuple[str, str, str]]:
    """Yield what sources cannot tell, also those that are not read from files.

    Yields:
        The source, the field, and the reason.
    """
    unknown = {source.name: source.unknown for source in _ALL} | {
        "aider": aider.UNKNOWN,
        "litellm": litellm.UNKNOWN,
    }
    for source, fields in sorted(unknown.items()):
        for field, why in sorted(fields.items()):
            yield source, field, why


def source_of(path: Path) -> Source | None:
    """Return the source that wrote a file.

    Args:
        path: The file.

    Returns:
        The source; None where none of them did.

    Raises:
        WarehouseError: The file cannot be read.
    """
    record = first_record(path)
    if record is None:
        return None
    return next((source for source in SOURCES.values() if source.is_its(record)), None)
