-- What people's executions would have saved under each baseline policy, each by itself.
select
    policies.policy,
    case when policies.baseline_cost_usd is not null then 1 else 0 end as compared_tasks,
    coalesce(policies.baseline_cost_usd, 0) as total_baseline_cost_usd,
    coalesce(policies.baseline_cost_usd - executions.cost_usd, 0) as total_savings_usd
from marts.fct_task_executions as executions
cross join
    lateral (
        values
        ('headline', executions.baseline_cost_usd),
        ('organization_default', executions.organization_default_baseline_cost_usd),
        ('decision_recorded', executions.decision_recorded_baseline_cost_usd),
        ('most_expensive_alternative', executions.most_expensive_alternative_baseline_cost_usd),
        ('fixed', executions.fixed_baseline_cost_usd)
    ) as policies (policy, baseline_cost_usd)
where
    executions.organization_id = %(organization_id)s
    and executions.metric_date between %(start_date)s and %(end_date)s
    -- For the index: no time zone is further from UTC than this.
    and start_time >= cast(%(start_date)s as timestamp) at time zone 'UTC' - interval '1 day'
    and start_time < cast(%(end_date)s as timestamp) at time zone 'UTC' + interval '2 days'
    and executions.status = 'completed'
    and executions.cost_usd is not null
