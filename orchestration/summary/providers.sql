select
    provider,
    cast(sum(total_tasks) as bigint) as total_tasks,
    cast(sum(failed_tasks) as bigint) as failed_tasks,
    cast(sum(unpriced_tasks) as bigint) as unpriced_tasks,
    sum(total_spend_usd) as total_spend_usd,
    case when sum(compared_tasks) > 0 then sum(total_savings_usd) end as total_savings_usd
from marts.model_usage
where
    (cast(%(organization_id)s as uuid) is null or organization_id = %(organization_id)s)
    and metric_date >= %(first_day)s
    and metric_date < %(day_after)s
group by provider
order by total_spend_usd desc, provider asc
