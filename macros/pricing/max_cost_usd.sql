{#- The largest cost of one execution that numeric(20, 12) holds; above it the cost is unknown. -#}
{% macro max_cost_usd() -%}
    99999999
{%- endmacro %}
