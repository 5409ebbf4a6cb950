"""Sealed months are proved: one changed digit is found and named, and nothing else is.

What must be found is done in a transaction of the verification and undone again.
"""

import datetime as dt
import hashlib
import json
import re
import subprocess
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from click.testing import CliRunner, Result
from psycopg import sql
from support.checks import without_check_constraints
from support.events import decision, execution, organization, uuid_of
from support.servers import STORY_DATABASE
from support.stories import NOW, Story, copy_of, environment_of, keep_as, sample_lines

from orchestration.cli import main
from orchestration.database.embedded import EmbeddedServer
from orchestration.errors import WarehouseError
from orchestration.landing.loader import land
from orchestration.project import project_root
from orchestration.proofs.prove import renew_people_digests
from orchestration.proofs.relations import FIGURES, PEOPLE, RELATIONS, Relation
from orchestration.proofs.verify import Verification, verify
from orchestration.sample.generator import SampleSettings

pytest_plugins = ["support.stories"]

LONG_SAMPLE = SampleSettings(executions=1_500, organizations=3, users=20, days=150, seed=5)
MONTH_LATER = "2026-11-30T23:30:00Z"
KEPT_DETAILS = """
create or replace view intermediate.int_retention_limits as
select
    cast(null as uuid) as organization_id, 90 as seal_after_days, 400 as detail_days,
    400 as hourly_days, 90 as raw_days, 730 as audit_days
"""

# One step further, in each type: the last digit, a letter, an entry.
CHANGES = {
    "uuid": "gen_random_uuid()",
    "text": "coalesce({0}, '') || 'x'",
    "boolean": "not coalesce({0}, false)",
    "integer": "coalesce({0}, 0) + 1",
    "bigint": "coalesce({0}, 0) + 1",
    "numeric": "coalesce({0}, 0) + power(10::numeric, -scale(coalesce({0}, 0)))",
    "jsonb": "coalesce({0}, '[]') || '[1]'",
    "date": "coalesce({0}, '2026-07-10') + 1",
    "timestamp with time zone": "coalesce({0}, '2026-07-10') + interval '1 microsecond'",
}
MOVED = ("organization_id", "metric_date")


def warehouse(story: Story, *arguments: str) -> Result:
    with environment_of(story.database):
        return CliRunner().invoke(main, list(arguments))


def retain(story: Story, now: str = NOW) -> str:
    result = warehouse(story, "retention", "--now", now, "--archive", str(story.folder / "archive"))
    assert result.exit_code == 0, result.output
    return result.output


def verified(story: Story, *arguments: str) -> str:
    """Return what a verification says that finds nothing."""
    result = warehouse(story, "verify", *arguments)
    assert result.exit_code == 0, result.output
    return result.output


def keep_details(story: Story) -> None:
    with story.database.connect(autocommit=True) as connection:
        connection.execute(KEPT_DETAILS)


@pytest.fixture(scope="module")
def built_history(
    embedded_server: EmbeddedServer,
    built_on_nothing: Callable[[EmbeddedServer], Story],
    tmp_path_factory: pytest.TempPathFactory,
) -> Story:
    """Return a warehouse with five months that was built once, to copy."""
    nothing = built_on_nothing(embedded_server)
    with copy_of(nothing, embedded_server, tmp_path_factory.mktemp("proofs")) as first:
        first.land_lines(sample_lines(LONG_SAMPLE))
        first.build()
        return keep_as(first, embedded_server, f"{STORY_DATABASE}_proofs")


