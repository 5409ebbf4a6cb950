-- Grain: one row per landed event about an execution, or decision that names one, in a load that
-- the facts have not processed. What to process is a difference of sets and never a latest moment,
-- so that a load that commits late cannot be skipped.

with arrived as (

    select
        execution_id,
        'arrival' as reason
    from {{ ref('stg_platform__task_executions') }}
    where
        {{ landed_in('select load_id from ' ~ ref('int_arrived_loads')) }}

),

-- A decision carries the routing overhead of the execution that it names.
decided as (

    select
        execution_id,
        'decision' as reason
    from {{ ref('stg_platform__routing_decisions') }}
    where
        {{ landed_in('select load_id from ' ~ ref('int_arrived_loads')) }}
        and execution_id is not null

),

final as (

    select * from arrived
    union all
    select * from decided

)

select * from final
