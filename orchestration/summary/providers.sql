select
    provider,
    count(*) as total_tasks,
    count(*) filter (where status = 'failed') as failed_tasks,
    count(*) filter (where cost_usd is null) as unpriced_tasks,
    coalesce(sum(cost_usd), 0) as total_spend_usd,
    sum(savings_usd) as total_savings_usd
from marts.fct_task_executions
group by provider
order by total_spend_usd desc, provider asc
