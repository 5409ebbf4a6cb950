{#- One JSON object from the rows of a group: keys from one column, values from another. Binary JSON puts the
    keys in an order of its own, so that none is given. -#}
{% macro json_object_of(key, value) -%}
    jsonb_object_agg({{ key }}, {{ value }})
{%- endmacro %}
