{#- Column: the durations of a group of executions, as a map of how many lie in each bucket. -#}
{% macro duration_map() -%}
    {{ count_map('(' ~ duration_bucket('executions.duration_ms') ~ ')', 'executions.duration_ms') }}
{%- endmacro %}
