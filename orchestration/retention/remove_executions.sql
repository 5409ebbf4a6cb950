-- Executions that are kept as sealed.
with removed as (

    delete from marts.fct_task_executions as executions
    using ledger.sealed_executions as sealed
    where
        executions.execution_id = sealed.execution_id
        and executions.start_time < %(before)s
    returning
        executions.organization_id,
        executions.metric_date as metric_date

)

insert into ledger.removed_details (organization_id, metric_date, relation, row_count)
select
    organization_id,
    metric_date,
    'marts.fct_task_executions' as relation,
    count(*) as row_count
from removed
group by organization_id, metric_date
returning row_count
