-- What each type of task cost and saved.
with usage as (

    {{ usage }}

)

select
    task_type,
    {{ share_of_spend }},
    {{ sums }}
from usage
group by task_type
order by spend_usd desc nulls last, task_type
