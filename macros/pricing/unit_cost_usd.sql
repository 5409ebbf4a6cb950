{#- USD for a number of units at a rate in USD per unit. A price without that rate charges nothing. -#}
{% macro unit_cost_usd(units, usd_per_unit) -%}
    cast(coalesce({{ units }}, 0) * coalesce({{ usd_per_unit }}, 0) as numeric(38, 12))
{%- endmacro %}
