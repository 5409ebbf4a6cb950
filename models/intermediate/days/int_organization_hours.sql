-- Grain: one row per organization, hour, provider and task type. Hours are those of the reporting
-- time zone, so that each lies in one day; one in which that zone changed stands under two days.

with executions as (

    select
        *,
        {{ local_hour('start_time', 'reporting_timezone') }} as hour_start
    from {{ changes_of('fct_task_executions') }}

)

select
    executions.organization_id,
    executions.metric_date,
    executions.hour_start,
    executions.provider,
    executions.task_type,
    {{ task_measures() }},
    {{ duration_map() }} as durations
from executions
group by
    executions.organization_id,
    executions.metric_date,
    executions.hour_start,
    executions.provider,
    executions.task_type
