"""The Dagster instance: its settings, its home, its storage and the command that opens it."""
