"""The dbt project in Dagster: one set of assets, the resource that runs it, and its schedule."""
