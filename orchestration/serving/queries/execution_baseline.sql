-- What an execution is compared with.
select
    baseline_policy as policy,
    baseline_policy_id as policy_id,
    baseline_provider as provider,
    baseline_model as model,
    baseline_price_model as price_model,
    baseline_pricing_status as pricing_status,
    baseline_cost_usd
from marts.fct_task_executions
where
    organization_id = %(organization_id)s
    and execution_id = %(execution_id)s
