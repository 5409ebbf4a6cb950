{#- Names of the columns of `task_measures`, each with the type of its sums. -#}
{% macro measure_names() -%}
    {{ return({
        'total_tasks': 'bigint',
        'successful_tasks': 'bigint',
        'failed_tasks': 'bigint',
        'timed_out_tasks': 'bigint',
        'unpriced_tasks': 'bigint',
        'compared_tasks': 'bigint',
        'total_tokens': 'numeric(28, 0)',
        'total_cost_usd': 'numeric(28, 12)',
        'failed_cost_usd': 'numeric(28, 12)',
        'total_spend_usd': 'numeric(28, 12)',
        'compared_cost_usd': 'numeric(28, 12)',
        'total_baseline_cost_usd': 'numeric(28, 12)',
        'total_savings_usd': 'numeric(28, 12)',
        'total_duration_ms': 'numeric(28, 0)',
        'timed_tasks': 'bigint',
        'total_requests': 'numeric(28, 12)',
    }) }}
{%- endmacro %}
