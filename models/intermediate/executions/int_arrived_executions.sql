-- Grain: one row per landed event about an execution, or decision that names one, in a load that
-- the facts have not taken in. What is pending is a difference of sets and never a latest moment,
-- so that a load that commits late cannot be skipped.

with pending_loads as (

    select loads.load_id
    from {{ ref('stg_platform__loads') }} as loads
    where {{ not_taken_in('fct_task_executions', 'load', 'cast(loads.load_id as text)') }}

),

arrived as (

    select
        execution_id,
        'arrival' as reason
    from {{ ref('stg_platform__task_executions') }}
    where
        {{ landed_in('select pending_loads.load_id from pending_loads') }}

),

-- A decision carries the routing overhead of the execution that it names.
decided as (

    select
        execution_id,
        'decision' as reason
    from {{ ref('stg_platform__routing_decisions') }}
    where
        {{ landed_in('select pending_loads.load_id from pending_loads') }}
        and execution_id is not null

),

final as (

    select * from arrived
    union all
    select * from decided

)

select * from final
