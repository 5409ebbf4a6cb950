select
    corrections.reason,
    count(*) as corrections,
    sum(corrections.cost_delta_usd) as cost_delta_usd,
    sum(corrections.savings_delta_usd) as savings_delta_usd,
    min(corrections.corrected_at) as first_corrected_at,
    max(corrections.corrected_at) as last_corrected_at
from marts.fct_cost_corrections as corrections
left join marts.fct_task_executions as executions
    on corrections.execution_id = executions.execution_id
where
    corrections.organization_id = %(organization_id)s
    and corrections.metric_date >= %(first_day)s
    and corrections.metric_date < %(day_after)s
    and executions.provider = %(provider)s
    and executions.model = %(model)s
    and executions.user_id = %(user_id)s
group by corrections.reason
order by corrections.reason
