-- What every answer says about itself: as of when, in whose days, how much of it is priced, and what
-- is not counted.
with organizations as (

    select timezone
    from marts.dim_organizations
    where organization_id = %(organization_id)s

),

days as (

    select
        total_tasks,
        unpriced_tasks
    from marts.organization_days
    where
        %(scope)s = 'organization'
        and organization_id = %(organization_id)s
        and metric_date between %(start_date)s and %(end_date)s
    union all
    select
        total_tasks,
        unpriced_tasks
    from marts.user_days
    where
        %(scope)s = 'people'
        and organization_id = %(organization_id)s
        and metric_date between %(start_date)s and %(end_date)s

),

counted as (

    select
        coalesce(sum(total_tasks), 0) as total_tasks,
        coalesce(sum(unpriced_tasks), 0) as unpriced_tasks
    from days

),

builds as (

    select max(ended_at) as last_built_at
    from ledger.finished_builds
    where target_schema = 'public'

)

select
    json_build_object(
        'as_of', builds.last_built_at,
        'time_zone', organizations.timezone,
        'coverage', json_build_object(
            'total_tasks', counted.total_tasks,
            'priced_tasks', counted.total_tasks - counted.unpriced_tasks,
            'priced_share', round(1 - counted.unpriced_tasks / nullif(counted.total_tasks, 0), 6)
        ),
        'not_counted', case
            when counted.unpriced_tasks > 0
                then json_build_array(counted.unpriced_tasks || ' execution(s) have no price: /api/v1/analytics/unpriced')
            else '[]'
        end
    )
from counted
cross join builds
left join organizations on true
