-- Grain: one row per row of the price factors.

{{ config(materialized='view') }}

with price_factors as (

    select * from {{ ref('int_price_factors') }}

),

final as (

    select
        price_factor_id,
        kind,
        provider,
        model,
        service_tier,
        region,
        organization_id,
        hours,
        factor,
        effective_from,
        nullif(effective_until, cast('infinity' as timestamptz)) as effective_until,
        recorded_at,
        source,
        notes
    from price_factors

)

select * from final
