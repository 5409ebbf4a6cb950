-- Grain: one row per organization and user: since when the user is known to belong to it. A user
-- who moves on stays a member of the past, so that a day's head count never shrinks afterwards.

with users as (

    select * from {{ ref('stg_platform__users') }}

),

final as (

    select
        organization_id,
        user_id,
        min({{ local_date('believed_at', "'UTC'") }}) as member_since
    from users
    group by organization_id, user_id

)

select * from final
