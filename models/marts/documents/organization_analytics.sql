-- Grain: one row per organization and day, week or month in its reporting time zone: three marts
-- under the name and with the periods of the platform's documents.

{{ config(materialized='view') }}

with periods as (

    {%- for aggregation_period, relation in {
        'daily': 'organization_days', 'weekly': 'organization_weeks', 'monthly': 'organization_months'
    }.items() %}
    select
        {{ uuid_key([
            'periods.organization_id', "'" ~ aggregation_period ~ "'", 'periods.metric_date',
        ]) }} as id,
        '{{ aggregation_period }}' as aggregation_period,
        periods.organization_id,
        periods.metric_date,
        {{ measures('periods') }},
        periods.negative_savings_tasks,
        periods.unknown_overhead_tasks,
        periods.total_developers,
        periods.active_developers,
        periods.input_tokens,
        periods.output_tokens,
        periods.total_net_savings_usd,
        periods.savings_percentage,
        periods.avg_duration_ms,
        periods.p50_duration_ms,
        periods.p95_duration_ms,
        periods.p99_duration_ms,
        periods.providers_used,
        periods.provider_usage,
        periods.provider_costs,
        periods.by_provider,
        periods.task_type_distribution,
        periods.by_task_type
    from {{ ref(relation) }} as periods
    {{ 'union all' if not loop.last }}
    {%- endfor %}

)

select * from periods
