-- Grain: one row per user, as the latest version says. A user who is known only from executions
-- or adjustments stands here as an inferred member until the user's own event arrives.
-- depends_on: {{ ref('fct_task_executions') }}
-- depends_on: {{ ref('int_touched_organization_days') }}

{{
    config(
        incremental_strategy='delete+insert',
        unique_key='user_id',
        pre_hook='{{ open_intake() }}',
        post_hook='{{ close_intake() }}',
        meta={'sealed': 'members'},
        indexes=[{'columns': ['organization_id']}]
    )
}}

with users as (

    select * from {{ ref('stg_platform__users') }}

),

arrived_in_events as (

    select
        user_id,
        cast(organization_id as text) as organization_id
    from {{ ref('stg_platform__task_executions') }}
    where
        {{ landed_in(pending_loads()) }}
        and user_id is not null
    union
    select
        user_id,
        cast(organization_id as text) as organization_id
    from {{ ref('stg_platform__adjustments') }}
    where
        _load_id in ({{ pending_loads() }})
        and user_id is not null

),

seen_in_events as (

    select * from arrived_in_events
    {% if is_incremental() %}
    union all
    select
        user_id,
        cast(organization_id as text) as organization_id
    from {{ this }}
    where
        is_inferred
        and user_id in (select arrived_in_events.user_id from arrived_in_events)
    {% endif %}

),

-- Any one of the organizations would do; the smallest is the same whatever arrived first.
inferred as (

    select
        user_id,
        min(organization_id) as organization_id
    from seen_in_events
    group by user_id

),

arrived as (

    select user_id
    from users
    where _load_id in ({{ pending_loads() }})
    union
    select user_id
    from inferred

),

ranked as (

    select
        *,
        min(updated_at) over (partition by user_id) as first_version_at,
        row_number() over (
            partition by user_id
            order by updated_at desc, event_id desc, _load_id desc, _line_number desc
        ) = 1 as is_latest
    from users
    where user_id in (select arrived.user_id from arrived)

),

final as (

    select
        arrived.user_id,
        coalesce(ranked.organization_id, cast(inferred.organization_id as uuid)) as organization_id,
        ranked.user_name,
        ranked.team,
        ranked.role,
        ranked.user_id is null as is_inferred,
        ranked.first_version_at,
        ranked.updated_at
    from arrived
    left join ranked
        on
            arrived.user_id = ranked.user_id
            and ranked.is_latest
    left join inferred on arrived.user_id = inferred.user_id

)

select * from final
