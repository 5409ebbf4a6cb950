{#- One JSON object from the rows of a group: keys from one column, values from another. -#}
{% macro json_object_of(key, value) -%}
    jsonb_object_agg({{ key }}, {{ value }} order by {{ key }})
{%- endmacro %}
