-- The last month with executions of the people whose rows may be seen, as far as it is built.
with days as (

    select
        metric_date,
        cast(date_trunc('month', cast(metric_date as timestamp)) as date) as month,
        total_tasks,
        failed_tasks,
        unpriced_tasks,
        total_cost_usd,
        total_spend_usd,
        total_baseline_cost_usd,
        total_savings_usd
    from marts.user_days
    where organization_id = %(organization_id)s

),

latest as (

    select max(month) as month
    from days

),

total as (

    select
        sum(days.total_savings_usd) as total_savings_usd,
        sum(days.total_baseline_cost_usd) as baseline_cost_usd,
        sum(days.total_cost_usd) as total_cost_usd,
        sum(days.total_spend_usd) as total_spend_usd,
        coalesce(sum(days.total_tasks), 0) as total_tasks,
        coalesce(sum(days.failed_tasks), 0) as failed_tasks,
        coalesce(sum(days.unpriced_tasks), 0) as unpriced_tasks
    from days
    inner join latest on days.month = latest.month

)

select
    latest.month,
    total.total_savings_usd,
    total.baseline_cost_usd,
    round(100 * total.total_savings_usd / nullif(total.baseline_cost_usd, 0), 2) as savings_percentage,
    total.total_cost_usd,
    total.total_spend_usd,
    total.total_tasks,
    total.failed_tasks,
    total.unpriced_tasks
from latest
cross join total
