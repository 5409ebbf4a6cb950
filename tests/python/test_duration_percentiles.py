"""Percentiles from maps of buckets: within 1 % of the exact ones, and the same however maps add up.

The durations that Hypothesis draws go through the compiled SQL that makes the maps of a model, and
through the functions that a build leaves in the database. What they must say is computed here.
"""

import json
import math
import random
import re
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import strategies as st
from psycopg.types.json import Jsonb
from support.events import uuid_of
from support.oracle import Row
from support.price_books import drawn, either
from support.stories import Story

from orchestration.project import project_root

pytest_plugins = ["support.stories"]

MODEL = "int_organization_days"
SAMPLES = 150
LONGEST_MS = 10**9
NO_LENGTH = -1
FIRST_DAY = date(2026, 3, 1)
DAYS = 12
SHARES = (Decimal(0), Decimal("0.5"), Decimal("0.95"), Decimal("0.99"), Decimal(1))
BOUND = Fraction(1, 100)

# Bucket b holds durations up to and with 1.019^b, here rounded down to a whole millisecond.
LIMITS = [1019**bucket // 1000**bucket for bucket in range(2_400)]

T = TypeVar("T")


@dataclass
class Sample:
    """Durations, the day of each, and the shares to ask for.

    Attributes:
        durations: Milliseconds.
        days: As many positions of days.
        shares: From 0 to 1.
    """

    durations: list[int]
    days: list[int]
    shares: list[Decimal]


DURATIONS = st.integers(0, LONGEST_MS) | st.sampled_from(
    [0, 1, 2, LONGEST_MS, *(limit + more for limit in LIMITS[:1_090] for more in (0, 1))]
)


@st.composite
def durations(draw: st.DrawFn) -> list[int]:
    kind = draw(
        either("log-normal", "heavy", "constant", "two peaks", "all lengths", "zeros", "few", "any")
    )
    if kind in ("few", "any"):
        return draw(st.lists(DURATIONS, min_size=1, max_size=3 if kind == "few" else 60))
    chance = random.Random(draw(st.integers(0, 2**32)))  # noqa: S311
    count = draw(st.integers(4, 400))
    peaks = [draw(st.floats(0, 20)), draw(st.floats(0, 20))]
    width = draw(st.floats(0, 3))
    heaviness = draw(st.floats(0.3, 3))
    constant = draw(DURATIONS)

    def one() -> float:
        if kind == "log-normal":
            return chance.lognormvariate(peaks[0], width)
        if kind == "heavy":
            return math.exp(peaks[0]) * chance.paretovariate(heaviness)
        if kind == "two peaks":
            return chance.lognormvariate(chance.choice(peaks), 0.1)
        if kind == "zeros":
            return chance.choice((0, 0, 0, 1, math.exp(peaks[0])))
        return 10 ** chance.uniform(0, 9) if kind == "all lengths" else constant

    return [min(int(one()), LONGEST_MS) for _ in range(count)]


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    found = draw(durations())
    chance = random.Random(draw(st.integers(0, 2**32)))  # noqa: S311
    parts = draw(st.integers(1, DAYS))
    places = draw(st.sampled_from([2, 6, 18]))
    shares = draw(st.lists(st.decimals(0, 1, places=places), min_size=3, max_size=3))
    return Sample(found, [chance.randrange(parts) for _ in found], [*SHARES, *shares])


def bucket_of(duration_ms: int) -> int:
    """Return the bucket of a duration by whole numbers alone."""
    return bisect_left(LIMITS, duration_ms) if duration_ms > 0 else NO_LENGTH


def bucket_by_logarithm(duration_ms: int) -> int:
    return math.ceil(math.log(duration_ms) / math.log(1.019)) if duration_ms > 0 else NO_LENGTH


def value_of(bucket: int) -> Decimal:
    if bucket == NO_LENGTH:
        return Decimal("0.000")
    with localcontext(prec=60):
        middle = 2 * Decimal("1.019") ** bucket / Decimal("2.019")
        return middle.quantize(Decimal("0.001"), ROUND_HALF_UP)


def nearest_rank(values: Iterable[T], share: Decimal) -> T:
    """Return the smallest of ordered values that at least this share of them does not exceed."""
    found = list(values)
    return found[max(math.ceil(Fraction(share) * len(found)), 1) - 1]


def is_near(estimate: Decimal, exact: int | Decimal) -> bool:
    return abs(Fraction(estimate) - Fraction(exact)) <= BOUND * Fraction(exact)


def map_of_durations(story: Story) -> str:
    """Return the expression by which the model makes a map of the rows of a group."""
    (result,) = story.project.run(story.database, "compile", "--select", MODEL)
    text = result.node.compiled_code
    assert text.count("case count(") == 1, text
    (found,) = re.findall(r"(case count\(.*) as durations", text, re.DOTALL)
    return str(found)


@contextmanager
def maps(story: Story, rows: Iterable[Sequence[Any]]) -> Iterator[psycopg.Connection]:
    """Yield a connection with signed durations in a table, and `maps` of them by key and day."""
    durations = map_of_durations(story)
    with story.database.connect() as connection:
        connection.execute(
            "create temporary table executions "
            "(organization_id uuid, metric_date date, duration_ms bigint, sign smallint)"
        )
        with connection.cursor().copy("copy executions from stdin") as copy:
            for row in rows:
                copy.write_row(row)
        statement = f"""
            create temporary table maps as
            select organization_id, metric_date, {durations} as durations
            from executions
            group by organization_id, metric_date
        """  # noqa: S608
        connection.execute(statement.encode())
        connection.execute("analyze executions, maps")
        yield connection


@pytest.fixture(params=["story", "story_15"])
def any_story(request: pytest.FixtureRequest) -> Story:
    """Return a warehouse without data, on each supported version in turn."""
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Story)
    return found


