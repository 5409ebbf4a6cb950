"""Remember by number which builds have been checked."""

from orchestration.database.migrations.sql_file import run_sql_file_of

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql_file_of(__file__)
