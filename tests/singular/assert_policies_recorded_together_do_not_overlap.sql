-- A returned row is a pair of policies of one organization that claim the same moment and were
-- recorded at the same time, so that nothing says which of them corrects the other.

select
    earlier.organization_id,
    earlier.effective_from,
    later.effective_from as overlapping_from
from {{ ref('baseline_policies') }} as earlier
inner join {{ ref('baseline_policies') }} as later
    on
        earlier.organization_id is not distinct from later.organization_id
        and earlier.recorded_at = later.recorded_at
        and earlier.effective_from < later.effective_from
        and coalesce(earlier.effective_until > later.effective_from, true)
