{#- How many elements a JSON array column holds; NULL when the column is NULL. -#}
{% macro json_array_length(column) -%}
    cast(jsonb_array_length({{ column }}) as integer)
{%- endmacro %}
