"""docs/runbook.md: a section for every rule and message, no other ones, and queries that run."""

import re

import dagster as dg
import yaml
from support.checks import RULES
from support.stories import Story

from orchestration.project import project_root

pytest_plugins = ["support.stories"]

LABELS = ("**Means**", "**Causes**", "**Look**", "**End**")


def document() -> str:
    return (project_root() / "docs" / "runbook.md").read_text(encoding="utf-8")


def sections() -> list[tuple[str, str]]:
    """Return the headings of the third level with what stands under each."""
    parts = re.split(r"^### (.*)$", re.sub(r"^## .*$", "### ", document(), flags=re.M), flags=re.M)
    return [(name, text) for name, text in zip(parts[1::2], parts[2::2], strict=True) if name]


def alert_rules() -> dict[str, str]:
    """Return the severity of each rule that alerts know beside those of `warehouse check`."""
    path = project_root() / "models" / "intermediate" / "quality" / "int_alert_rules.sql"
    found = re.findall(r"^    \('(\w+)', '(\w+)', '\w+'\)", path.read_text("utf-8"), re.M)
    assert len(found) > 5
    return dict(found)


def test_every_rule_and_message_has_one_section_and_no_section_is_about_anything_else(
    definitions: dg.Definitions,
) -> None:
    names = [name for name, _ in sections()]
    messages = {sensor.name for sensor in definitions.sensors or []}
    assert sorted(names) == sorted({*RULES, *alert_rules(), *messages})


def test_every_section_says_what_it_means_why_it_comes_how_to_look_and_how_it_ends() -> None:
    lacking = [
        f"{name}: {label}" for name, text in sections() for label in LABELS if label not in text
    ]
    assert lacking == []


def test_severities_and_limits_are_those_of_the_rules() -> None:
    said = {name: " ".join(text.split()) for name, text in sections()}
    severities = alert_rules() | {name: str(rule.severity) for name, rule in RULES.items()}
    assert {
        name: said[name].split(".")[0].split(",")[0].lower() for name in severities
    } == severities
    for name, rule in RULES.items():
        if rule.limit:
            assert said[name].startswith(f"{rule.severity.capitalize()}, limit `{rule.limit}`. ")
        assert ("promised by" in said[name]) == bool(rule.constraints), name


def test_what_it_names_exists() -> None:
    text = document()
    settings = yaml.safe_load((project_root() / "dbt_project.yml").read_text(encoding="utf-8"))
    limits = re.findall(r"limit `(\w+)`", text)
    assert set(limits) <= settings["vars"].keys()
    files = re.findall(r"`((?:orchestration|models|macros|seeds)/[\w/.]+)`", text)
    assert [name for name in files if not (project_root() / name).exists()] == []

    path = project_root() / "orchestration" / "metrics" / "alerts.yml"
    (group,) = yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
    rows = re.findall(r"^\| ([A-Z][\w, ]+) \|(.*)\|$", text, re.M)
    assert [name for names, _ in rows for name in names.split(", ")] != []
    assert sorted(name for names, _ in rows for name in names.split(", ")) == sorted(
        rule["alert"] for rule in group["rules"]
    )
    headings = {name for name, _ in sections()}
    assert {name for _, row in rows for name in re.findall(r"`(\w+)`", row)} <= headings


def test_every_query_runs(story: Story) -> None:
    queries = re.findall(r"^```sql\n(.*?)^```$", document(), re.M | re.S)
    assert len(queries) > 15
    for query in queries:
        story.rows(query)
