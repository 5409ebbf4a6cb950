-- The executions of a page, the newest first, and one more if there are others after it.
select *
from marts.fct_task_executions
where
    organization_id = %(organization_id)s
    and metric_date between %(start_date)s and %(end_date)s
    -- For the index, which has no days and no ids: no time zone is further from UTC.
    and start_time >= cast(%(start_date)s as timestamptz) - interval '1 day'
    and start_time < cast(%(end_date)s as timestamptz) + interval '2 days'
    and (%(provider)s is null or provider = %(provider)s)
    and (%(task_type)s is null or task_type = %(task_type)s)
    and (%(status)s is null or status = %(status)s)
    and (start_time, execution_id) < (%(after_time)s, cast(%(after_id)s as uuid))
order by start_time desc, execution_id desc
limit %(row_count)s + 1
