-- Grain: one row per load, kind of event, organization and day in UTC: what landed.

select
    load_id as _load_id,
    event_kind,
    organization_id,
    event_date,
    events,
    input_tokens,
    cached_input_tokens,
    cache_write_tokens,
    output_tokens,
    reasoning_tokens,
    unsplit_tokens,
    compute_units,
    requests,
    durations_ms,
    scores,
    part_tokens,
    other_units,
    amount_usd
from {{ source('ledger', 'landed_totals') }}
where {{ landed_as_of('load_id') }}
