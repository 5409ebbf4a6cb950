{#- A text column in the order of its code points, the same in every database. -#}
{% macro in_code_order(column) -%}
    {{ column }} collate "C"
{%- endmacro %}
