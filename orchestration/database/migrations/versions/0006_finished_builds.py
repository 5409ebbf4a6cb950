"""Create the ledger of builds."""

from orchestration.database.migrations.sql_file import run_sql_file_of

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql_file_of(__file__)
