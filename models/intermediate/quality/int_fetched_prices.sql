-- Grain: one row per price that is in force and whose source is fetched at regular intervals: how
-- old it is. A price that a later row superseded is not in force, however old.

with price_windows as (

    select * from {{ ref('int_price_windows') }}

),

price_rows as (

    select * from {{ ref('int_price_rows') }}

),

final as (

    select
        price_rows.price_id,
        price_rows.provider,
        price_rows.model_scope,
        price_rows.task_type_scope,
        price_rows.service_tier_scope,
        price_rows.organization_scope,
        price_rows.context_over_tokens,
        price_rows.source,
        price_rows.recorded_at,
        {{ warehouse_now() }} - price_rows.recorded_at as age,
        price_rows.recorded_at
        < {{ warehouse_now() }} - interval '1 hour' * {{ var('price_stale_hours') }} as is_stale
    from price_windows
    inner join price_rows on price_windows.price_id = price_rows.price_id
    where
        price_rows.source like 'fetched:%'
        and price_windows.valid_from <= {{ warehouse_now() }}
        and price_windows.valid_until > {{ warehouse_now() }}

)

select * from final
