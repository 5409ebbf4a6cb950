{#- Why a usage has a price or has none: `priced`, or the reason why its cost is unknown. `prefix` as in
    `price_joins`. -#}
{% macro pricing_status(usage, prefix) -%}
    {%- set prices = prefix ~ 'prices' -%}
    case
                when {{ prices }}.price_id is not null then
                    case
                        when
                            {{ prices }}.input_usd_per_token is not null
                            and {{ usage }}.billed_output_tokens is null
                            and (
                                {{ prices }}.flat_usd_per_token is null
                                or {{ usage }}.tokens_used is null
                            )
                            then case
                                when coalesce(
                                    {{ usage }}.input_tokens, {{ usage }}.output_tokens, {{ usage }}.tokens_used
                                ) is null then 'no_usage'
                                else 'token_split_unknown'
                            end
                        when {{ prices }}.usd_per_minute is not null and {{ usage }}.duration_ms is null
                            then 'no_usage'
                        when
                            {{ prices }}.usd_per_compute_unit is not null
                            and {{ usage }}.compute_units is null
                            then 'no_usage'
                        else 'priced'
                    end
                {%- if prefix %}
                when {{ usage }}.{{ prefix }}provider is null then 'no_baseline'
                {%- endif %}
                when {{ usage }}.{{ prefix }}model is null then 'no_model'
                when {{ usage }}.{{ prefix }}first_price_from > {{ usage }}.start_time then 'before_first_price'
                else 'no_price_for_model'
            end
{%- endmacro %}
