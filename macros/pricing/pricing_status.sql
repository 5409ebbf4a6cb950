{#- Why a usage has a price or has none: `priced`, or the reason why its cost is unknown. `prefix` as in
    `price_joins`; `price_lookups` have been joined. -#}
{% macro pricing_status(usage, prefix) -%}
    {%- set prices = prefix ~ 'prices' -%}
    {%- set factors = prefix ~ 'factors' -%}
    {%- set states_tokens -%}
    coalesce({{ usage }}.input_tokens, {{ usage }}.output_tokens, {{ usage }}.tokens_used) is not null
    {%- endset -%}
    case
                {%- if not prefix %}
                when {{ usage }}.is_gateway_cache_hit then 'gateway_cache_hit'
                {%- endif %}
                when {{ prices }}.price_id is not null then
                    case
                        when
                            {{ prices }}.input_usd_per_token is not null
                            and not ({{ states_tokens }})
                            and {{ factors }}.other_costs is null
                            then 'no_usage'
                        when
                            {{ prices }}.input_usd_per_token is not null
                            and {{ states_tokens }}
                            and {{ usage }}.billed_output_tokens is null
                            and (
                                {{ prices }}.flat_usd_per_token is null
                                or {{ usage }}.tokens_used is null
                                or {{ json_has_any(usage ~ '.other_quantities', token_parts() | list) }}
                            )
                            then 'token_split_unknown'
                        when
                            {{ prices }}.input_usd_per_token is not null
                            and (
                                {{ usage }}.tokens_used <> {{ usage }}.input_tokens + {{ usage }}.output_tokens
                                or {{ usage }}.tokens_used
                                < greatest({{ usage }}.input_tokens, {{ usage }}.output_tokens)
                            )
                            then 'token_totals_differ'
                        when {{ prices }}.usd_per_minute is not null and {{ usage }}.duration_ms is null
                            then 'no_usage'
                        when
                            {{ prices }}.usd_per_compute_unit is not null
                            and {{ usage }}.compute_units is null
                            and {{ factors }}.other_costs is null
                            and coalesce(
                                {{ prices }}.input_usd_per_token,
                                {{ prices }}.usd_per_request,
                                {{ prices }}.usd_per_minute
                            ) is null
                            then 'no_usage'
                        when
                            (
                                {{ prices }}.usd_per_compute_unit is null
                                and {{ usage }}.compute_units > 0
                            )
                            or {{ json_array_lacks(factors ~ '.other_costs', 'cost_usd') }}
                            then 'usage_without_price'
                        when
                            {{ prices }}.input_usd_per_token > 0
                            and {{ usage }}.price_tier <> 'standard'
                            and not {{ prices }}.names_service_tier
                            and not {{ json_has(factors ~ '.price_factors', 'service_tier') }}
                            then 'tier_without_price'
                        when {{ usage }}.is_bucket and {{ json_has(factors ~ '.price_factors', 'hours') }}
                            then 'bucket_spans_prices'
                        else 'priced'
                    end
                -- What is priced by rows of its own needs no other price where nothing else was used.
                when
                    {{ factors }}.other_costs is not null
                    and not {{ json_array_lacks(factors ~ '.other_costs', 'cost_usd') }}
                    and not ({{ states_tokens }})
                    and coalesce({{ usage }}.compute_units, 0) = 0
                    then 'priced'
                {%- if prefix %}
                when {{ usage }}.{{ prefix }}provider is null then 'no_baseline'
                {%- endif %}
                when {{ usage }}.{{ prefix }}model is null then 'no_model'
                when {{ usage }}.{{ prefix }}first_price_from > {{ usage }}.start_time then 'before_first_price'
                else 'no_price_for_model'
            end
{%- endmacro %}