def signed(sample: Sample, key: str, chance: random.Random) -> Iterator[Sequence[Any]]:
    """Return durations of several days, some of which come and go again on the same or a later day.

    The last day has nothing but what is taken away.
    """
    for length, day in zip(sample.durations, sample.days, strict=True):
        yield key, FIRST_DAY + timedelta(days=day), length, 1
        if chance.random() < 0.3:
            passing = chance.choice((length, int(10 ** chance.uniform(0, 9))))
            gone = chance.choice((day, DAYS))
            yield key, FIRST_DAY + timedelta(days=day), passing, 1
            yield key, FIRST_DAY + timedelta(days=gone), passing, -1


def test_percentiles_of_any_durations_are_near_and_the_same_from_days(any_story: Story) -> None:
    found = drawn(samples(), SAMPLES)
    chance = random.Random(2)  # noqa: S311
    whole = {uuid_of(number): sample for number, sample in enumerate(found)}
    in_days = {uuid_of(1_000_000 + number): sample for number, sample in enumerate(found)}
    rows: list[Sequence[Any]] = [
        (key, FIRST_DAY, length, 1) for key, sample in whole.items() for length in sample.durations
    ]
    for key, sample in in_days.items():
        rows += signed(sample, key, chance)
    with maps(any_story, rows) as connection:
        buckets: dict[str, dict[int, int]] = {
            str(key): {int(bucket): tasks for bucket, tasks in added.items()}
            for key, added in connection.execute("""
                select organization_id, marts.sum_maps(durations order by random())
                from maps
                group by organization_id
            """)
        }
        taken_away = connection.execute(
            "select count(*) from maps where metric_date = %s and durations <> '{}'",
            (FIRST_DAY + timedelta(days=DAYS),),
        ).fetchone()
        connection.execute("create temporary table shares (organization_id uuid, share numeric)")
        with connection.cursor().copy("copy shares from stdin") as copy:
            for key, sample in (whole | in_days).items():
                for share in set(sample.shares):
                    copy.write_row((key, share))
        estimates: dict[tuple[str, Decimal], Decimal] = {
            (str(key), share): value
            for key, share, value in connection.execute("""
                select organization_id, share, marts.duration_percentile(durations, share)
                from (
                    select organization_id, marts.sum_maps(durations) as durations
                    from maps
                    group by organization_id
                ) as added
                inner join shares using (organization_id)
            """)
        }
        by_sorting: dict[tuple[str, Decimal], int] = {
            (str(key), share): value
            for key, share, value in connection.execute(
                """
                select
                    organization_id,
                    share,
                    percentile_disc(share) within group (order by duration_ms)
                from executions
                inner join shares using (organization_id)
                where organization_id = any(%s)
                group by organization_id, share
                """,
                (list(whole),),
            )
        }

    compared = 0
    for (one, sample), other in zip(whole.items(), in_days, strict=True):
        # As dicts, for which a bucket with 0 tasks is not the same as none.
        counted = dict(Counter(map(bucket_of, sample.durations)))
        assert buckets[one] == counted == buckets[other], sample
        for share in sample.shares:
            exact = nearest_rank(sorted(sample.durations), share)
            estimate = estimates[one, share]
            assert is_near(estimate, exact), (sample, share, estimate, exact)
            expected = value_of(nearest_rank(sorted(Counter(counted).elements()), share))
            assert estimate == expected == estimates[other, share], (sample, share)
            # percentile_disc multiplies in double precision, which may round a share up a rank.
            count = len(sample.durations)
            if math.ceil(float(share) * count) == math.ceil(Fraction(share) * count):
                assert by_sorting[one, share] == exact, (sample, share)
                compared += 1
    assert compared > 0.95 * sum(len(sample.shares) for sample in found)
    # The agreement says something only if it covers long, short and missing lengths, days, and maps
    # of what is taken away.
    assert {NO_LENGTH, 0, bucket_of(LONGEST_MS)} <= set().union(*buckets.values())
    assert sum(len(set(sample.days)) > 1 for sample in found) > SAMPLES / 2
    assert sum(len(buckets[key]) > 100 for key in whole) > 10
    assert taken_away is not None
    assert taken_away[0] > SAMPLES / 2


