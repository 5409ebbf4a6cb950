-- The row of the price book that an execution's cost comes from.
select
    {{ price_row }}
from marts.dim_prices as prices
inner join marts.fct_task_executions as executions on prices.price_id = executions.price_id
where
    executions.organization_id = %(organization_id)s
    and executions.execution_id = %(execution_id)s
