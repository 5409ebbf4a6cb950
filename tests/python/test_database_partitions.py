"""Monthly partitions: right bounds, safe in a race, no obstacle to a load in progress."""

import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from support.servers import Database

from orchestration.database import partitions
from orchestration.database.partitions import ensure_month_partitions
from orchestration.errors import WarehouseError

INSERT = """
insert into raw.task_executions (
    _load_id, _line_number, event_id, id, organization_id, task_id, task_type, provider, status,
    start_time, updated_at
)
values (
    1, 1, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'task', 'feature', 'openai',
    'completed', %s, now()
)
returning tableoid::regclass::text
"""


def partition_of(connection: psycopg.Connection, moment: str) -> str:
    row = connection.execute(INSERT, (moment,)).fetchone()
    assert row is not None
    return str(row[0])


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/Los_Angeles"])
def test_a_month_is_one_of_utc(
    database: Database, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    monkeypatch.setenv("PGTZ", zone)
    made = ensure_month_partitions(
        [dt.date(2026, 1, 31), dt.date(2025, 12, 2), dt.date(2026, 1, 1)], "task_executions"
    )
    assert made == ["task_executions_y2025m12", "task_executions_y2026m01"]
    with database.connect() as connection:
        for moment, partition in (
            ("2025-12-01 00:00:00+00", "raw.task_executions_y2025m12"),
            ("2025-12-31 23:59:59.999999+00", "raw.task_executions_y2025m12"),
            ("2026-01-01 00:00:00+00", "raw.task_executions_y2026m01"),
            ("2026-01-31 23:59:59.999999+00", "raw.task_executions_y2026m01"),
        ):
            assert partition_of(connection, moment) == partition
    for moment in ("2025-11-30 23:59:59.999999+00", "2026-02-01 00:00:00+00"):
        with (
            pytest.raises(psycopg.errors.CheckViolation, match="no partition"),
            database.connect() as connection,
        ):
            partition_of(connection, moment)


def test_both_tables_and_no_month_twice(database: Database) -> None:
    months = [dt.date(2020, 1, 1), dt.date(2024, 2, 29)]
    assert ensure_month_partitions(months, "routing_decisions") == [
        "routing_decisions_y2020m01",
        "routing_decisions_y2024m02",
    ]
    assert ensure_month_partitions(months, "routing_decisions") == []
    assert ensure_month_partitions([], "routing_decisions") == []
    with database.connect() as connection:
        indexes = connection.execute(
            "select tablename, count(*) from pg_indexes where tablename ~ '^routing_decisions' "
            "group by tablename order by tablename"
        ).fetchall()
    assert {count for _, count in indexes} == {indexes[0][1]}, "partitions have every index"
    assert len(indexes) == 3


def test_months_before_2020_are_refused(database_18: Database) -> None:
    del database_18
    with pytest.raises(ValueError, match="2019-12"):
        ensure_month_partitions([dt.date(2019, 12, 31)], "task_executions")


def test_loaders_that_need_the_same_months_at_once(database: Database) -> None:
    months = [dt.date(2026, month, 1) for month in range(1, 13)]
    barrier = threading.Barrier(6)

    def ensure() -> list[str]:
        barrier.wait()
        return ensure_month_partitions(months, "task_executions", settings=database.settings)

    with ThreadPoolExecutor(6) as pool:
        made = [
            name for future in [pool.submit(ensure) for _ in range(6)] for name in future.result()
        ]
    assert sorted(made) == [f"task_executions_y2026m{month:02d}" for month in range(1, 13)]


def test_a_load_in_progress_neither_waits_nor_is_waited_for(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partitions, "_LOCK_TIMEOUT", "3s")
    ensure_month_partitions([dt.date(2026, 3, 1)], "task_executions")
    with (
        database.connect(options="-c lock_timeout=2s") as load,
        database.connect(options="-c lock_timeout=2s") as reader,
    ):
        partition_of(load, "2026-03-05 12:00:00+00")
        reader.execute("select count(*) from raw.task_executions")
        with (
            load.cursor() as cursor,
            cursor.copy(
                "copy raw.task_executions (_load_id, _line_number, event_id, id, organization_id, "
                "task_id, task_type, provider, status, start_time, updated_at) from stdin"
            ) as copy,
        ):
            key = "00000000-0000-0000-0000-000000000001"
            copy.write(
                f"1\t2\t{key}\t{key}\t{key}\tt\tfeature\topenai\tcompleted\t"
                "2026-03-06 00:00:00+00\t2026-03-06 00:00:00+00\n"
            )
            with ThreadPoolExecutor(1) as pool:
                made = pool.submit(
                    ensure_month_partitions,
                    [dt.date(2026, 4, 1)],
                    "task_executions",
                    settings=database.settings,
                ).result(timeout=10)
        assert made == ["task_executions_y2026m04"]
        # The same transaction goes on, into the new month as well.
        assert partition_of(load, "2026-04-01 00:00:00+00") == "raw.task_executions_y2026m04"
        load.commit()
        assert reader.execute("select count(*) from raw.task_executions").fetchone() == (3,)


def test_a_table_in_the_way_is_not_attached_silently(database: Database) -> None:
    ensure_month_partitions([dt.date(2026, 3, 1)], "task_executions")
    with database.connect() as connection:
        connection.execute(
            "alter table raw.task_executions detach partition raw.task_executions_y2026m03"
        )
    with pytest.raises(WarehouseError, match="exists but is not a partition"):
        ensure_month_partitions([dt.date(2026, 3, 1)], "task_executions")


def test_a_failure_leaves_no_half_of_a_partition(database: Database) -> None:
    with database.connect(autocommit=True) as connection:
        # A partition of another name claims a part of the month, so attaching fails.
        connection.execute(
            "create table raw.odd partition of raw.task_executions "
            "for values from ('2026-03-10 00:00:00+00') to ('2026-03-11 00:00:00+00')"
        )
        with pytest.raises(psycopg.errors.InvalidObjectDefinition):
            ensure_month_partitions([dt.date(2026, 3, 1)], "task_executions")
        left = connection.execute("select to_regclass('raw.task_executions_y2026m03')").fetchone()
    assert left == (None,)


def test_an_unmigrated_database_is_explained(empty_database: Database) -> None:
    del empty_database
    with pytest.raises(WarehouseError, match="Run `warehouse db migrate`"):
        ensure_month_partitions([dt.date(2026, 3, 1)], "task_executions")
