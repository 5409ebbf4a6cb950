-- Grain: one row per organization with executions in the month that it is now in the organization's
-- present time zone, right to the last landed event: its live days added up.

{{ config(materialized='view') }}

{%- set amounts = [
    'total_cost_usd', 'failed_cost_usd', 'total_spend_usd', 'compared_cost_usd',
    'total_baseline_cost_usd', 'total_savings_usd',
] %}

with days as (

    select * from {{ ref('live_organization_days') }}

),

totals as (

    select
        organization_id,
        {{ first_day('monthly', 'min(metric_date)') }} as metric_date,
        {%- for name in [
            'total_tasks', 'successful_tasks', 'failed_tasks', 'timed_out_tasks', 'running_tasks',
            'active_errors', 'unpriced_tasks', 'compared_tasks', 'pending_executions',
        ] %}
        cast(sum({{ name }}) as bigint) as {{ name }},
        {%- endfor %}
        cast(sum(total_tokens) as numeric(28, 0)) as total_tokens,
        {%- for name in amounts %}
        cast(sum({{ name }}) as numeric(28, 12)) as {{ name }},
        {%- endfor %}
        max(last_landed_at) as last_landed_at,
        max(last_built_at) as last_built_at
    from days
    group by organization_id

),

final as (

    select
        organization_id,
        metric_date,
        cast('monthly' as text) as aggregation_period,
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
        {{ percentage('total_savings_usd', 'total_baseline_cost_usd') }} as savings_percentage,
        pending_executions,
        last_landed_at,
        last_built_at
    from totals

)

select * from final
