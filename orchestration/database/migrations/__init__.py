"""Migrations of schema raw, run by Alembic; one revision is a .py file and the .sql beside it."""
