-- Comparisons of executions that leave.
with removed as (

    delete from marts.fct_measured_savings as measured
    using
        marts.fct_task_executions as executions,
        ledger.sealed_executions as sealed
    where
        measured.execution_id = executions.execution_id
        and executions.execution_id = sealed.execution_id
        and executions.start_time < %(before)s
    returning
        measured.organization_id,
        measured.metric_date as metric_date

)

insert into ledger.removed_details (organization_id, metric_date, relation, row_count)
select
    organization_id,
    metric_date,
    'marts.fct_measured_savings' as relation,
    count(*) as row_count
from removed
group by organization_id, metric_date
returning row_count
