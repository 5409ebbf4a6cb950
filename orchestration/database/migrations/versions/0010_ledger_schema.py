"""Give the warehouse's own records a schema, so that schema raw holds what landed alone.

Each moves for what it records, none of which is an event or a load:

- `running_builds`: whose turn it is to build.
- `finished_builds`: how builds ended.
- `built_projects`: what scheduled builds were made of.
- `seals`, `sealed_organizations`, `sealed_executions`: what is final, and how it was counted.
- `archives`: where events went that have left schema raw.
- `landed_totals`: sums to compare schema raw with, which must not change together with it.

These stay:

- `loads`, `rejected_events`: which files landed, and which of their lines did not.
- `event_totals`: a view of the landed events, with nothing of its own.
- `alembic_version`: an older program looks for it there, and says that it is too old.
"""

from orchestration.database.migrations.sql_file import run_sql_file_of

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_sql_file_of(__file__)
