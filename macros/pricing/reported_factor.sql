{#- What a source multiplied a cost by to get what it reports, to 3 places; NULL where there is no cost. -#}
{% macro reported_factor(reported_cost_usd, cost_usd) -%}
    round({{ reported_cost_usd }} / nullif({{ cost_usd }}, 0), 3)
{%- endmacro %}
