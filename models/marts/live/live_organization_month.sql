-- Grain: one row per organization with executions in the month that it is now in the organization's
-- present time zone, right to the last landed event: its live days added up.

{{ config(materialized='view') }}

with days as (

    select * from {{ ref('live_organization_days') }}

),

totals as (

    select
        days.organization_id,
        {{ first_day('monthly', 'min(days.metric_date)') }} as metric_date,
        {{ sums('days', {
            'total_tasks': 'bigint',
            'successful_tasks': 'bigint',
            'failed_tasks': 'bigint',
            'timed_out_tasks': 'bigint',
            'running_tasks': 'bigint',
            'active_errors': 'bigint',
            'unpriced_tasks': 'bigint',
            'compared_tasks': 'bigint',
            'pending_executions': 'bigint',
            'total_tokens': 'numeric(28, 0)',
            'total_cost_usd': 'numeric(28, 12)',
            'failed_cost_usd': 'numeric(28, 12)',
            'total_spend_usd': 'numeric(28, 12)',
            'compared_cost_usd': 'numeric(28, 12)',
            'total_baseline_cost_usd': 'numeric(28, 12)',
            'total_savings_usd': 'numeric(28, 12)',
        }) }},
        max(days.last_landed_at) as last_landed_at,
        max(days.last_built_at) as last_built_at
    from days
    group by days.organization_id

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
