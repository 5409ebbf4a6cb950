"""The Dagster definitions: raw tables, dbt models with their checks, jobs and schedules."""
