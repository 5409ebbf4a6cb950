-- Grain: one row per landed event; a user has one event per version, and copies of them.

select
    event_id,
    id as user_id,
    organization_id,
    name as user_name,
    team,
    role,
    updated_at,
    _load_id,
    _line_number
from {{ source('platform', 'users') }}
where {{ landed_as_of() }}
