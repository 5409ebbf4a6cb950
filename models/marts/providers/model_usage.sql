-- Grain: one row per organization, day, task type, provider, model and baseline, with the reasons
-- for what is unknown. Touched days are computed whole from the facts.
-- depends_on: {{ ref('int_sealed_days') }}
-- depends_on: {{ ref('int_touched_organization_days') }}

{{
    config(
        incremental_strategy='replace_days',
        pre_hook=['{{ open_intake() }}', '{{ collect_touched_days() }}'],
        post_hook='{{ close_intake() }}',
        meta={'sealed': 'days'},
        indexes=[
            {'columns': ['organization_id', 'metric_date']},
            {'columns': ['provider', 'model']},
        ]
    )
}}

with executions as (

    select executions.*
    from {{ ref('fct_task_executions') }} as executions
    {{ of_touched_days('executions') }}

),

final as (

    select
        {{ surrogate_key([
            'organization_id', 'metric_date', 'task_type', 'provider', 'model', 'price_model',
            'pricing_status', 'baseline_provider', 'baseline_model', 'baseline_price_model',
            'baseline_pricing_status',
        ]) }} as model_usage_id,
        executions.organization_id,
        executions.metric_date,
        executions.task_type,
        executions.provider,
        executions.model,
        executions.price_model,
        executions.pricing_status,
        executions.baseline_provider,
        executions.baseline_model,
        executions.baseline_price_model,
        executions.baseline_pricing_status,
        {{ task_measures() }},
        {{ quality_measures() }},
        min(executions.start_time) as first_seen_at,
        max(executions.start_time) as last_seen_at
    from executions
    group by
        executions.organization_id,
        executions.metric_date,
        executions.task_type,
        executions.provider,
        executions.model,
        executions.price_model,
        executions.pricing_status,
        executions.baseline_provider,
        executions.baseline_model,
        executions.baseline_price_model,
        executions.baseline_pricing_status

)

select * from final
