-- Grain: one row per organization, day, task type, provider, model and baseline, with the reasons
-- for what is unknown.

with executions as (

    select * from {{ changes_of('fct_task_executions') }}

)

select
    organization_id,
    metric_date,
    task_type,
    provider,
    pricing_status,
    baseline_pricing_status,
    model,
    price_model,
    baseline_provider,
    baseline_model,
    baseline_price_model,
    {{ task_measures() }},
    {{ quality_measures() }}
from executions
group by
    organization_id,
    metric_date,
    task_type,
    provider,
    pricing_status,
    baseline_pricing_status,
    model,
    price_model,
    baseline_provider,
    baseline_model,
    baseline_price_model
