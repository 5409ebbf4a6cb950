-- What an organization used: one row per day, without a look at types of task or models.
select
    metric_date,
    successful_tasks,
    compared_tasks,
    total_baseline_cost_usd,
    total_savings_usd
from marts.organization_days
where
    organization_id = %(organization_id)s
    and metric_date between %(start_date)s and %(end_date)s
