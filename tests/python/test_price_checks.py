"""Checks of the price book: what stops a build before it prices, and what is only listed."""

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from click.testing import CliRunner
from support.events import execution, organization
from support.oracle import Row
from support.stories import RECORDED_LATER, ROWS, Seeds, Story, environment_of, price

from orchestration.cli import main
from orchestration.prices.book import Book
from orchestration.prices.refresh import restated

pytest_plugins = ["support.stories"]

PROVIDER, MODEL = "anthropic", "claude-sonnet-4-6"
NEVER_EDITED = "assert_price_rows_are_never_edited_or_deleted"
FOLLOW_RULES = "prices_follow_their_rules"
PRICES_ON = "provider_pricing+"
"""What an edit of the price book builds and tests again, the marts included."""


@pytest.fixture
def priced(story: Story) -> Story:
    """Return a story with executions at a price of the shipped book."""
    used = {
        "provider": PROVIDER,
        "model": MODEL,
        "start_time": "2026-10-05T09:00:00Z",
        "end_time": "2026-10-05T09:00:04Z",
        "updated_at": "2026-10-05T09:00:04Z",
    }
    story.land(organization(), *(execution(number, **used) for number in (1, 2, 3)))
    story.build(ROWS)
    facts = story.mart("fct_task_executions")
    assert Counter(fact["pricing_status"] for fact in facts.values()) == {"priced": 3}
    return story


def with_cells(rows: list[dict[str, str]], **cells: str) -> list[dict[str, str]]:
    """Return the book with other cells in the one row of the model that is in use."""
    edited = [row | cells if is_used(row) else row for row in rows]
    assert sum(map(is_used, rows)) == 1
    return edited


def is_used(row: dict[str, str]) -> bool:
    key = row["provider"], row["model"], row["context_over_tokens"]
    return key == (PROVIDER, MODEL, "")


def failures(error: pytest.ExceptionInfo[AssertionError]) -> set[str]:
    """Return the names of what failed in a build."""
    return {line.split(":")[0] for line in str(error.value).splitlines()[1:] if line}


def listed(story: Story, test: str, columns: str = "*") -> list[Row]:
    return story.rows(f"select {columns} from quality.{test}")  # noqa: S608


def costs(story: Story) -> dict[str, Counter[str]]:
    """Return the facts, which hold what was computed from prices."""
    return {name: rows for name, rows in story.marts().items() if name.startswith("fct_")}


def test_an_edited_or_deleted_row_stops_the_build_and_is_named(
    priced: Story, seeds: Seeds, capsys: pytest.CaptureFixture[str]
) -> None:
    before = costs(priced)
    shipped = seeds.read("provider_pricing")
    edited = with_cells(shipped, input_usd_per_mtok="30", effective_until="2026-12-01T00:00:00Z")
    deleted = [row for row in shipped if not is_used(row)]
    name = (
        f"provider {PROVIDER}, model {MODEL}, "
        "effective_from 2026-02-17 00:00:00+00, recorded_at 2026-11-20 00:00:00+00"
    )
    change = "input_usd_per_mtok from 3 to 30, effective_until from blank to 2026-12-01 00:00:00+00"
    for rows, finding in (
        (edited, f"{name}: edited, {change}"),
        # What was built in between does not become the state that counts.
        (edited, f"{name}: edited, {change}"),
        (deleted, f"{name}: deleted"),
    ):
        seeds.write("provider_pricing", rows)
        with pytest.raises(AssertionError) as error:
            priced.build(PRICES_ON, with_tests=True)
        assert failures(error) == {NEVER_EDITED}
        assert listed(priced, NEVER_EDITED) == [{"finding": finding}]
        assert f"  {finding}\n" in capsys.readouterr().out
        assert costs(priced) == before

    seeds.write("provider_pricing", with_cells(shipped, notes="reworded"))
    priced.build(PRICES_ON, with_tests=True)
    assert listed(priced, NEVER_EDITED) == []
    assert costs(priced) == before


