-- A returned row is a pair of usage prices of one scope that claim the same moment and were
-- recorded at the same time, so that nothing says which of them corrects the other.

select
    earlier.provider,
    earlier.model,
    earlier.usage,
    earlier.service_tier,
    earlier.organization_id,
    earlier.context_over_tokens,
    earlier.effective_from,
    later.effective_from as overlapping_from
from {{ ref('usage_prices') }} as earlier
inner join {{ ref('usage_prices') }} as later
    on
        earlier.provider is not distinct from later.provider
        and earlier.model is not distinct from later.model
        and earlier.usage is not distinct from later.usage
        and earlier.service_tier is not distinct from later.service_tier
        and earlier.organization_id is not distinct from later.organization_id
        and earlier.context_over_tokens is not distinct from later.context_over_tokens
        and earlier.recorded_at = later.recorded_at
        and earlier.effective_from < later.effective_from
        and coalesce(earlier.effective_until > later.effective_from, true)
