-- This month, right to the last landed event; without executions nothing is known of money.
select
    live.metric_date,
    coalesce(live.total_tasks, 0) as total_tasks,
    coalesce(live.successful_tasks, 0) as successful_tasks,
    coalesce(live.failed_tasks, 0) as failed_tasks,
    coalesce(live.timed_out_tasks, 0) as timed_out_tasks,
    coalesce(live.running_tasks, 0) as running_tasks,
    coalesce(live.active_errors, 0) as active_errors,
    coalesce(live.unpriced_tasks, 0) as unpriced_tasks,
    coalesce(live.compared_tasks, 0) as compared_tasks,
    coalesce(live.pending_executions, 0) as pending_executions,
    coalesce(live.total_tokens, 0) as total_tokens,
    live.total_cost_usd,
    live.failed_cost_usd,
    live.total_spend_usd,
    live.compared_cost_usd,
    live.total_baseline_cost_usd,
    live.total_savings_usd,
    live.savings_percentage
from (select 1) as one
left join marts.live_organization_month as live on live.organization_id = %(organization_id)s
