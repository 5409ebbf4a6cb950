-- Grain: one row per organization and user, as the organization's latest version says. A user who
-- is known only from executions or adjustments stands here as an inferred member until the user's
-- own event arrives. What one organization says of a user is nothing to another: a user who moves
-- on stays with the first one as that one knew them.
-- depends_on: {{ ref('fct_task_executions') }}
-- depends_on: {{ ref('int_bookmarks') }}

{{
    config(
        incremental_strategy='delete+insert',
        unique_key=['organization_id', 'user_id'],
        pre_hook=['{{ open_changes() }}', '{{ renew_primary_key() }}'],
        post_hook='{{ close_changes() }}',
        meta={'sealed': 'members'},
        indexes=[{'columns': ['user_id']}]
    )
}}

-- A member counts from the first day of which that is known, but not on days that were sealed
-- before it was: what is sealed does not grow.
with users as (

    select
        *,
        greatest(
            {{ local_date('believed_at', "'UTC'") }},
            {{ sealed_until_when_landed('users') }}
        ) as known_since
    from {{ ref('stg_platform__users') }} as users

),

arrived as (

    select
        organization_id,
        user_id
    from users
    where _load_id in ({{ newly_processed_loads() }})
    union
    select
        organization_id,
        user_id
    from {{ ref('stg_platform__task_executions') }}
    where
        {{ landed_in(newly_processed_loads()) }}
        and user_id is not null
    union
    select
        organization_id,
        user_id
    from {{ ref('stg_platform__adjustments') }}
    where
        _load_id in ({{ newly_processed_loads() }})
        and user_id is not null

),

ranked as (

    select
        *,
        min(believed_at) over (partition by organization_id, user_id) as first_version_at,
        min(known_since) over (partition by organization_id, user_id) as member_since,
        row_number() over (
            partition by organization_id, user_id
            order by
                {{ version_order('user') }}
        ) = 1 as is_latest
    from users
    where user_id in (select arrived.user_id from arrived)

),

final as (

    select
        arrived.user_id,
        arrived.organization_id,
        ranked.user_name,
        ranked.team,
        ranked.role,
        ranked.user_id is null as is_inferred,
        ranked.first_version_at,
        ranked.updated_at,
        ranked.member_since
    from arrived
    left join ranked
        on
            arrived.organization_id = ranked.organization_id
            and arrived.user_id = ranked.user_id
            and ranked.is_latest

)

select * from final
