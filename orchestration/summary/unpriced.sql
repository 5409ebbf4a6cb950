select
    pricing_status,
    count(*) as total_tasks
from marts.fct_task_executions
where cost_usd is null
group by pricing_status
order by total_tasks desc, pricing_status asc
