"""Create the control totals of landed events."""

from orchestration.database.migrations.sql_file import run_sql_file_of

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql_file_of(__file__)
