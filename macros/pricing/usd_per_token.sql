{#- A rate in USD per million tokens as USD per token; exact. -#}
{% macro usd_per_token(usd_per_mtok) -%}
    cast({{ usd_per_mtok }} * 0.000001 as numeric(26, 18))
{%- endmacro %}
