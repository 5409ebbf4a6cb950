-- How executions ended, and how long they took.
with usage as (

    {{ usage }}

)

select
    coalesce(sum(failed_tasks), 0) as failed_tasks,
    coalesce(sum(timed_out_tasks), 0) as timed_out_tasks,
    round(sum(successful_tasks) / nullif(cast(sum(total_tasks) as numeric), 0), 4) as success_rate,
    round(sum(total_duration_ms) / nullif(sum(timed_tasks), 0)) as avg_duration_ms
from usage
