-- Grain: one row per provider, model, task type and hour, day, week or month in UTC: four marts
-- under the name and with the periods of the platform's documents.

{{ config(materialized='view') }}

with periods as (

    {%- for aggregation_period, relation in {
        'hourly': 'provider_hours', 'daily': 'provider_days', 'weekly': 'provider_weeks',
        'monthly': 'provider_months',
    }.items() %}
    select
        {{ uuid_key([
            'periods.provider', 'periods.model', 'periods.task_type', "'" ~ aggregation_period ~ "'",
            utc_text('periods.period_start'),
        ]) }} as id,
        '{{ aggregation_period }}' as aggregation_period,
        periods.provider,
        periods.model,
        periods.task_type,
        periods.metric_date,
        periods.period_start,
        {{ measures('periods') }},
        periods.finished_tasks,
        periods.success_rate,
        periods.avg_duration_ms,
        periods.median_duration_ms,
        periods.p95_duration_ms,
        periods.p99_duration_ms,
        periods.costed_tasks,
        periods.avg_cost_usd,
        periods.scored_tasks,
        periods.total_quality_score,
        periods.avg_quality_score
    from {{ ref(relation) }} as periods
    {{ 'union all' if not loop.last }}
    {%- endfor %}

)

select * from periods
