-- Executions that are kept as sealed.
delete from marts.fct_task_executions as executions
using ledger.sealed_executions as sealed
where
    executions.execution_id = sealed.execution_id
    and executions.start_time < %(before)s
