-- Grain: one row per execution that arrived for an open day of its organization when the day of its
-- provider was sealed. Written by `fct_task_executions` in the transaction that takes the arrival
-- in; here it is only created.

{{ config(materialized='incremental', full_refresh=false) }}

select
    cast(null as uuid) as execution_id,
    cast(null as uuid) as organization_id,
    cast(null as text) as provider,
    cast(null as text) as model,
    cast(null as text) as task_type,
    cast(null as date) as metric_date,
    cast(null as bigint) as total_tokens,
    cast(null as numeric(20, 12)) as cost_usd
where false
