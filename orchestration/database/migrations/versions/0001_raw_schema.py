"""Create schema raw's tables."""

from orchestration.database.migrations.sql_file import run_sql_file_of

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql_file_of(__file__)
