{#- A cost, or NULL when the usage has no price or the cost is too large to be true. What a gateway answered from
    its own cache cost nothing. -#}
{% macro known_cost_usd(status, cost_usd) -%}
    cast(
            case
                when {{ status }} = 'gateway_cache_hit' then 0
                when {{ status }} = 'priced' and {{ cost_usd }} <= {{ max_cost_usd() }} then {{ cost_usd }}
            end as numeric(20, 12)
        )
{%- endmacro %}
