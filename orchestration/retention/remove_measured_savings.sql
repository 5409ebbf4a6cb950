-- Comparisons of executions that leave.
delete from marts.fct_measured_savings as measured
using
    marts.fct_task_executions as executions,
    ledger.sealed_executions as sealed
where
    measured.execution_id = executions.execution_id
    and executions.execution_id = sealed.execution_id
    and executions.start_time < %(before)s
