"""Percentiles from histograms: within 1 % of the exact ones, and the same however days are merged.

The durations that Hypothesis draws go through the compiled SQL of the model that makes histograms,
and through the aggregate that a build leaves beside it. What they must say is computed here.
"""

import math
import random
import re
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pytest
from hypothesis import strategies as st
from oracle import Row
from stories import NOW, Story
from test_landing_contracts import uuid_of
from test_pricing_properties import drawn, either

from orchestration.project import project_root

pytest_plugins = ["stories"]

MODEL = "organization_duration_histogram"
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


def compiled(story: Story) -> str:
    """Return the query of the model as a full refresh runs it, on a table `samples`."""
    story.project.run(story.database, "compile", "--select", MODEL, "--full-refresh")
    arguments = story.project.arguments(story.database, (), NOW)
    target = Path(arguments[arguments.index("--target-path") + 1])
    (path,) = (target / "compiled").rglob(f"{MODEL}.sql")
    query, replaced = re.subn(r'"\w+"\."marts"\."fct_task_executions"', "samples", path.read_text())
    assert replaced == 1, query
    return query


@contextmanager
def histograms(story: Story, rows: Iterable[Sequence[Any]]) -> Iterator[psycopg.Connection]:
    """Yield a connection with durations in a table `samples`, and `histograms` of them."""
    query = compiled(story)
    with story.database.connect() as connection:
        connection.execute(
            "create temporary table samples "
            "(organization_id uuid, metric_date date, duration_ms bigint)"
        )
        with connection.cursor().copy("copy samples from stdin") as copy:
            for row in rows:
                copy.write_row(row)
        connection.execute(f"create temporary table histograms as {query}".encode())
        connection.execute("analyze samples, histograms")
        yield connection


@pytest.fixture(params=["story", "story_15"])
def any_story(request: pytest.FixtureRequest) -> Story:
    """Return a warehouse without data, on each supported version in turn."""
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Story)
    return found


def test_percentiles_of_any_durations_are_near_and_the_same_from_days(any_story: Story) -> None:
    found = drawn(samples(), SAMPLES)
    whole = {uuid_of(number): sample for number, sample in enumerate(found)}
    in_days = {uuid_of(1_000_000 + number): sample for number, sample in enumerate(found)}
    rows = [
        (key, FIRST_DAY, length) for key, sample in whole.items() for length in sample.durations
    ]
    rows += [
        (key, FIRST_DAY + timedelta(days=day), length)
        for key, sample in in_days.items()
        for length, day in zip(sample.durations, sample.days, strict=True)
    ]
    buckets = defaultdict[str, Counter[int]](Counter)
    with histograms(any_story, rows) as connection:
        for key, bucket, tasks in connection.execute(
            "select organization_id, duration_bucket, timed_tasks from histograms"
        ):
            buckets[str(key)][bucket] += tasks
        connection.execute("create temporary table shares (organization_id uuid, share numeric)")
        with connection.cursor().copy("copy shares from stdin") as copy:
            for key, sample in (whole | in_days).items():
                for share in set(sample.shares):
                    copy.write_row((key, share))
        estimates: dict[tuple[str, Decimal], Decimal] = {
            (str(key), share): value
            for key, share, value in connection.execute("""
                select
                    organization_id,
                    share,
                    marts.duration_percentile(duration_bucket, timed_tasks, share)
                from (
                    select * from histograms
                    inner join shares using (organization_id)
                    order by random()
                ) as shuffled
                group by organization_id, share
            """)
        }
        by_sorting: dict[tuple[str, Decimal], int] = {
            (str(key), share): value
            for key, share, value in connection.execute("""
                select
                    organization_id,
                    share,
                    percentile_disc(share) within group (order by duration_ms)
                from samples
                inner join shares using (organization_id)
                group by organization_id, share
            """)
        }

    compared = 0
    for (one, sample), other in zip(whole.items(), in_days, strict=True):
        assert buckets[one] == Counter(map(bucket_of, sample.durations)) == buckets[other], sample
        for share in sample.shares:
            exact = nearest_rank(sorted(sample.durations), share)
            estimate = estimates[one, share]
            assert is_near(estimate, exact), (sample, share, estimate, exact)
            expected = value_of(nearest_rank(sorted(buckets[one].elements()), share))
            assert estimate == expected == estimates[other, share], (sample, share)
            # percentile_disc multiplies in double precision, which may round a share up a rank.
            count = len(sample.durations)
            if math.ceil(float(share) * count) == math.ceil(Fraction(share) * count):
                assert by_sorting[one, share] == exact, (sample, share)
                compared += 1
    assert compared > 0.95 * sum(len(sample.shares) for sample in found)
    # The agreement says something only if it covers long, short and missing lengths, and days.
    assert {NO_LENGTH, 0, bucket_of(LONGEST_MS)} <= set().union(*buckets.values())
    assert sum(len(set(sample.days)) > 1 for sample in found) > SAMPLES / 2
    assert sum(len(buckets[key]) > 100 for key in whole) > 10


