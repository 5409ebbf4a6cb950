-- Grain: one row per organization, day and baseline policy, the policy in force (`headline`) among
-- them: what the same executions would have cost under each. Touched days are computed whole.
-- The hooks of an incremental build read these as well:
-- depends_on: {{ ref('int_model_aliases') }}
-- depends_on: {{ ref('int_price_factors') }}
-- depends_on: {{ ref('int_price_rows') }}
-- depends_on: {{ ref('int_sealed_days') }}
-- depends_on: {{ ref('int_touched_organization_days') }}
-- depends_on: {{ ref('int_usage_prices') }}
-- depends_on: {{ ref('stg_platform__organizations') }}

{{
    config(
        incremental_strategy='replace_days',
        pre_hook=['{{ open_intake() }}', '{{ collect_policy_days() }}'],
        post_hook=["{{ close_intake(after=['fct_routing_decisions']) }}", '{{ take_in_prices() }}'],
        meta={'sealed': 'days'},
        indexes=[{'columns': ['organization_id', 'policy', 'metric_date']}]
    )
}}

with executions as (

    select
        executions.execution_id,
        executions.organization_id,
        executions.metric_date,
        executions.task_type,
        executions.service_tier,
        executions.region,
        executions.is_bucket,
        executions.start_time,
        executions.input_tokens,
        executions.cached_input_tokens,
        executions.cache_write_tokens,
        executions.cache_write_1h_tokens,
        executions.audio_input_tokens,
        executions.image_input_tokens,
        executions.output_tokens,
        executions.audio_output_tokens,
        executions.image_output_tokens,
        executions.tokens_used,
        executions.request_count,
        executions.other_usage,
        executions.duration_ms,
        executions.compute_units,
        executions.routing_decision_id,
        executions.cost_usd,
        executions.baseline_policy,
        executions.baseline_cost_usd,
        executions.routing_overhead_cost_usd
    from {{ ref('fct_task_executions') }} as executions
    {{ of_touched_days('executions') }}
    where executions.status = 'completed'

),

decisions as (

    select * from {{ ref('fct_routing_decisions') }}

),

organizations as (

    select * from {{ ref('int_organization_versions') }}

),

own_policies as (

    select *
    from {{ ref('int_baseline_policies') }}
    where policy_use = 'fixed' and organization_id is not null

),

common_policies as (

    select *
    from {{ ref('int_baseline_policies') }}
    where policy_use = 'fixed' and organization_id is null

),

baseline_price_names as (

    select * from {{ ref('int_price_names') }}

),

baseline_price_providers as (

    select * from {{ ref('int_price_providers') }}

),

baseline_prices as (

    select * from {{ ref('int_prices') }}

),

policies as (

    select 'organization_default' as policy
    union all
    select 'decision_recorded' as policy
    union all
    select 'most_expensive_alternative' as policy
    union all
    select 'fixed' as policy

),

candidates as (

    select
        executions.*,
        policies.policy,
        {{ baseline_source_columns() }},
        decisions.baseline_provider as decision_baseline_provider,
        decisions.baseline_model as decision_baseline_model,
        decisions.dearest_alternative_provider,
        decisions.dearest_alternative_model
    from executions
    inner join policies
        on
            executions.baseline_policy is distinct from 'organization_default'
            or policies.policy <> 'organization_default'
    left join decisions on executions.routing_decision_id = decisions.routing_decision_id
    {{ baseline_source_joins('executions') }}

),

usages as (

    select
        execution_id,
        organization_id,
        metric_date,
        policy,
        task_type,
        coalesce({{ price_tier('service_tier') }}, 'standard') as price_tier,
        region,
        is_bucket,
        start_time,
        input_tokens,
        output_tokens,
        tokens_used,
        {{ billed_tokens() }},
        {{ other_quantities() }} as other_quantities,
        request_count,
        duration_ms,
        compute_units,
        {{ policy_baseline('policy', 'provider') }} as baseline_provider,
        {{ policy_baseline('policy', 'model') }} as baseline_model,
        cost_usd,
        routing_overhead_cost_usd
    from candidates
    {{ compute_once() }}

),

