-- The ten types of task that were executed most.
with usage as (

    {{ usage }}

)

select
    task_type as type,
    sum(total_tasks) as count
from usage
group by task_type
order by 2 desc, 1
limit 10
