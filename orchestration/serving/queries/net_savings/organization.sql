-- What an organization saved after the cost of choosing, by day.
select
    negative_savings_tasks,
    unknown_overhead_tasks,
    total_net_savings_usd
from marts.organization_days
where
    organization_id = %(organization_id)s
    and metric_date between %(start_date)s and %(end_date)s
