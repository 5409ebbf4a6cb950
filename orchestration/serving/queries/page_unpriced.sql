-- What has no price, and why.
select
    provider,
    model,
    pricing_status as reason,
    count(*) as tasks
from marts.fct_task_executions
where
    organization_id = %(organization_id)s
    and metric_date between %(start_date)s and %(end_date)s
    and cost_usd is null
    and (%(provider)s is null or provider = %(provider)s)
    and (%(task_type)s is null or task_type = %(task_type)s)
group by provider, model, pricing_status
order by tasks desc, provider, model, pricing_status
limit %(row_count)s
