"""Record which organizations have ended, and whose lines were rejected.

- `ended_organizations`: when each is to be removed for good, and who asked for it.
- `rejected_events` has a column `organization_id`, by which lines stay as long as its events do.
"""

from orchestration.database.migrations.sql_file import run_sql_file_of

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql_file_of(__file__)
