{#- A part of a cost as the facts keep it: NULL where the cost is unknown, 0 where a gateway's cache spared it. -#}
{% macro known_part_usd(part) -%}
    cast(
            case
                when pricing_status = 'gateway_cache_hit' then 0
                when cost_usd is not null then {{ part }}
            end as numeric(20, 12)
        )
{%- endmacro %}
