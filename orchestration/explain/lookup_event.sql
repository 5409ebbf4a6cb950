-- What an id is the event id of. No index helps here, so that it comes after lookup.sql.
with found as (

    select
        1 as step,
        'execution' as found_as,
        execution_id as id
    from marts.fct_task_executions
    where event_id = %(id)s
    union all
    select
        2 as step,
        'execution' as found_as,
        id
    from raw.task_executions
    where event_id = %(id)s
    union all
    select
        3 as step,
        'routing_decision' as found_as,
        routing_decision_id as id
    from marts.fct_routing_decisions
    where event_id = %(id)s
    union all
    select
        4 as step,
        'routing_decision' as found_as,
        id
    from raw.routing_decisions
    where event_id = %(id)s

)

select
    found_as,
    id
from found
order by step
limit 1