def test_every_duration_falls_into_the_bucket_that_whole_numbers_say(any_story: Story) -> None:
    chance = random.Random(1)  # noqa: S311
    lengths = {
        *range(-2, 200_001),
        # Up to a year. Somewhat later the ends of buckets begin to be too near for logarithms.
        *(limit + more for limit in LIMITS[:1_280] for more in (0, 1)),
        *(int(10 ** chance.uniform(5, 10.4)) for _ in range(20_000)),
    }
    # The end of the UUID is the duration.
    rows = ((f"{length + 2:032x}", FIRST_DAY, length, 1) for length in lengths)
    with maps(any_story, rows) as connection:
        found = {
            key.int - 2: int(bucket)
            for key, bucket, tasks in connection.execute(
                "select organization_id, (jsonb_each_text(durations)).* from maps"
            )
            if tasks == "1"
        }
    assert found.keys() == lengths
    wrong = [
        (length, bucket, bucket_of(length), bucket_by_logarithm(length))
        for length, bucket in found.items()
        if not bucket == bucket_of(length) == bucket_by_logarithm(length)
    ]
    assert not wrong, wrong[:10]
    far = [
        length for length in lengths if length > 0 and not is_near(value_of(found[length]), length)
    ]
    assert not far, far[:10]


def local_hour(fact: Row) -> datetime:
    """Return when the hour of the reporting time zone began in which an execution started."""
    local = fact["start_time"].astimezone(ZoneInfo(fact["reporting_timezone"]))
    past = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    start: datetime = fact["start_time"] - past
    return start


def utc_hour(fact: Row) -> datetime:
    start: datetime = fact["start_time"].astimezone(UTC)
    return start.replace(minute=0, second=0, microsecond=0)


def monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def utc_day(fact: Row) -> date:
    return utc_hour(fact).date()


ORGANIZATION = ("organization_id",)
PROVIDER = ("provider", "model", "task_type")

