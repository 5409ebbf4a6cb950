select
    count(*) as measured_tasks,
    sum(estimated_baseline_cost_usd) as estimated_baseline_cost_usd,
    sum(measured_baseline_cost_usd) as measured_baseline_cost_usd,
    round(
        100 * sum(estimate_error_usd) / nullif(sum(measured_baseline_cost_usd), 0), 1
    ) as bias_percentage
from marts.fct_measured_savings
where
    (cast(%(organization_id)s as uuid) is null or organization_id = %(organization_id)s)
    and metric_date >= %(first_day)s
    and metric_date < %(day_after)s
