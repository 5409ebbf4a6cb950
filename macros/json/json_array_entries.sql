{#- A lateral join: the elements of a JSON array, one row each, under a name; no row where it is NULL. -#}
{% macro json_array_entries(column, alias, element) -%}
    cross join lateral jsonb_array_elements({{ column }}) as {{ alias }} ({{ element }})
{%- endmacro %}
