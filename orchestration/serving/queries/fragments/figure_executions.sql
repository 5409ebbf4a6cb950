-- The executions that make up a figure, each with its share.
select
    execution_id,
    task_id,
    task_type,
    provider,
    model,
    price_id,
    pricing_status,
    start_time,
    metric_date,
    case %(figure)s
        when 'savings' then savings_usd
        when 'spend' then cost_usd
        when 'cost' then cost_usd
        when 'baseline' then baseline_cost_usd
    end as amount_usd
from marts.fct_task_executions
where
    organization_id = %(organization_id)s
    and metric_date between %(start_date)s and %(end_date)s
    and start_time >= cast(%(start_date)s as timestamptz) - interval '1 day'
    and start_time < cast(%(end_date)s as timestamptz) + interval '2 days'
    and (%(provider)s is null or provider = %(provider)s)
    and (%(task_type)s is null or task_type = %(task_type)s)
    and case %(figure)s
        when 'savings' then savings_status = 'compared'
        when 'baseline' then savings_status = 'compared'
        when 'spend' then cost_usd is not null
        when 'cost' then cost_usd is not null and status = 'completed'
        when 'unpriced' then cost_usd is null
        else true
    end
