-- Whose spend changed most: the days from `since_date` on, beside as many days before them.
with usage as (

    {{ usage }}

)

select
    case when %(by)s <> 'task_type' then provider end as provider,
    case when %(by)s = 'model' then model end as model,
    case when %(by)s = 'task_type' then task_type end as task_type,
    coalesce(sum(total_spend_usd) filter (where metric_date >= %(since_date)s), 0) as spend_usd,
    coalesce(sum(total_spend_usd) filter (where metric_date < %(since_date)s), 0)
        as spend_before_usd,
    sum(case when metric_date >= %(since_date)s then total_spend_usd else -total_spend_usd end)
        as change_usd,
    coalesce(sum(total_tasks) filter (where metric_date >= %(since_date)s), 0) as tasks,
    coalesce(sum(total_tasks) filter (where metric_date < %(since_date)s), 0) as tasks_before,
    coalesce(sum(unpriced_tasks), 0) as unpriced_tasks
from usage
group by 1, 2, 3
order by
    abs(
        sum(case when metric_date >= %(since_date)s then total_spend_usd else -total_spend_usd end)
    ) desc,
    1,
    2,
    3
