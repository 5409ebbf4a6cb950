-- Which execution is explained, and how to see it elsewhere.
select
    execution_id,
    %(sql)s as sql,
    %(sources)s as sources
from marts.fct_task_executions
where
    organization_id = %(organization_id)s
    and execution_id = %(execution_id)s
