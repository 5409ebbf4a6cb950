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
        event_id,
        min(updated_at) over (partition by organization_id) as first_updated_at,
        lead(updated_at) over (
            partition by organization_id
            order by updated_at, event_id, _load_id, _line_number
        ) as next_updated_at
    from organizations

),

final as (

    select
        organization_id,
        timezone,
        baseline_provider,
        baseline_model,
        updated_at,
        event_id,
        case
            when updated_at = first_updated_at then cast('-infinity' as timestamptz)
            else updated_at
        end as valid_from,
        coalesce(next_updated_at, cast('infinity' as timestamptz)) as valid_until
    from versions
    -- Of copies and of events of one moment, the last one counts.
    where coalesce(next_updated_at > updated_at, true)

)

select * from final
