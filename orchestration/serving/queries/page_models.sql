-- What each model cost, and how well it worked: those that cost most.
with usage as (

    {{ usage }}

)

select
    provider,
    model,
    sum(total_tasks) as tasks,
    sum(total_spend_usd) as spend_usd,
    sum(total_savings_usd) as savings_usd,
    sum(total_spend_usd) / nullif(sum(total_tasks - unpriced_tasks), 0) as avg_cost_per_task_usd,
    round(sum(successful_tasks) / cast(sum(total_tasks) as numeric), 4) as success_rate,
    round(sum(total_duration_ms) / nullif(sum(timed_tasks), 0)) as avg_duration_ms,
    sum(timed_out_tasks) as timed_out_tasks,
    sum(unpriced_tasks) as unpriced_tasks
from usage
group by provider, model
order by spend_usd desc nulls last, provider, model
limit %(row_count)s
