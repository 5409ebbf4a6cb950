-- Grain: one row per provider, model, task type and hour in UTC.

with executions as (

    select
        *,
        {{ local_date('start_time', "'UTC'") }} as utc_date,
        {{ utc_hour('start_time') }} as hour_start
    from {{ changes_of('fct_task_executions', 'provider') }}

)

select
    executions.provider,
    executions.task_type,
    executions.utc_date as metric_date,
    executions.hour_start,
    executions.model,
    {{ provider_measures() }},
    {{ duration_map() }} as durations
from executions
group by
    executions.provider,
    executions.task_type,
    executions.utc_date,
    executions.hour_start,
    executions.model
