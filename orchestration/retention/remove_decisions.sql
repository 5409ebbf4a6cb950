-- Decisions that nothing which stays has followed.
delete from marts.fct_routing_decisions as decisions
where
    decisions.decision_timestamp < %(before)s
    and not exists (
        select 1
        from marts.fct_task_executions as executions
        where
            executions.execution_id = decisions.execution_id
            and executions.start_time >= %(before)s
    )
    and not exists (
        select 1
        from marts.fct_task_executions as executions
        where
            executions.routing_decision_id = decisions.routing_decision_id
            and executions.start_time >= %(before)s
    )
