{#- Columns of the facts by which prices, policies and baselines are chosen for an execution. -#}
{% macro priced_by_columns() -%}
    {{ return([
        'organization_id', 'start_time', 'provider', 'model', 'task_type', 'service_tier', 'region',
        'is_bucket', 'is_gateway_cache_hit', 'input_tokens', 'request_count', 'other_usage',
    ] + token_parts() | list) }}
{%- endmacro %}
