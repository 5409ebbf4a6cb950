-- Grain: one row per organization, user and day in the organization's reporting time zone;
-- executions without a user stand together under no user.

with executions as (

    select * from {{ changes_of('fct_task_executions') }}

)

select
    executions.organization_id,
    executions.metric_date,
    executions.user_id,
    {{ task_measures() }},
    {{ count_map('executions.provider') }} as provider_tasks,
    {{ count_map('executions.task_type') }} as task_type_tasks
from executions
group by executions.organization_id, executions.metric_date, executions.user_id
