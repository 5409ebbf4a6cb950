"""docs/follow_one_number.md, followed: its events land, its queries run, its tables must come out.

The document is walked from top to bottom. Blocks of JSON are kept as files that the commands name;
a query is compared with the table after it, cell by cell.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from support.stories import Story

from orchestration.project import project_root

pytest_plugins = ["support.stories"]

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$(?:\n\n((?:^\|[^\n]*\n)+))?", re.M | re.S)
FILE = re.compile(r"[\w/]+/\w+\.(?:sql|py|csv|yml)")


def document() -> str:
    return (project_root() / "docs" / "follow_one_number.md").read_text(encoding="utf-8")


def blocks() -> Iterator[tuple[str, str, str]]:
    """Yield each block's language, its text, and the table right after it."""
    for found in BLOCK.finditer(document()):
        yield found[1], found[2], found[3] or ""


def cells(line: str) -> list[str]:
    return [cell.strip().strip("*") for cell in line.strip("|\n").split("|")]


def differs(said: str, found: Any) -> bool:
    if found is None:
        return said != ""
    if isinstance(found, Decimal):
        return Decimal(said) != found
    if isinstance(found, bool):
        return said != str(found).lower()
    assert isinstance(found, str | int | date | datetime)
    return said != str(found)


def test_every_station_shows_what_the_document_says(story: Story) -> None:
    events: list[str] = []
    builds = queries = 0
    wrong: list[str] = []
    for language, text, table in blocks():
        if language == "json":
            events.append(text)
        elif language == "bash":
            for command in text.splitlines():
                program, action, *_ = command.split()
                if (program, action) == ("warehouse", "land"):
                    story.land_lines([line.encode() + b"\n" for line in events.pop().splitlines()])
                elif command == "dbt build":
                    story.build()
                    builds += 1
                else:
                    assert (program, action) == ("warehouse", "explain"), command
        else:
            assert language == "sql", language
            queries += 1
            header, _, *said = (cells(line) for line in table.splitlines())
            found = story.rows(text)
            if found and list(found[0]) != header:
                wrong.append(f"{header} is {list(found[0])}")
            elif [
                row
                for row, values in zip(said, found, strict=False)
                if any(map(differs, row, values.values()))
            ] or len(said) != len(found):
                wrong.append(f"{header}: {said} is {found}")
    assert not wrong, "\n".join(wrong)
    assert (events, builds) == ([], 2)
    assert queries == document().count("\nselect\n") + document().count("\nselect count")


def test_the_arithmetic_in_the_text_is_right() -> None:
    text = document()
    sums = re.findall(r"((?:\d[\d.]*(?: [-x/] ))+\d[\d.]*) = (\d[\d.]*\d)", text)
    assert len(sums) >= 3
    for left, right in sums:
        first, *rest = re.split(r" ([-x/]) ", left)
        total = Decimal(first)
        for sign, number in zip(rest[::2], rest[1::2], strict=True):
            operand = Decimal(number)
            total = {"-": total - operand, "x": total * operand, "/": total / operand}[sign]
        assert total == Decimal(right), (left, right)
    (table,) = re.findall(r"^\| part .*\n\|[-|]+\n((?:\|.*\n)+)", text, re.M)
    *parts, total_row = (cells(line) for line in table.splitlines())
    for rate, usd in ((2, 3), (4, 5)):
        for row in parts:
            assert Decimal(row[1]) * Decimal(row[rate]) / 1_000_000 == Decimal(row[usd]), row
        assert sum(Decimal(row[usd]) for row in parts) == Decimal(total_row[usd])


def test_every_file_that_the_document_names_exists() -> None:
    named = set(FILE.findall(document()))
    assert len(named) > 15
    assert sorted(name for name in named if not (project_root() / name).is_file()) == []
