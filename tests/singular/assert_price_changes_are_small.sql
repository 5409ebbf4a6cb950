-- A returned row is a rate that differs by more than the var `price_change_warn_percentage` from
-- the one in force before it, or that came or went. A warning: providers do halve their prices.

{{ config(severity='warn') }}

select
    price_id,
    provider,
    model_scope,
    valid_from,
    rate,
    old_usd,
    new_usd,
    change_percentage
from {{ ref('int_rate_changes') }}
where is_large
order by valid_from desc
