{#- Condition: there is a JSON array and it holds this text. -#}
{% macro json_array_holds(array, text) -%}
    {{ array }} is not null and {{ array }} ? {{ text }}
{%- endmacro %}
