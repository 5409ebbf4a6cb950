-- What fct_task_executions holds of a person.
select *
from marts.fct_task_executions
where
    organization_id = %(organization_id)s
    and user_id = %(user_id)s
order by start_time, execution_id