# Columns that name whose period it is, the column that names the period, and how an execution's is
# found.
GRAINS: Mapping[str, tuple[tuple[str, ...], str, Callable[[Row], date]]] = {
    "organization_hours": (
        (*ORGANIZATION, "provider", "task_type", "metric_date"), "hour_start", local_hour,
    ),
    "organization_days": (ORGANIZATION, "metric_date", lambda fact: fact["metric_date"]),
    "organization_weeks": (ORGANIZATION, "metric_date", lambda fact: monday(fact["metric_date"])),
    "organization_months": (
        ORGANIZATION, "metric_date", lambda fact: fact["metric_date"].replace(day=1),
    ),
    "provider_hours": (PROVIDER, "period_start", utc_hour),
    "provider_days": (PROVIDER, "metric_date", utc_day),
    "provider_weeks": (PROVIDER, "metric_date", lambda fact: monday(utc_day(fact))),
    "provider_months": (PROVIDER, "metric_date", lambda fact: utc_day(fact).replace(day=1)),
}  # fmt: skip


@pytest.mark.parametrize("mart", GRAINS)
def test_percentiles_of_every_grain_are_those_of_its_executions(sample: Story, mart: str) -> None:
    names, period, period_of = GRAINS[mart]
    lengths = defaultdict[tuple[Any, ...], list[int]](list)
    for fact in sample.mart("fct_task_executions").values():
        known = lengths[(*(fact[name] for name in names), period_of(fact))]
        if fact["duration_ms"] is not None:
            known.append(fact["duration_ms"])
    rows = {
        (*(row[name] for name in names), row[period]): row
        for row in sample.rows(f"select * from marts.{mart}")  # noqa: S608
    }
    assert rows.keys() == lengths.keys()
    median = "p50_duration_ms" if names[0] == "organization_id" else "median_duration_ms"
    shares = {median: "0.5", "p95_duration_ms": "0.95", "p99_duration_ms": "0.99"}
    for key, row in rows.items():
        known = sorted(lengths[key])
        buckets = Counter(map(bucket_of, known))
        assert row["timed_tasks"] == len(known), row
        assert row["durations"] == {str(bucket): tasks for bucket, tasks in buckets.items()}, row
        for column, share in shares.items():
            if not known:
                assert row[column] is None, row
                continue
            exact = nearest_rank(known, Decimal(share))
            assert row[column] == value_of(bucket_of(exact)), (row, exact)
            assert is_near(row[column], exact), (row, exact)
    # It says something only of rows with and without durations, and with more than one.
    counts = [row["timed_tasks"] for row in rows.values()]
    assert max(counts) > (1 if "hour" in mart else 5)
    assert "hour" not in mart or min(counts) == 0


def fenced(language: str) -> str:
    """Return the one block of the document in this language."""
    document = (project_root() / "docs" / "methodology.md").read_text(encoding="utf-8")
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", document, re.MULTILINE | re.DOTALL)
    return str(found)


def test_the_buckets_of_the_document_are_these() -> None:
    text = fenced("text")
    rows = [line.split() for line in text.splitlines() if re.fullmatch(r"[-\d. ]+", line)]
    assert len(rows) == 5
    for length, bucket, value in rows:
        assert (int(bucket), Decimal(value)) == (
            bucket_of(int(length)),
            value_of(bucket_of(int(length))),
        )
    numbers = {Decimal(found) for found in re.findall(r"\d+\.\d+", text.partition("\n\n")[0])}
    assert numbers == {Decimal(number) for number in ("1.019", "0.019", "2.019", "0.94")}
    assert round(100 * Decimal("0.019") / Decimal("2.019"), 2) == Decimal("0.94")


def test_the_query_of_the_document_runs(sample: Story) -> None:
    query = fenced("postgresql")
    first, last = sample.row(
        "select min(metric_date) as first, max(metric_date) as last from marts.provider_days"
    ).values()
    query, replaced = re.subn(r"between '.*' and '.*'", f"between '{first}' and '{last}'", query)
    assert replaced == 1
    lengths = defaultdict[str, list[int]](list)
    for fact in sample.mart("fct_task_executions").values():
        if fact["duration_ms"] is not None:
            lengths[fact["provider"]].append(fact["duration_ms"])
    found = {row.pop("provider"): row for row in sample.rows(query)}
    assert found.keys() == lengths.keys()
    for provider, row in found.items():
        assert row["timed_tasks"] == len(lengths[provider])
        exact = nearest_rank(sorted(lengths[provider]), Decimal("0.95"))
        assert is_near(row["p95_duration_ms"], exact), provider


