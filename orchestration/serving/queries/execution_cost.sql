-- What an execution cost, and whether its parts add up to it. What has no price has no parts.
with lines as (

    {{ cost_lines }}

)

select
    executions.pricing_status,
    executions.cost_usd,
    (select coalesce(sum(lines.cost_usd), 0) from lines) = coalesce(executions.cost_usd, 0) as agrees
from marts.fct_task_executions as executions
where
    executions.organization_id = %(organization_id)s
    and executions.execution_id = %(execution_id)s
