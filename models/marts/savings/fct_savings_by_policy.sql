-- Grain: one row per organization, day and baseline policy, the policy in force (`headline`) among
-- them: what the same executions would have cost under each.

{{ config(materialized='view') }}

with policy_days as (

    select * from {{ ref('int_policy_days') }}

)

select
    organization_id,
    metric_date,
    cast('daily' as text) as aggregation_period,
    policy,
    total_tasks as successful_tasks,
    compared_tasks,
    unknown_baseline_tasks,
    negative_savings_tasks,
    unknown_overhead_tasks,
    compared_cost_usd,
    total_baseline_cost_usd,
    total_savings_usd,
    total_net_savings_usd,
    {{ percentage('total_savings_usd', 'total_baseline_cost_usd') }} as savings_percentage
from policy_days
