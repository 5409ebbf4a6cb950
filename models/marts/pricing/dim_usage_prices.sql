-- Grain: one row per row of the usage prices.

{{ config(materialized='view') }}

with usage_prices as (

    select * from {{ ref('int_usage_prices') }}

),

final as (

    select
        usage_price_id,
        provider,
        model,
        usage,
        service_tier,
        organization_id,
        nullif(context_over_tokens, -1) as context_over_tokens,
        cast(case when is_token_part then usd_per_unit * 1000000 end as numeric(20, 12))
            as usd_per_mtok,
        cast(case when not is_token_part then usd_per_unit end as numeric(20, 12)) as usd_per_unit,
        effective_from,
        nullif(effective_until, cast('infinity' as timestamptz)) as effective_until,
        recorded_at,
        source,
        notes
    from usage_prices

)

select * from final
