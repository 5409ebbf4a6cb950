{#- Statements of a rollup that is new, on a database of version 0.1, where another table held its days: take over its
    sealed rows, of which the executions may be gone. What that table did not count is unknown. It held no
    durations of hours, so that those of sealed hours are unknown as well. -#}
{% macro carry_over_sealed_rows() -%}
    {%- set sources = {
        'int_model_usage_days': ('model_usage', 'true', {}),
        'int_organization_days': ('organization_analytics', "periods.aggregation_period = 'daily'", {
            'durations': durations_of_histogram('organization_duration_histogram', 'organization'),
        }),
        'int_organization_hours': ('analytics_hourly', 'true', {
            'hour_start': 'periods.timestamp', 'durations': "cast('{}' as jsonb)",
        }),
        'int_policy_days': ('fct_savings_by_policy', 'true', {
            'total_tasks': 'periods.successful_tasks',
        }),
        'int_user_days': ('user_analytics', "periods.aggregation_period = 'daily'", {
            'provider_tasks': 'periods.provider_usage', 'task_type_tasks': 'periods.task_type_distribution',
        }),
        'int_provider_days': ('provider_performance_metrics', "periods.aggregation_period = 'daily'", {
            'durations': durations_of_histogram('provider_duration_histogram', 'provider'),
        }),
        'int_provider_hours': ('provider_performance_metrics', "periods.aggregation_period = 'hourly'", {
            'hour_start': 'periods.period_start', 'durations': "cast('{}' as jsonb)",
        }),
    } -%}
    {%- set name, condition, columns = sources.get(this.identifier, (none, none, none)) -%}
    {%- set old = load_relation(table_of_marts(name)) if name else none -%}
    {%- if old is not none and old.is_table %}
    {%- set known = adapter.get_columns_in_relation(old) | map(attribute='name') | list %}
    insert into {{ this }} ({{ model.columns | join(', ') }})
    select
        {%- for column in model.columns %}
        {{ columns.get(column, 'periods.' ~ column if column in known else 'null') }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ old }} as periods
    where
        {{ condition }}
        and not ({{ is_open('periods', 'periods.metric_date', (config.get('meta') or {}).get('unit')) }});
    {%- endif %}
{%- endmacro %}
