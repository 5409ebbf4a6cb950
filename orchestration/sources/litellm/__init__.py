"""Reads the database of a LiteLLM proxy: its calls become executions, inside that database."""
