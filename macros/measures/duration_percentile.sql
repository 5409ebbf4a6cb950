{#- A percentile in milliseconds by nearest rank, within 1 %, from a map of durations; NULL of an empty one. -#}
{% macro duration_percentile(durations, share) -%}
    cast({{ function_schema() }}.duration_percentile({{ durations }}, {{ share }}) as numeric(28, 3))
{%- endmacro %}
