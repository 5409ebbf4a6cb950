"""Make room for shadow evaluations, counted and totalled like the other kinds of events."""

from orchestration.database.migrations.sql_file import run_sql_file_of

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql_file_of(__file__)
