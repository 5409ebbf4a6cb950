-- A returned row is a key that stands more than once in a view, which has no constraint that could
-- say so, or that lacks its first part. Views that group large tables are looked at in full checks
-- only: there keys hold by construction.

{{ config(meta={'dagster': {'ref': {'name': 'fct_alerts'}}}) }}

{% set keys = {
    'adjustment_days': ['adjustment_day_id'],
    'alert_conditions': ['dedup_key'],
    'dim_dates': ['metric_date'],
    'fct_alerts': ['alert_id'],
    'int_model_aliases': ['model_alias_id'],
    'int_sealed_days': ['organization_id'],
    'organization_bills': ['organization_id', 'metric_date'],
} %}

{% if var('full_check') %}
{% do keys.update({
    'analytics_aggregations': ['id'],
    'daily_savings': ['organization_id', 'metric_date', 'provider', 'task_type'],
    'fct_cost_corrections': ['correction_id'],
    'live_organization_days': ['organization_id', 'metric_date'],
    'live_organization_month': ['organization_id'],
    'live_organization_today': ['organization_id'],
    'organization_current_month': ['organization_id'],
    'provider_call_days': ['provider_call_day_id'],
    'reconciliation': [
        'comparison', 'event_kind', 'organization_id', 'provider', 'model', 'task_type',
        'aggregation_period', 'metric_date',
    ],
    'savings_quality': [
        'organization_id', 'metric_date', 'task_type', 'provider', 'model', 'baseline_provider',
        'baseline_model',
    ],
    'unpriced_usage': ['priced_as', 'provider', 'model', 'reason'],
}) %}
{% endif %}

{% for name, key in keys.items() %}
select
    '{{ name }}' as view_name,
    concat_ws(', ', {{ key | join(', ') }}) as view_key,
    count(*) as row_count
from {{ ref(name) }}
group by {{ key | join(', ') }}
having count(*) > 1 or {{ key[0] }} is null
{{ 'union all' if not loop.last }}
{% endfor %}
