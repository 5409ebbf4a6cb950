-- What an organization used: one row per day, type of task, model and baseline.
select
    metric_date,
    task_type,
    provider,
    model,
    baseline_provider,
    baseline_model,
    total_tasks,
    successful_tasks,
    failed_tasks,
    timed_out_tasks,
    unpriced_tasks,
    compared_tasks,
    total_tokens,
    -- Rows of one pricing status: all of their executions have a price, or none has.
    case when unpriced_tasks = 0 then successful_tasks else 0 end as costed_tasks,
    total_cost_usd,
    failed_cost_usd,
    total_spend_usd,
    compared_cost_usd,
    total_baseline_cost_usd,
    total_savings_usd,
    total_duration_ms,
    timed_tasks,
    scored_tasks,
    total_quality_score
from marts.model_usage
where
    organization_id = %(organization_id)s
    and metric_date between %(start_date)s and %(end_date)s
    and (%(provider)s is null or provider = %(provider)s)
    and (%(task_type)s is null or task_type = %(task_type)s)
