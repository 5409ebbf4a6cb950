{#- A JSON object without the fields that are null. -#}
{% macro json_without_nulls(object) -%}
    jsonb_strip_nulls({{ object }})
{%- endmacro %}
