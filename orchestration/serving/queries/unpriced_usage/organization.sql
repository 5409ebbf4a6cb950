-- What an organization used that has no price: one row per day, model and reason.
select
    provider,
    model,
    pricing_status as reason,
    metric_date,
    unpriced_tasks as tasks,
    total_tokens
from marts.model_usage
where
    organization_id = %(organization_id)s
    and metric_date between %(start_date)s and %(end_date)s
    and (%(provider)s is null or provider = %(provider)s)
    and (%(task_type)s is null or task_type = %(task_type)s)
    and unpriced_tasks > 0
