-- The executions that followed a decision, the first one first.
select execution_id
from marts.fct_task_executions
where routing_decision_id = %(id)s
order by start_time, execution_id
