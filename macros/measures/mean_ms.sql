{#- Mean of durations in milliseconds from their sum and number; NULL when there are none. -#}
{% macro mean_ms(total_ms, timed_tasks) -%}
    cast({{ total_ms }} / nullif({{ timed_tasks }}, 0) as numeric(28, 3))
{%- endmacro %}
