{#- Sums of columns that add up, each under its own name and with the type of that column. -#}
{% macro sums(relation, types) -%}
    {%- for name, type in types.items() -%}
        cast(sum({{ relation }}.{{ name }}) as {{ type }}) as {{ name }}
        {{- ',\n        ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
