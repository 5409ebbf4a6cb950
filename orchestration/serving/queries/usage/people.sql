-- What the people used whose rows may be seen: one row per execution, under the same names.
select
    metric_date,
    task_type,
    provider,
    model,
    1 as total_tasks,
    case when status = 'completed' then 1 else 0 end as successful_tasks,
    case when status = 'failed' then 1 else 0 end as failed_tasks,
    case when is_timed_out then 1 else 0 end as timed_out_tasks,
    case when cost_usd is null then 1 else 0 end as unpriced_tasks,
    case when savings_status = 'compared' then 1 else 0 end as compared_tasks,
    total_tokens,
    case when status = 'completed' then cost_usd end as total_cost_usd,
    cost_usd as total_spend_usd,
    case when savings_status = 'compared' then cost_usd end as compared_cost_usd,
    case when savings_status = 'compared' then baseline_cost_usd end as total_baseline_cost_usd,
    savings_usd as total_savings_usd,
    duration_ms as total_duration_ms,
    case when duration_ms is not null then 1 else 0 end as timed_tasks
from marts.fct_task_executions
where
    organization_id = %(organization_id)s
    and metric_date between %(start_date)s and %(end_date)s
    and (%(provider)s is null or provider = %(provider)s)
    and (%(task_type)s is null or task_type = %(task_type)s)
