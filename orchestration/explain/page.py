"""An explanation as a page: HTML from a template, and from that Markdown and text."""

import functools
import re
import textwrap
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import jinja2
from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from orchestration.explain.arithmetic import LARGEST_COST_USD, TOKEN_PARTS

_STYLES = {
    "h1": "bold",
    "h2": "bold underline",
    "h3": "bold",
    "strong": "bold",
    "good": "green",
    "bad": "bold red",
}


class Page:
    """What a gathered document says.

    Attributes:
        html: The page for a browser; it needs nothing beside itself.
    """

    def __init__(self, template: str, document: Mapping[str, Any]) -> None:
        """Fill a template.

        Args:
            template: execution, adjustment or total.
            document: What was gathered.
        """
        name = f"{template}.html.jinja"
        plain = _plain(document)
        self.html = _environment().get_template(name).render(plain, document=plain)
        # The templates are well-formed XML, and whatever they are filled with is escaped.
        body = fromstring(self.html).find("body")  # noqa: S314
        self._blocks = [] if body is None else list(body)

    def markdown(self) -> str:
        """Return the page as Markdown, as GitHub reads it."""
        return "\n\n".join(map(_markdown, self._blocks))

    def show(self, console: Console) -> None:
        """Print the page for people at a terminal.

        Args:
            console: Where to; made at least 80 columns wide.
        """
        # Narrower terminals wrap by themselves; tables that shrink further would tear ids apart.
        console.width = max(console.width, 80)
        for block in self._blocks:
            if block.tag == "table":
                console.print(_rich_table(block))
            elif block.tag == "pre":
                sql = block.text or ""
                console.print(Syntax(sql, "sql", background_color="default", word_wrap=True))
            elif block.tag == "ul":
                for item in block:
                    console.print(Padding(Text(_text(item)), (0, 0, 0, 2)))
            elif block.tag != "details":  # A terminal has no room for them.
                if block.tag == "h2":
                    console.print()
                style = _STYLES.get(block.get("class", block.tag), "")
                console.print(Text(_text(block), style))


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("orchestration.explain"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "time": _time,
        "number": _number,
        "money": _money,
        "usd": lambda amount, signed=False: (
            None if amount is None else f"{_money(amount, signed)} USD"
        ),
        "quantity": lambda value, unit: _phrase(
            _number(value), f"{{}} {unit}{'' if value == 1 or unit == 'ms' else 's'}"
        ),
        "phrase": _phrase,
        "numbers": _numbers,
    }
    environment.globals |= {"LARGEST_COST_USD": LARGEST_COST_USD, "TOKEN_PARTS": TOKEN_PARTS}
    return environment


def _plain(value: Any) -> Any:
    """Return a document without characters that a terminal would act upon."""
    if isinstance(value, Mapping):
        return {_plain(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if not isinstance(value, str):
        return value
    return "".join(
        character if character.isprintable() or character == "\n" else "\N{REPLACEMENT CHARACTER}"
        for character in value
    )


def _time(moment: datetime | None) -> str:
    """Write a moment in UTC, to the second when it is a whole one."""
    if moment is None:
        return "an unknown time"
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(sep=' ')} UTC"


def _number(value: Decimal | int | None) -> str | None:
    """Write a number without the zeros that say nothing."""
    if value is None:
        return None
    text = f"{Decimal(value):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _money(amount: Decimal | None, signed: bool = False) -> str:
    """Write an amount with all of its places; nothing here is rounded."""
    if amount is None:
        return "unknown"
    return f"{amount:+,f}" if signed else f"{amount:,f}"


def _phrase(value: Any, words: str) -> str | None:
    """Put words around what is known."""
    return None if value is None else words.format(value)


def _numbers(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield the numbers of a document as in the JSON, each with its place, as jq writes it."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _numbers(part, f"{name}.{key}")
    elif isinstance(value, list):
        for place, part in enumerate(value):
            yield from _numbers(part, f"{name}[{place}]")
    elif isinstance(value, int | Decimal) and not isinstance(value, bool):
        yield name, f"{Decimal(value):f}"


def _text(element: Element) -> str:
    return " ".join("".join(element.itertext()).split())


def _is(element: Element, name: str) -> bool:
    return name in element.get("class", "").split()


def _rich_table(element: Element) -> Table:
    has_heading = element.find("thead") is not None
    table = Table(
        box=box.SIMPLE if has_heading else None,
        show_header=has_heading,
        pad_edge=False,
        show_edge=False,
    )
    for place, cell in enumerate(next(element.iter("tr"))):
        heading = _text(cell) if has_heading else ""
        if not _is(cell, "wide"):
            table.add_column(
                heading,
                justify="right" if _is(cell, "number") else "left",
                overflow="fold",
                # Half an id is of no use.
                no_wrap=heading.endswith(" id") or (place == 0 and not has_heading),
            )
    for part in element:
        if part.tag == "tfoot":
            table.add_section()
        for row in part.iter("tr") if part.tag != "thead" else ():
            table.add_row(*(Text(_text(cell)) for cell in row if not _is(cell, "wide")))
    return table


def _markdown(block: Element) -> str:
    if block.tag == "table":
        return _markdown_table(block)
    if block.tag == "details":
        summary, table = block
        return (
            f"<details><summary>{_escaped(summary)}</summary>\n\n{_markdown(table)}\n\n</details>"
        )
    if block.tag == "pre":
        return textwrap.indent(block.text or "", "    ")
    if block.tag == "ul":
        return "\n".join(f"- {_at_line_start(item)}" for item in block)
    if block.tag in ("h1", "h2", "h3"):
        return f"{'#' * int(block.tag[1])} {_escaped(block)}"
    if _is(block, "strong") or _is(block, "bad"):
        return f"**{_escaped(block)}**"
    return _at_line_start(block)


def _markdown_table(element: Element) -> str:
    rows = list(element.iter("tr"))
    lines = [f"| {' | '.join(map(_escaped, row))} |" for row in rows]
    if element.find("thead") is None:
        lines.insert(0, f"{'| ' * len(rows[0])}|")
    rules = ("---:" if _is(cell, "number") else "---" for cell in rows[0])
    lines.insert(1, f"| {' | '.join(rules)} |")
    return "\n".join(lines)


def _escaped(element: Element) -> str:
    return re.sub(r"([\\`*_\[\]<>|~&$#])", r"\\\1", _text(element))


def _at_line_start(element: Element) -> str:
    """Escape what would begin a list or be a rule, too."""
    return re.sub(r"^(\d*)([-+.)])(?=[\s-]|$)", r"\1\\\2", _escaped(element))