def test_a_percentile_of_any_map_and_share(any_story: Story) -> None:
    with any_story.database.connect(autocommit=True) as connection:

        def ask(durations: Mapping[int, int] | None, share: str = "0.5") -> Any:
            found = connection.execute(
                "select marts.duration_percentile(%s::jsonb, %s::numeric)",
                (None if durations is None else json.dumps(durations), share),
            ).fetchone()
            return found and found[0]

        # Nothing was timed: an empty map, what outer joins leave, and no rows at all.
        assert ask({}) is None
        assert ask(None) is None
        none = b"select marts.duration_percentile(marts.sum_maps('{}'), 0.5) where false"
        assert connection.execute(none).fetchone() == (None,)
        # Both ends, and on both sides of what the first of four executions is.
        four = {-1: 1, 100: 2, 300: 1}
        assert [ask(four, share) for share in ("0", "0.25", "0.26", "0.75", "0.76", "1")] == [
            0, 0, value_of(100), value_of(100), value_of(300), value_of(300),
        ]  # fmt: skip
        # No share of anything: a percentage instead of a share names no duration.
        assert [ask(four, share) for share in ("1.001", "95", "NaN")] == [None, None, None]
        # Buckets are ordered as numbers and not as text: 1000 comes after 99.
        assert ask({1000: 1, 99: 1}) == value_of(99)
        # More tasks than fit a bigint.
        assert ask({7: 2**63 - 1, 8: 2**63 - 1}, "1") == value_of(8)
        assert ask({7: 2**63 - 1, 8: 2**63 - 1}, "0.5") == value_of(7)
        # Every bucket of up to ten years alone.
        query = (
            b"select bucket, marts.duration_percentile(jsonb_build_object(bucket, 1), 0.5) "
            b"from generate_series(-1, 1400) as bucket"
        )
        for bucket, value in connection.execute(query):
            assert value == value_of(bucket), bucket


def random_map(chance: random.Random) -> dict[str, int]:
    """Return a map of few names, so that two of them often meet, with counts of either sign."""
    counts = (-3, -2, -1, 1, 2, 3, 10**18)
    names = chance.sample(["-1", "0", "7", "12", "openai", 'a "b"', "ä"], chance.randint(0, 5))
    return {name: chance.choice(counts) for name in names}


def added(*parts: Mapping[str, int]) -> dict[str, int]:
    """Return the sum of maps, in which nothing stands with 0."""
    totals = defaultdict[str, int](int)
    for part in parts:
        for name, number in part.items():
            totals[name] += number
    return {name: number for name, number in totals.items() if number}


def test_maps_add_up_and_drop_what_becomes_0(any_story: Story) -> None:
    chance = random.Random(3)  # noqa: S311
    groups = [[random_map(chance) for _ in range(chance.randint(1, 6))] for _ in range(500)]
    groups += [[{}], [{}, {}], [{"7": 1}, {"7": -1}], [{"7": -2}], [{"7": 2}, {}, {"7": -1}]]
    with any_story.database.connect() as connection:
        connection.execute("create temporary table parts (place integer, part jsonb)")
        with connection.cursor().copy("copy parts from stdin") as copy:
            for place, group in enumerate(groups):
                for part in group:
                    copy.write_row((place, json.dumps(part)))
        sums: dict[int, dict[str, int]] = dict(
            connection.execute(
                "select place, marts.sum_maps(part order by random()) from parts group by place"
            ).fetchall()
        )
        assert sums == {place: added(*group) for place, group in enumerate(groups)}
        pairs = [(group[0], group[-1]) for group in groups]
        for one, other in pairs:
            asked = connection.execute(
                "select marts.add_maps(%(one)s, %(other)s), marts.add_maps(%(other)s, %(one)s), "
                "marts.add_maps(%(one)s, '{}')",
                {"one": Jsonb(one), "other": Jsonb(other)},
            )
            assert asked.fetchone() == (added(one, other), added(one, other), one)
        # What is not there, as outer joins leave it, takes nothing from what is.
        asked = connection.execute("""
            select marts.sum_maps(part order by place)
            from (values (1, null), (2, '{"7": 1}'), (3, null), (4, '{"7": 2}')) as t (place, text)
            cross join lateral (select cast(text as jsonb) as part) as parts
        """)
        assert asked.fetchone() == ({"7": 3},)
        asked = connection.execute("select marts.sum_maps(part) from parts where false")
        assert asked.fetchone() == ({},)
    assert sum(any(number < 0 for number in total.values()) for total in sums.values()) > 100
    assert sum(total.keys() < set().union(*groups[place]) for place, total in sums.items()) > 20


