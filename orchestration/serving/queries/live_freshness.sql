-- Until when the figures are.
select
    last_landed_at,
    last_built_at
from marts.live_freshness
