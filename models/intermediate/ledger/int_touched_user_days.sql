-- Grain: one row per build, organization, user, day and reason. Written by `fct_task_executions` in
-- the transaction that changes its rows; here it is only created.

{{ config(materialized='incremental', full_refresh=false) }}

select
    cast(null as text) as invocation_id,
    cast(null as uuid) as organization_id,
    cast(null as uuid) as user_id,
    cast(null as date) as metric_date,
    cast(null as text) as reason
where false
