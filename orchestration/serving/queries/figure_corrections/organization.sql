-- How executions of a figure were corrected, by reason.
with executions as (

    {{ figure_executions }}

)

select
    corrections.reason,
    count(*) as corrections,
    sum(corrections.cost_delta_usd) as cost_delta_usd,
    sum(corrections.baseline_cost_delta_usd) as baseline_cost_delta_usd,
    sum(corrections.savings_delta_usd) as savings_delta_usd,
    min(corrections.corrected_at) as first_corrected_at,
    max(corrections.corrected_at) as last_corrected_at
from marts.fct_cost_corrections as corrections
inner join executions on corrections.execution_id = executions.execution_id
where
    corrections.organization_id = %(organization_id)s
    and corrections.metric_date between %(start_date)s and %(end_date)s
group by corrections.reason
order by corrections.reason
