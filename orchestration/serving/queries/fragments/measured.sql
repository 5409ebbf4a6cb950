with days as (

    {{ days }}

)

select
    %(start_date)s as start_date,
    %(end_date)s as end_date,
    coalesce(sum(compared_tasks), 0) as compared_tasks,
    coalesce(sum(successful_tasks), 0) as completed_tasks,
    sum(total_savings_usd) as savings_usd,
    sum(total_baseline_cost_usd) as baseline_cost_usd,
    round(100 * sum(total_savings_usd) / nullif(sum(total_baseline_cost_usd), 0), 2)
        as savings_percentage,
    round(sum(total_savings_usd) / nullif(sum(compared_tasks), 0), 12) as savings_per_task_usd,
    -- Who has just begun has no executions on the days before.
    round(
        nullif(sum(successful_tasks), 0) * 365.0 / 12 / (%(end_date)s - min(metric_date) + 1), 2
    ) as completed_tasks_per_month
from days
