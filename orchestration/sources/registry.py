"""All sources, by name."""

from pathlib import Path

from orchestration.sources import (
    anthropic_reports,
    bedrock,
    claude_code,
    codex,
    copilot,
    cursor,
    gemini_cli,
    langfuse,
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