-- Without a baseline there is nothing to price; the totals count such executions all the same.
comparable as (

    select
        usages.*,
        {{ price_scope_columns('usages', 'baseline_') }}
    from usages
    {{ price_scope_joins('usages', 'baseline_') }}
    where usages.baseline_provider is not null
    {{ compute_once() }}

),

priced as (

    select
        comparable.*,
        {{ pricing_status('comparable', 'baseline_') }} as usage_pricing_status,
        {{ total_cost_usd(
            'comparable', 'baseline_prices', 'baseline_factors', 'baseline_others.cost_usd'
        ) }} as usage_cost_usd
    from comparable
    {{ price_joins('comparable', 'baseline_') }}
    {{ price_lookups('comparable', 'baseline_') }}
    {{ compute_once() }}

),

under_each_policy as (

    select
        organization_id,
        metric_date,
        policy,
        cost_usd,
        {{ known_cost_usd('usage_pricing_status', 'usage_cost_usd') }} as baseline_cost_usd,
        routing_overhead_cost_usd
    from priced
    union all
    -- The facts have priced it already where it is in force.
    select
        organization_id,
        metric_date,
        baseline_policy as policy,
        cost_usd,
        baseline_cost_usd,
        routing_overhead_cost_usd
    from executions
    where baseline_policy = 'organization_default'
    union all
    select
        organization_id,
        metric_date,
        'headline' as policy,
        cost_usd,
        baseline_cost_usd,
        routing_overhead_cost_usd
    from executions

),

compared as (

    select
        *,
        case when cost_usd is not null and baseline_cost_usd is not null then cost_usd end
            as compared_cost_usd,
        case when cost_usd is not null then baseline_cost_usd end as compared_baseline_cost_usd,
        baseline_cost_usd - cost_usd as savings_usd
    from under_each_policy

),

shown as (

    select policy from policies
    union all
    select 'headline' as policy

),

completed as (

    select
        organization_id,
        metric_date,
        count(*) as successful_tasks,
        count(cost_usd) as priced_tasks
    from executions
    group by organization_id, metric_date

),

days as (

    select
        completed.organization_id,
        completed.metric_date,
        shown.policy,
        completed.successful_tasks,
        completed.priced_tasks
    from completed
    cross join shown

),

totals as (

    select
        organization_id,
        metric_date,
        policy,
        count(savings_usd) as compared_tasks,
        count(*) filter (where savings_usd < 0) as negative_savings_tasks,
        count(*) filter (
            where savings_usd is not null and routing_overhead_cost_usd is null
        ) as unknown_overhead_tasks,
        {{ sum_usd('compared_cost_usd') }} as compared_cost_usd,
        {{ sum_usd('compared_baseline_cost_usd') }} as total_baseline_cost_usd,
        {{ sum_usd('savings_usd') }} as total_savings_usd,
        {{ sum_usd('savings_usd - routing_overhead_cost_usd') }} as total_net_savings_usd
    from compared
    group by organization_id, metric_date, policy

),

final as (

    select
        days.organization_id,
        days.metric_date,
        'daily' as aggregation_period,
        days.policy,
        days.successful_tasks,
        coalesce(totals.compared_tasks, 0) as compared_tasks,
        days.priced_tasks - coalesce(totals.compared_tasks, 0) as unknown_baseline_tasks,
        coalesce(totals.negative_savings_tasks, 0) as negative_savings_tasks,
        coalesce(totals.unknown_overhead_tasks, 0) as unknown_overhead_tasks,
        cast(coalesce(totals.compared_cost_usd, 0) as numeric(28, 12)) as compared_cost_usd,
        cast(coalesce(totals.total_baseline_cost_usd, 0) as numeric(28, 12))
            as total_baseline_cost_usd,
        cast(coalesce(totals.total_savings_usd, 0) as numeric(28, 12)) as total_savings_usd,
        cast(coalesce(totals.total_net_savings_usd, 0) as numeric(28, 12))
            as total_net_savings_usd,
        cast(
            100 * totals.total_savings_usd / nullif(totals.total_baseline_cost_usd, 0)
            as numeric(28, 6)
        ) as savings_percentage
    from days
    left join totals
        on
            days.organization_id = totals.organization_id
            and days.metric_date = totals.metric_date
            and days.policy = totals.policy

)

select * from final
