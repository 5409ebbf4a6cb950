{#- Condition: there is a JSON object and it has this field. -#}
{% macro json_has(object, field) -%}
    coalesce({{ object }} ? '{{ field }}', false)
{%- endmacro %}
