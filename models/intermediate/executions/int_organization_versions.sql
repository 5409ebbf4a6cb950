-- Grain: one row per organization and moment at which its attributes changed. The first version
-- also holds for everything before it.

with organizations as (

    select * from {{ ref('stg_platform__organizations') }}

),

versions as (

    select
        organization_id,
        timezone,
        baseline_provider,
        baseline_model,
        updated_at,
        believed_at,
        event_id,
        min(believed_at) over (partition by organization_id) as first_believed_at,
        lag(believed_at) over (
            partition by organization_id
            order by
                {{ version_order('organization') }}
        ) as next_believed_at
    from organizations

),

final as (

    select
        organization_id,
        timezone,
        baseline_provider,
        baseline_model,
        updated_at,
        believed_at,
        event_id,
        case
            when believed_at = first_believed_at then cast('-infinity' as timestamptz)
            else believed_at
        end as valid_from,
        coalesce(next_believed_at, cast('infinity' as timestamptz)) as valid_until
    from versions
    -- Of copies and of events of one moment, one counts.
    where coalesce(next_believed_at > believed_at, true)

)

select * from final
