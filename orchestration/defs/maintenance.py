"""The weekly job: PostgreSQL's statistics and dead rows, Dagster's old runs, proofs of the SQL."""

import datetime as dt

import dagster as dg
from dagster_dbt import DbtCliResource
from psycopg import sql

from orchestration.database.connection import connect
from orchestration.defs.jobs import ONE_AT_A_TIME
from orchestration.defs.retries import retried_when_connection_is_lost
from orchestration.instance.history import remove_runs

KEPT_DAYS = 30
"""So long Dagster remembers runs, of which there are many; nothing of it outlives `raw_days`."""

_TABLES = """
select relations.schemaname, relations.relname
from pg_stat_user_tables as relations
where relations.schemaname in (
    'raw', 'ledger', 'reference', 'snapshots', 'intermediate', 'marts', 'quality'
)
order by relations.schemaname, relations.relname
"""


@dg.op
def prove_models(dbt: DbtCliResource) -> None:
    """Run dbt's unit tests on the database as it is installed.

    Args:
        dbt: dbt on the run's database.
    """
    with retried_when_connection_is_lost():
        dbt.cli(["test", "--select", "test_type:unit"]).wait()


@dg.op(ins={"proven": dg.In(dg.Nothing)})
def vacuum(context: dg.OpExecutionContext) -> None:
    """Give back the space of dead rows and gather statistics, table by table.

    Args:
        context: The run's context.
    """
    with (
        retried_when_connection_is_lost(),
        connect(application_name="warehouse maintenance", autocommit=True) as connection,
    ):
        tables = connection.execute(_TABLES).fetchall()
        for table in tables:
            connection.execute(sql.SQL("vacuum (analyze) {}").format(sql.Identifier(*table)))
    context.log.info(f"{len(tables)} table(s) were vacuumed.")


@dg.op(ins={"vacuumed": dg.In(dg.Nothing)})
def forget_old_runs(context: dg.OpExecutionContext) -> None:
    """Delete runs that ended long ago from Dagster's storage, with their events.

    Args:
        context: The run's context.
    """
    instance = context.instance
    before = dt.datetime.now(dt.UTC) - dt.timedelta(days=KEPT_DAYS)
    forgotten = remove_runs(instance.run_storage, instance.event_log_storage, before)
    context.log.info(f"{forgotten} run(s) from before {before:%Y-%m-%d} were forgotten.")


@dg.job(tags=ONE_AT_A_TIME, description="Prove the SQL, vacuum and analyze, forget old runs.")
def weekly() -> None:
    """Wire the steps one after the other."""
    forget_old_runs(vacuum(prove_models()))
