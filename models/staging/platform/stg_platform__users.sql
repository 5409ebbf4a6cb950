-- Grain: one row per landed event; a user has one event per version, and copies of them.

select
    event_id,
    id as user_id,
    organization_id,
    name as user_name,
    team,
    role,
    updated_at,
    -- No source can know what is so after it was landed.
    least(
        updated_at,
        (
            select loads.landed_at
            from {{ source('warehouse', 'loads') }} as loads
            where loads.load_id = users._load_id
        )
    ) as believed_at,
    _load_id,
    _line_number
from {{ source('platform', 'users') }} as users
where {{ landed_as_of() }} and {{ of_tenant() }}
