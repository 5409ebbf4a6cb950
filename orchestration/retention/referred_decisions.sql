-- The decisions of a month to which executions refer that can still be computed again.
select decisions.id
from {partition} as decisions
inner join marts.fct_task_executions as executions
    on decisions.id = executions.routing_decision_id
where
    not exists (
        select 1
        from ledger.sealed_executions as sealed
        where sealed.execution_id = executions.execution_id
    )
union
select decisions.id
from {partition} as decisions
inner join marts.fct_task_executions as executions
    on decisions.task_execution_id = executions.execution_id
where
    not exists (
        select 1
        from ledger.sealed_executions as sealed
        where sealed.execution_id = executions.execution_id
    )
