"""Keep the rows of organizations and people apart: who may read which rows of which relation.

Row-level security is switched on and forced for every table that holds rows of an organization.
The roles for whom its policies are written are created by `warehouse roles apply`; as long as there
are none, nobody but the owner reads anything.
"""

from orchestration.database.migrations.sql_file import run_sql_file_of

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql_file_of(__file__)
