"""Views stay where they are while builds replace them, unless their columns change."""

import contextlib
import threading
from collections.abc import Iterator

import psycopg
import pytest
from support.events import adjustment, execution, organization
from support.stories import Project, Story

pytest_plugins = ["support.stories"]

VIEW = "staging.stg_platform__adjustments"
# The view, and all that stand on it.
SELECTION = (
    "stg_platform__adjustments", "fct_adjustments", "adjustment_days", "organization_bills",
)  # fmt: skip
READ = "select count(*) as adjustments from marts.fct_adjustments"
LAST_COLUMNS = "        adjustments._load_id,\n        adjustments._line_number\n"
ANOTHER_CLOCK = "2026-10-31T23:45:00Z"


@contextlib.contextmanager
def edited(project: Project, before: str, after: str) -> Iterator[None]:
    """Edit the model of the view for a while."""
    path = project.root / "models" / "staging" / "platform" / "stg_platform__adjustments.sql"
    text = path.read_text(encoding="utf-8")
    assert text.count(before) == 1
    path.write_text(text.replace(before, after), encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(text, encoding="utf-8")


@contextlib.contextmanager
def reader(story: Story) -> Iterator[list[int]]:
    """Read a view on a view all the time, as a dashboard does; fail when it once is not there."""
    reads: list[int] = []
    failures: list[psycopg.Error] = []
    is_over = threading.Event()

    def read() -> None:
        with story.database.connect(autocommit=True) as connection:
            while not is_over.is_set():
                try:
                    found = connection.execute(READ.encode())
                    reads.extend(number for (number,) in found)
                except psycopg.Error as error:
                    failures.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield reads
    finally:
        is_over.set()
        thread.join()
    assert not failures, failures[0]


def oids(story: Story) -> dict[str, int]:
    """Return the identity of every view."""
    found = story.rows(
        "select relname, oid from pg_catalog.pg_class where relkind = 'v' and relnamespace in "
        "('staging'::regnamespace, 'intermediate'::regnamespace, 'marts'::regnamespace, "
        "'documents'::regnamespace, 'quality'::regnamespace)"
    )
    return {row["relname"]: row["oid"] for row in found}


def last_column(story: Story) -> dict[str, str]:
    return story.row(
        "select attname, format_type(atttypid, atttypmod) as type from pg_catalog.pg_attribute "
        "where attrelid = cast(%s as regclass) order by attnum desc limit 1",
        VIEW,
    )


def test_views_stay_readable_and_the_same_over_builds(story: Story) -> None:
    story.land(organization(), adjustment(), execution(1))
    story.build()
    before = oids(story)
    assert before.keys() >= set(SELECTION)
    with reader(story) as reads:
        story.build()
        # The definition of views that read the clock changes, and one gets a column more.
        story.build(now=ANOTHER_CLOCK)
        one_more = LAST_COLUMNS.rstrip() + ",\n        1 as one_more\n"
        with edited(story.project, LAST_COLUMNS, one_more):
            story.build()
    assert oids(story) == before
    assert last_column(story) == {"attname": "one_more", "type": "integer"}
    assert set(reads) == {1}


def test_an_unchanged_view_does_not_wait_for_a_query_that_reads_it(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Only what is replaced would have to wait for the query.
    monkeypatch.setenv("PGOPTIONS", "-c lock_timeout=1s")
    with story.database.connect() as dashboard:
        dashboard.execute(READ.encode())
        story.build(*SELECTION)


@pytest.mark.parametrize(
    "columns",
    [
        "adjustments._load_id, cast(adjustments._line_number as integer) as _line_number",
        "adjustments._line_number, adjustments._load_id",
    ],
    ids=["retyped", "moved"],
)
def test_a_view_whose_columns_change_is_built_anew_with_what_stands_on_it(
    story: Story, columns: str
) -> None:
    story.land(organization(), adjustment(), execution(1))
    before = oids(story)
    with edited(story.project, LAST_COLUMNS, f"        {columns}\n"):
        story.build(*SELECTION)
    after = oids(story)
    assert after.keys() == before.keys()
    assert {name for name in before if before[name] != after[name]} == set(SELECTION)
    assert last_column(story) != {"attname": "_line_number", "type": "bigint"}
    assert story.row(READ) == {"adjustments": 1}
    story.build()
    assert last_column(story) == {"attname": "_line_number", "type": "bigint"}
    story.assert_equals_oracle()


def test_a_view_takes_the_place_of_a_table(story: Story) -> None:
    with story.database.connect() as connection:
        connection.execute(f"drop view {VIEW} cascade".encode())
        connection.execute(f"create table {VIEW} (user_id integer)".encode())
    story.build("*")
    assert oids(story).keys() >= set(SELECTION)
