-- A returned row is an organization and open day whose rollup differs from its executions. Looks at
-- what the build changed, in a sweep at everything.

{{ config(meta={'dagster': {'ref': {'name': 'organization_analytics'}}}) }}

with facts as (

    select
        organization_id,
        metric_date,
        count(*) as total_tasks,
        coalesce(sum(total_tokens), 0) as total_tokens,
        coalesce(sum(cost_usd), 0) as total_spend_usd,
        coalesce(sum(savings_usd), 0) as total_savings_usd
    from {{ ref('fct_task_executions') }}
    where {{ in_changed_days('organization_analytics') }}
    group by organization_id, metric_date

),

rollup_days as (

    select *
    from {{ ref('organization_analytics') }}
    where
        aggregation_period = 'daily'
        and {{ in_changed_days('organization_analytics') }}

),

sealed_days as (

    select * from {{ ref('int_sealed_days') }}

)

select
    coalesce(facts.organization_id, rollup_days.organization_id) as organization_id,
    coalesce(facts.metric_date, rollup_days.metric_date) as metric_date,
    facts.total_tasks as fact_tasks,
    rollup_days.total_tasks as rollup_tasks,
    facts.total_spend_usd as fact_spend_usd,
    rollup_days.total_spend_usd as rollup_spend_usd
from facts
full outer join rollup_days
    on
        facts.organization_id = rollup_days.organization_id
        and facts.metric_date = rollup_days.metric_date
left join sealed_days
    on coalesce(facts.organization_id, rollup_days.organization_id) = sealed_days.organization_id
where
    (
        facts.total_tasks is distinct from rollup_days.total_tasks
        or facts.total_tokens is distinct from rollup_days.total_tokens
        or facts.total_spend_usd is distinct from rollup_days.total_spend_usd
        or facts.total_savings_usd is distinct from rollup_days.total_savings_usd
    )
    and coalesce(
        coalesce(facts.metric_date, rollup_days.metric_date) >= sealed_days.sealed_until, true
    )
