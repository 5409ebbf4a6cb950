"""Everything around the dbt project: database, landing, command line and Dagster definitions."""
