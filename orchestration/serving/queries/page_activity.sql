-- How many people worked on each day, and on all of them: a row without a date.
with people as (

    select
        metric_date,
        user_id,
        total_tasks
    from marts.user_days
    where
        organization_id = %(organization_id)s
        and metric_date between %(start_date)s and %(end_date)s
        and coalesce(%(provider)s, %(task_type)s) is null
    union all
    -- Days of people know nothing of the two together.
    select
        metric_date,
        user_id,
        1 as total_tasks
    from marts.fct_task_executions
    where
        organization_id = %(organization_id)s
        and metric_date between %(start_date)s and %(end_date)s
        and coalesce(%(provider)s, %(task_type)s) is not null
        -- For the index, which has no days: no time zone is further from UTC.
        and start_time >= cast(%(start_date)s as timestamptz) - interval '1 day'
        and start_time < cast(%(end_date)s as timestamptz) + interval '2 days'
        and (%(provider)s is null or provider = %(provider)s)
        and (%(task_type)s is null or task_type = %(task_type)s)

)

select
    metric_date as date,
    count(distinct user_id) as active_users,
    sum(total_tasks) as tasks
from people
group by grouping sets ((metric_date), ())
order by metric_date nulls last
