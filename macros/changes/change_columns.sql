{#- Columns of the facts that stand in the log of changes: all that is added up of an execution. -#}
{% macro change_columns() -%}
    {{ return([
        'execution_id', 'organization_id', 'user_id', 'metric_date', 'reporting_timezone',
        'start_time', 'provider', 'model', 'price_model', 'task_type', 'code_language', 'status',
        'is_timed_out', 'duration_ms', 'request_count', 'input_tokens', 'output_tokens',
        'total_tokens', 'quality_score', 'pricing_status', 'cost_usd', 'baseline_provider',
        'baseline_model', 'baseline_price_model', 'baseline_pricing_status', 'baseline_cost_usd',
        'savings_status', 'savings_usd', 'net_savings_usd',
    ]) }}
{%- endmacro %}
