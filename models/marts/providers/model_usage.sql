-- Grain: one row per organization, day, task type, provider, model and baseline, with the reasons
-- for what is unknown. Touched days are computed whole from the facts.
-- depends_on: {{ ref('int_touched_organization_days') }}

{{
    config(
        incremental_strategy='replace_days',
        pre_hook='{{ open_intake() }}',
        post_hook='{{ close_intake() }}',
        indexes=[
            {'columns': ['organization_id', 'metric_date']},
            {'columns': ['provider', 'model']},
        ]
    )
}}

with executions as (

    select *
    from {{ ref('fct_task_executions') }}
    {% if is_incremental() %}
    where (organization_id, metric_date) in ({{ pending_organization_days() }})
    {% endif %}

),

final as (

    select
        {{ surrogate_key([
            'organization_id', 'metric_date', 'task_type', 'provider', 'model', 'price_model',
            'pricing_status', 'baseline_provider', 'baseline_model', 'baseline_price_model',
            'baseline_pricing_status',
        ]) }} as model_usage_id,
        organization_id,
        metric_date,
        task_type,
        provider,
        model,
        price_model,
        pricing_status,
        baseline_provider,
        baseline_model,
        baseline_price_model,
        baseline_pricing_status,
        count(*) as total_tasks,
        count(*) filter (where status = 'completed') as successful_tasks,
        count(*) filter (where status = 'failed') as failed_tasks,
        count(*) filter (where is_timed_out) as timed_out_tasks,
        count(*) filter (where savings_status = 'compared') as compared_tasks,
        count(quality_score) filter (where status = 'completed') as scored_tasks,
        cast(
            coalesce(sum(quality_score) filter (where status = 'completed'), 0)
            as numeric(28, 12)
        ) as total_quality_score,
        cast(coalesce(sum(total_tokens), 0) as numeric(28, 0)) as total_tokens,
        {{ sum_usd('cost_usd') }} as total_spend_usd,
        {{ sum_usd('cost_usd', "savings_status = 'compared'") }} as compared_cost_usd,
        {{ sum_usd('baseline_cost_usd', "savings_status = 'compared'") }}
            as total_baseline_cost_usd,
        {{ sum_usd('savings_usd') }} as total_savings_usd,
        min(start_time) as first_seen_at,
        max(start_time) as last_seen_at
    from executions
    group by
        organization_id,
        metric_date,
        task_type,
        provider,
        model,
        price_model,
        pricing_status,
        baseline_provider,
        baseline_model,
        baseline_price_model,
        baseline_pricing_status

)

select * from final
