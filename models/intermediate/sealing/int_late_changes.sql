-- Grain: one row per build and execution about which something arrived after its day was sealed.
-- Written by `fct_task_executions` in the transaction that takes the arrival in; here it is only
-- created.

{{ config(materialized='incremental', full_refresh=false) }}

select
    cast(null as text) as invocation_id,
    cast(null as uuid) as execution_id,
    cast(null as uuid) as organization_id,
    cast(null as date) as metric_date,
    cast(null as boolean) as is_new,
    cast(null as uuid) as event_id,
    cast(null as timestamptz) as updated_at,
    cast(null as text) as old_status,
    cast(null as text) as new_status,
    cast(null as text) as old_pricing_status,
    cast(null as text) as new_pricing_status,
    cast(null as bigint) as old_total_tokens,
    cast(null as bigint) as new_total_tokens,
    cast(null as numeric(20, 12)) as old_cost_usd,
    cast(null as numeric(20, 12)) as new_cost_usd,
    cast(null as numeric(20, 12)) as old_baseline_cost_usd,
    cast(null as numeric(20, 12)) as new_baseline_cost_usd,
    cast(null as numeric(20, 12)) as old_savings_usd,
    cast(null as numeric(20, 12)) as new_savings_usd,
    cast(null as numeric(20, 12)) as old_net_savings_usd,
    cast(null as numeric(20, 12)) as new_net_savings_usd,
    cast(null as timestamptz) as changed_at
where false
