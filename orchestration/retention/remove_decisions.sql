-- Sealed decisions that nothing which stays has followed.
with removed as (

    delete from marts.fct_routing_decisions as decisions
    using (
        select
            organization_id,
            date_trunc('month', cast(max(sealed_until) as timestamp)) at time zone 'UTC'
                as sealed_before
        from ledger.sealed_organizations
        group by organization_id
    ) as sealed
    where
        decisions.organization_id = sealed.organization_id
        and decisions.decision_timestamp < least(%(before)s, sealed.sealed_before)
        and not exists (
            select 1
            from marts.fct_task_executions as executions
            where
                executions.execution_id = decisions.execution_id
                and executions.start_time >= %(before)s
        )
        and not exists (
            select 1
            from marts.fct_task_executions as executions
            where
                executions.routing_decision_id = decisions.routing_decision_id
                and executions.start_time >= %(before)s
        )
    returning
        decisions.organization_id,
        cast(decisions.decision_timestamp at time zone 'UTC' as date) as metric_date

)

insert into ledger.removed_details (organization_id, metric_date, relation, row_count)
select
    organization_id,
    metric_date,
    'marts.fct_routing_decisions' as relation,
    count(*) as row_count
from removed
group by organization_id, metric_date
returning row_count
