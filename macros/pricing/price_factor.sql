{#- What the factors of these kinds make of a rate together, from an object of `price_factors`; 1 without any. -#}
{% macro price_factor(factors, kinds) -%}
    case
            when {{ factors }} is null then 1
            else
                {%- for kind in kinds %}
                coalesce(
                    {{ json_number(factors ~ " -> '" ~ kind ~ "'", 'numeric(20, 12)', 'factor') }}, 1
                ){{ ' *' if not loop.last }}
                {%- endfor %}
        end
{%- endmacro %}
