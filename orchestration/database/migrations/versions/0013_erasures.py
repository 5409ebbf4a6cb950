"""Keep who was erased, as keyed hashes, so that nothing that lands later brings them back."""

from orchestration.database.migrations.sql_file import run_sql_file_of

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql_file_of(__file__)