@pytest.fixture
def history(
    built_history: Story, embedded_server: EmbeddedServer, tmp_path: Path
) -> Iterator[Story]:
    with copy_of(built_history, embedded_server, tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def sealed(
    built_history: Story, embedded_server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory
) -> Story:
    """Return it with June and July sealed, all details in place, and nothing that refuses edits."""
    with copy_of(built_history, embedded_server, tmp_path_factory.mktemp("sealed")) as made:
        keep_details(made)
        retain(made)
        without_check_constraints(made)
        return keep_as(made, embedded_server, f"{STORY_DATABASE}_sealed")


@pytest.fixture
def connection(sealed: Story) -> Iterator[psycopg.Connection]:
    """Yield a connection whose changes are undone."""
    with sealed.database.connect() as opened:
        yield opened
        opened.rollback()


def told(found: Verification) -> list[str]:
    return [str(difference) for difference in found.differences]


def months_of(found: Verification) -> dict[str, list[str]]:
    return {
        str(each.organization_id): [f"{month.month:%Y-%m}" for month in each.months]
        for each in found.organizations
    }


def types_of(connection: psycopg.Connection, relation: str) -> dict[str, str]:
    return dict(
        connection.execute(
            "select attname, format_type(atttypid, null) from pg_attribute "
            "where attrelid = %s::regclass and attnum > 0 and not attisdropped order by attname",
            (relation,),
        ).fetchall()
    )


def test_nothing_differs_where_nothing_was_changed(connection: psycopg.Connection) -> None:
    found = verify(connection)
    assert told(found) == []
    months = months_of(found)
    assert len(months) == 3
    assert set(map(tuple, months.values())) == {("2026-06", "2026-07")}
    digested = connection.execute(
        "select relation, count(*) from ledger.day_digests where strand = 'figures' group by 1"
    ).fetchall()
    assert {name for name, _ in digested} == {relation.name for relation in RELATIONS} | {
        "marts.dim_prices",
        "marts.dim_usage_prices",
        "marts.dim_price_factors",
    }


def test_no_setting_of_a_session_matters(connection: psycopg.Connection) -> None:
    for setting in (
        "timezone = 'Asia/Tokyo'",
        "intervalstyle = sql_standard",
        "extra_float_digits = 0",
        "bytea_output = 'escape'",
        "search_path = pg_temp",
        "quote_all_identifiers = on",
    ):
        connection.execute(f"set local {setting}".encode())
    assert told(verify(connection)) == []


@pytest.mark.parametrize("relation", RELATIONS, ids=lambda relation: relation.table)
def test_one_changed_value_of_any_column_is_named(
    connection: psycopg.Connection, relation: Relation
) -> None:
    types = types_of(connection, relation.name)
    columns = [name for name in types if name not in MOVED]
    strands = relation.strands(list(types))
    # A row for each column, as far as there are enough of them.
    rows = connection.execute(
        sql.SQL(
            "select ctid::text, organization_id, {day}, row_number() over ("
            "partition by organization_id, {day} order by md5(ctid::text)) as place "
            "from {table} where {day} < '2026-08-01' order by place, md5(ctid::text)"
        ).format(day=sql.SQL(relation.day), table=relation.identifier)
    ).fetchall()
    for first in range(0, len(columns), len(rows)):
        expected = set()
        with connection.transaction(force_rollback=True):
            for column, (place, organization_id, day, _) in zip(
                columns[first : first + len(rows)], rows, strict=False
            ):
                key = connection.execute(
                    sql.SQL(
                        "update {table} set {column} = {change} where ctid = %s returning {key}"
                    ).format(
                        table=relation.identifier,
                        column=sql.Identifier(column),
                        change=sql.SQL(CHANGES[types[column]].format(f'"{column}"')),
                        key=sql.SQL(", ").join(
                            sql.SQL("coalesce({}::text, 'NULL')").format(sql.Identifier(name))
                            for name in relation.key
                        ),
                    ),
                    (place,),
                ).fetchone()
                assert key
                row = ", ".join(map(" ".join, zip(relation.key, key, strict=True)))
                expected |= {
                    (
                        relation.name + (" (people)" if strand == PEOPLE else ""),
                        organization_id,
                        day,
                        f"{row} is not as it was sealed",
                    )
                    for strand, hashed in strands.items()
                    if column in hashed
                }
            found = verify(connection).differences
            assert {
                (each.relation, each.organization_id, each.day, each.what) for each in found
            } == expected
            assert len(found) == len(expected)


@pytest.mark.parametrize("column", MOVED)
def test_a_row_that_moved_is_named_where_it_was_and_is(
    connection: psycopg.Connection, column: str
) -> None:
    other = f"'{uuid_of(99)}'" if column == "organization_id" else "metric_date - 400"
    moved = connection.execute(
        f"update marts.fct_task_executions set {column} = {other} where ctid = ("  # noqa: S608
        "select ctid from marts.fct_task_executions where metric_date = '2026-07-10' limit 1"
        ") returning execution_id"
    ).fetchone()
    assert moved
    lines = told(verify(connection))
    assert any(f"1 row(s) are missing: execution_id {moved[0]}" in line for line in lines)
    if column == "metric_date":
        assert any("2025-06-05: 1 row(s) stand there, and no digest" in line for line in lines)


@pytest.mark.parametrize(
    ("table", "key", "columns"),
    [
        ("marts.dim_prices", "price_id", None),
        ("intermediate.int_usage_prices", "usage_price_id", ("usd_per_unit", "source")),
        ("intermediate.int_price_factors", "price_factor_id", ("factor", "recorded_at")),
    ],
)
def test_a_changed_price_is_named(
    connection: psycopg.Connection, table: str, key: str, columns: tuple[str, ...] | None
) -> None:
    types = types_of(connection, table)
    mart = f"marts.{table.partition('.')[2].replace('int_', 'dim_')}"
    used = connection.execute(
        "select unnest(price_ids), organization_id, date_trunc('month', metric_date)::date "
        "from ledger.day_digests where relation = %s and metric_date < '2026-08-01' "
        "order by digest_id desc limit 1",
        (mart,),
    ).fetchone()
    assert used
    price_id, organization_id, month = used
    for column in columns or sorted(types.keys() - {"notes", "organization_id", "price_id"}):
        with connection.transaction(force_rollback=True):
            change = CHANGES[types[column]].format(f'"{column}"')
            connection.execute(
                f"update {table} set {column} = {change} where {key} = %s",  # noqa: S608
                (price_id,),
            )
            found = verify(connection, organization_id, month).differences
            assert found, column
            assert {(each.relation, each.what) for each in found} == {
                (mart, f"{key} {price_id} is not as it was sealed")
            }
    connection.execute(f"delete from {table} where {key} = %s", (price_id,))  # noqa: S608
    found = verify(connection, organization_id, month).differences
    assert {each.what for each in found} == {f"1 row(s) are missing: {price_id}"}


def test_an_organization_whose_id_was_replaced_everywhere_stays_proved(
    connection: psycopg.Connection,
) -> None:
    chosen = connection.execute(
        "select min(organization_id::text)::uuid from ledger.month_links"
    ).fetchone()
    assert chosen
    ids = (uuid_of(98), chosen[0])
    tables = connection.execute(
        "select relations.oid::regclass::text from pg_attribute "
        "inner join pg_class as relations on attrelid = relations.oid "
        "where attname = 'organization_id' and relkind = 'r' "
        "and relnamespace = any ('{ledger,marts,intermediate}'::regnamespace[])"
    ).fetchall()
    for (table,) in tables:
        change = f"update {table} set organization_id = %s where organization_id = %s"  # noqa: S608
        connection.execute(change.encode(), ids)
    assert not verify(connection).differences


@pytest.mark.parametrize("relation", RELATIONS, ids=lambda relation: relation.table)
def test_deleted_and_added_rows_are_found(
    connection: psycopg.Connection, relation: Relation
) -> None:
    row = connection.execute(
        sql.SQL(
            "select ctid::text, organization_id, {day} from {table} "
            "where {day} < '2026-08-01' order by md5(ctid::text) limit 1"
        ).format(day=sql.SQL(relation.day), table=relation.identifier)
    ).fetchone()
    assert row
    place, organization_id, day = row
    strands = relation.strands(list(types_of(connection, relation.name)))
    names = {relation.name + (" (people)" if strand == PEOPLE else "") for strand in strands}
    with connection.transaction(force_rollback=True):
        connection.execute(
            sql.SQL("delete from {} where ctid = %s").format(relation.identifier), (place,)
        )
        found = verify(connection).differences
        assert {each.relation for each in found} == names
        assert {(each.organization_id, each.day) for each in found} == {(organization_id, day)}
        assert all(each.what.startswith("1 row(s) are missing") for each in found)
    # The same row with another key, the last column of it.
    connection.execute(
        sql.SQL("create temporary table added as select * from {} where ctid = %s").format(
            relation.identifier
        ),
        (place,),
    )
    key = "policy" if relation.table == "int_policy_days" else relation.key[0]
    if key == "metric_date":
        connection.execute("update added set metric_date = '2025-01-01'")
    else:
        change = CHANGES[types_of(connection, relation.name)[key]].format(key)
        connection.execute(f"update added set {key} = {change}")  # noqa: S608
    connection.execute(sql.SQL("insert into {} select * from added").format(relation.identifier))
    found = verify(connection).differences
    if key == "metric_date":
        (difference,) = found
        assert str(difference.day) == "2025-01-01"
        assert "1 row(s) stand there, and no digest" in difference.what
    else:
        assert {each.relation for each in found} == names
        assert all(each.what.endswith(" was added") for each in found)


DIGEST_EDITS = {
    "metric_date": "metric_date + 1",
    "relation": "relation || 'x'",
    "columns": "columns[2:]",
    "row_count": "row_count + 1",
    "row_digests": "set_byte(row_digests, 5, 255 - get_byte(row_digests, 5))",
    "sha256": "encode(sha256(sha256::bytea), 'hex')",
    "made_at": "made_at + interval '1 microsecond'",
    "strand": "'people'",
    "organization_id": "gen_random_uuid()",
}


@pytest.mark.parametrize("column", DIGEST_EDITS)
def test_an_edited_digest_is_found(connection: psycopg.Connection, column: str) -> None:
    connection.execute(
        f"update ledger.day_digests set {column} = {DIGEST_EDITS[column]} "  # noqa: S608
        "where digest_id = (select digest_id from ledger.day_digests where strand = 'figures' "
        "and relation = 'intermediate.int_organization_days' and metric_date = '2026-06-12' "
        "limit 1)"
    )
    found = verify(connection).differences
    assert found
    assert {f"{each.month:%Y-%m}" for each in found} == {"2026-06"}
    if column == "row_digests":
        assert any(
            each.relation == "ledger.day_digests" and each.what.endswith("was changed")
            for each in found
        )
    else:
        assert any("is not the hash of what it links" in each.what for each in found)


def test_a_deleted_or_forged_digest_is_found(connection: psycopg.Connection) -> None:
    chosen = (
        "relation = 'intermediate.int_organization_days' and metric_date = '2026-06-12' "
        "and organization_id = (select min(organization_id::text)::uuid from ledger.day_digests)"
    )
    with connection.transaction(force_rollback=True):
        connection.execute(f"delete from ledger.day_digests where {chosen}")  # noqa: S608
        lines = told(verify(connection))
        assert any("is not the hash of what it links" in line for line in lines)
        assert any("2026-06-12: 1 row(s) stand there, and no digest" in line for line in lines)
    # Whoever changes a figure and writes a digest that fits it is found by the link.
    connection.execute(
        "insert into ledger.day_digests (organization_id, metric_date, strand, relation, columns, "  # noqa: S608
        "row_count, row_digests, sha256, made_at) "
        "select organization_id, metric_date, strand, relation, columns, row_count, "
        "sha256('forged'), encode(sha256(sha256('forged')), 'hex'), made_at "
        f"from ledger.day_digests where {chosen}"
    )
    (difference,) = verify(connection).differences
    assert difference.relation == "ledger.day_digests"
    assert difference.what.endswith("was added")


LINK_EDITS = {
    "organization_id": "gen_random_uuid()",
    "strand": "'people'",
    "month": "'2026-05-01'",
    "last_digest_id": "1",
    "reason": "'something else'",
    "previous_sha256": "sha256",
    "sha256": "encode(sha256(sha256::bytea), 'hex')",
    "made_at": "made_at - interval '1 microsecond'",
}


@pytest.mark.parametrize("column", LINK_EDITS)
@pytest.mark.parametrize("month", ["2026-06-01", "2026-07-01"])
def test_an_edited_link_is_found(connection: psycopg.Connection, column: str, month: str) -> None:
    connection.execute(
        "alter table ledger.month_links "
        "drop constraint month_links_organization_id_strand_previous_sha256_key"
    )
    connection.execute(
        f"update ledger.month_links set {column} = {LINK_EDITS[column]} "  # noqa: S608
        "where link_id = (select min(link_id) from ledger.month_links "
        "where strand = 'figures' and month = %s)",
        (month,),
    )
    found = verify(connection).differences
    assert any(each.relation == "ledger.month_links" for each in found)


@pytest.mark.parametrize("month", ["2026-06-01", "2026-07-01"])
def test_a_deleted_link_is_found(connection: psycopg.Connection, month: str) -> None:
    link = (
        "link_id = (select min(link_id) from ledger.month_links "
        "where strand = 'figures' and month = %s)"
    )
    connection.execute(f"delete from ledger.month_links where {link}", (month,))  # noqa: S608
    lines = told(verify(connection))
    assert any("its link of figures is missing" in line for line in lines)
    # Also where it goes with everything that tells of it.
    for table, day in (("day_digests", "metric_date"), ("month_links", "month")):
        connection.execute(
            f"delete from ledger.{table} where {day} >= %s",  # noqa: S608
            (month,),
        )
    lines = told(verify(connection, expected="0" * 64))
    if month == "2026-07-01":
        assert any("2026-07: its link of figures is missing" in line for line in lines)
    assert f"ledger.month_links: no link has the hash {'0' * 64}" in lines


def test_a_second_link_of_figures_is_found(connection: psycopg.Connection) -> None:
    connection.execute(
        "insert into ledger.month_links (organization_id, strand, month, last_digest_id, "
        "previous_sha256, sha256, made_at) select organization_id, strand, month, "
        "last_digest_id + 1000, sha256, sha256, now() from ledger.month_links "
        "where strand = 'figures' and month = '2026-07-01' limit 1"
    )
    assert any("is a second one" in line for line in told(verify(connection)))


def test_people_are_linked_anew_and_no_figure_changes(connection: psycopg.Connection) -> None:
    figures = "select * from ledger.day_digests where strand = 'figures' order by digest_id"
    links = "select * from ledger.month_links order by link_id"
    before = connection.execute(figures).fetchall(), connection.execute(links).fetchall()
    chosen = connection.execute(
        "select user_id, organization_id from intermediate.int_user_days "
        "where user_id is not null and metric_date < '2026-07-01' order by 1 limit 1"
    ).fetchone()
    assert chosen
    user_id, organization_id = chosen
    for table in ("marts.fct_task_executions", "intermediate.int_user_days"):
        connection.execute(
            f"update {table} set user_id = %s where user_id = %s",  # noqa: S608
            (pseudonym := uuid_of(4_711), user_id),
        )
    connection.execute(
        "update marts.fct_task_executions set session_id = null, metadata = null, "
        "provider_request_id = 'r', api_key_alias = 'k', end_user_id = 'e', branch = 'b', "
        "tags = '[]' where user_id = %s",
        (pseudonym,),
    )
    # Nothing but people differs.
    assert {each.relation for each in verify(connection).differences} == {
        "marts.fct_task_executions (people)",
        "intermediate.int_user_days (people)",
    }
    with pytest.raises(WarehouseError, match="for a reason"):
        renew_people_digests(connection, organization_id, " ")
    months = renew_people_digests(connection, organization_id, "request 17")
    assert dt.date(2026, 6, 1) in months
    found = verify(connection)
    assert told(found) == []
    notes = [
        note
        for each in found.organizations
        for month in each.months
        for note in month.notes
        if "People" in note
    ]
    assert len(notes) == len(months)
    assert all(note.endswith("request 17.") for note in notes)
    # What was stands, but for the hashes of rows that were somebody's.
    assert connection.execute(figures).fetchall() == before[0]
    assert connection.execute(links).fetchall()[: len(before[1])] == before[1]
    superseded = connection.execute(
        "select count(*) from ledger.day_digests where row_digests is null"
    ).fetchone()
    assert superseded
    assert superseded[0] > 0
    # It is proved like before.
    connection.execute(
        "update intermediate.int_user_days set user_id = %s where user_id = %s",
        (uuid4(), pseudonym),
    )
    assert {each.relation for each in verify(connection).differences} == {
        "intermediate.int_user_days (people)"
    }


def test_proofs_outlive_details_refreshes_replays_and_late_events(history: Story) -> None:
    assert "Nothing is sealed yet." in verified(history)
    printed = retain(history)
    assert "Proved: 6 month(s) of organizations" in printed
    text = verified(history)
    assert "of marts.fct_task_executions" in text
    assert "Left on " in text
    assert re.search(r"Archive: \d file\(s\) are as they were written", text)
    kept = re.findall(r"to keep elsewhere: ([0-9a-f]{64})", text)
    assert len(kept) == 3

    # The archive lands again, one event of a sealed day comes late, everything is built anew.
    with environment_of(history.database):
        assert not land([history.folder / "archive"]).failures
    tenant = history.row("select organization_id from marts.sealed_periods limit 1")
    history.land(
        execution(
            1,
            organization_id=tenant["organization_id"],
            start_time="2026-07-10T10:00:00Z",
            end_time="2026-07-10T10:00:05Z",
            updated_at="2026-07-10T10:00:09Z",
        )
    )
    history.build(full_refresh=True, now=MONTH_LATER)
    assert len(history.rows("select * from marts.late_corrections")) == 1
    verified(history)

    # August is linked to July; the hash of then is still in the chain.
    assert "Proved: 3 month(s) of organizations" in retain(history, MONTH_LATER)
    for organization_hash in kept:
        assert organization_hash in verified(history, "--expect", organization_hash)
    document = json.loads(verified(history, "--format", "json", "--month", "2026-08"))
    assert document["is_right"] is True
    assert [each["months"][0]["month"] for each in document["organizations"]] == ["2026-08-01"] * 3
    assert "Proved" not in retain(history, MONTH_LATER)

    # Where the last sealing's proof goes with everything that tells of it, a kept hash does.
    with history.database.connect() as connection:
        newest = document["organizations"][0]["newest_sha256"]
        assert told(verify(connection, expected=newest)) == []
        for table, day in (("day_digests", "metric_date"), ("month_links", "month")):
            connection.execute(
                f"delete from ledger.{table} where {day} >= '2026-08-01'"  # noqa: S608
            )
        assert told(verify(connection, expected=newest)) == [
            f"ledger.month_links: no link has the hash {newest}"
        ]
        connection.rollback()

    # What has left is proved by what stays.
    with history.database.connect(autocommit=True) as connection:
        connection.execute(
            "update ledger.sealed_executions set total_tokens = total_tokens + 1 "
            "where execution_id = (select min(execution_id::text)::uuid "
            "from ledger.sealed_executions where metric_date < '2026-07-01')"
        )
    result = warehouse(history, "verify")
    assert result.exit_code == 1
    assert "Different: ledger.sealed_executions, organization" in result.output
    assert "1 difference(s) from what was sealed" in result.output


def test_months_that_were_sealed_before_are_proved_later(history: Story) -> None:
    retain(history)
    with history.database.connect(autocommit=True) as connection:
        # As a version without proofs left it.
        for table in ("day_digests", "month_links", "removed_details"):
            connection.execute(sql.SQL("delete from {}").format(sql.Identifier("ledger", table)))
    assert verified(history).count("It has no proof yet") == 6
    assert "Proved: 6 month(s) of organizations" in retain(history)
    text = verified(history)
    assert text.count("Its proof was made later than it was sealed") == 6
    assert text.count("execution(s) had left by then") == 6
    verified(history, "--month", "2026-06")


def test_files_of_the_archive_are_compared(history: Story) -> None:
    retain(history)
    files = sorted((history.folder / "archive").rglob("*.parquet"))
    changed, lost = files[0], files[1]
    changed.write_bytes(changed.read_bytes()[:-1] + b"x")
    lost.unlink()
    result = warehouse(history, "verify")
    assert result.exit_code == 1
    assert f"{changed} is not the file that was written" in result.output
    assert f"Archive: not compared, {lost}: No such file or directory" in result.output
    # An organization's months are right without it.
    tenant = history.row("select organization_id from marts.sealed_periods limit 1")
    verified(history, "--organization", tenant["organization_id"])


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        (("--organization", "7"), 2, "'7' is not a valid UUID"),
        (("--organization", str(uuid_of(7))), 1, "Nothing is sealed of an organization"),
        (("--month", "2026-13"), 2, "'2026-13' does not match the format"),
        (("--month", "2026-08"), 1, "2026-08 is not sealed"),
        (("--expect", "abc"), 2, "is no SHA-256"),
        (("--format", "xml"), 2, "'xml' is not one of"),
    ],
)
def test_questions_without_an_answer_are_refused(
    sealed: Story, arguments: tuple[str, ...], exit_code: int, message: str
) -> None:
    result = warehouse(sealed, "verify", *arguments)
    assert (result.exit_code, type(result.exception)) == (exit_code, SystemExit)
    assert message in result.output


