{#- Condition: there is a JSON array, and in one of its objects this field is null. -#}
{% macro json_array_lacks(column, field) -%}
    coalesce({{ column }} @> '[{"{{ field }}": null}]', false)
{%- endmacro %}
