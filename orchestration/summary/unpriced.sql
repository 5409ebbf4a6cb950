select
    pricing_status,
    count(*) as total_tasks
from marts.fct_task_executions
where pricing_status <> 'priced'
group by pricing_status
order by total_tasks desc, pricing_status asc
