"""Create the table of running builds."""

from orchestration.database.migrations.sql_file import run_sql_file_of

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql_file_of(__file__)
