"""Create the ledgers of sealed history and of archived events."""

from orchestration.database.migrations.sql_file import run_sql_file_of

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql_file_of(__file__)
