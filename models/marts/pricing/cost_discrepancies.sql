-- Grain: one row per execution whose source reported another cost than the price book gives, or a
-- cost where the price book gives none.

{{ config(materialized='view') }}

with executions as (

    select
        *,
        {{ reported_factor('reported_cost_usd', 'cost_usd') }} as reported_factor
    from {{ ref('fct_task_executions') }}
    where
        reported_cost_usd is not null
        and coalesce(
            abs(reported_cost_usd - cost_usd) > {{ var('reported_cost_tolerance_usd') }}, true
        )

),

-- An import of its own: one that is read twice would be computed for all executions.
multiplied_executions as (

    select
        organization_id,
        provider,
        model,
        cost_usd,
        {{ reported_factor('reported_cost_usd', 'cost_usd') }} as reported_factor
    from {{ ref('fct_task_executions') }}
    where
        abs(reported_cost_usd - cost_usd) > {{ var('reported_cost_tolerance_usd') }}
        and abs(
            reported_cost_usd
            - cost_usd * {{ reported_factor('reported_cost_usd', 'cost_usd') }}
        ) <= {{ var('reported_cost_tolerance_usd') }}

),

prices as (

    select
        *,
        {{ usd_per_token('input_usd_per_mtok') }} as input_usd_per_token,
        {{ usd_per_token('cached_input_usd_per_mtok') }} as cached_input_usd_per_token,
        {{ usd_per_token('cache_write_usd_per_mtok') }} as cache_write_usd_per_token,
        {{ usd_per_token('output_usd_per_mtok') }} as output_usd_per_token
    from {{ ref('dim_prices') }}

),

usages as (

    select
        *,
        {{ billed_tokens() }},
        {{ price_factor('price_factors', ['service_tier', 'region', 'hours', 'agreement']) }}
            as per_token,
        {{ price_factor('price_factors', ['agreement']) }} as per_unit
    from executions

),

with_prices as (

    select
        usages.*,
        prices.model as book_model,
        prices.task_type as book_task_type,
        prices.service_tier as book_service_tier,
        prices.organization_id as book_organization_id,
        prices.context_over_tokens as book_context_over_tokens,
        {{ usage_cost_usd(
            'usages.billed_cached_input_tokens', 'prices.input_usd_per_token', 'usages.per_token'
        ) }} as cached_at_input_rate_usd,
        {{ usage_cost_usd(
            'usages.billed_cache_write_tokens', 'prices.input_usd_per_token', 'usages.per_token'
        ) }} as written_at_input_rate_usd,
        {{ usage_cost_usd(
            'usages.billed_uncached_input_tokens', 'prices.cached_input_usd_per_token',
            'usages.per_token'
        ) }} as input_at_cached_rate_usd,
        {{ usage_cost_usd(
            'usages.billed_uncached_input_tokens', 'prices.cache_write_usd_per_token',
            'usages.per_token'
        ) }} as input_at_write_rate_usd
    from usages
    left join prices on usages.price_id = prices.price_id

),

-- How many different costs of the same organization, provider and model the source has multiplied
-- by the same: at least three, or by what providers are known to charge, which is half for batches,
-- a tenth more for a region and twice for priority.
factors as (

    select
        organization_id,
        provider,
        {{ known('', 'model') }} as known_model,
        reported_factor,
        count(distinct cost_usd) as costs
    from multiplied_executions
    group by organization_id, provider, {{ known('', 'model') }}, reported_factor
    having count(distinct cost_usd) >= 3 or reported_factor in (0.5, 1.1, 2)

),

with_factors as (

    select
        with_prices.*,
        factors.costs as factor_costs
    from with_prices
    left join factors
        on
            with_prices.organization_id = factors.organization_id
            and with_prices.provider = factors.provider
            and {{ known('with_prices', 'model') }} = factors.known_model
            and with_prices.reported_factor = factors.reported_factor
            and abs(
                with_prices.reported_cost_usd
                - with_prices.reported_factor * with_prices.cost_usd
            ) <= {{ var('reported_cost_tolerance_usd') }}

),

-- What a source gets that ignores the discount for cached tokens, counts them twice or leaves them
-- out.
judged as (

    select
        with_prices.*,
        -- The same usage at the other prices that the model had before or after, or that were
        -- corrected. A subquery and no join, so that a filter on executions reaches the facts.
        case
            when with_prices.cost_usd is not null then (
                select min(prices.effective_from)
                from prices
                where
                    with_prices.provider = prices.provider
                    and with_prices.book_model is not distinct from prices.model
                    and with_prices.book_task_type is not distinct from prices.task_type
                    and with_prices.book_service_tier is not distinct from prices.service_tier
                    and with_prices.book_organization_id is not distinct from prices.organization_id
                    and with_prices.book_context_over_tokens
                    is not distinct from prices.context_over_tokens
                    and with_prices.price_id <> prices.price_id
                    -- Tokens without a split have no cost where prices tell their kinds apart.
                    and (
                        with_prices.billed_output_tokens is not null
                        or prices.input_usd_per_token is null
                    )
                    and abs(
                        with_prices.reported_cost_usd
                        - ({{ total_cost_usd(
                            'with_prices', 'prices', 'with_prices', 'with_prices.other_cost_usd'
                        ) }})
                    ) <= {{ var('reported_cost_tolerance_usd') }}
            )
        end as matching_price_from,
        least(
            abs(
                with_prices.reported_cost_usd
                - with_prices.cost_usd
                + with_prices.cached_input_cost_usd
                + with_prices.cache_write_cost_usd
                - with_prices.cached_at_input_rate_usd
                - with_prices.written_at_input_rate_usd
            ),
            abs(
                with_prices.reported_cost_usd
                - with_prices.cost_usd
                - with_prices.cached_at_input_rate_usd
            ),
            abs(
                with_prices.reported_cost_usd
                - with_prices.cost_usd
                + with_prices.cached_input_cost_usd
            )
        ) <= {{ var('reported_cost_tolerance_usd') }} as is_about_cache,
        -- What some share of the input, read from a cache or written to it, would have cost.
        with_prices.cached_input_tokens is null
        and with_prices.cache_write_tokens is null
        and with_prices.reported_cost_usd - with_prices.cost_usd
        >= least(with_prices.input_at_cached_rate_usd - with_prices.uncached_input_cost_usd, 0)
        and with_prices.reported_cost_usd - with_prices.cost_usd
        <= greatest(with_prices.input_at_write_rate_usd - with_prices.uncached_input_cost_usd, 0)
            as may_be_unstated_cache
    from with_factors as with_prices

),

final as (

    select
        execution_id,
        organization_id,
        metric_date,
        provider,
        model,
        start_time,
        pricing_status,
        cost_usd,
        reported_cost_usd,
        cast(reported_cost_usd - cost_usd as numeric(20, 12)) as difference_usd,
        case
            when pricing_status in ('no_model', 'no_price_for_model', 'before_first_price')
                then 'no_price'
            when pricing_status = 'cost_out_of_range' then 'out_of_range'
            when cost_usd is null then 'no_usage'
            when is_about_cache then 'cache'
            when matching_price_from is not null then 'price_date'
            when factor_costs is not null then 'constant_factor'
            when may_be_unstated_cache then 'cache_not_stated'
            else 'unknown'
        end as cause,
        matching_price_from,
        price_id,
        cast(case when factor_costs is not null then reported_factor end as numeric(28, 3))
            as reported_factor,
        factor_costs
    from judged

)

select * from final
