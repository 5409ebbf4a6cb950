-- Grain: one row per organization, day, task type, provider, model and baseline, with the reasons
-- for what is unknown.

{{ config(materialized='view') }}

with usage_days as (

    select * from {{ ref('int_model_usage_days') }}

),

final as (

    select
        {{ surrogate_key([
            'organization_id', 'metric_date', 'task_type', 'provider', 'model', 'price_model',
            'pricing_status', 'baseline_provider', 'baseline_model', 'baseline_price_model',
            'baseline_pricing_status',
        ]) }} as model_usage_id,
        usage_days.organization_id,
        usage_days.metric_date,
        usage_days.task_type,
        usage_days.provider,
        usage_days.model,
        usage_days.price_model,
        usage_days.pricing_status,
        usage_days.baseline_provider,
        usage_days.baseline_model,
        usage_days.baseline_price_model,
        usage_days.baseline_pricing_status,
        {{ measures('usage_days') }},
        usage_days.scored_tasks,
        usage_days.total_quality_score
    from usage_days

)

select * from final
