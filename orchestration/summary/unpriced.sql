select
    pricing_status,
    cast(sum(unpriced_tasks) as bigint) as total_tasks
from marts.model_usage
where
    (cast(%(organization_id)s as uuid) is null or organization_id = %(organization_id)s)
    and metric_date >= %(first_day)s
    and metric_date < %(day_after)s
group by pricing_status
having sum(unpriced_tasks) > 0
order by total_tasks desc, pricing_status asc
