-- One row per day, in UTC, of what has landed from LiteLLM, the last version of each call.
with versions as (

    select distinct on (id)
        id,
        start_time,
        reported_cost_usd
    from raw.task_executions
    where source = 'litellm' and start_time >= %(since)s
    order by id asc, updated_at desc, _load_id desc

)

select
    cast(start_time at time zone 'UTC' as date) as day,
    count(*) as requests,
    sum(reported_cost_usd) as spend_usd
from versions
group by cast(start_time at time zone 'UTC' as date)
