{#- A lateral join: one row per element of a JSON array, with its position from 1. -#}
{% macro json_array_rows(column, alias, element) -%}
    cross join lateral jsonb_array_elements({{ column }})
    with ordinality as {{ alias }} ({{ element }}, position)
{%- endmacro %}
