{#- Why a usage has a price or has none: `priced`, or the reason why its cost is unknown. `prices` is
    the alias of the matched row of `int_prices`, `prefix` that of the usage's columns about it: none
    for what was used, `baseline_` for the baseline. -#}
{% macro pricing_status(prices, usage, prefix) -%}
    case
        when {{ prices }}.price_id is null and {{ usage }}.{{ prefix }}price_model is null then 'no_model'
        when {{ prices }}.price_id is null and {{ usage }}.{{ prefix }}first_price_from > {{ usage }}.start_time
            then 'before_first_price'
        when {{ prices }}.price_id is null then 'no_price_for_model'
        when
            {{ prices }}.input_usd_per_mtok is not null
            and coalesce({{ usage }}.input_tokens, {{ usage }}.output_tokens) is null
            and {{ usage }}.tokens_used is null
            then 'no_usage'
        when
            {{ prices }}.input_usd_per_mtok is not null
            and ({{ usage }}.input_tokens is null or {{ usage }}.output_tokens is null)
            then 'token_split_unknown'
        when {{ prices }}.usd_per_minute is not null and {{ usage }}.duration_ms is null
            then 'no_usage'
        when {{ prices }}.usd_per_compute_unit is not null and {{ usage }}.compute_units is null
            then 'no_usage'
        else 'priced'
    end
{%- endmacro %}
