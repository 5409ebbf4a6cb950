-- What an execution saved, and whether that is its baseline less its cost.
select
    savings_status,
    savings_usd,
    routing_overhead_cost_usd,
    net_savings_usd,
    savings_usd is not distinct from case
        when savings_status = 'compared' then baseline_cost_usd - cost_usd
    end as agrees
from marts.fct_task_executions
where
    organization_id = %(organization_id)s
    and execution_id = %(execution_id)s
