"""Revisions are written in SQL; this runs the file beside a revision's module."""

from pathlib import Path

from alembic import op


def run_sql_file_of(module_file: str) -> None:
    """Run the .sql file that has the name of a revision's module, in the migration's transaction.

    Args:
        module_file: The module's `__file__`.
    """
    statements = Path(module_file).with_suffix(".sql").read_text(encoding="utf-8")
    # Straight to the driver and without parameters: `%` and `:` are SQL here, not placeholders.
    cursor = op.get_bind().connection.cursor()
    try:
        cursor.execute(statements)
    finally:
        cursor.close()
