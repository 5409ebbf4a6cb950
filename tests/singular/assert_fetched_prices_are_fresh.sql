-- A returned row is a price in force whose source is fetched at regular intervals and that was
-- recorded longer ago than the var `price_stale_hours`. A warning: it may still be right.

{{ config(severity='warn', meta={'dagster': {'ref': {'name': 'int_price_windows'}}}) }}

select
    price_rows.provider,
    price_rows.model_scope,
    price_rows.task_type_scope,
    price_rows.service_tier_scope,
    price_rows.organization_scope,
    price_rows.context_over_tokens,
    price_rows.source,
    price_rows.recorded_at,
    {{ warehouse_now() }} - price_rows.recorded_at as age
from {{ ref('int_price_windows') }} as price_windows
inner join {{ ref('int_price_rows') }} as price_rows
    on price_windows.price_id = price_rows.price_id
where
    price_rows.source like 'fetched:%'
    and price_windows.valid_from <= {{ warehouse_now() }}
    and price_windows.valid_until > {{ warehouse_now() }}
    and price_rows.recorded_at
    < {{ warehouse_now() }} - interval '1 hour' * {{ var('price_stale_hours') }}
