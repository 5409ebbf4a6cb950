"""Create the record of what scheduled builds were made of."""

from orchestration.database.migrations.sql_file import run_sql_file_of

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql_file_of(__file__)
