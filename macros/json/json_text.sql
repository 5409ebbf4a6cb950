{#- One field of a JSON object as text; NULL when it is absent. -#}
{% macro json_text(column, field) -%}
    {{ column }} ->> '{{ field }}'
{%- endmacro %}
