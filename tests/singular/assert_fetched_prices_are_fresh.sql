-- A returned row is a fetched price in force that was recorded longer ago than the var
-- `price_stale_hours`. A warning: it may still be right.

{{ config(severity='warn') }}

select
    price_id,
    provider,
    model_scope,
    source,
    recorded_at,
    age
from {{ ref('int_fetched_prices') }}
where is_stale
