"""Make room for what sources know about whose an execution is and where it came from."""

from orchestration.database.migrations.sql_file import run_sql_file_of

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql_file_of(__file__)
