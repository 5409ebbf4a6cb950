{#- Condition: there is a JSON object and it has one of these fields. -#}
{% macro json_has_any(object, fields) -%}
    coalesce({{ object }} ?| array['{{ fields | join("', '") }}'], false)
{%- endmacro %}
