{#- Columns of the facts that stand in the log of changes: what is added up of an execution, and the keys
    of what stands beside it. -#}
{% macro change_columns() -%}
    {{ return([
        'execution_id', 'event_id', 'organization_id', 'user_id', 'task_id', 'routing_decision_id',
        'metric_date', 'reporting_timezone', 'start_time', 'provider', 'model', 'price_model', 'task_type', 'code_language', 'status',
        'is_timed_out', 'duration_ms', 'request_count', 'input_tokens', 'output_tokens',
        'total_tokens', 'quality_score', 'pricing_status', 'cost_usd', 'baseline_provider',
        'baseline_model', 'baseline_price_model', 'baseline_pricing_status', 'baseline_cost_usd',
        'savings_status', 'savings_usd', 'routing_overhead_cost_usd', 'net_savings_usd', 'baseline_policy',
    ] + policy_cost_columns()) }}
{%- endmacro %}
