-- Grain: one row per execution and reason for which the facts do not show it as it is: during a
-- build of the facts the ones in work, between builds the ones that have arrived since.

with in_work as (

    select * from {{ ref('int_execution_work') }}

),

arrived as (

    select * from {{ ref('int_arrived_executions') }}

),

final as (

    select
        execution_id,
        reason
    from in_work
    union all
    select
        execution_id,
        reason
    from arrived
    where not exists (select 1 from {{ ref('int_execution_work') }})

)

select * from final
