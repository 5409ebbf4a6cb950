-- Grain: one row per organization, user and day, week or month in the organization's reporting time
-- zone: three marts under the name and with the periods of the platform's documents.

{{ config(materialized='view') }}

with periods as (

    {%- for aggregation_period, relation in {
        'daily': 'user_days', 'weekly': 'user_weeks', 'monthly': 'user_months'
    }.items() %}
    select
        {{ uuid_key([
            'periods.organization_id', 'periods.user_id', "'" ~ aggregation_period ~ "'",
            'periods.metric_date',
        ]) }} as id,
        '{{ aggregation_period }}' as aggregation_period,
        periods.organization_id,
        periods.user_id,
        periods.metric_date,
        {{ measures('periods') }},
        periods.avg_task_duration_ms,
        periods.savings_percentage,
        periods.most_used_provider,
        periods.provider_usage,
        periods.task_type_distribution
    from {{ ref(relation) }} as periods
    {{ 'union all' if not loop.last }}
    {%- endfor %}

)

select * from periods
