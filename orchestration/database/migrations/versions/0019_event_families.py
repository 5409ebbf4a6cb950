"""Make room for events beside usage: one table a family, counted and totalled like the others."""

from orchestration.database.migrations.sql_file import run_sql_file_of

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql_file_of(__file__)
