"""The dbt project in Dagster: one set of assets, and the resource that runs it."""
