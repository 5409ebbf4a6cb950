{#- Condition: two rows are about the same unit of a rollup. An unknown model equals another unknown
    one. -#}
{% macro same_unit(left, right, unit) -%}
    {%- for column in unit_columns(unit) -%}
    {{ known(left, column) }} = {{ known(right, column) }}
    {{- '\n            and ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
