-- Grain: one row per load, kind of event, organization and day in UTC: what landed.

select
    load_id as _load_id,
    event_kind,
    organization_id,
    event_date,
    {{ event_measures() | join(',\n    ') }}
from {{ source('ledger', 'landed_totals') }}
where {{ landed_as_of('load_id') }} and {{ of_tenant() }}
