"""Give sealed months proofs: digests of what stands in them, chained month after month.

- `day_digests`: of every sealed day and relation, a hash of each row and one over them.
- `month_links`: of every sealed month one over its days and the month before it.
- `removed_details`: how many rows of a sealed day have left the marts, and when.
"""

from orchestration.database.migrations.sql_file import run_sql_file_of

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql_file_of(__file__)
