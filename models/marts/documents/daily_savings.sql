-- Grain: one row per organization, day in its reporting time zone, provider and task type.

{{ config(materialized='view') }}

with usage_days as (

    select * from {{ ref('model_usage') }}

),

totals as (

    select
        usage_days.organization_id,
        usage_days.metric_date,
        usage_days.provider,
        usage_days.task_type,
        {{ sums('usage_days', measure_names()) }}
    from usage_days
    group by
        usage_days.organization_id,
        usage_days.metric_date,
        usage_days.provider,
        usage_days.task_type

),

final as (

    select
        totals.organization_id,
        totals.metric_date as date,
        totals.metric_date,
        'daily' as aggregation_period,
        totals.provider,
        totals.task_type,
        {{ measures('totals') }},
        totals.successful_tasks as tasks_completed,
        totals.total_cost_usd as actual_cost,
        totals.total_baseline_cost_usd as baseline_cost,
        totals.total_savings_usd as total_savings,
        {{ percentage('totals.total_savings_usd', 'totals.total_baseline_cost_usd') }}
            as savings_percentage,
        {{ mean_ms('totals.total_duration_ms', 'totals.timed_tasks') }} as avg_duration_ms
    from totals

)

select * from final
