-- What the people whose rows may be seen spent on the days of a month.
select
    metric_date,
    coalesce(cost_usd, 0) as total_spend_usd
from marts.fct_task_executions
where
    organization_id = %(organization_id)s
    and metric_date between cast(date_trunc('month', cast(%(end_date)s as timestamp)) as date)
    and %(end_date)s
    -- For the index: no time zone is further from UTC than this.
    and start_time
    >= date_trunc('month', cast(%(end_date)s as timestamp)) at time zone 'UTC' - interval '1 day'
    and start_time < cast(%(end_date)s as timestamp) at time zone 'UTC' + interval '2 days'
