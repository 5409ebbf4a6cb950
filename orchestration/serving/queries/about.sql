-- What every answer says about itself: as of when, in whose days, how much of it is priced, and
-- what is not counted.
with usage as (

    {{ usage }}

),

counted as (

    select
        coalesce(sum(total_tasks), 0) as total_tasks,
        coalesce(sum(unpriced_tasks), 0) as unpriced_tasks,
        coalesce(sum(total_tasks - successful_tasks), 0) as not_completed_tasks
    from usage

)

select
    freshness.last_built_at as as_of,
    freshness.last_landed_at,
    coalesce(organizations.timezone, 'UTC') as time_zone,
    %(start_date)s as start_date,
    %(end_date)s as end_date,
    counted.total_tasks,
    counted.unpriced_tasks,
    counted.not_completed_tasks,
    round(1 - counted.unpriced_tasks / nullif(cast(counted.total_tasks as numeric), 0), 6) as priced_share,
    array_remove(
        array[
            case when counted.unpriced_tasks > 0 then 'usage without a known price' end,
            case when counted.not_completed_tasks > 0 then 'savings of executions that did not complete' end,
            'adjustments, such as credits and subscriptions'
        ],
        null
    ) as not_counted
from counted
cross join marts.live_freshness as freshness
left join marts.dim_organizations as organizations
    on organizations.organization_id = %(organization_id)s