def test_every_rule_of_the_other_seeds_can_be_broken(story: Story, seeds: Seeds) -> None:
    window = {"effective_from": "2026-01-01T00:00:00Z", "recorded_at": RECORDED_LATER}
    usage = window | {"provider": "acme", "usage": "searches", "source": "a story"}
    factor = window | {"provider": "acme", "factor": "2", "source": "a story"}
    (policy,) = seeds.read("baseline_policies")
    written: dict[str, tuple[str, list[tuple[dict[str, str], str]]]] = {
        "usage_prices": (
            "usage_prices_follow_their_rules",
            [
                (usage | {"usd_per_mtok": "1"}, "charge tokens per million and others per unit"),
                (
                    usage | {"usage": "audio_input_tokens", "usd_per_mtok": "0.0004"},
                    "charge tokens per million and others per unit",
                ),
            ],
        ),
        "price_factors": (
            "price_factors_follow_their_rules",
            [
                (
                    factor | {"kind": "region", "region": "eu", "factor": "100.1"},
                    "lie between none and a hundredfold",
                ),
                (factor | {"kind": "lunar"}, "are of a known kind and name what it is about"),
                (factor | {"kind": "agreement"}, "are of a known kind and name what it is about"),
                (
                    factor | {"kind": "hours", "hours": "Mon-Fri 9-17"},
                    "give hours as weekdays and minutes",
                ),
            ],
        ),
        "model_aliases": (
            "aliases_follow_their_rules",
            [
                (
                    {
                        "provider": "acme",
                        "alias": "same",
                        "model": "same",
                        "recorded_at": RECORDED_LATER,
                    },
                    "differ from their model",
                )
            ],
        ),
        "baseline_policies": (
            "policies_follow_their_rules",
            [
                (policy | window | {"policy": "luck"}, "are of a known kind"),
                (
                    policy | window | {"policy": "fixed", "effective_from": "2026-02-01T00:00:00Z"},
                    "name a provider and model when fixed and only then",
                ),
            ],
        ),
    }
    for seed, (_, rows) in written.items():
        seeds.add(seed, *(row for row, _ in rows))
    with pytest.raises(AssertionError) as error:
        story.build(*written, with_tests=True)
    assert failures(error) >= {test for test, _ in written.values()}
    for test, rows in written.values():
        found = Counter(row["broken_rule"] for row in listed(story, test, "broken_rule"))
        # The two policies claim the same moment as well.
        found.pop("do not overlap when recorded together", None)
        assert found == Counter(rule for _, rule in rows), test


def test_tables_of_prices_have_their_keys(story: Story) -> None:
    keys = (
        "select conrelid::regclass::text as relation, pg_get_constraintdef(oid) as key "
        "from pg_constraint where contype = 'p' and connamespace in "
        "('intermediate'::regnamespace, 'snapshots'::regnamespace) order by 1"
    )
    found = {row["relation"]: row["key"] for row in story.rows(keys)}
    tables = {
        row["relation"]
        for row in story.rows(
            "select oid::regclass::text as relation from pg_class where relkind = 'r' and "
            "(relnamespace = 'snapshots'::regnamespace or relnamespace = "
            "'intermediate'::regnamespace and relname ~ 'price|policies|exchange')"
        )
    }
    assert len(tables) == 16
    assert tables <= found.keys()
    assert found["intermediate.int_prices"] == "PRIMARY KEY (price_row_id)"
    # A table that an older version made without one gets it.
    with story.database.connect() as connection:
        connection.execute("alter table intermediate.int_prices drop constraint int_prices_pkey")
    story.build("int_prices")
    assert {row["relation"]: row["key"] for row in story.rows(keys)} == found


