{#- Rows: the names of a JSON object with their values as text. -#}
{% macro json_entries_text(value) -%}
    jsonb_each_text({{ value }})
{%- endmacro %}
