"""Tell who listens that something landed or was built, and let an application record what it did.

- Channel `warehouse`: `landed` and `built`, with the load or the invocation.
- `audit.audit_log`: a login records reads of every organization and user that it may speak for,
  whichever of them it speaks for just now.
- `ledger.erasure_requests`: who asked to be erased.
"""

from orchestration.database.migrations.sql_file import run_sql_file_of

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql_file_of(__file__)
