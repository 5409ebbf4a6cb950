"""Causes and commands of rules and messages, from docs/runbook.md: they are written there alone."""

import re
from contextlib import suppress
from dataclasses import dataclass

from orchestration.errors import WarehouseError
from orchestration.project import project_root

_SAME = re.compile(r"as\s+for\s+`(\w+)`")
_QUERY_OR_COMMAND = re.compile(r"```sql\n(.*?);\n```|`((?:warehouse|dbt|git) [^`]*)`", re.S)


@dataclass(frozen=True)
class Advice:
    """What a section of the runbook says.

    Attributes:
        cause: The likely causes, in one line.
        commands: How to look, a shell command each; where there is none, what to do in words.
    """

    cause: str
    commands: tuple[str, ...]


def advice(name: str) -> Advice:
    """Return what the runbook says about a rule or a message.

    Args:
        name: The heading of its section.

    Returns:
        Its causes and commands. A message is worth sending without them: where there is no such
        section they only name it.
    """
    text = ""
    with suppress(OSError, WarehouseError):
        text = (project_root() / "docs" / "runbook.md").read_text(encoding="utf-8")
    look = _said(text, name, "Look")
    commands = (
        f'warehouse db psql -c "{_one_line(query)}"' if query else _one_line(command)
        for query, command in _QUERY_OR_COMMAND.findall(look)
    )
    return Advice(_one_line(_said(text, name, "Causes")), tuple(commands) or (_one_line(look),))


def _said(text: str, name: str, label: str) -> str:
    """Return the text of a label; where it is the same as for another section, that one's."""
    section = re.search(rf"^### {name}\n(.*?)(?=^##|\Z)", text, re.M | re.S)
    found = section and re.search(rf"\*\*{label}\*\*:\s*(.*?)(?=\*\*[A-Z]|\Z)", section[1], re.S)
    if not found:
        return f"see docs/runbook.md#{name}"
    same = _SAME.match(found[1])
    return _said(text, same[1], label) if same else found[1]


def _one_line(text: str) -> str:
    return " ".join(text.split())
