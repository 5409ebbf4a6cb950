-- This month and today, to the last event that landed.
with days as (

    select *
    from marts.live_organization_days
    where organization_id = %(organization_id)s

)

select
    cast(date_trunc('month', cast(min(metric_date) as timestamp)) as date) as month,
    sum(total_savings_usd) as total_savings_usd,
    sum(total_baseline_cost_usd) as baseline_cost_usd,
    round(100 * sum(total_savings_usd) / nullif(sum(total_baseline_cost_usd), 0), 6) as savings_percentage,
    sum(total_cost_usd) as total_cost_usd,
    sum(total_spend_usd) as total_spend_usd,
    coalesce(sum(total_tasks), 0) as total_tasks,
    coalesce(sum(failed_tasks), 0) as failed_tasks,
    coalesce(sum(running_tasks), 0) as running_tasks,
    coalesce(sum(unpriced_tasks), 0) as unpriced_tasks,
    coalesce(sum(pending_executions), 0) as pending_executions,
    sum(total_savings_usd) filter (where is_today) as todays_savings_usd,
    sum(total_spend_usd) filter (where is_today) as todays_spend_usd,
    coalesce(sum(total_tasks) filter (where is_today), 0) as todays_tasks
from days
