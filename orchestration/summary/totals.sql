select
    count(distinct organization_id) as organizations,
    min(metric_date) as first_day,
    max(metric_date) as last_day,
    cast(sum(total_tasks) as bigint) as total_tasks,
    cast(sum(successful_tasks) as bigint) as successful_tasks,
    cast(sum(failed_tasks) as bigint) as failed_tasks,
    cast(sum(timed_out_tasks) as bigint) as timed_out_tasks,
    cast(sum(unpriced_tasks) as bigint) as unpriced_tasks,
    sum(total_spend_usd) as total_spend_usd,
    sum(failed_cost_usd) as failed_cost_usd,
    cast(sum(compared_tasks) as bigint) as compared_tasks,
    sum(compared_cost_usd) as compared_cost_usd,
    sum(total_baseline_cost_usd) as total_baseline_cost_usd,
    sum(total_savings_usd) as total_savings_usd,
    sum(total_net_savings_usd) as total_net_savings_usd,
    cast(sum(unknown_overhead_tasks) as bigint) as unknown_overhead_tasks,
    round(100 * sum(total_savings_usd) / nullif(sum(total_baseline_cost_usd), 0), 1)
        as savings_percentage
from marts.organization_days
where
    (cast(%(organization_id)s as uuid) is null or organization_id = %(organization_id)s)
    and metric_date >= %(first_day)s
    and metric_date < %(day_after)s
