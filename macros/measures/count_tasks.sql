{#- How many executions of a group there are for which a condition holds, each counted with its sign. -#}
{% macro count_tasks(condition=none) -%}
    cast(coalesce(sum(executions.sign){{ ' filter (where ' ~ condition ~ ')' if condition }}, 0) as bigint)
{%- endmacro %}
