-- What a figure is made of, by provider, model and price row. Of months whose executions have left
-- the marts only the sums stay: a part without executions.
with executions as (

    {{ figure_executions }}

),

usage as (

    {{ figure_usage }}

),

-- The first day that is left may be cut through.
left_until as (

    select
        (
            select metric_date
            from marts.fct_task_executions
            where organization_id = %(organization_id)s
            order by start_time
            limit 1
        ) as day

),

parts as (

    select
        provider,
        model,
        price_id,
        pricing_status,
        true as has_executions,
        count(*) as tasks,
        sum(amount_usd) as amount_usd
    from executions
    group by provider, model, price_id, pricing_status
    union all
    select
        provider,
        model,
        cast(null as text) as price_id,
        cast(null as text) as pricing_status,
        false as has_executions,
        cast(sum(tasks) as bigint) as tasks,
        sum(amount_usd) as amount_usd
    from (
        select
            usage.provider,
            usage.model,
            usage.tasks,
            usage.amount_usd
        from usage
        cross join left_until
        where left_until.day is null or usage.metric_date <= left_until.day
        union all
        select
            executions.provider,
            executions.model,
            -1 as tasks,
            -executions.amount_usd as amount_usd
        from executions
        cross join left_until
        where executions.metric_date <= left_until.day
    ) as left_behind
    group by provider, model
    having sum(tasks) <> 0 or sum(amount_usd) <> 0

)

select
    provider,
    model,
    price_id,
    pricing_status,
    has_executions,
    tasks,
    amount_usd
from parts
order by amount_usd desc nulls last, tasks desc, provider asc, model asc, price_id asc