# --- Independent of the product -------------------------------------------------------------------

JULY = [
    organization(1, timezone="Asia/Kolkata", updated_at="2026-01-01T00:00:00Z"),
    decision(1, decision_timestamp="2026-07-10T10:00:00Z", task_execution_id=uuid_of(1_000_001)),
    *(
        execution(
            number,
            start_time=f"2026-07-{day}T10:00:00Z",
            end_time=f"2026-07-{day}T10:00:05.25Z",
            updated_at=f"2026-07-{day}T10:00:09Z",
        )
        for number, day in ((1, "10"), (2, "10"), (3, "31"))
    ),
]


def text_of(value: Any) -> str | None:
    """Write a value as docs/proofs.md says."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        text = f"{value:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return str(value)


def json_of(values: list[Any]) -> str:
    return json.dumps(
        [text_of(value) for value in values], ensure_ascii=False, separators=(",", ":")
    )


def sha256(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


@pytest.mark.parametrize("version", ["story", "story_15"])
def test_a_month_is_what_one_computes_by_hand(request: pytest.FixtureRequest, version: str) -> None:
    story: Story = request.getfixturevalue(version)
    story.land(*JULY)
    story.build()
    keep_details(story)
    retain(story)
    digests = story.rows("select * from ledger.day_digests order by relation, metric_date")
    assert {digest["relation"] for digest in digests} >= {
        "marts.fct_task_executions",
        "marts.fct_routing_decisions",
        "marts.dim_prices",
        "intermediate.int_user_days",
    }
    with story.database.connect() as connection:
        for digest in digests:
            types = types_of(connection, digest["relation"])
            names = ", ".join(
                f"{name}::text" if types[name] in ("jsonb", "uuid") else name
                for name in digest["columns"]
            )
            day = (
                "price_id = any(%(price_ids)s)"
                if digest["price_ids"]
                else "(decision_timestamp at time zone 'UTC')::date = %(metric_date)s"
                if "decision_timestamp" in types
                else "metric_date = %(metric_date)s"
            )
            rows = connection.execute(
                f"select {names} from {digest['relation']} where {day}".encode(),  # noqa: S608
                digest,
            ).fetchall()
            hashes = b"".join(sorted(sha256(json_of(list(row))) for row in rows))
            assert (digest["row_count"], digest["row_digests"]) == (len(rows), hashes)
            assert digest["sha256"] == hashlib.sha256(hashes).hexdigest()
    for strand in (FIGURES, PEOPLE):
        (link,) = story.rows("select * from ledger.month_links where strand = %s", strand)
        header = [None, strand, "2026-07", None, link["made_at"]]
        lines = [
            [
                digest["relation"],
                digest["metric_date"],
                ",".join(digest["columns"]),
                digest["row_count"],
                digest["sha256"],
                digest["made_at"],
            ]
            for digest in digests
            if digest["strand"] == strand and str(digest["metric_date"]) < "2026-08-01"
        ]
        text = "\n".join(map(json_of, [header, *lines]))
        assert link["sha256"] == sha256(text).hex()


def test_psql_alone_verifies(sealed: Story, embedded_server: EmbeddedServer) -> None:
    document = (project_root() / "docs" / "proofs.md").read_text(encoding="utf-8")
    statements = re.findall(r"```sql\n(.*?)```", document, re.S)
    assert len(statements) == 3

    def psql(edit: str = "") -> list[str]:
        run = subprocess.run(
            [
                *(str(embedded_server.bin_directory / "psql"), "--no-password", "--no-psqlrc"),
                *("-At", "-v", "ON_ERROR_STOP=1"),
            ],
            input="\n".join(["begin;", edit, *statements, "rollback;"]),
            env=sealed.database.environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return [line for line in run.stdout.splitlines() if "|" in line]

    assert psql() == []
    assert psql("set timezone = 'Asia/Tokyo'; set datestyle = 'German, DMY';") == []
    for table in ("fct_task_executions", "fct_routing_decisions"):
        (line,) = psql(
            f"update marts.{table} set baseline_cost_usd = "  # noqa: S608
            "coalesce(baseline_cost_usd, 0) + 1e-12 "
            f"where ctid = (select min(ctid) from marts.{table} where updated_at < '2026-07-20');"
        )
        assert line.startswith(f"marts.{table}|")
    (line,) = psql(
        "update marts.dim_prices set source = 'x' where price_id = "
        "(select price_ids[1] from ledger.day_digests where relation = 'marts.dim_prices' limit 1);"
    )[:1]
    assert line.startswith("marts.dim_prices|")
    lines = psql(
        "update ledger.day_digests set sha256 = encode(sha256('x'), 'hex') where digest_id = 1;"
    )
    assert len(lines) == 3
    links = psql("delete from ledger.month_links where month = '2026-06-01';")
    assert len(links) == 6


def test_the_document_shows_tables_that_are_there(connection: psycopg.Connection) -> None:
    document = (project_root() / "docs" / "proofs.md").read_text(encoding="utf-8")
    for relation in RELATIONS:
        assert f"`{relation.name}`" in document
    for name in {name for name in re.findall(r"`(\w+\.\w+)`", document) if "/" not in name}:
        row = connection.execute("select to_regclass(%s) is not null", (name,)).fetchone()
        assert row == (True,), name


def test_the_newest_month_of_each_organization_can_be_verified_alone(
    connection: psycopg.Connection,
) -> None:
    found = verify(connection, only_newest=True)
    assert set(map(tuple, months_of(found).values())) == {("2026-07",)}
