-- The last executions.
select
    execution_id,
    start_time,
    task_type,
    provider,
    model,
    status,
    duration_ms,
    pricing_status,
    cost_usd,
    savings_usd
from marts.fct_task_executions
where
    organization_id = %(organization_id)s
    and metric_date between %(start_date)s and %(end_date)s
    -- For the index, which has no days: no time zone is further from UTC.
    and start_time >= cast(%(start_date)s as timestamptz) - interval '1 day'
    and start_time < cast(%(end_date)s as timestamptz) + interval '2 days'
    and (%(provider)s is null or provider = %(provider)s)
    and (%(task_type)s is null or task_type = %(task_type)s)
order by start_time desc, execution_id
limit %(row_count)s
