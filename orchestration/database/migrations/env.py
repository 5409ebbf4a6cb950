"""Alembic's entry point: runs the revisions on the connection and in the transaction it is given.

`orchestration.database.migrate` opens both; there is no alembic.ini and no offline mode.
"""

from alembic import context

from orchestration.database.migrate import VERSION_SCHEMA, VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    version_table=VERSION_TABLE,
    version_table_schema=VERSION_SCHEMA,
)
context.run_migrations()
