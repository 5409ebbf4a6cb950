"""The dbt project from outside: what dbt is asked, what waits for it, what stands, its lineage."""
