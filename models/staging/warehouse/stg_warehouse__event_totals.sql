-- Grain: one row per load, kind of event, organization and day in UTC: what schema raw
-- holds of it now.

select
    load_id as _load_id,
    event_kind,
    organization_id,
    event_date,
    {{ event_measures() | join(',\n    ') }}
from {{ source('warehouse', 'event_totals') }}
where {{ landed_as_of('load_id') }} and {{ of_tenant() }}
