-- What people's executions saved after the cost of choosing, each by itself.
select
    case when savings_usd < 0 then 1 else 0 end as negative_savings_tasks,
    case when savings_usd is not null and net_savings_usd is null then 1 else 0 end
        as unknown_overhead_tasks,
    coalesce(net_savings_usd, 0) as total_net_savings_usd
from marts.fct_task_executions
where
    organization_id = %(organization_id)s
    and metric_date between %(start_date)s and %(end_date)s
    -- For the index: no time zone is further from UTC than this.
    and start_time >= cast(%(start_date)s as timestamp) at time zone 'UTC' - interval '1 day'
    and start_time < cast(%(end_date)s as timestamp) at time zone 'UTC' + interval '2 days'
