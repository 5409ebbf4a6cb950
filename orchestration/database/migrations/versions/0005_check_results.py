"""Create the history of checks."""

from orchestration.database.migrations.sql_file import run_sql_file_of

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql_file_of(__file__)
