-- A returned row is a rate that differs by more than the var `price_change_warn_percentage` from
-- the one in force before it, or that came or went. A warning: providers do halve their prices.

{{ config(severity='warn') }}

select *
from {{ ref('int_rate_changes') }}
where is_large
order by valid_from desc
