"""Record who did what to the data, in a log that is only added to."""

from orchestration.database.migrations.sql_file import run_sql_file_of

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql_file_of(__file__)
