-- The execution that followed a decision, built or only landed; NULL when there is none.
select
    coalesce(
        (
            select execution_id
            from marts.fct_routing_decisions
            where routing_decision_id = %(id)s
        ),
        (
            select task_execution_id
            from raw.routing_decisions
            where
                id = %(id)s
                and task_execution_id is not null
                and organization_id = (
                    select organization_id
                    from raw.routing_decisions
                    where id = %(id)s
                    order by _load_id, _line_number
                    limit 1
                )
            order by updated_at desc, decision_timestamp desc, event_id desc
            limit 1
        ),
        (
            select id
            from raw.task_executions
            where routing_decision_id = %(id)s
            order by start_time, id
            limit 1
        )
    ) as execution_id
