{#- USD for a quantity at a rate in USD per unit and a factor, to 12 places, half away from zero; 0 where the
    price has no such rate or nothing of it was used. -#}
{% macro usage_cost_usd(quantity, usd_per_unit, factor) -%}
    cast(coalesce({{ quantity }} * {{ usd_per_unit }} * {{ factor }}, 0) as numeric(38, 12))
{%- endmacro %}
