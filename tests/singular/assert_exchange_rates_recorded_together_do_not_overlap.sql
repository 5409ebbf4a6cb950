-- A returned row is a pair of rates of one currency that claim the same moment and were recorded at
-- the same time, so that nothing says which of them corrects the other.

select
    earlier.currency,
    earlier.effective_from,
    later.effective_from as overlapping_from
from {{ ref('exchange_rates') }} as earlier
inner join {{ ref('exchange_rates') }} as later
    on
        earlier.currency = later.currency
        and earlier.recorded_at = later.recorded_at
        and earlier.effective_from < later.effective_from
        and coalesce(earlier.effective_until > later.effective_from, true)
