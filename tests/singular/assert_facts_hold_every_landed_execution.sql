-- A returned row is an execution that landed in a load which the facts have taken in and that is
-- not in the facts, or one in the facts that never landed.

{{ config(meta={'dagster': {'ref': {'name': 'fct_task_executions'}}}) }}

with landed as (

    select distinct executions.execution_id
    from {{ ref('stg_platform__task_executions') }} as executions
    where {{ taken_in('fct_task_executions', 'load', 'cast(executions._load_id as text)') }}

)

select
    landed.execution_id as landed_execution_id,
    facts.execution_id as fact_execution_id
from landed
full outer join {{ ref('fct_task_executions') }} as facts
    on landed.execution_id = facts.execution_id
where landed.execution_id is null or facts.execution_id is null
