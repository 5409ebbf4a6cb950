{#- The largest cost of one execution, in whole USD: what numeric(20, 12) holds, less the million that a
    routing overhead may take off the savings. Above it the cost is unknown. -#}
{% macro max_cost_usd() -%}
    98999999
{%- endmacro %}
