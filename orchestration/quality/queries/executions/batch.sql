select * from marts.fct_task_executions
