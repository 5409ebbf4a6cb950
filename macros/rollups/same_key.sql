{#- Condition: two rows have the same primary key, whose columns are never missing. -#}
{% macro same_key(left, right, key) -%}
    {%- for column in key -%}
    {{ left }}.{{ column }} = {{ right }}.{{ column }}{{ ' and ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
