-- Grain: one row per build and execution whose known cost, baseline or savings it changed. Written
-- by `fct_task_executions` in the transaction that changes its rows; here it is only created.

{{
    config(
        materialized='incremental',
        full_refresh=false,
        indexes=[
            {'columns': ['organization_id', 'metric_date']},
            {'columns': ['execution_id', 'invocation_id'], 'unique': true},
        ]
    )
}}

select
    cast(null as text) as invocation_id,
    cast(null as uuid) as execution_id,
    cast(null as uuid) as organization_id,
    cast(null as date) as metric_date,
    cast(null as text) as reason,
    cast(null as numeric(20, 12)) as old_cost_usd,
    cast(null as numeric(20, 12)) as new_cost_usd,
    cast(null as numeric(20, 12)) as old_baseline_cost_usd,
    cast(null as numeric(20, 12)) as new_baseline_cost_usd,
    cast(null as numeric(20, 12)) as old_savings_usd,
    cast(null as numeric(20, 12)) as new_savings_usd,
    cast(null as text) as old_pricing_status,
    cast(null as text) as new_pricing_status,
    cast(null as text) as old_price_id,
    cast(null as text) as new_price_id,
    cast(null as text) as old_baseline_price_id,
    cast(null as text) as new_baseline_price_id,
    cast(null as timestamptz) as changed_at
where false
