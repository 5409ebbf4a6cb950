{#- Columns of the facts that rollups read. -#}
{% macro rollup_columns() -%}
    {{ return([
        'organization_id', 'user_id', 'metric_date', 'reporting_timezone', 'start_time',
        'provider', 'model', 'task_type', 'status', 'is_timed_out', 'duration_ms',
        'input_tokens', 'output_tokens', 'total_tokens', 'request_count', 'quality_score',
        'pricing_status', 'cost_usd', 'baseline_cost_usd',
        'savings_status', 'savings_usd', 'net_savings_usd',
    ]) }}
{%- endmacro %}
