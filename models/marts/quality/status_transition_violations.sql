-- Grain: one row per pair of successive versions of an execution between which its status moved
-- against its path: out of completed or failed, or from running back to pending. Executions about
-- which something arrived are looked at again; another version never makes a violation undone.
-- depends_on: {{ ref('fct_task_executions') }}
-- depends_on: {{ ref('int_model_inputs') }}

{{
    config(
        incremental_strategy='delete+insert',
        unique_key='execution_id',
        pre_hook=['{{ open_intake() }}', '{{ collect_arrived_executions() }}'],
        post_hook='{{ close_intake() }}',
        indexes=[{'columns': ['execution_id']}]
    )
}}

with events as (

    select * from {{ ref('stg_platform__task_executions') }}

),

versions as (

    select
        events.execution_id,
        events.organization_id,
        events.status,
        events.event_id,
        events.updated_at,
        lag(events.status) over versions_of_execution as status_before,
        lag(events.event_id) over versions_of_execution as event_id_before,
        lag(events.updated_at) over versions_of_execution as updated_at_before
    from events
    {% if is_incremental() %}
    inner join arrived_executions on events.execution_id = arrived_executions.execution_id
    {% endif %}
    where {{ taken_in('fct_task_executions', 'load', 'cast(events._load_id as text)') }}
    window
        versions_of_execution as (
            partition by events.execution_id
            order by events.updated_at, events.event_id, events._load_id, events._line_number
        )

),

final as (

    select
        {{ surrogate_key(['execution_id', 'event_id_before', 'event_id']) }} as violation_id,
        execution_id,
        organization_id,
        event_id_before,
        status_before,
        updated_at_before,
        event_id,
        status,
        updated_at
    from versions
    where
        (status_before in ('completed', 'failed') and status <> status_before)
        or (status_before = 'running' and status = 'pending')

)

select * from final
