-- Grain: one row per landed event; a user has one event per version, and copies of them.

with users as (

    select * from {{ source('platform', 'users') }}

),

final as (

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
    from users
    where {{ landed_as_of() }}

)

select * from final
