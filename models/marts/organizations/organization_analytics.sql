-- Grain: one row per organization and day in the organization's reporting time zone. Touched days
-- are computed whole from the facts and replace what stood there.
-- depends_on: {{ ref('int_touched_organization_days') }}

{{
    config(
        incremental_strategy='replace_days',
        pre_hook='{{ open_intake() }}',
        post_hook='{{ close_intake() }}',
        indexes=[{'columns': ['organization_id', 'aggregation_period', 'metric_date']}]
    )
}}

with executions as (

    select *
    from {{ ref('fct_task_executions') }}
    {% if is_incremental() %}
    where (organization_id, metric_date) in ({{ pending_organization_days() }})
    {% endif %}

),

members as (

    select * from {{ ref('int_organization_members') }}

),

by_provider as (

    select
        organization_id,
        metric_date,
        provider,
        count(*) as total_tasks,
        cast(coalesce(sum(cost_usd), 0) as numeric(28, 12)) as total_spend_usd
    from executions
    group by organization_id, metric_date, provider

),

providers as (

    select
        organization_id,
        metric_date,
        {{ json_object_of('provider', 'total_tasks') }} as provider_usage,
        {{ json_object_of('provider', 'total_spend_usd') }} as provider_costs
    from by_provider
    group by organization_id, metric_date

),

by_task_type as (

    select
        organization_id,
        metric_date,
        task_type,
        count(*) as total_tasks
    from executions
    group by organization_id, metric_date, task_type

),

task_types as (

    select
        organization_id,
        metric_date,
        {{ json_object_of('task_type', 'total_tasks') }} as task_type_distribution
    from by_task_type
    group by organization_id, metric_date

),

-- Everybody who was a member by the end of the day, and whoever worked that day without being
-- known.
head_counts as (

    select
        days.organization_id,
        days.metric_date,
        count(members.user_id) as member_count
    from task_types as days
    left join members
        on
            days.organization_id = members.organization_id
            and days.metric_date >= members.member_since
    group by days.organization_id, days.metric_date

),

daily as (

    select
        executions.organization_id,
        executions.metric_date,
        count(*) as total_tasks,
        count(*) filter (where executions.status = 'completed') as successful_tasks,
        count(*) filter (where executions.status = 'failed') as failed_tasks,
        count(*) filter (where executions.is_timed_out) as timed_out_tasks,
        count(*) filter (where executions.pricing_status <> 'priced') as unpriced_tasks,
        count(*) filter (where executions.savings_status = 'compared') as compared_tasks,
        count(*) filter (where executions.savings_usd < 0) as negative_savings_tasks,
        count(distinct executions.user_id) as active_developers,
        count(distinct executions.user_id) filter (where members.user_id is null)
            as unknown_developers,
        cast(coalesce(sum(executions.total_tokens), 0) as numeric(28, 0)) as total_tokens,
        cast(coalesce(sum(executions.input_tokens), 0) as numeric(28, 0)) as input_tokens,
        cast(coalesce(sum(executions.output_tokens), 0) as numeric(28, 0)) as output_tokens,
        {{ sum_usd('executions.cost_usd', "executions.status = 'completed'") }}
            as total_cost_usd,
        {{ sum_usd('executions.cost_usd', "executions.status = 'failed'") }} as failed_cost_usd,
        {{ sum_usd('executions.cost_usd') }} as total_spend_usd,
        {{ sum_usd('executions.cost_usd', "executions.savings_status = 'compared'") }}
            as compared_cost_usd,
        {{ sum_usd('executions.baseline_cost_usd', "executions.savings_status = 'compared'") }}
            as total_baseline_cost_usd,
        {{ sum_usd('executions.savings_usd') }} as total_savings_usd,
        {{ sum_usd('executions.net_savings_usd') }} as total_net_savings_usd,
        count(*) filter (
            where
            executions.savings_status = 'compared' and executions.net_savings_usd is null
        ) as unknown_overhead_tasks,
        cast(
            coalesce(sum(executions.duration_ms) filter (where not executions.is_timed_out), 0)
            as numeric(28, 0)
        ) as total_duration_ms,
        count(executions.duration_ms) filter (where not executions.is_timed_out)
            as timed_tasks
    from executions
    left join members
        on
            executions.organization_id = members.organization_id
            and executions.user_id = members.user_id
            and executions.metric_date >= members.member_since
    group by executions.organization_id, executions.metric_date

),

final as (

    select
        daily.organization_id,
        daily.metric_date,
        'daily' as aggregation_period,
        daily.total_tasks,
        daily.successful_tasks,
        daily.failed_tasks,
        daily.timed_out_tasks,
        daily.unpriced_tasks,
        daily.compared_tasks,
        daily.negative_savings_tasks,
        daily.unknown_overhead_tasks,
        head_counts.member_count + daily.unknown_developers as total_developers,
        daily.active_developers,
        daily.total_tokens,
        daily.input_tokens,
        daily.output_tokens,
        daily.total_cost_usd,
        daily.failed_cost_usd,
        daily.total_spend_usd,
        daily.compared_cost_usd,
        daily.total_baseline_cost_usd,
        daily.total_savings_usd,
        daily.total_net_savings_usd,
        cast(
            100 * daily.total_savings_usd / nullif(daily.total_baseline_cost_usd, 0)
            as numeric(28, 6)
        ) as savings_percentage,
        daily.total_duration_ms,
        daily.timed_tasks,
        providers.provider_usage,
        providers.provider_costs,
        task_types.task_type_distribution
    from daily
    inner join head_counts
        on
            daily.organization_id = head_counts.organization_id
            and daily.metric_date = head_counts.metric_date
    inner join providers
        on
            daily.organization_id = providers.organization_id
            and daily.metric_date = providers.metric_date
    inner join task_types
        on
            daily.organization_id = task_types.organization_id
            and daily.metric_date = task_types.metric_date

)

select * from final
