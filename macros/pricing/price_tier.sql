{#- The service tier under which something is priced: what providers call their ordinary service is `standard`,
    whatever its name; NULL stays NULL. -#}
{% macro price_tier(service_tier) -%}
    case
            when lower({{ service_tier }}) in ('standard', 'default', 'auto', 'on_demand') then 'standard'
            else lower({{ service_tier }})
        end
{%- endmacro %}
