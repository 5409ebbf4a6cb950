-- Grain: one row per organization and day, week or month, as the MVP plan draws it: three marts
-- under other names, with the moments at which a period begins and ends.

{{ config(materialized='view') }}

with periods as (

    {%- for aggregation_period, relation in {
        'daily': 'organization_days', 'weekly': 'organization_weeks', 'monthly': 'organization_months'
    }.items() %}
    select
        '{{ aggregation_period }}' as aggregation_period,
        periods.*
    from {{ ref(relation) }} as periods
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

organizations as (

    select * from {{ ref('dim_organizations') }}

),

final as (

    select
        {{ uuid_key([
            'periods.organization_id', 'periods.aggregation_period', 'periods.metric_date',
        ]) }} as id,
        periods.organization_id,
        periods.aggregation_period as period_type,
        {{ first_moment('periods.metric_date', 'organizations.timezone') }} as period_start,
        {{ first_moment(
            last_day('periods.aggregation_period', 'periods.metric_date') ~ ' + 1',
            'organizations.timezone'
        ) }} as period_end,
        periods.metric_date,
        periods.aggregation_period,
        periods.total_tasks,
        periods.successful_tasks,
        periods.failed_tasks,
        periods.timed_out_tasks,
        periods.unpriced_tasks,
        periods.total_tokens as total_tokens_used,
        periods.total_cost_usd as total_actual_cost,
        periods.total_baseline_cost_usd as total_baseline_cost,
        periods.total_savings_usd as total_savings,
        periods.total_cost_usd,
        periods.total_baseline_cost_usd,
        periods.total_savings_usd,
        periods.failed_cost_usd,
        periods.total_spend_usd,
        periods.savings_percentage,
        periods.by_provider,
        periods.by_task_type,
        periods.avg_duration_ms,
        periods.p50_duration_ms,
        periods.p95_duration_ms,
        periods.p99_duration_ms
    from periods
    inner join organizations on periods.organization_id = organizations.organization_id

)

select * from final
