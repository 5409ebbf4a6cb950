{#- The pricing status of a usage once its cost is known: a cost that the column cannot hold is a mistake
    in the usage or the price, so that it is unknown. -#}
{% macro known_pricing_status(status, cost_usd) -%}
    case
            when {{ status }} = 'priced' and {{ cost_usd }} > {{ max_cost_usd() }} then 'cost_out_of_range'
            else {{ status }}
        end
{%- endmacro %}