def test_every_duration_falls_into_the_bucket_that_whole_numbers_say(any_story: Story) -> None:
    chance = random.Random(1)  # noqa: S311
    lengths = {
        *range(-2, 200_001),
        # Up to a year. Somewhat later the ends of buckets begin to be too near for logarithms.
        *(limit + more for limit in LIMITS[:1_280] for more in (0, 1)),
        *(int(10 ** chance.uniform(5, 10.4)) for _ in range(20_000)),
    }
    # The end of the UUID is the duration.
    rows = ((f"{length + 2:032x}", FIRST_DAY, length) for length in lengths)
    with histograms(any_story, rows) as connection:
        found = {
            key.int - 2: bucket
            for key, bucket in connection.execute(
                "select organization_id, duration_bucket from histograms"
            )
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


@pytest.mark.parametrize(
    ("mart", "key", "median", "day"),
    [
        ("organization_analytics", ("organization_id",), "p50_duration_ms", "rows.metric_date"),
        (
            "provider_performance_metrics",
            ("provider", "model", "task_type"),
            "median_duration_ms",
            "cast(rows.start_time at time zone 'UTC' as date)",
        ),
    ],
    ids=["organizations", "providers"],
)
def test_weeks_and_months_are_what_the_aggregate_makes_of_days(
    sample: Story, mart: str, key: tuple[str, ...], median: str, day: str
) -> None:
    histogram = f"{mart.partition('_')[0]}_duration_histogram"
    names = (median, "p95_duration_ms", "p99_duration_ms")

    def beside(relation: str, day: str, percentiles: Iterable[str]) -> list[Row]:
        """Return weeks and months, each with percentiles from the rows of its days."""
        same = " and ".join(
            f"rows.{column} is not distinct from periods.{column}" for column in key
        )
        columns = ", ".join((*key, "aggregation_period", "metric_date", "timed_tasks", *names))
        return sample.rows(f"""
            with periods as (
                select
                    {columns},
                    metric_date + case aggregation_period
                        when 'weekly' then interval '7 days' else interval '1 month'
                    end as next_date
                from marts.{mart}
                where aggregation_period in ('weekly', 'monthly')
            )
            select {"periods." + columns.replace(", ", ", periods.")}, {", ".join(percentiles)}
            from periods
            left join marts.{relation} as rows
                on {same} and {day} >= periods.metric_date and {day} < periods.next_date
            group by {"periods." + columns.replace(", ", ", periods.")}
            order by {"periods." + columns.replace(", ", ", periods.")}
        """)  # noqa: S608

    shares = {"of_50": "0.5", "of_95": "0.95", "of_99": "0.99"}
    merged = beside(
        histogram,
        "rows.metric_date",
        (
            f"marts.duration_percentile(rows.duration_bucket, rows.timed_tasks, {share}) as {name}"
            for name, share in shares.items()
        ),
    )
    sorted_facts = beside(
        "fct_task_executions",
        day,
        (
            f"percentile_disc({share}) within group (order by rows.duration_ms) as {name}"
            for name, share in shares.items()
        ),
    )
    for row, exact in zip(merged, sorted_facts, strict=True):
        for name, column in zip(shares, names, strict=True):
            assert row[name] == row[column] == exact[column], row
            assert (row[name] is None) == (exact[name] is None) == (row["timed_tasks"] == 0), row
            assert row[name] is None or is_near(row[name], exact[name]), (row, exact)
    timed = [row for row in merged if row["timed_tasks"]]
    assert {row["aggregation_period"] for row in timed} == {"weekly", "monthly"}
    assert max(row["timed_tasks"] for row in timed) > 30
    assert "model" not in key or any(row["model"] is None for row in timed)


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
        "select min(metric_date) as first, max(metric_date) as last "
        "from marts.provider_duration_histogram"
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


def test_a_share_is_the_same_everywhere_and_from_0_to_1(any_story: Story) -> None:
    with any_story.database.connect(autocommit=True) as connection:

        def ask(rows: str, share: str = "share") -> Any:
            found = connection.execute(
                f"select marts.duration_percentile(bucket, tasks, {share}) "  # noqa: S608
                f"from (values {rows}) as given (bucket, tasks, share)".encode()
            ).fetchone()
            return found and found[0]

        for share in ("-0.001", "1.001", "null", "'NaN'"):
            with pytest.raises(psycopg.errors.NumericValueOutOfRange, match="between 0 and 1, not"):
                ask("(100, 1, 0.5)", share)
        with pytest.raises(psycopg.errors.InvalidParameterValue, match="must be the same"):
            ask("(100, 1, 0.5), (100, 1, 0.6)")
        assert ask("(100, 1, 0.5), (100, 1, 0.50)") == value_of(100)

        # Nothing was timed: no rows, and what outer joins leave.
        query = b"select marts.duration_percentile(100, 1, 0.5) where false"
        assert connection.execute(query).fetchone() == (None,)
        assert ask("(cast(null as integer), cast(null as bigint), 0.5)") is None
        assert ask("(100, 0, 0.5)") is None
        assert ask("(null, null, 0), (100, 0, 0), (300, 1, 0), (-1, null, 0)") == value_of(300)
        # Repeated buckets, and more tasks than fit a bigint.
        assert ask("(200, 1, 0.5), (-1, 1, 0.5), (200, 1, 0.5), (-1, 2, 0.5)") == 0
        assert ask("(7, 9223372036854775807, 1), (8, 9223372036854775807, 1)") == value_of(8)
        # Every bucket of up to ten years alone.
        query = (
            b"select bucket, marts.duration_percentile(bucket, 1, 0.5) "
            b"from generate_series(-1, 1400) as bucket group by bucket"
        )
        for bucket, value in connection.execute(query):
            assert value == value_of(bucket), bucket


def test_parallel_workers_and_any_search_path_find_the_same(any_story: Story) -> None:
    query = b"select marts.duration_percentile(bucket, 1, %s) from public.many"
    with any_story.database.connect(autocommit=True) as connection:

        def ask(*settings: str) -> Any:
            for setting in settings:
                connection.execute(f"set {setting}".encode())
            return {share: connection.execute(query, (share,)).fetchone() for share in expected}

        # Enough rows that their buckets are added up several times on the way, and shares that
        # buckets reach exactly: with any row lost or counted twice it would be other buckets.
        count = 20_000
        connection.execute("""
            create table public.many as select cast(n * n % 1201 - 1 as integer) as bucket
            from generate_series(cast(1 as bigint), 20000) as n
        """)
        buckets = sorted(n * n % 1201 - 1 for n in range(1, count + 1))
        expected = {
            Decimal(bisect_right(buckets, bucket)) / count: (value_of(bucket),)
            for bucket in buckets[:: count // 15]
        }

        assert ask("max_parallel_workers_per_gather = 0") == expected
        parallel = ask(
            "max_parallel_workers_per_gather = 2",
            *(f"{cost} = 0" for cost in ("parallel_setup_cost", "parallel_tuple_cost")),
            "min_parallel_table_scan_size = 0",
        )
        assert parallel == expected
        plan = str(connection.execute(b"explain (analyze) " + query, (1,)).fetchall())
        assert "Partial Aggregate" in plan
        assert re.search(r"Workers Launched: [12]", plan)

        connection.execute("create schema other")
        for name, arguments, answer in (
            ("starts_with", "text, text", "boolean"),
            ("octet_length", "text", "integer"),
            ("split_part", "text, text, integer", "text"),
            ("trim_scale", "numeric", "numeric"),
        ):
            connection.execute(
                f"create function other.{name}({arguments}) returns {answer} "
                f"language sql return cast(null as {answer})".encode()
            )
        assert ask("search_path = other, pg_catalog") == expected
        assert connection.execute("select octet_length('a')").fetchone() == (None,)
