-- Grain: one row per organization, month, task type, model that did the work and model that it is
-- compared with: what was saved, and whether the work was as good.

{{ config(materialized='view') }}

with usage_days as (

    select
        *,
        cast(date_trunc('month', metric_date) as date) as month_start
    from {{ ref('model_usage') }}

),

-- How every model did, whatever it was compared with.
performance as (

    select
        organization_id,
        month_start,
        task_type,
        provider,
        price_model,
        sum(successful_tasks) as successful_tasks,
        sum(successful_tasks + failed_tasks) as finished_tasks,
        sum(scored_tasks) as scored_tasks,
        cast(sum(total_quality_score) / nullif(sum(scored_tasks), 0) as numeric(13, 12))
            as mean_quality_score
    from usage_days
    group by organization_id, month_start, task_type, provider, price_model

),

rates as (

    select
        *,
        -- One key to join on: the planner has no idea how many rows five columns share.
        {{ surrogate_key([
            'organization_id', 'month_start', 'task_type', 'provider', 'price_model'
        ]) }} as performance_id,
        cast(successful_tasks / nullif(finished_tasks, 0) as numeric(13, 12)) as success_rate,
        {{ wilson_bound('successful_tasks', 'finished_tasks', '-') }} as success_rate_low,
        {{ wilson_bound('successful_tasks', 'finished_tasks', '+') }} as success_rate_high
    from performance

),

comparisons as (

    select
        organization_id,
        month_start,
        task_type,
        provider,
        price_model,
        baseline_provider,
        baseline_price_model,
        {{ surrogate_key([
            'organization_id', 'month_start', 'task_type', 'provider', 'price_model'
        ]) }} as performance_id,
        {{ surrogate_key([
            'organization_id', 'month_start', 'task_type', 'baseline_provider',
            'baseline_price_model'
        ]) }} as baseline_performance_id,
        sum(compared_tasks) as compared_tasks,
        sum(compared_cost_usd) as compared_cost_usd,
        sum(total_baseline_cost_usd) as total_baseline_cost_usd,
        sum(total_savings_usd) as total_savings_usd
    from usage_days
    where
        compared_tasks > 0
        and (provider, coalesce(price_model, '')) <> (
            baseline_provider, coalesce(baseline_price_model, '')
        )
    group by
        organization_id,
        month_start,
        task_type,
        provider,
        price_model,
        baseline_provider,
        baseline_price_model

),

final as (

    select
        comparisons.organization_id,
        comparisons.month_start as metric_date,
        'monthly' as aggregation_period,
        comparisons.task_type,
        comparisons.provider,
        comparisons.price_model as model,
        comparisons.baseline_provider,
        comparisons.baseline_price_model as baseline_model,
        cast(comparisons.compared_tasks as bigint) as compared_tasks,
        cast(comparisons.compared_cost_usd as numeric(28, 12)) as compared_cost_usd,
        cast(comparisons.total_baseline_cost_usd as numeric(28, 12)) as total_baseline_cost_usd,
        cast(comparisons.total_savings_usd as numeric(28, 12)) as total_savings_usd,
        cast(
            100 * comparisons.total_savings_usd / nullif(comparisons.total_baseline_cost_usd, 0)
            as numeric(28, 6)
        ) as savings_percentage,
        cast(chosen.finished_tasks as bigint) as finished_tasks,
        chosen.success_rate,
        chosen.success_rate_low,
        chosen.success_rate_high,
        cast(chosen.scored_tasks as bigint) as scored_tasks,
        chosen.mean_quality_score,
        cast(coalesce(baseline.finished_tasks, 0) as bigint) as baseline_finished_tasks,
        baseline.success_rate as baseline_success_rate,
        baseline.success_rate_low as baseline_success_rate_low,
        baseline.success_rate_high as baseline_success_rate_high,
        cast(coalesce(baseline.scored_tasks, 0) as bigint) as baseline_scored_tasks,
        baseline.mean_quality_score as baseline_mean_quality_score,
        case
            when chosen.success_rate is null or baseline.success_rate is null then 'unknown'
            when chosen.success_rate_high < baseline.success_rate_low then 'worse'
            when chosen.success_rate_low > baseline.success_rate_high then 'better'
            else 'no_difference_shown'
        end as success_comparison
    from comparisons
    inner join rates as chosen
        on comparisons.performance_id = chosen.performance_id
    left join rates as baseline
        on comparisons.baseline_performance_id = baseline.performance_id

)

select * from final
