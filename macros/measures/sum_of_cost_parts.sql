{#- What the parts of an execution's cost add up to; what is missing counts as 0. -#}
{% macro sum_of_cost_parts(executions) -%}
    cast(
            {%- for part in [
                'uncached_input', 'cached_input', 'cache_write', 'output', 'request', 'minute', 'compute_unit',
                'other',
            ] %}
            {{ '+ ' if not loop.first }}coalesce({{ executions }}.{{ part }}_cost_usd, 0)
            {%- endfor %}
            as numeric(28, 12)
        )
{%- endmacro %}
