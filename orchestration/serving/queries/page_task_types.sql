-- What each type of task cost, and how well it went.
with usage as (

    {{ usage }}

)

select
    task_type,
    sum(total_tasks) as tasks,
    sum(total_spend_usd) as spend_usd,
    sum(total_savings_usd) as savings_usd,
    sum(total_spend_usd) / nullif(sum(total_tasks - unpriced_tasks), 0) as avg_cost_per_task_usd,
    round(sum(successful_tasks) / cast(sum(total_tasks) as numeric), 4) as success_rate,
    round(sum(total_duration_ms) / nullif(sum(timed_tasks), 0)) as avg_duration_ms,
    sum(unpriced_tasks) as unpriced_tasks
from usage
group by task_type
order by spend_usd desc nulls last, task_type
