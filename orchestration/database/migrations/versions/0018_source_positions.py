"""Remember up to where a source was read, in the transaction that lands what was read."""

from orchestration.database.migrations.sql_file import run_sql_file_of

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql_file_of(__file__)
