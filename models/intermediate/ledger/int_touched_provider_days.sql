-- Grain: one row per build, provider, model, task type, day in UTC and reason. Written by
-- `fct_task_executions` in the transaction that changes its rows; here it is only created.

{{ config(materialized='incremental', full_refresh=false) }}

select
    cast(null as text) as invocation_id,
    cast(null as text) as provider,
    cast(null as text) as model,
    cast(null as text) as task_type,
    cast(null as date) as metric_date,
    cast(null as text) as reason
where false
