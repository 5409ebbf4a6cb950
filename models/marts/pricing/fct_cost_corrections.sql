-- Grain: one row per build and execution whose published cost, baseline or savings that build
-- changed. Only ever added to: the sum of the deltas is the new total less the old one.
-- depends_on: {{ ref('fct_task_executions') }}, which writes the changes

{{ config(materialized='view') }}

with changes as (

    select * from {{ ref('int_cost_changes') }}

)

select
    {{ surrogate_key(['invocation_id', 'execution_id']) }} as correction_id,
    invocation_id,
    changed_at as corrected_at,
    execution_id,
    organization_id,
    metric_date,
    reason,
    old_cost_usd,
    new_cost_usd,
    cast(coalesce(new_cost_usd, 0) - coalesce(old_cost_usd, 0) as numeric(20, 12))
        as cost_delta_usd,
    old_baseline_cost_usd,
    new_baseline_cost_usd,
    cast(
        coalesce(new_baseline_cost_usd, 0) - coalesce(old_baseline_cost_usd, 0)
        as numeric(20, 12)
    ) as baseline_cost_delta_usd,
    old_savings_usd,
    new_savings_usd,
    cast(coalesce(new_savings_usd, 0) - coalesce(old_savings_usd, 0) as numeric(20, 12))
        as savings_delta_usd,
    old_pricing_status,
    new_pricing_status,
    old_price_id,
    new_price_id,
    old_baseline_price_id,
    new_baseline_price_id
from changes
