select
    execution_id,
    provider,
    model,
    price_id,
    pricing_status,
    user_id,
    start_time,
    1 as total_tasks,
    case when cost_usd is null then 1 else 0 end as unpriced_tasks,
    coalesce(cost_usd, 0) as total_spend_usd,
    case when status = 'completed' then coalesce(cost_usd, 0) else 0 end as total_cost_usd,
    case when savings_status = 'compared' then baseline_cost_usd else 0 end
        as total_baseline_cost_usd,
    coalesce(savings_usd, 0) as total_savings_usd
from marts.fct_task_executions
where
    organization_id = %(organization_id)s
    and metric_date >= %(first_day)s
    and metric_date < %(day_after)s
    and provider = %(provider)s
    and model = %(model)s
    and user_id = %(user_id)s
