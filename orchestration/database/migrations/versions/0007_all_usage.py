"""Make room for every kind of usage, and for money without usage."""

from orchestration.database.migrations.sql_file import run_sql_file_of

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql_file_of(__file__)
