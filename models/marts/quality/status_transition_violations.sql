-- Grain: one row per pair of successive versions of an execution between which its status moved
-- against its path: out of completed or failed, or from running back to pending. Executions about
-- which something arrived are looked at again.
-- depends_on: {{ ref('fct_task_executions') }}
-- depends_on: {{ ref('int_bookmarks') }}
-- depends_on: {{ ref('int_processed_loads') }}

{{
    config(
        incremental_strategy='delete+insert',
        unique_key='execution_id',
        pre_hook=[
            '{{ open_changes() }}',
            '{{ collect_arrived_executions() }}',
            '{{ forget_arrived_executions() }}',
        ],
        post_hook='{{ close_changes() }}',
        indexes=[{'columns': ['execution_id']}]
    )
}}

with arrived as (

    {{ versions_of(
        ref('stg_platform__task_executions'), 'execution_id',
        'arrived_executions' if is_incremental()
    ) }}
    where
        versions._load_id in (
            select processed.load_id
            from {{ ref('int_processed_loads') }} as processed
        )

),

claimed as (

    {{ claimed_versions('task_execution', 'arrived') }}

),

-- The order is that of the latest first, so that the one before comes next.
versions as (

    select
        execution_id,
        organization_id,
        status,
        event_id,
        updated_at,
        first_landing,
        min(first_landing) over (partition by execution_id) as first_landing_of_execution,
        lead(status) over versions_of_execution as status_before,
        lead(event_id) over versions_of_execution as event_id_before,
        lead(updated_at) over versions_of_execution as updated_at_before
    from claimed
    window
        versions_of_execution as (
            partition by execution_id, organization_id
            order by
                {{ version_order('task_execution') }}
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
        first_landing = first_landing_of_execution
        and (
            (status_before in ('completed', 'failed') and status <> status_before)
            or (status_before = 'running' and status = 'pending')
        )

)

select * from final
