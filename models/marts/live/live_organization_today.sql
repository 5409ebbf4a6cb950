-- Grain: one row per organization with executions on the day that it is now in the organization's
-- present time zone, right to the last landed event.

{{ config(materialized='view') }}

with days as (

    select * from {{ ref('live_organization_days') }}

),

final as (

    select
        organization_id,
        metric_date,
        aggregation_period,
        total_tasks,
        successful_tasks,
        failed_tasks,
        timed_out_tasks,
        running_tasks,
        active_errors,
        unpriced_tasks,
        compared_tasks,
        total_tokens,
        total_cost_usd,
        failed_cost_usd,
        total_spend_usd,
        compared_cost_usd,
        total_baseline_cost_usd,
        total_savings_usd,
        savings_percentage,
        pending_executions,
        last_landed_at,
        last_built_at
    from days
    where is_today

)

select * from final
