-- The executions that a figure owes most to; of one that counts them, the latest.
with executions as (

    {{ figure_executions }}

)

select
    execution_id,
    task_id,
    task_type,
    provider,
    model,
    price_id,
    pricing_status,
    start_time,
    amount_usd
from executions
order by abs(amount_usd) desc nulls last, start_time desc, execution_id asc
limit 10
