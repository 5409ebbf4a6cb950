-- Grain: one row per organization, user and day, in the organization's reporting time zone, from
-- which on another version of the user holds. The first one also holds for everything before it.
-- What is sealed when a version lands stays with the version before.

{{ config(materialized='view') }}

with users as (

    select
        users.*,
        {{ local_date('users.believed_at', "coalesce(organizations.timezone, 'UTC')") }}
            as believed_date,
        {{ sealed_until_when_landed('users') }} as sealed_until
    from {{ ref('stg_platform__users') }} as users
    left join {{ ref('dim_organizations') }} as organizations
        on users.organization_id = organizations.organization_id
    where
        users._load_id in (
            select processed.load_id
            from {{ ref('int_processed_loads') }} as processed
        )

),

dated as (

    select
        *,
        greatest(believed_date, sealed_until) as first_date
    from users

),

placed as (

    select
        *,
        case
            when first_date > min(first_date) over (partition by organization_id, user_id)
                then first_date
            -- No event is from before 2020.
            else coalesce(sealed_until, cast('2020-01-01' as date))
        end as valid_from,
        row_number() over (
            partition by organization_id, user_id
            order by
                {{ version_order('user') }}
        ) as place
    from dated

),

ranked as (

    select
        *,
        min(place) over (
            partition by organization_id, user_id
            order by valid_from
        ) as latest_place
    from placed

),

compared as (

    select
        *,
        lag(row(user_name, team, role)) over (
            partition by organization_id, user_id
            order by valid_from
        ) as version_before
    from ranked
    -- Where a later version holds by then, or from the same day on, this one never does.
    where place = latest_place

),

final as (

    select
        organization_id,
        user_id,
        valid_from,
        lead(valid_from) over (
            partition by organization_id, user_id
            order by valid_from
        ) as valid_until,
        user_name,
        team,
        role
    from compared
    -- As does a copy that landed when the day of the first one was sealed.
    where row(user_name, team, role) is distinct from version_before

)

select * from final