def test_a_key_that_stands_twice_in_a_view_is_named(story: Story) -> None:
    query = story.row("select pg_get_viewdef('marts.dim_dates') as query")["query"].rstrip("; ")
    with story.database.connect() as connection:
        twice = f"create or replace view marts.dim_dates as ({query}) union all ({query})"
        connection.execute(twice.encode())
    with pytest.raises(AssertionError, match="assert_keys_of_views_are_unique"):
        story.project.run(story.database, "test", "--select", "assert_keys_of_views_are_unique")
    found = story.rows(
        "select distinct view_name, row_count from quality.assert_keys_of_views_are_unique"
    )
    assert found == [{"view_name": "dim_dates", "row_count": 2}]


def test_an_edited_policy_is_named(story: Story, seeds: Seeds) -> None:
    (policy,) = seeds.read("baseline_policies")
    fixed = {"policy": "fixed", "baseline_provider": PROVIDER, "baseline_model": MODEL}
    seeds.write("baseline_policies", [policy | fixed])
    test = "assert_policies_are_never_edited_or_deleted"
    with pytest.raises(AssertionError) as error:
        story.build(f"+{test}", with_tests=True)
    assert failures(error) == {test}
    assert listed(story, test) == [
        {
            "finding": "effective_from 2020-01-01 00:00:00+00, recorded_at 2026-11-20 00:00:00+00: "
            "edited, policy from organization_default to fixed, baseline_provider from blank to "
            f"{PROVIDER}, baseline_model from blank to {MODEL}"
        }
    ]


def test_a_refresh_says_what_its_rows_restate(priced: Story, seeds: Seeds) -> None:
    book = Book.read(seeds.folder)
    row = {"provider": PROVIDER, "model": MODEL, "effective_until": ""}
    before, early, late = "2026-01-01T00:00:00Z", "2026-10-05T09:00:00Z", "2026-10-05T09:00:01Z"
    with priced.database.connect() as connection:
        for rows, expected in (
            ([row | {"effective_from": early}], (3, {organization()["id"]})),
            ([row | {"effective_from": early}] * 2, (3, {organization()["id"]})),
            ([row | {"effective_from": late}], (0, set())),
            (
                [row | {"effective_from": before, "effective_until": early}],
                (0, set()),
            ),
            ([row | {"effective_from": early, "model": "claude-opus-4-5"}], (0, set())),
        ):
            assert restated(connection, book, rows) == expected


def test_a_row_that_cannot_be_right_stops_the_build_before_anything_knows_of_it(
    priced: Story, seeds: Seeds
) -> None:
    before = priced.marts()
    shipped = seeds.read("provider_pricing")
    (used,) = filter(is_used, shipped)
    no_rate = {"input_usd_per_mtok": None, "output_usd_per_mtok": None}
    for wrong, rule in (
        (used | {"input_usd_per_mtok": "30"}, "stand once"),
        (
            used | {"effective_from": "2026-03-01T00:00:00Z", "input_usd_per_mtok": "30"},
            "do not overlap when recorded together",
        ),
        (
            price(PROVIDER, MODEL, cached_input_usd_per_mtok="7.000000000001"),
            "charge no more for cached input than for input",
        ),
        (price(PROVIDER, MODEL, **no_rate), "charge for something"),
    ):
        seeds.write("provider_pricing", [*shipped, wrong])
        with pytest.raises(AssertionError) as error:
            priced.build(PRICES_ON, with_tests=True)
        assert failures(error) == {FOLLOW_RULES}
        assert listed(priced, FOLLOW_RULES, "broken_rule") == [{"broken_rule": rule}]
        priced.assert_equals(before)
    # A slip that nothing knew of can be put right.
    seeds.write("provider_pricing", shipped)
    priced.build(f"+{NEVER_EDITED}", with_tests=True)


