-- What an organization used: one row per day, type of task, model and baseline.
select
    metric_date,
    task_type,
    provider,
    model,
    total_tasks,
    successful_tasks,
    failed_tasks,
    timed_out_tasks,
    unpriced_tasks,
    compared_tasks,
    total_tokens,
    total_cost_usd,
    total_spend_usd,
    compared_cost_usd,
    total_baseline_cost_usd,
    total_savings_usd,
    total_duration_ms,
    timed_tasks
from marts.model_usage
where
    organization_id = %(organization_id)s
    and metric_date between %(start_date)s and %(end_date)s
    and (%(provider)s is null or provider = %(provider)s)
    and (%(task_type)s is null or task_type = %(task_type)s)
