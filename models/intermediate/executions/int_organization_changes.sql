-- Grain: one row per version of an organization that has landed and that the facts have not taken
-- in, where it differs from what they used instead: when it holds, and what is new in it. The facts
-- used the version before, or where there was none the first one after. A copy of an event that
-- they have differs in nothing.

with versions as (

    select * from {{ ref('int_organization_versions') }}

),

events as (

    select
        *,
        _load_id in (
            select arrived.load_id from {{ ref('int_arrived_loads') }} as arrived
        ) as has_just_arrived
    from {{ ref('stg_platform__organizations') }}

),

arrived_events as (

    select *
    from events
    where has_just_arrived

),

known as (

    select *
    from events
    where not has_just_arrived

),

arrived as (

    select *
    from versions
    where event_id in (select arrived_events.event_id from arrived_events)

),

compared as (

    select
        arrived.organization_id,
        arrived.valid_from,
        arrived.valid_until,
        arrived.timezone <> coalesce(known.timezone, 'UTC') as has_other_timezone,
        coalesce(arrived.baseline_provider, '') <> coalesce(known.baseline_provider, '')
        or coalesce(arrived.baseline_model, '') <> coalesce(known.baseline_model, '')
            as has_other_baseline,
        row_number() over (
            partition by arrived.event_id
            order by
                known.believed_at <= arrived.believed_at desc,
                greatest(
                    arrived.believed_at - known.believed_at, known.believed_at - arrived.believed_at
                ) asc,
                {{ version_order('organization', 'known') }}
        ) = 1 as is_compared_with_used
    from arrived
    left join known on arrived.organization_id = known.organization_id

),

final as (

    select
        organization_id,
        valid_from,
        valid_until,
        has_other_timezone,
        has_other_baseline
    from compared
    where is_compared_with_used and (has_other_timezone or has_other_baseline)

)

select * from final
