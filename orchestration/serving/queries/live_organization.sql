-- This month and today, to the last event that landed.
select
    months.metric_date as month,
    months.total_savings_usd,
    months.total_baseline_cost_usd as baseline_cost_usd,
    months.savings_percentage,
    months.total_cost_usd,
    months.total_spend_usd,
    coalesce(months.total_tasks, 0) as total_tasks,
    coalesce(months.failed_tasks, 0) as failed_tasks,
    coalesce(months.running_tasks, 0) as running_tasks,
    coalesce(months.unpriced_tasks, 0) as unpriced_tasks,
    coalesce(months.pending_executions, 0) as pending_executions,
    todays.total_savings_usd as todays_savings_usd,
    todays.total_spend_usd as todays_spend_usd,
    coalesce(todays.total_tasks, 0) as todays_tasks
from (select 1) as one
left join marts.live_organization_month as months
    on months.organization_id = %(organization_id)s
left join marts.live_organization_today as todays
    on todays.organization_id = %(organization_id)s
