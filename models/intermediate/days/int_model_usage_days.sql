-- Grain: one row per organization, day, task type, provider, model and baseline, with the reasons
-- for what is unknown.

with executions as (

    select * from {{ changes_of('fct_task_executions') }}

)

select
    executions.organization_id,
    executions.metric_date,
    executions.task_type,
    executions.provider,
    executions.pricing_status,
    executions.baseline_pricing_status,
    executions.model,
    executions.price_model,
    executions.baseline_provider,
    executions.baseline_model,
    executions.baseline_price_model,
    {{ task_measures() }},
    {{ quality_measures() }}
from executions
group by
    executions.organization_id,
    executions.metric_date,
    executions.task_type,
    executions.provider,
    executions.pricing_status,
    executions.baseline_pricing_status,
    executions.model,
    executions.price_model,
    executions.baseline_provider,
    executions.baseline_model,
    executions.baseline_price_model
