-- The course of use, by day, week or month; who is active in several days of a step counts once.
select
    cast(date_trunc(%(period)s, cast(metric_date as timestamp)) as date) as date,
    sum(total_tasks) as tasks,
    count(distinct user_id) as active_users,
    sum(total_tokens) as total_tokens
from marts.user_days
where
    organization_id = %(organization_id)s
    and metric_date between %(start_date)s and %(end_date)s
group by 1
order by 1
