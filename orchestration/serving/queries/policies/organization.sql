-- What an organization would have saved under each baseline policy, by day.
select
    policy,
    compared_tasks,
    total_baseline_cost_usd,
    total_savings_usd
from marts.fct_savings_by_policy
where
    organization_id = %(organization_id)s
    and metric_date between %(start_date)s and %(end_date)s
