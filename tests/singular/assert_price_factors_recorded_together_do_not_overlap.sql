-- A returned row is a pair of factors of one scope that claim the same moment and were recorded at
-- the same time, so that nothing says which of them corrects the other.

select
    earlier.kind,
    earlier.provider,
    earlier.model,
    earlier.service_tier,
    earlier.region,
    earlier.organization_id,
    earlier.hours,
    earlier.effective_from,
    later.effective_from as overlapping_from
from {{ ref('price_factors') }} as earlier
inner join {{ ref('price_factors') }} as later
    on
        earlier.kind is not distinct from later.kind
        and earlier.provider is not distinct from later.provider
        and earlier.model is not distinct from later.model
        and earlier.service_tier is not distinct from later.service_tier
        and earlier.region is not distinct from later.region
        and earlier.organization_id is not distinct from later.organization_id
        and earlier.hours is not distinct from later.hours
        and earlier.recorded_at = later.recorded_at
        and earlier.effective_from < later.effective_from
        and coalesce(earlier.effective_until > later.effective_from, true)
