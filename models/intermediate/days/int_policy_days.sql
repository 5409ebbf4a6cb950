-- Grain: one row per organization, day and baseline policy, the policy in force (`headline`) among
-- them: what the completed executions would have cost under each.

with changes as (

    select * from {{ changes_of('fct_task_executions') }}

),

executions as (

    select
        changes.sign,
        changes.organization_id,
        changes.metric_date,
        changes.cost_usd,
        policies.policy,
        policies.baseline_cost_usd,
        policies.baseline_cost_usd - changes.cost_usd as savings_usd,
        changes.routing_overhead_cost_usd
    from changes
    cross join
        lateral (
            values
            ('headline', changes.baseline_cost_usd),
            ('organization_default', changes.organization_default_baseline_cost_usd),
            ('decision_recorded', changes.decision_recorded_baseline_cost_usd),
            ('most_expensive_alternative', changes.most_expensive_alternative_baseline_cost_usd),
            ('fixed', changes.fixed_baseline_cost_usd)
        ) as policies (policy, baseline_cost_usd)
    where changes.status = 'completed'

)

select
    executions.organization_id,
    executions.metric_date,
    executions.policy,
    {{ count_tasks() }} as total_tasks,
    {{ count_tasks('executions.savings_usd is not null') }} as compared_tasks,
    {{ count_tasks('executions.cost_usd is not null and executions.baseline_cost_usd is null') }}
        as unknown_baseline_tasks,
    {{ count_tasks('executions.savings_usd < 0') }} as negative_savings_tasks,
    {{ count_tasks(
        'executions.savings_usd is not null and executions.routing_overhead_cost_usd is null'
    ) }} as unknown_overhead_tasks,
    {{ sum_signed('executions.cost_usd', condition='executions.savings_usd is not null') }}
        as compared_cost_usd,
    {{ sum_signed('executions.baseline_cost_usd', condition='executions.savings_usd is not null') }}
        as total_baseline_cost_usd,
    {{ sum_signed('executions.savings_usd') }} as total_savings_usd,
    {{ sum_signed('(executions.savings_usd - executions.routing_overhead_cost_usd)') }}
        as total_net_savings_usd
from executions
group by executions.organization_id, executions.metric_date, executions.policy
