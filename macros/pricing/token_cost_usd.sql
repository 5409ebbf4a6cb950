{#- USD for a number of tokens at a rate in USD per million tokens; exact. A price without a rate for
    tokens charges nothing for them. -#}
{% macro token_cost_usd(tokens, usd_per_mtok) -%}
    cast(coalesce({{ tokens }}, 0) * coalesce({{ usd_per_mtok }}, 0) * 0.000001 as numeric(38, 12))
{%- endmacro %}
