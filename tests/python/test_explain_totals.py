"""`warehouse explain` of a total: its parts are the oracle's, and add up to what the marts show."""

import json
from collections import defaultdict
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from click.testing import CliRunner, Result
from support.stories import Story, environment_of

from orchestration.cli import main

pytest_plugins = ["support.stories"]

Row = dict[str, Any]

MONTH = "2026-10"


@pytest.fixture(scope="module")
def facts(sample: Story) -> list[Row]:
    """Return the executions of the month as the oracle prices them, of the busiest organization."""
    by_organization = defaultdict(list)
    for fact in sample.oracle().task_executions.values():
        if f"{fact['metric_date']:%Y-%m}" == MONTH:
            by_organization[fact["organization_id"]].append(fact)
    return max(by_organization.values(), key=len)


def ask(story: Story, *arguments: str) -> Result:
    with environment_of(story.database):
        return CliRunner().invoke(main, ["explain", *arguments], catch_exceptions=False)


def document_of(story: Story, facts: list[Row], *arguments: str) -> Row:
    outcome = ask(
        story, "--organization", facts[0]["organization_id"], "--json",
        *(("--period", MONTH) if "--period" not in arguments else ()), *arguments,
    )  # fmt: skip
    assert outcome.exit_code == 0, outcome.output
    document: Row = json.loads(outcome.stdout)
    return document


def sums(facts: list[Row], key: Callable[[Row], Any]) -> dict[Any, tuple[int, Decimal, Decimal]]:
    """Return executions, spend and savings of each group."""
    groups = defaultdict(list)
    for fact in facts:
        groups[key(fact)].append(fact)
    return {
        name: (
            len(group),
            sum((fact["cost_usd"] or Decimal(0) for fact in group), Decimal(0)),
            sum((fact["savings_usd"] or Decimal(0) for fact in group), Decimal(0)),
        )
        for name, group in groups.items()
    }


def shown(part: Row, *key: str) -> dict[Any, tuple[int, Decimal, Decimal]]:
    return {
        tuple(row[name] for name in key): (
            row["total_tasks"],
            Decimal(row["total_spend_usd"]),
            Decimal(row["total_savings_usd"]),
        )
        for row in part["rows"]
    }


@pytest.mark.parametrize("asked_for", ["all", "provider", "model", "user", "day"])
def test_a_total_has_the_parts_that_the_oracle_gives(
    sample: Story, facts: list[Row], asked_for: str
) -> None:
    chosen = next(fact for fact in facts if fact["user_id"] and fact["model"] and fact["cost_usd"])
    arguments, column = {
        "all": ((), "organization_id"),
        "provider": (("--provider", chosen["provider"]), "provider"),
        "model": (("--model", chosen["model"]), "model"),
        "user": (("--user", chosen["user_id"]), "user_id"),
        "day": (("--period", chosen["metric_date"].isoformat()), "metric_date"),
    }[asked_for]
    wanted = [fact for fact in facts if fact[column] == chosen[column]]
    document = document_of(sample, facts, *arguments)
    total = shown(document["total"])
    assert total == sums(wanted, lambda _: ())
    assert shown(document["by_provider"], "provider") == sums(
        wanted, lambda fact: (fact["provider"],)
    )
    assert shown(document["by_model"], "provider", "model") == sums(
        wanted, lambda fact: (fact["provider"], fact["model"])
    )
    assert document["by_price"]["is_complete"]
    # The oracle prices without ids: rows of one model and reason together.
    by_price = defaultdict(list)
    for row in document["by_price"]["rows"]:
        by_price[row["provider"], row["model"], row["pricing_status"]].append(row)
    assert {
        key: tuple(
            sum(Decimal(row[name]) for row in rows)
            for name in ("total_tasks", "total_spend_usd", "total_savings_usd")
        )
        for key, rows in by_price.items()
    } == sums(wanted, lambda fact: (fact["provider"], fact["model"], fact["pricing_status"]))
    assert shown(document["unpriced"], "pricing_status") == sums(
        [fact for fact in wanted if fact["cost_usd"] is None],
        lambda fact: (fact["pricing_status"],),
    )
    dearest = sorted(
        (fact for fact in wanted if fact["cost_usd"] is not None),
        key=lambda fact: (-fact["cost_usd"], fact["execution_id"]),
    )
    assert [row["execution_id"] for row in document["largest"]["rows"]] == [
        fact["execution_id"] for fact in dearest[:10]
    ]
    # No mart has the total of a provider or a model of an organization's month.
    published = document["published"]
    assert (published is None) == (asked_for in ("provider", "model"))
    if published:
        assert Decimal(published["rows"][0]["total_spend_usd"]) == total[()][1]


def test_every_part_has_the_query_that_gives_it(sample: Story, facts: list[Row]) -> None:
    document = document_of(sample, facts)
    for name, part in document.items():
        if isinstance(part, dict) and "sql" in part:
            with sample.database.connect(options="-c timezone=UTC") as connection:
                again = connection.execute(part["sql"].encode()).fetchall()
            assert len(again) == len(part["rows"]), name


def test_a_part_that_does_not_add_up_is_told(story_of_sample: Story, facts: list[Row]) -> None:
    organization = facts[0]["organization_id"]
    with story_of_sample.database.connect() as connection:
        connection.execute(
            "update intermediate.int_organization_days set total_spend_usd = total_spend_usd + 1 "
            "where organization_id = %s and metric_date = %s",
            (organization, facts[0]["metric_date"]),
        )
    outcome = ask(story_of_sample, "--organization", organization, "--period", MONTH)
    assert outcome.exit_code == 1
    assert "total_spend_usd of published is" in outcome.output


def test_the_screen_shows_every_part(sample: Story, facts: list[Row]) -> None:
    organization = facts[0]["organization_id"]
    outcome = ask(sample, "--organization", organization, "--period", MONTH)
    assert outcome.exit_code == 0
    assert f"{len(facts):,} executions" in " ".join(outcome.output.split())
    for title in ("By provider", "By model", "By price row", "The executions that cost most"):
        assert title in outcome.output
    assert "from marts.model_usage" in outcome.output
    nothing = ask(sample, "--organization", organization, "--period", "2020-01")
    assert nothing.exit_code == 0
    assert "0 executions" in nothing.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Give an ID, or an --organization and a --period."),
        (("--period", MONTH), "Give an ID, or an --organization and a --period."),
        (("some id", "--period", MONTH), "An ID stands alone"),
        (("--organization", "nobody", "--period", MONTH), "No organization has the id"),
        (("--organization", "{id}", "--period", "October"), "is neither a month"),
        (("--organization", "{id}", "--period", "2026-13"), "is neither a month"),
        (("--organization", "{id}", "--period", "9999-12"), "is neither a month"),
        (("--organization", "{id}", "--period", MONTH, "--user", "nobody"), "No user of the"),
    ],
)
def test_what_cannot_be_answered_is_refused_in_a_sentence(
    sample: Story, facts: list[Row], arguments: tuple[str, ...], message: str
) -> None:
    given = [argument.format(id=facts[0]["organization_id"]) for argument in arguments]
    outcome = ask(sample, *given)
    assert outcome.exit_code in (1, 2)
    assert message in " ".join(outcome.output.split())
    assert "Traceback" not in outcome.output
