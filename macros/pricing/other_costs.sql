{#- What the `other_quantities` of a usage cost, as a list of objects: usage, quantity, USD per unit with its factors, cost and
    the row that it comes from; NULL where there are none, and without a cost where the book has no price. The most
    specific row wins, in the order of the price book. `prefix` as in `price_factors`, of which `factors` holds the
    result. -#}
{% macro other_costs(usage, prefix, factors) -%}
    {%- set prices = prefix ~ 'prices' -%}
    {%- set parts = token_parts() -%}
    case
                when {{ usage }}.other_quantities is not null then (
                    select jsonb_agg(
                        {{ json_object({
                            'usage': 'used.usage',
                            'quantity': 'used.quantity',
                            'usd_per_unit': 'trim_scale(found.usd_per_unit)',
                            'cost_usd': 'cast(used.quantity * found.usd_per_unit as numeric(38, 12))',
                            'usage_price_id': 'found.usage_price_id',
                        }) }}
                        order by used.usage collate "C"
                    )
                    from (
                        select
                            quantities.key as usage,
                            cast(quantities.value as numeric) as quantity
                        from jsonb_each_text({{ usage }}.other_quantities) as quantities
                    ) as used
                    left join lateral (
                        select
                            usage_prices.usage_price_id,
                            coalesce(
                                usage_prices.usd_per_unit,
                                case used.usage
                                    {%- for part, rate in parts.items() %}
                                    when '{{ part }}' then {{ prices }}.{{ rate }}
                                    {%- endfor %}
                                end
                            )
                            * case
                                when usage_prices.is_token_part and usage_prices.service_tier is null
                                    then {{ price_factor(factors, ['service_tier', 'region', 'hours']) }}
                                when usage_prices.is_token_part
                                    then {{ price_factor(factors, ['region', 'hours']) }}
                                else 1
                            end
                            * case
                                when usage_prices.organization_id is null
                                    then {{ price_factor(factors, ['agreement']) }}
                                else 1
                            end as usd_per_unit
                        from {{ ref('int_usage_prices') }} as usage_prices
                        where
                            usage_prices.provider = {{ usage }}.{{ prefix }}provider
                            and usage_prices.usage = used.usage
                            and (
                                usage_prices.model is null
                                or usage_prices.model = {{ usage }}.{{ prefix }}price_model
                            )
                            and (
                                usage_prices.service_tier = {{ usage }}.price_tier
                                or (
                                    usage_prices.service_tier is null
                                    and (
                                        not usage_prices.is_token_part
                                        or {{ usage }}.price_tier = 'standard'
                                        or {{ json_has(factors, 'service_tier') }}
                                    )
                                )
                            )
                            and (
                                usage_prices.organization_id is null
                                or usage_prices.organization_id = {{ usage }}.organization_id
                            )
                            and usage_prices.context_over_tokens * greatest({{ usage }}.request_count, 1)
                            < coalesce({{ usage }}.input_tokens, 0)
                            and usage_prices.effective_from <= {{ usage }}.start_time
                            and usage_prices.effective_until > {{ usage }}.start_time
                        order by
                            usage_prices.organization_id is null asc,
                            usage_prices.model is null asc,
                            usage_prices.service_tier is null asc,
                            usage_prices.context_over_tokens desc,
                            usage_prices.recorded_at desc
                        limit 1
                    ) as found on true
                    where used.quantity > 0
                )
            end
{%- endmacro %}