def test_signed_names_are_counted_and_0_is_dropped(any_story: Story) -> None:
    chance = random.Random(4)  # noqa: S311
    groups = [
        [(chance.choice("abcä"), chance.choice((-1, 1, 1))) for _ in range(chance.randint(0, 8))]
        for _ in range(500)
    ]
    dropped = 0
    with any_story.database.connect() as connection:
        for group in groups:
            expected = added(*({name: sign} for name, sign in group))
            asked = connection.execute(
                "select marts.count_map(%s::text[], %s::smallint[])",
                ([name for name, _ in group], [sign for _, sign in group]),
            )
            assert asked.fetchone() == (expected,), group
            dropped += len({name for name, _ in group}) > len(expected)
        nothing = connection.execute("select marts.count_map(null, null)").fetchone()
        assert nothing == ({},)
    assert dropped > 20


def test_parallel_workers_and_any_search_path_find_the_same(any_story: Story) -> None:
    query = b"select marts.sum_maps(durations) from public.many"
    with any_story.database.connect(autocommit=True) as connection:

        def ask(*settings: str) -> Any:
            for setting in settings:
                connection.execute(f"set {setting}".encode())
            (total,) = connection.execute(query).fetchone() or (None,)
            return total, [
                connection.execute(
                    "select marts.duration_percentile(%s, %s)", (Jsonb(total), share)
                ).fetchone()
                for share in shares
            ]

        # Shares that buckets reach exactly: with any row lost or counted twice it would be others.
        count = 2_000
        connection.execute("""
            create table public.many as
            select jsonb_build_object(n * n % 401 - 1, 1) as durations
            from generate_series(cast(1 as bigint), 2000) as n
        """)
        buckets = sorted(n * n % 401 - 1 for n in range(1, count + 1))
        counted = {str(bucket): tasks for bucket, tasks in Counter(buckets).items()}
        probed = buckets[:: count // 15]
        shares = [Decimal(bisect_right(buckets, bucket)) / count for bucket in probed]
        expected = counted, [(value_of(bucket),) for bucket in probed]

        assert ask("max_parallel_workers_per_gather = 0") == expected
        parallel = ask(
            "max_parallel_workers_per_gather = 2",
            *(f"{cost} = 0" for cost in ("parallel_setup_cost", "parallel_tuple_cost")),
            "min_parallel_table_scan_size = 0",
        )
        assert parallel == expected
        plan = str(connection.execute(b"explain (analyze) " + query).fetchall())
        assert "Partial Aggregate" in plan
        assert re.search(r"Workers Launched: [12]", plan)

        connection.execute("create schema other")
        connection.execute("""
            create function other.power(numeric, numeric) returns numeric
            language sql return cast(null as numeric)
        """)
        connection.execute("""
            create function other.jsonb_each_text(jsonb, out key text, out value text)
            returns setof record language sql begin atomic
                select '7', '7' where false;
            end
        """)
        assert ask("search_path = other, pg_catalog") == expected
        assert connection.execute("select power(2.0, 2.0)").fetchone() == (None,)
        assert connection.execute("select * from jsonb_each_text('{\"a\": 1}')").fetchone() is None
