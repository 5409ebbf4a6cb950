-- What people used that has no price: one row per execution, under the same names.
select
    provider,
    model,
    pricing_status as reason,
    metric_date,
    1 as tasks,
    total_tokens
from marts.fct_task_executions
where
    organization_id = %(organization_id)s
    and metric_date between %(start_date)s and %(end_date)s
    and (%(provider)s is null or provider = %(provider)s)
    and (%(task_type)s is null or task_type = %(task_type)s)
    and cost_usd is null
