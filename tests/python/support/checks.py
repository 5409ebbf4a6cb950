"""`warehouse check` as tests run it."""

from click.testing import CliRunner, Result
from psycopg import sql

from orchestration.cli import main
from orchestration.quality.rules import SPOT_CHECK, SUITES
from support.stories import Story, environment_of

RULES = {rule.name: rule for suite in SUITES.values() for rule in suite.rules} | {
    SPOT_CHECK.name: SPOT_CHECK
}


def check(story: Story, *arguments: str) -> Result:
    with environment_of(story.database):
        return CliRunner().invoke(main, ["check", *arguments], catch_exceptions=False)


def without_check_constraints(story: Story) -> None:
    """Let marts hold what their contracts refuse."""
    with story.database.connect() as connection:
        for table, name in connection.execute(
            "select conrelid::regclass::text, conname from pg_constraint "
            "where contype = 'c' and connamespace in ('intermediate'::regnamespace, "
            "'marts'::regnamespace, 'quality'::regnamespace, 'raw'::regnamespace, "
            "'ledger'::regnamespace) "
            "and conparentid = 0 and coninhcount = 0"
        ).fetchall():
            connection.execute(
                sql.SQL("alter table {} drop constraint {}").format(
                    sql.Identifier(*table.split(".")), sql.Identifier(name)
                )
            )
