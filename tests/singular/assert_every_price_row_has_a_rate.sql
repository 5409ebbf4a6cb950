-- A returned row is a price that charges for nothing.

select
    provider,
    model,
    effective_from,
    recorded_at
from {{ ref('provider_pricing') }}
where
    coalesce(input_usd_per_mtok, usd_per_request, usd_per_minute, usd_per_compute_unit) is null
