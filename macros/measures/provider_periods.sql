{#- Query: the hours, days, weeks or months of a provider's model and task type, from their hours or days. -#}
{% macro provider_periods(aggregation_period) -%}
{%- set is_hourly = aggregation_period == 'hourly' -%}
with days as (

    select * from {{ ref('int_provider_hours' if is_hourly else 'int_provider_days') }}

),

periods as (

    {{ periods_from_days(
        'daily' if is_hourly else aggregation_period, ['provider', 'model', 'task_type'],
        provider_measure_names(),
        ['durations'],
    ) }}

),

final as (

    select
        periods.provider,
        periods.model,
        periods.task_type,
        periods.metric_date,
        {{ 'periods.hour_start' if is_hourly else utc_midnight('periods.metric_date') }} as period_start,
        {{ measures('periods') }},
        periods.successful_tasks + periods.failed_tasks as finished_tasks,
        {{ percentage(
            'periods.successful_tasks', 'periods.successful_tasks + periods.failed_tasks'
        ) }} as success_rate,
        {{ mean_ms('periods.total_duration_ms', 'periods.timed_tasks') }} as avg_duration_ms,
        {%- for name, share in {'median': 0.5, 'p95': 0.95, 'p99': 0.99}.items() %}
        {{ duration_percentile('periods.durations', share) }} as {{ name }}_duration_ms,
        {%- endfor %}
        periods.costed_tasks,
        cast(periods.total_cost_usd / nullif(periods.costed_tasks, 0) as numeric(28, 12))
            as avg_cost_usd,
        periods.scored_tasks,
        periods.total_quality_score,
        cast(periods.total_quality_score / nullif(periods.scored_tasks, 0) as numeric(13, 12))
            as avg_quality_score,
        periods.durations
    from periods

)

select * from final
{%- endmacro %}
