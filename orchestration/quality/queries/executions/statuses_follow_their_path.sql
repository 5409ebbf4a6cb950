select execution_id from {batch}
where
    execution_id in (
        select violations.execution_id from quality.status_transition_violations as violations
    )
