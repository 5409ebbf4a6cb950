-- Keep of every execution of a sealed day which version was counted, and with which amounts.
insert into ledger.sealed_executions (
    execution_id, organization_id, metric_date, event_id, updated_at, status, total_tokens,
    pricing_status, cost_usd, baseline_cost_usd, savings_usd, net_savings_usd
)
with sealed_days as (

    select
        organization_id,
        max(sealed_until) as sealed_until
    from ledger.sealed_organizations
    group by organization_id

)

select
    executions.execution_id,
    executions.organization_id,
    executions.metric_date,
    executions.event_id,
    executions.updated_at,
    executions.status,
    executions.total_tokens,
    executions.pricing_status,
    executions.cost_usd,
    executions.baseline_cost_usd,
    executions.savings_usd,
    executions.net_savings_usd
from marts.fct_task_executions as executions
inner join sealed_days
    on
        executions.organization_id = sealed_days.organization_id
        and executions.metric_date < sealed_days.sealed_until
where
    not exists (
        select 1
        from ledger.sealed_executions as sealed
        where sealed.execution_id = executions.execution_id
    )
