"""Migrations of raw and ledger, run by Alembic; a revision is a .py file and the .sql beside it."""