def test_what_may_be_right_is_listed_and_stops_nothing(
    story: Story, seeds: Seeds, capsys: pytest.CaptureFixture[str]
) -> None:
    more_than_a_day, a_day = "2026-10-30T23:29:59Z", "2026-10-30T23:30:00Z"
    fetched: dict[str, Any] = {"source": "fetched:list", "recorded_at": more_than_a_day}
    february = {"effective_from": "2026-02-01T00:00:00Z"}
    march = {"effective_from": "2026-03-01T00:00:00Z"}
    until_february = {"effective_until": february["effective_from"]}
    until_march = {"effective_until": march["effective_from"]}
    seeds.add(
        "provider_pricing",
        # A change by exactly the threshold, one just above it, and one down to nothing.
        price("acme", "moves", **until_february, input_usd_per_mtok="10"),
        price("acme", "moves", **february, **until_march, input_usd_per_mtok="11"),
        price("acme", "moves", **march, input_usd_per_mtok="12.2", output_usd_per_mtok="0"),
        # Never in force, because it was corrected.
        price("acme", "corrected", input_usd_per_mtok="70", recorded_at=more_than_a_day),
        price("acme", "corrected"),
        # Another kind of price.
        price("acme", "metered", **until_march, usd_per_minute="1"),
        price("acme", "metered", **march),
        price("acme", "withdrawn", **until_february),
        price("acme", "withdrawn", **march),
        price("acme", "reversed", output_usd_per_mtok="6.999999999999"),
        price("acme", "old", **fetched),
        price("acme", "new", **fetched | {"recorded_at": a_day}),
        price("acme", "entered", recorded_at=more_than_a_day),
        price("acme", "ended", **fetched, **until_march),
        price("acme", "coming", **fetched, effective_from="2026-11-01T00:00:00Z"),
        price("acme", "superseded", **fetched),
        price("acme", "superseded", recorded_at=RECORDED_LATER),
    )
    expected: dict[str, tuple[str, list[tuple[Any, ...]]]] = {
        "assert_price_changes_are_small": (
            "model_scope, rate, old_usd, new_usd, change_percentage",
            [
                ("metered", "usd_per_minute", 1, None, None),
                *(
                    ("moves", f"{kind}_usd_per_mtok", 11, Decimal("12.2"), Decimal("10.91"))
                    for kind in ("cache_write", "cached_input", "input")
                ),
                ("moves", "output_usd_per_mtok", 21, 0, -100),
            ],
        ),
        "assert_fetched_prices_are_fresh": (
            "model_scope, age",
            [("old", timedelta(days=1, seconds=1))],
        ),
        "assert_output_costs_no_less_than_input": ("model_scope", [("moves",), ("reversed",)]),
        "assert_prices_have_no_gaps": (
            "model_scope, cast(valid_until as text), cast(next_valid_from as text)",
            [("withdrawn", "2026-02-01 00:00:00+00", "2026-03-01 00:00:00+00")],
        ),
    }
    story.build(*(f"+{test}" for test in expected), "dim_prices", with_tests=True)
    output = capsys.readouterr().out
    for test, (columns, rows) in expected.items():
        # The shipped book has nothing that somebody should act on.
        assert f"WARN {test}, rows: {len(rows)}; " in output
        found = listed(story, test, columns)
        assert sorted((tuple(row.values()) for row in found), key=str) == rows
    # `warehouse check` and the alert read what the tests read.
    with environment_of(story.database):
        CliRunner().invoke(main, ["check", "--suite", "price_book"], catch_exceptions=False)
    for rule in ("price_changes_are_small", "fetched_prices_are_fresh"):
        row = story.row("select broken_ids from quality.check_results where rule = %s", rule)
        assert {broken["price_id"] for broken in row["broken_ids"]} == {
            row["price_id"] for row in listed(story, f"assert_{rule}", "price_id")
        }
    assert story.row(
        "select is_broken, round(observed, 3) as hours from quality.alert_conditions "
        "where rule = 'fetched_prices_are_fresh'"
    ) == {"is_broken": True, "hours": Decimal("24.000")}
